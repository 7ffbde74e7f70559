//! Processes that end with their value, and commands with a time limit.

use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Time limit of a command.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// A server in the background, killed when dropped. Two files receive its output.
#[derive(Debug)]
pub struct Server {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Server {
    /// Starts a server, whose output is appended to `name.out` and `name.err` in `folder`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(command: &mut Command, folder: &Path, name: &str) -> Result<Server> {
        let stdout = folder.join(format!("{name}.out"));
        let stderr = folder.join(format!("{name}.err"));
        let child = command
            .stdin(Stdio::null())
            .stdout(append(&stdout)?)
            .stderr(append(&stderr)?)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Server { child, stdout, stderr })
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `is_ready` returns true.
    ///
    /// # Errors
    /// The process ended first, or was not ready within `limit`; with its output.
    pub fn wait_until(&mut self, limit: Duration, mut is_ready: impl FnMut(&Server) -> bool) -> Result<()> {
        let deadline = Instant::now() + limit;
        while !is_ready(self) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended ({status}) before it was ready\n{}", self.said());
            }
            ensure!(Instant::now() < deadline, "the server was not ready within {limit:?}\n{}", self.said());
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Whether the process still runs.
    ///
    /// # Errors
    /// The system does not report the status.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Returns the standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        read_lossy(&self.stdout)
    }

    /// Returns the standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        read_lossy(&self.stderr)
    }

    /// Returns standard output and standard error so far, for messages.
    #[must_use]
    pub fn said(&self) -> String {
        format!("--- standard output\n{}--- standard error\n{}", self.stdout(), self.stderr())
    }

    /// Sends SIGKILL and waits for the end.
    ///
    /// # Errors
    /// The system refuses the signal.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends SIGTERM and returns the exit status.
    ///
    /// # Errors
    /// The process does not end within `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        let status = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        ensure!(status.success(), "kill -TERM failed");
        wait_for_end(&mut self.child, limit)?.with_context(|| format!("the server did not stop within {limit:?}"))
    }
}

impl Server {
    /// Waits until the process ends by itself, and returns its status.
    ///
    /// # Errors
    /// The process still runs after `limit`; with its output.
    pub fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let ended = wait_for_end(&mut self.child, limit)?;
        ended.with_context(|| format!("the process did not end within {limit:?}\n{}", self.said()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that the process has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server in a process group of its own, which ends when this value is dropped, and also when the process of the tests ends,
/// even by kill -9: a [`Server`] in a `static` would go on.
#[derive(Debug)]
pub struct Group(Server);

impl Group {
    /// Starts a program, whose output is appended to `name.out` and `name.err` in `folder`.
    ///
    /// # Errors
    /// bash cannot be started.
    pub fn start(program: &Path, arguments: &[&str], folder: &Path, name: &str) -> Result<Group> {
        // The leader of the group waits for the end of the tests, and then ends the other processes.
        let script = r#""${@:2}" & tail --pid="$1" -f /dev/null; kill -KILL -- "-$$""#;
        let mut command = Command::new("bash");
        command.args(["-c", script, "group", &std::process::id().to_string()]).arg(program).args(arguments);
        Ok(Group(Server::start(command.process_group(0), folder, name)?))
    }

    /// Returns the output of the program so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.0.said()
    }

    /// Sends SIGTERM to every process of the group.
    ///
    /// # Errors
    /// One of them still runs after `limit`.
    pub fn terminate(mut self, limit: Duration) -> Result<()> {
        self.signal("-TERM")?;
        self.0.wait_for_end(limit)?;
        let deadline = Instant::now() + limit;
        while self.signal("-0")?.success() {
            ensure!(Instant::now() < deadline, "the processes do not end within {limit:?}\n{}", self.said());
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn signal(&self, signal: &str) -> Result<ExitStatus> {
        let group = format!("-{}", self.0.id());
        let status = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
        status.context("kill cannot be started")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // An error means that no process of the group runs.
        let _ = self.signal("-KILL");
    }
}

/// The result of a command.
#[derive(Debug, Clone)]
pub struct Run {
    /// The command line, for messages.
    pub command: String,
    /// Exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Trace of libkrb5 (`KRB5_TRACE`); empty for commands that write none.
    pub trace: String,
}

impl Run {
    /// Returns the result of a command that succeeded.
    ///
    /// # Errors
    /// The command failed; with its output.
    pub fn ok(self) -> Result<Run> {
        ensure!(self.status.success(), "it failed, but should succeed: {self}");
        Ok(self)
    }

    /// Returns the result of a command that failed and named `reason` on standard error.
    ///
    /// # Errors
    /// The command succeeded, or failed for another reason; with its output.
    pub fn refused(self, reason: &str) -> Result<Run> {
        ensure!(!self.status.success(), "it succeeded, but should fail with {reason:?}: {self}");
        ensure!(self.stderr.contains(reason), "it failed, but not with {reason:?}: {self}");
        Ok(self)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Run { command, status, stdout, stderr, trace } = self;
        write!(f, "{command}\n{status}\n--- standard output\n{stdout}--- standard error\n{stderr}--- trace\n{trace}")
    }
}

/// Runs a command to its end with `input` on standard input.
///
/// # Errors
/// The command cannot be started, or takes longer than a minute and is killed.
pub fn run(command: &mut Command, input: &str) -> Result<Run> {
    run_within(command, input, COMMAND_LIMIT)
}

/// Like [`run`], with another time limit.
///
/// # Errors
/// See [`run`].
pub fn run_within(command: &mut Command, input: &str, limit: Duration) -> Result<Run> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    // Writes the input while the output is read: otherwise a command with much output would wait for this thread, and this
    // thread for the command.
    let (stdin, input) = (child.stdin.take(), input.to_owned());
    std::thread::spawn(move || {
        // A command that does not read its input closes the pipe, which is no failure.
        stdin.map(|mut stdin| stdin.write_all(input.as_bytes()))
    });
    let line = shown(command);
    let Some(status) = wait_for_end(&mut child, limit)? else {
        child.kill()?;
        child.wait()?;
        bail!("{line} took longer than {limit:?}\n{}{}", joined(stdout), joined(stderr));
    };
    Ok(Run { command: line, status, stdout: joined(stdout), stderr: joined(stderr), trace: String::new() })
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn wait_for_end(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// Reads a pipe to its end in a thread, so that a full pipe never blocks the command.
fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // Keeps what was read before an error.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn joined(reader: JoinHandle<String>) -> String {
    reader.join().unwrap_or_default()
}

fn append(path: &Path) -> Result<File> {
    File::options().create(true).append(true).open(path).with_context(|| format!("cannot open {}", path.display()))
}

fn read_lossy(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
