//! `ktadd` and `ktremove`.
//!
//! | module | what |
//! |---|---|
//! | [`add`] | puts keys of principals into a keytab |
//! | [`remove`] | takes keys out of a keytab |

pub(crate) mod add;
pub(crate) mod remove;
