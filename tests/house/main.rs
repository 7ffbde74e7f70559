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

use kennel_tests::kube::root;
use std::path::Path;

/// A TOML file of the repository.
fn table(path: &Path) -> toml::Table {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    text.parse().unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The folders of the workspace's crates.
fn members() -> Vec<String> {
    let manifest = table(Path::new("Cargo.toml"));
    let members = manifest["workspace"]["members"].as_array().expect("members");
    members.iter().map(|member| member.as_str().expect("a path").to_owned()).collect()
}
