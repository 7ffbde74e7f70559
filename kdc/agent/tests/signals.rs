//! `kennel-agent` as a real process: what signals do to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// An agent that tries again and again, since it has no token.
fn agent(folder: &Path) -> Child {
    let log = std::fs::File::create(folder.join("stderr")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_kennel-agent"))
        .args(["--token", "/no/such/token", "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn send(agent: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &agent.id().to_string()]).status().unwrap().success());
}

fn wait_for(folder: &Path, text: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let log = std::fs::read_to_string(folder.join("stderr")).unwrap();
        if log.contains(text) {
            return;
        }
        assert!(Instant::now() < deadline, "no {text:?} in {log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sighup_makes_the_agent_enrol_again_and_sigterm_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = agent(folder.path());
    wait_for(folder.path(), "the agent tries again");
    send(&agent, "-HUP");
    wait_for(folder.path(), "SIGHUP: the agent enrols again");
    assert!(agent.try_wait().unwrap().is_none(), "it goes on");
    send(&agent, "-TERM");
    assert_eq!(agent.wait().unwrap().code(), Some(0));
}
