//! Files, or what comes by standard input: `-`. In a pod without a shell, nothing else reaches a program from outside. Where secret and
//! dump both come that way, the secret is the first line.

use anyhow::Context;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// The name of standard input.
const STDIN: &str = "-";

/// All of a file, or all that standard input still has.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let read = if path == Path::new(STDIN) {
        io::stdin().lock().read_to_end(&mut octets).map(|_| octets)
    } else {
        std::fs::read(path)
    };
    read.with_context(|| format!("{} cannot be read", path.display()))
}

/// The beginning of a file up to the end of its first line, which is the next line of standard input.
pub(super) fn read_line(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path != Path::new(STDIN) {
        return read(path);
    }
    let mut line = Vec::new();
    io::stdin().lock().read_until(b'\n', &mut line).context("standard input cannot be read")?;
    Ok(line)
}
