//! `kennel-kdc` as a real process.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A port that nobody has at this moment, with four more after it.
pub fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        if port <= 65_531 {
            return port;
        }
    }
}

/// A running process. Its end is the test's end at the latest.
pub struct Process {
    child: Child,
    dir: tempfile::TempDir,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Process {
    pub fn start(arguments: &[&str]) -> Process {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| std::fs::File::create(dir.path().join(name)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_kennel-kdc"))
            .args(arguments)
            .env_remove("KENNEL_LOG")
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        Process { child, dir }
    }

    /// Starts `dev`, and waits until it is ready.
    pub fn dev(dir: &Path, port: u16, flags: &[&str]) -> Process {
        let port = port.to_string();
        let mut arguments = vec!["dev", "--dir", dir.to_str().unwrap(), "--port", &port];
        arguments.extend(flags);
        let mut process = Process::start(&arguments);
        process.wait_until("it is ready", |p| p.stdout().lines().any(|line| line == "ready"));
        process
    }

    /// Runs to its end.
    pub fn run(arguments: &[&str]) -> Ended {
        Process::start(arguments).wait()
    }

    pub fn stdout(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("stdout")).unwrap()
    }

    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("stderr")).unwrap()
    }

    /// Waits until a TCP connection is taken.
    pub fn wait_for_port(&mut self, port: u16) {
        self.wait_until("it listens", |_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    }

    pub fn wait_until(&mut self, what: &str, done: impl Fn(&Process) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "waited until {what}; status {ended:?}\n{}\n{}",
                self.stdout(),
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM.
    pub fn terminate(self) -> Ended {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
        self.wait()
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        let status = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn wait(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Ended { status, stdout: self.stdout(), stderr: self.stderr() };
            }
            assert!(Instant::now() < deadline, "it goes on running\n{}\n{}", self.stdout(), self.stderr());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// It ended with this code and a message with each of these parts; nothing panicked.
    pub fn assert_refused(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert!(!self.stdout.lines().any(|line| line == "ready"));
    }
}

/// Every file below a folder with its content, in order.
pub fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let mut content = Vec::new();
                std::fs::File::open(&path).unwrap().read_to_end(&mut content).unwrap();
                files.push((path.display().to_string(), content));
            }
        }
    }
    files.sort();
    files
}
