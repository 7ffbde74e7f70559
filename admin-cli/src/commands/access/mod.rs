//! `kennel access`: who may call whom, and who did.
//!
//! | module | what |
//! |---|---|
//! | [`matrix`] | who may reach whom, as a table or a picture |
//! | [`suggest`] | KerberosAccess objects out of what was asked for |

pub(crate) mod matrix;
pub(crate) mod suggest;
