//! TOML files: the configuration of `serve` and the seed of `dev`.

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads a TOML file. An error names the file, the line and the key, and never quotes the line, which may contain a password.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text, path)
}

/// Parses the text of a TOML file. Errors name `path`.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> anyhow::Result<T> {
    match toml::from_str(text) {
        Ok(config) => Ok(config),
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            bail!("{}, line {line}: {}", path.display(), error.message())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let error = format!("{:#}", read::<toml::Table>(Path::new("/no/such.toml")).unwrap_err());
        assert!(error.contains("/no/such.toml"), "{error}");
    }
}
