//! What is wrong on purpose: the server answers every request with the right error, says why in exactly one audit line, and
//! goes on serving good ones. README.md says which test is about which CVE.

mod attack;
mod der;
mod extensions;
mod fast;
mod identity;
mod mutations;
mod names;
mod preauth;
mod tickets;
mod unasked;
