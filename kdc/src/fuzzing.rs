//! Entry points of the fuzz targets, which read untrusted files as `serve` and `dev` do.

use crate::config::{Config, file};
use crate::dev;
use std::path::Path;

/// Reads and checks a configuration of `serve`.
pub fn config(text: &str) {
    if let Ok(config) = file::parse::<Config>(text, Path::new("fuzz")) {
        let _ = config.check();
    }
}

/// Reads and checks a seed of `dev`.
pub fn seed(text: &str) {
    let _ = dev::check_seed(text);
}
