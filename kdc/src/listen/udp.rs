//! UDP: a thread receives what is there, decides it, and sends the replies, without a task for each. A request that has to
//! wait for the store goes to the runtime, so that it holds up nobody; how many may wait is bounded.

use super::datagram::{Batch, DatagramSocket, Path};
use crate::answer::{Answerer, Transport};
use kennel_core::event::Event;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Requests of one socket that may wait for the store; the next are told KDC_ERR_SVC_UNAVAILABLE.
const WAITING: u32 = 256;
/// How long queued datagrams are still answered after the stop.
const DRAIN: Duration = Duration::from_secs(1);

/// One thread's work.
pub(super) struct Worker {
    socket: Arc<DatagramSocket>,
    answerer: Arc<Answerer>,
    stop: Arc<AtomicBool>,
    runtime: Handle,
    waiting: Arc<Semaphore>,
}

/// What a batch of requests led to.
#[derive(Default)]
struct Answers {
    events: Vec<Event>,
    replies: Vec<(Vec<u8>, Path)>,
}

/// What an error of a socket asks for.
#[derive(Debug, PartialEq, Eq)]
enum Triage {
    /// Nothing was there in time.
    Idle,
    /// The error belongs to an earlier reply (its port is closed, its host gone), or is momentary.
    Passing,
    /// The socket itself is in trouble: go on, but slowly, and say so.
    Trouble,
}

impl Worker {
    /// It must be called inside a tokio runtime.
    pub(super) fn new(socket: Arc<DatagramSocket>, answerer: Arc<Answerer>, stop: Arc<AtomicBool>) -> Worker {
        let waiting = Arc::new(Semaphore::new(WAITING as usize));
        Worker { socket, answerer, stop, runtime: Handle::current(), waiting }
    }

    /// Serves until the stop. A panic would be a bug; it costs one datagram, not the thread.
    pub(super) fn run(self) {
        let runtime = self.runtime.clone();
        let _inside = runtime.enter();
        while catch_unwind(AssertUnwindSafe(|| self.receive_all())).is_err() {
            tracing::error!("a request made a UDP thread panic: this is a bug, please report it");
        }
        // Every permit is back when nobody waits for the store any more.
        let _ = runtime.block_on(self.waiting.acquire_many(WAITING));
    }

    fn receive_all(&self) {
        let mut batch = Batch::new(&self.socket);
        let mut answers = Answers::default();
        let mut end = None;
        loop {
            if end.is_none() && self.stop.load(Ordering::Relaxed) {
                end = Some(Instant::now() + DRAIN);
                let _ = self.socket.stop_waiting();
            }
            if end.is_some_and(|end| Instant::now() > end) {
                return;
            }
            match self.socket.receive(&mut batch) {
                Ok(()) => self.answer_all(&mut batch, &mut answers),
                Err(error) => match triage(&error) {
                    Triage::Idle if end.is_some() => return,
                    Triage::Idle | Triage::Passing => {}
                    Triage::Trouble => {
                        tracing::error!(%error, "receiving datagrams fails");
                        std::thread::sleep(Duration::from_millis(100));
                    }
                },
            }
        }
    }

    /// The events go out before the replies do: no ticket leaves without its audit line on the way.
    fn answer_all(&self, batch: &mut Batch, answers: &mut Answers) {
        for (request, path) in batch.arrived() {
            match self.answerer.decide_at_once(request, path.peer, Transport::Datagram) {
                Some(outcome) => {
                    answers.events.push(outcome.event);
                    answers.replies.extend(outcome.reply.map(|reply| (reply, path)));
                }
                None => self.answer_later(request, path),
            }
        }
        self.answerer.record_all(&mut answers.events);
        self.socket.send_all(&answers.replies, batch);
        answers.replies.clear();
    }

    fn answer_later(&self, request: &[u8], path: Path) {
        let Ok(permit) = self.waiting.clone().try_acquire_owned() else {
            tracing::warn!(peer = %path.peer, "too many requests wait for the store");
            let reply = self.answerer.answer_unavailable(request, path.peer, Transport::Datagram);
            return reply.iter().for_each(|reply| self.socket.send(reply, &path));
        };
        let (socket, answerer, request) = (self.socket.clone(), self.answerer.clone(), request.to_vec());
        self.runtime.spawn(async move {
            let reply = answerer.answer(&request, path.peer, Transport::Datagram).await;
            reply.iter().for_each(|reply| socket.send(reply, &path));
            drop(permit);
        });
    }
}

fn triage(error: &io::Error) -> Triage {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::WouldBlock | Kind::TimedOut => Triage::Idle,
        Kind::Interrupted
        | Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::InvalidData => Triage::Passing,
        _ => Triage::Trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_earlier_replies_do_not_stop_the_thread() {
        for (errno, expected) in [
            (nix::libc::EAGAIN, Triage::Idle),
            (nix::libc::EINTR, Triage::Passing),
            (nix::libc::ECONNREFUSED, Triage::Passing),
            (nix::libc::EHOSTUNREACH, Triage::Passing),
            (nix::libc::ENOMEM, Triage::Trouble),
            (nix::libc::EBADF, Triage::Trouble),
        ] {
            assert_eq!(triage(&io::Error::from_raw_os_error(errno)), expected, "errno {errno}");
        }
    }
}
