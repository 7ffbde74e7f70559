//! MIT's programs on a realm of MIT, and Kennel's under their names on a realm of Kennel.

use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel;
use kennel_tests::mit_kdc::MitKdc;
use kennel_tests::process::{self, Run};
use kennel_tests::realm::Realm;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The realm on both sides.
pub const REALM: &str = "TEXTS.TEST";
/// The names of MIT's programs that `kennel` has.
const LINKS: [&str; 4] = ["kadmin.local", "kadmin", "ktutil", "kdb5_util"];

/// Both sides. Each works in a folder of its own, so that a relative path means a file of each.
pub struct Sides {
    mit: MitKdc,
    kennel: Realm,
    folder: TempDir,
}

impl Sides {
    pub fn new() -> Result<Sides> {
        let mit = MitKdc::create(REALM)?;
        let kennel_realm = Realm::builder(REALM)?.start()?;
        let folder = TempDir::new()?;
        for name in ["mit", "kennel", "links"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let program = kennel()?;
        for name in LINKS {
            symlink(&program, folder.path().join("links").join(name))?;
        }
        Ok(Sides { mit, kennel: kennel_realm, folder })
    }

    /// MIT's program of this name.
    pub fn mit(&self, program: &str) -> Command {
        let mut command = self.mit.command(program);
        command.current_dir(self.folder.path().join("mit"));
        plain(command)
    }

    /// Kennel's program of this name.
    pub fn kennel(&self, program: &str) -> Command {
        let mut command = Command::new(self.link(program));
        command.env("KENNEL_SOCKET", self.kennel.folder().join("admin.sock"));
        command.env("KRB5_CONFIG", self.kennel.config()).current_dir(self.folder.path().join("kennel"));
        plain(command)
    }

    /// The path of Kennel's program of this name.
    pub fn link(&self, program: &str) -> PathBuf {
        self.folder.path().join("links").join(program)
    }

    /// A file of the side of Kennel.
    pub fn kennel_file(&self, name: &str) -> PathBuf {
        self.folder.path().join("kennel").join(name)
    }

    /// The realm of Kennel.
    pub fn kennel_realm(&self) -> &Realm {
        &self.kennel
    }

    /// Runs a program of Kennel.
    pub fn run_kennel(&self, program: &str, arguments: &[&str], input: &str) -> Result<Run> {
        process::run(self.kennel(program).args(arguments), input)
    }

    /// Runs the same on both sides, and requires the same output and exit code.
    pub fn same(&self, program: &str, arguments: &[&str], input: &str) -> Result<Run> {
        let mit = process::run(self.mit(program).args(arguments), input)?;
        let ours = self.run_kennel(program, arguments, input)?;
        let facts = |run: &Run| (without_times(&run.stdout), without_times(&run.stderr), run.status.code());
        ensure!(facts(&mit) == facts(&ours), "{program} {arguments:?} differs\nMIT: {mit}\nKennel: {ours}");
        Ok(ours)
    }

    /// Runs a query of kadmin.local on both sides.
    pub fn query(&self, line: &str) -> Result<Run> {
        self.same("kadmin.local", &["-q", line], "")
    }

    /// Runs the words of a command line of kadmin.local on both sides.
    pub fn words(&self, line: &str) -> Result<Run> {
        self.same("kadmin.local", &line.split(' ').collect::<Vec<_>>(), "")
    }
}

fn plain(mut command: Command) -> Command {
    command.env("USER", "root").env("TZ", "UTC").env("LC_ALL", "C").env_remove("KRB5CCNAME");
    command
}

/// A text in which times are the same: those of the two sides differ by seconds.
fn without_times(text: &str) -> String {
    text.split_inclusive('\n').map(line_without_times).collect()
}

fn line_without_times(line: &str) -> String {
    let dated = ["Last password change: ", "Last modified: "];
    if let Some(name) = dated.iter().find(|name| line.starts_with(**name) && !line.contains("[never]")) {
        let who = line.find('(').and_then(|at| line.get(at..)).unwrap_or("\n");
        return format!("{name}TIME {who}");
    }
    let is_time = |word: &str| {
        word.trim().parse::<u64>().is_ok_and(|number| (1_700_000_000..u64::from(u32::MAX)).contains(&number))
    };
    let words: Vec<&str> = line.split('\t').map(|word| if is_time(word) { "TIME" } else { word }).collect();
    words.join("\t")
}

/// The text between two others.
pub fn between<'t>(text: &'t str, before: &str, after: &str) -> Result<&'t str> {
    let (_, rest) = text.split_once(before).with_context(|| format!("{before:?} is not in {text}"))?;
    Ok(rest.split_once(after).with_context(|| format!("{after:?} is not in {rest}"))?.0)
}
