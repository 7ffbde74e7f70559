//! The server binary: wiring only.

fn main() {}
