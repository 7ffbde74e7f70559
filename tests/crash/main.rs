//! Faults around a real `kennel-kdc`: `kill -9`, a full disk, a stalled audit trail, no file descriptors, SIGTERM under load, a clock that jumps.
//! (What the store alone keeps across `kill -9` and torn snapshots: `kdc/store/tests/crash.rs`.)

mod clock;
mod descriptors;
mod disk;
mod kill;
mod load;
mod master_key;
mod rollback;
mod stall;
mod stop;
mod whole_realm;
