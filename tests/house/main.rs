//! The structure of the house: which crate may import which, and that no import inside a crate runs in a circle.
//!
//! | module | what |
//! |---|---|
//! | [`layers`] | the dependency rule of kdc/README.md |
//! | [`circles`] | modules of each crate, their imports, and the circles among them |
//! | [`imports`] | the modules that a source file names |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod circles;
mod imports;
mod layers;

use std::path::{Path, PathBuf};

/// The repository's root.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
