//! UDP: a thread receives what is there, has it answered, and sends the replies, without a task for each. A request that has to
//! wait goes to the runtime, so that it holds up nobody; the number of those is bounded.

use crate::datagram::{Batch, DatagramSocket, Path};
use crate::respond::{Respond, TransportKind};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Requests of one socket that may wait at a time; the responder answers the next ones that it is unavailable.
pub(crate) const WAITING: u32 = 256;
/// How long queued datagrams are still answered after the stop.
const DRAIN: Duration = Duration::from_secs(1);

/// One thread's work.
pub(crate) struct Worker<R> {
    socket: Arc<DatagramSocket>,
    responder: Arc<R>,
    stop: Arc<AtomicBool>,
    runtime: Handle,
    waiting: Arc<Semaphore>,
}

/// Events and replies of a batch of requests.
struct Answers<E> {
    events: Vec<E>,
    replies: Vec<(Vec<u8>, Path)>,
}

/// How to react to an error of a socket.
#[derive(Debug, PartialEq, Eq)]
enum Triage {
    /// Nothing was there in time.
    Idle,
    /// The error belongs to an earlier reply (its port is closed, its host gone), or is momentary.
    Passing,
    /// The socket itself is in trouble: go on, but slowly, and say so.
    Trouble,
}

impl<R: Respond> Worker<R> {
    /// Must be called inside a tokio runtime.
    pub(crate) fn new(socket: Arc<DatagramSocket>, responder: Arc<R>, stop: Arc<AtomicBool>) -> Worker<R> {
        let waiting = Arc::new(Semaphore::new(WAITING as usize));
        Worker { socket, responder, stop, runtime: Handle::current(), waiting }
    }

    /// Serves until the stop. A panic would be a bug; it costs one datagram, not the thread.
    pub(crate) fn run(self) {
        let runtime = self.runtime.clone();
        let _inside = runtime.enter();
        while catch_unwind(AssertUnwindSafe(|| self.receive_all())).is_err() {
            tracing::error!("a request made a UDP thread panic: this is a bug, please report it");
        }
        // Every permit is back when no request waits any more.
        let _ = runtime.block_on(self.waiting.acquire_many(WAITING));
    }

    fn receive_all(&self) {
        let mut batch = Batch::new(&self.socket);
        let mut answers = Answers { events: Vec::new(), replies: Vec::new() };
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

    /// Events are recorded before the replies leave: no answer is on the wire without its record on the way.
    fn answer_all(&self, batch: &mut Batch, answers: &mut Answers<R::Event>) {
        for (request, path) in batch.arrived() {
            match self.responder.try_respond(request, path.peer, TransportKind::Datagram) {
                Some(response) => {
                    answers.events.push(response.event);
                    answers.replies.extend(response.reply.map(|reply| (reply, path)));
                }
                None => self.answer_later(request, path),
            }
        }
        self.responder.record(&mut answers.events);
        self.socket.send_all(&answers.replies, batch);
        answers.replies.clear();
    }

    fn answer_later(&self, request: &[u8], path: Path) {
        let Ok(permit) = self.waiting.clone().try_acquire_owned() else {
            tracing::warn!(peer = %path.peer, "too many requests wait already");
            let reply = self.responder.unavailable(request, path.peer, TransportKind::Datagram);
            return reply.iter().for_each(|reply| self.socket.send(reply, &path));
        };
        let (socket, responder, request) = (self.socket.clone(), self.responder.clone(), request.to_vec());
        self.runtime.spawn(async move {
            let reply = responder.respond(&request, path.peer, TransportKind::Datagram).await;
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
