//! MIT's programs on a realm of MIT, and Kennel's under their names on a realm of Kennel; with servers, MIT's programs on a realm of Kennel
//! too.

use anyhow::{Context, Result, ensure};
use kennel_tests::binary;
use kennel_tests::mit_kdc::MitKdc;
use kennel_tests::process::{self, Run};
use kennel_tests::realm::Realm;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The realm on both sides.
pub(crate) const REALM: &str = "TEXTS.TEST";
/// The names of MIT's programs that `kennel` has.
const LINKS: [&str; 4] = ["kadmin.local", "kadmin", "ktutil", "kdb5_util"];

/// Password of the people of [`Sides::served`].
pub(crate) const PASSWORD: &str = "secret";
/// Who is in the realms of [`Sides::served`]: an administrator, one who need not pre-authenticate, and a user.
const PEOPLE: [(&str, &str); 3] =
    [("root/admin", "+requires_preauth"), ("open/admin", "-requires_preauth"), ("user/x", "+requires_preauth")];

/// Both sides. Each works in a folder of its own, so that a relative path means a file of each.
pub(crate) struct Sides {
    mit: MitKdc,
    kennel: Realm,
    /// The realm of Kennel that MIT's programs administer, where there are servers.
    stock: Option<Realm>,
    folder: TempDir,
}

impl Sides {
    /// Without a KDC of MIT: for programs that work on its database.
    pub(crate) fn new() -> Result<Sides> {
        Sides::with(MitKdc::create(REALM)?, Realm::builder(REALM)?.start()?, None)
    }

    /// With krb5kdc and kadmind, and another realm of Kennel of the same name, which MIT's programs administer.
    pub(crate) fn served() -> Result<Sides> {
        let mut mit = MitKdc::create(REALM)?;
        let made = |(name, preauth)| format!("addprinc -clearpolicy -pw {PASSWORD} {preauth} {name}\n");
        mit.kadmin_script(&PEOPLE.map(made).concat())?;
        mit.start()?;
        mit.start_kadmind("*/admin *\n")?;
        let (kennel, stock) = (Realm::builder(REALM)?.start()?, Realm::builder(REALM)?.start()?);
        let sides = Sides::with(mit, kennel, Some(stock))?;
        sides.make_at_kennel(&PEOPLE.map(made).concat())?;
        Ok(sides)
    }

    /// Carries out lines of kadmin.local on every realm.
    pub(crate) fn make_locally(&self, lines: &str) -> Result<()> {
        self.mit.kadmin_script(lines)?;
        self.make_at_kennel(lines)
    }

    fn make_at_kennel(&self, lines: &str) -> Result<()> {
        for realm in [&self.kennel, self.stock()?] {
            process::run(&mut self.at_socket("kadmin.local", realm), lines)?.ok()?;
        }
        Ok(())
    }

