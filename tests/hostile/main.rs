//! Hostile load next to a good client: what the client notices, and what the server's memory does.
fn main() {}
