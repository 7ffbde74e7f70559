//! What the fuzz targets call: files of strangers, read as `serve` and `dev` read them.

use crate::config::{Config, file};
use crate::dev;
use std::path::Path;

/// The configuration of `serve`.
pub fn config(text: &str) {
    if let Ok(config) = file::parse::<Config>(text, Path::new("fuzz")) {
        let _ = config.check();
    }
}

/// The seed of `dev`.
pub fn seed(text: &str) {
    let _ = dev::check_seed(text);
}
