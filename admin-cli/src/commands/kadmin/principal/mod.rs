//! Commands about principals.
//!
//! | module | what |
//! |---|---|
//! | [`options`] | the options of `add_principal` and `modify_principal` |
//! | [`usage`] | how these two are used |
//! | [`add`] | `add_principal` |
//! | [`modify`] | `modify_principal` |
//! | [`names`] | `delete_principal`, `rename_principal`, `add_alias` |
//! | [`password`] | `change_password` |
//! | [`purge`] | `purgekeys` |
//! | [`show`] | `get_principal`, `list_principals`, `get_privs` |
//! | [`text`] | a principal as it is shown |

pub(crate) mod add;
pub(crate) mod modify;
pub(crate) mod names;
pub(crate) mod options;
pub(crate) mod password;
pub(crate) mod purge;
pub(crate) mod show;
mod text;
mod usage;
