//! Commands about policies.
//!
//! | module | what |
//! |---|---|
//! | [`options`] | the options of `add_policy` and `modify_policy` |
//! | [`commands`] | `add_policy`, `modify_policy`, `delete_policy`, `get_policy`, `list_policies` |
//! | [`text`] | a policy as it is shown |

pub(crate) mod commands;
mod options;
mod text;
