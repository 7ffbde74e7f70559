//! kadmin's protocol on its port: the stock MIT `kadmin` as people and scripts run it, and what no `kadmin` would send.

mod hostile;
mod keys;
mod login;
mod policies;
mod principals;
mod rights;
mod setting;
mod whole_realm;
mod wire;
