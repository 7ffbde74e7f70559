//! kadmin's protocol on its port: the stock MIT `kadmin` as people and scripts run it, and what no `kadmin` would send.
#![allow(clippy::indexing_slicing, reason = "what is not there is Null in JSON, or ends the test")]

mod figures;
mod hostile;
mod keys;
mod letters;
mod login;
mod policies;
mod principals;
mod rights;
mod set_password;
mod setting;
mod whole_realm;
mod wire;
