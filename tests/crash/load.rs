//! Clients that ask all the time, and count what they asked and what they were answered.

use anyhow::{Context, Result};
use kennel_client::AsRequest;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_body, dangerous_as_request};
use kennel_tests::peer::{Tcp, Udp};
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The realm of these tests.
pub(crate) const REALM: &str = "TEST.KENNEL";
/// What it holds.
pub(crate) const SEED: &str =
    "[[principal]]\nname = \"alice\"\npassword = \"secret\"\n[[principal]]\nname = \"HTTP/web.shop\"\n";

/// A request that is answered with KDC_ERR_PREAUTH_REQUIRED.
pub(crate) fn request() -> Result<Vec<u8>> {
    let request = AsRequest::new(Principal::parse("alice", REALM)?);
    Ok(dangerous_as_request(dangerous_as_body(&request, system_now(), &mut OsRng), Vec::new()))
}

/// Clients in the background.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// So many clients over UDP and as many over TCP, a connection for each request.
    pub(crate) fn start(port: u16, clients: usize) -> Result<Load> {
        let mut load = Load { stop: Arc::default(), answers: Arc::default(), threads: Vec::new() };
        let request = request()?;
        for number in 0..clients * 2 {
            let (stop, answers, request) = (load.stop.clone(), load.answers.clone(), request.clone());
            load.threads.push(std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answered = if number % 2 == 0 { over_udp(port, &request) } else { over_tcp(port, &request) };
                    match answered {
                        Some(()) => _ = answers.fetch_add(1, Ordering::Relaxed),
                        // The server is gone.
                        None => std::thread::sleep(Duration::from_millis(5)),
                    }
                }
            }));
        }
        Ok(load)
    }

    /// Waits for so many answers more.
    pub(crate) fn await_answers(&self, count: usize) -> Result<()> {
        let target = self.answers.load(Ordering::Relaxed) + count;
        for _ in 0..2000 {
            if self.answers.load(Ordering::Relaxed) >= target {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(anyhow::anyhow!("no answers"))
    }

    /// Ends the clients; gives how many answers they got.
    pub(crate) fn stop(self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().ok().context("a client panicked")?;
        }
        Ok(self.answers.load(Ordering::Relaxed))
    }
}

fn over_udp(port: u16, request: &[u8]) -> Option<()> {
    let mut peer = Udp::connect(port).ok()?;
    peer.ask(request).ok().map(|_| ())
}

fn over_tcp(port: u16, request: &[u8]) -> Option<()> {
    Tcp::new(port).ask(request).ok().flatten().map(|_| ())
}