    fn with(mit: MitKdc, kennel: Realm, stock: Option<Realm>) -> Result<Sides> {
        let folder = TempDir::new()?;
        for name in ["mit", "kennel", "stock", "links"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let program = binary::kennel()?;
        for name in LINKS {
            symlink(&program, folder.path().join("links").join(name))?;
        }
        Ok(Sides { mit, kennel, stock, folder })
    }

    /// MIT's program of this name.
    pub(crate) fn mit(&self, program: &str) -> Command {
        let mut command = self.mit.command(program);
        command.current_dir(self.folder.path().join("mit")).arg0(program);
        plain(command)
    }

    /// Kennel's program of this name.
    pub(crate) fn kennel(&self, program: &str) -> Command {
        self.at_socket(program, &self.kennel)
    }

    fn at_socket(&self, program: &str, realm: &Realm) -> Command {
        let mut command = Command::new(self.link(program));
        command.env("KENNEL_SOCKET", realm.folder().join("admin.sock"));
        command.env("KRB5_CONFIG", realm.config()).current_dir(self.folder.path().join("kennel"));
        command.arg0(program);
        plain(command)
    }

    /// MIT's program of this name, on the realm of Kennel that it administers.
    pub(crate) fn stock_program(&self, program: &str) -> Result<Command> {
        Ok(self.mit_at(program, self.stock()?, "stock"))
    }

    /// MIT's program of this name, on the realm that Kennel's programs administer.
    pub(crate) fn mit_at_kennel(&self, program: &str) -> Command {
        self.mit_at(program, &self.kennel, "kennel")
    }

    fn mit_at(&self, program: &str, realm: &Realm, folder: &str) -> Command {
        let mut command = Command::new(program);
        command.env("KRB5_CONFIG", realm.config()).current_dir(self.folder.path().join(folder));
        plain(command)
    }

    /// Kennel's `kadmin`, with the servers that krb5.conf names.
    pub(crate) fn kennel_kadmin(&self) -> Command {
        let mut command = self.kennel("kadmin");
        command.env_remove("KENNEL_SOCKET");
        command
    }

    /// Kennel's `kadmin` on the realm of MIT.
    pub(crate) fn kennel_kadmin_at_mit(&self) -> Command {
        let mut command = self.kennel_kadmin();
        command.env("KRB5_CONFIG", self.mit.config());
        command
    }

    fn stock(&self) -> Result<&Realm> {
        self.stock.as_ref().context("these sides have no servers")
    }

    /// Runs MIT's program on the realm of MIT and on that of Kennel, and requires the same output and exit code. The word `SERVER` is the
    /// address of kadmind. Returns what it says on the realm of Kennel.
    pub(crate) fn same_served(&self, program: &str, arguments: &[&str], input: &str) -> Result<Run> {
        let (mit, kennel) = (self.mit.kadmind_port(), self.stock()?.port() + 2);
        let theirs = run_at(self.mit(program), mit, arguments, input)?;
        let ours = run_at(self.stock_program(program)?, kennel, arguments, input)?;
        ensure!(facts(&theirs) == facts(&ours), "{program} {arguments:?} differs\nat MIT: {theirs}\nat Kennel: {ours}");
        Ok(ours)
    }

    /// The path of Kennel's program of this name.
    pub(crate) fn link(&self, program: &str) -> PathBuf {
        self.folder.path().join("links").join(program)
    }

    /// A file of the side of Kennel.
    pub(crate) fn kennel_file(&self, name: &str) -> PathBuf {
        self.folder.path().join("kennel").join(name)
    }

    /// The realm of Kennel.
    pub(crate) fn kennel_realm(&self) -> &Realm {
        &self.kennel
    }

    /// Runs a program of Kennel.
    pub(crate) fn run_kennel(&self, program: &str, arguments: &[&str], input: &str) -> Result<Run> {
        process::run(self.kennel(program).args(arguments), input)
    }

    /// Runs the same on both sides, and requires the same output and exit code.
    pub(crate) fn same(&self, program: &str, arguments: &[&str], input: &str) -> Result<Run> {
        let mit = process::run(self.mit(program).args(arguments), input)?;
        let ours = self.run_kennel(program, arguments, input)?;
        ensure!(facts(&mit) == facts(&ours), "{program} {arguments:?} differs\nMIT: {mit}\nKennel: {ours}");
        Ok(ours)
    }

    /// Runs Kennel's `kadmin`, and requires that it says the same as MIT's on the realm of Kennel did.
    pub(crate) fn same_as(&self, served: &Run, arguments: &[&str], input: &str) -> Result<()> {
        let ours = run_at(self.kennel_kadmin(), self.kennel.port() + 2, arguments, input)?;
        ensure!(facts(served) == facts(&ours), "kadmin {arguments:?} differs\nMIT at Kennel: {served}\nKennel: {ours}");
        Ok(())
    }

    /// Runs a query of kadmin.local on both sides.
    pub(crate) fn query(&self, line: &str) -> Result<Run> {
        self.same("kadmin.local", &["-q", line], "")
    }

    /// Runs the words of a command line of kadmin.local on both sides.
    pub(crate) fn words(&self, line: &str) -> Result<Run> {
        self.same("kadmin.local", &line.split(' ').collect::<Vec<_>>(), "")
    }
}

/// Runs a program with a server of administration at this port, which the word `SERVER` stands for.
fn run_at(mut command: Command, port: u16, arguments: &[&str], input: &str) -> Result<Run> {
    let server = format!("localhost:{port}");
    command.args(arguments.iter().map(|word| if *word == "SERVER" { &server } else { *word }));
    process::run(&mut command, input)
}

/// No cache of the machine says who calls.
fn plain(mut command: Command) -> Command {
    command.env("USER", "root").env("TZ", "UTC").env("LC_ALL", "C").env("KRB5CCNAME", "FILE:no-cache");
    command.env_remove("KRB5_KTNAME");
    command
}

/// What scripts see of a run.
fn facts(run: &Run) -> (String, String, Option<i32>) {
    (without_times(&run.stdout), without_times(&run.stderr), run.status.code())
}

/// A text in which times are the same: those of the two sides differ by seconds.
fn without_times(text: &str) -> String {
    text.split_inclusive('\n').map(line_without_times).collect()
}

fn line_without_times(line: &str) -> String {
    let dated = ["Last password change: ", "Last modified: ", "Password expiration date: "];
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
pub(crate) fn between<'t>(text: &'t str, before: &str, after: &str) -> Result<&'t str> {
    let (_, rest) = text.split_once(before).with_context(|| format!("{before:?} is not in {text}"))?;
    Ok(rest.split_once(after).with_context(|| format!("{after:?} is not in {rest}"))?.0)
}
