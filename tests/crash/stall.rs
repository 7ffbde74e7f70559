//! A reader of the audit trail that stops: the pipe fills, and a write of the trail does not end.

use crate::load::{REALM, SEED, request};
use anyhow::{Context, Result, ensure};
use kennel_tests::peer::{Tcp, Udp};
use kennel_tests::process;
use kennel_tests::realm::{Builder, Realm};
use kennel_wire::message::{ErrorCode, KrbError};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time in which the server must notice that the trail is stuck, or written again.
const NOTICED: Duration = Duration::from_secs(10);

/// A named pipe in the place of the audit log, and its reader, which can stop.
struct Pipe {
    reads: Arc<AtomicBool>,
    ends: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Pipe {
    fn new(builder: &Builder) -> Result<Pipe> {
        let path = builder.dev_folder().join("audit.log");
        std::fs::create_dir(builder.dev_folder())?;
        process::run(Command::new("mkfifo").args(["-m", "600"]).arg(&path), "")?.ok()?;
        // For both, since opening for reading waits for a writer.
        let mut pipe = File::options().read(true).write(true).open(&path)?;
        let (reads, ends) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (goes_on, over) = (reads.clone(), ends.clone());
        let reader = std::thread::spawn(move || {
            let mut some = vec![0; 65_536];
            while !over.load(Ordering::Relaxed) {
                if goes_on.load(Ordering::Relaxed) {
                    // Never empty for long: the realm is asked all the time.
                    let _ = pipe.read(&mut some);
                } else {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        });
        Ok(Pipe { reads, ends, reader: Some(reader) })
    }

    fn stop_reading(&self) {
        self.reads.store(false, Ordering::Relaxed);
    }

    fn read_again(&self) {
        self.reads.store(true, Ordering::Relaxed);
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // A thread inside a read ends with the process of the tests.
        drop(self.reader.take());
    }
}

/// What a request over TCP was answered with.
fn code(port: u16, request: &[u8]) -> Result<ErrorCode> {
    let answer = Tcp::new(port).ask(request)?.context("closed without an answer")?;
    Ok(KrbError::decode(&answer)?.error_code)
}

/// Asks until the answer has this code.
fn await_code(port: u16, request: &[u8], expected: ErrorCode) -> Result<()> {
    let begun = Instant::now();
    while code(port, request)? != expected {
        ensure!(begun.elapsed() < NOTICED, "no {expected:?} within {NOTICED:?}");
    }
    Ok(())
}

/// Status line and body of a path on the port of metrics and health.
fn health(port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port + 4))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("health did not answer within a second")?;
    Ok(answer)
}

#[test]
fn a_stalled_trail_stops_tickets_and_nothing_else_and_passes() -> Result<()> {
    let builder = Realm::builder(REALM)?.seed(SEED);
    let pipe = Pipe::new(&builder)?;
    let mut realm = builder.start()?;
    let (port, request) = (realm.port(), request()?);
    ensure!(code(port, &request)? == ErrorCode::PREAUTH_REQUIRED);
    pipe.stop_reading();
    await_code(port, &request, ErrorCode::SVC_UNAVAILABLE)?;
    // Everything is answered, and says why there are no tickets.
    let udp = KrbError::decode(Udp::connect(port)?.ask(&request)?)?;
    ensure!(udp.error_code == ErrorCode::SVC_UNAVAILABLE);
    ensure!(udp.e_text.is_some_and(|text| text.contains("audit trail")));
    ensure!(health(port, "/livez")?.starts_with("HTTP/1.1 200"));
    let ready = health(port, "/readyz")?;
    ensure!(ready.starts_with("HTTP/1.1 503") && ready.contains("[-] audit trail written"), "{ready}");
    ensure!(health(port, "/metrics")?.contains("kennel_audit_stalled 1"));
    // The reader comes back.
    pipe.read_again();
    await_code(port, &request, ErrorCode::PREAUTH_REQUIRED)?;
    ensure!(health(port, "/readyz")?.starts_with("HTTP/1.1 200"));
    ensure!(realm.server().terminate(NOTICED)?.success(), "{}", realm.server().said());
    Ok(())
}

#[test]
fn a_stop_ends_although_the_trail_is_stalled() -> Result<()> {
    let builder = Realm::builder(REALM)?.seed(SEED);
    let pipe = Pipe::new(&builder)?;
    let mut realm = builder.start()?;
    let (port, request) = (realm.port(), request()?);
    pipe.stop_reading();
    await_code(port, &request, ErrorCode::SVC_UNAVAILABLE)?;
    let begun = Instant::now();
    ensure!(realm.server().terminate(Duration::from_secs(20))?.success(), "{}", realm.server().said());
    println!("stopped after {:?}", begun.elapsed());
    ensure!(realm.server().stderr().contains("the audit sink does not take lines"), "{}", realm.server().said());
    Ok(())
}
