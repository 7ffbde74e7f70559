//! Files, or what comes by standard input: `-`. In a pod without a shell, nothing else reaches a program from outside. Where a secret and a
//! dump both come that way, the secret is the first line.

use anyhow::{Context, ensure};
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// The name of standard input and standard output.
pub(super) const STDIO: &str = "-";

/// The first line of a file or of standard input, which must not be empty.
pub(super) fn first_line(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if path == Path::new(STDIO) {
        // The dump may stand behind it.
        io::stdin().lock().read_line(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = read.with_context(|| format!("{} cannot be read", path.display()))?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    ensure!(!line.is_empty(), "the first line of {} is empty", path.display());
    Ok(line)
}

/// Appends all of a file, or all that standard input still has.
pub(super) fn append(path: &Path, to: &mut Vec<u8>) -> anyhow::Result<()> {
    let read = if path == Path::new(STDIO) {
        io::stdin().lock().read_to_end(to)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(to))
    };
    read.with_context(|| format!("{} cannot be read", path.display())).map(|_| ())
}
