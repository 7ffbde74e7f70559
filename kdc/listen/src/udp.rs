//! UDP: a thread receives the queued datagrams, passes them to the responder and sends the replies, without a task for each. A
//! request that has to wait moves to the runtime, where it delays no other. The number of waiting requests is bounded, in all and
//! for each source.

use crate::admission::Admission;
use crate::datagram::{Batch, Datagram, DatagramSocket, Path};
use crate::reports::Reports;
use crate::respond::{Respond, TransportKind};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Requests of one socket that may wait at a time, a quarter of them from one source. The responder answers further ones as
/// unavailable.
pub(crate) const WAITING: usize = 256;
/// Time after the stop in which queued datagrams are still answered.
const DRAIN: Duration = Duration::from_secs(1);

/// A receiving thread of one socket.
pub(crate) struct Worker<R> {
    socket: Arc<DatagramSocket>,
    responder: Arc<R>,
    stop: Arc<AtomicBool>,
    runtime: Handle,
    waiting: Admission,
    tasks: TaskTracker,
    refused: Reports,
}

/// Events and replies of a batch of requests.
struct Answers<E> {
    events: Vec<E>,
    replies: Vec<(Vec<u8>, Path)>,
}

/// How to react to an error of a socket.
#[derive(Debug, PartialEq, Eq)]
enum Triage {
    /// No datagram arrived in time.
    Idle,
    /// An earlier reply failed (closed port, unreachable host), or the error is momentary.
    Passing,
    /// The socket itself fails: log the error, pause, and go on.
    Trouble,
}

impl<R: Respond> Worker<R> {
    /// Must be called inside a tokio runtime.
    pub(crate) fn new(socket: Arc<DatagramSocket>, responder: Arc<R>, stop: Arc<AtomicBool>) -> Worker<R> {
        let (waiting, tasks) = (Admission::new(WAITING), TaskTracker::new());
        Worker { socket, responder, stop, runtime: Handle::current(), waiting, tasks, refused: Reports::default() }
    }

    /// Serves until the stop. A panic, which is a bug, loses one datagram and not the thread.
    pub(crate) fn run(self) {
        let runtime = self.runtime.clone();
        let _inside = runtime.enter();
        while catch_unwind(AssertUnwindSafe(|| self.receive_all())).is_err() {
            tracing::error!("a request made a UDP thread panic: this is a bug, please report it");
        }
        self.tasks.close();
        runtime.block_on(self.tasks.wait());
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
                        tracing::error!(%error, "datagrams cannot be received");
                        std::thread::sleep(Duration::from_millis(100));
                    }
                },
            }
        }
    }

    /// Answers a batch. Records its events before the replies leave, so that no reply is sent without its record.
    fn answer_all(&self, batch: &mut Batch, answers: &mut Answers<R::Event>) {
        for (datagram, path) in batch.arrived() {
            let response = match datagram {
                Datagram::Whole(request) => self.responder.try_respond(request, path.peer, TransportKind::Datagram),
                Datagram::TooLong(begin) => Some(self.responder.refuse_datagram(begin, path.peer)),
            };
            match (response, datagram) {
                (Some(response), _) => {
                    answers.events.push(response.event);
                    answers.replies.extend(response.reply.map(|reply| (reply, path)));
                }
                (None, Datagram::Whole(request) | Datagram::TooLong(request)) => self.answer_later(request, path),
            }
        }
        self.responder.record(&mut answers.events);
        self.socket.send_all(&answers.replies, batch);
        answers.replies.clear();
    }

    fn answer_later(&self, request: &[u8], path: Path) {
        let Some(slot) = self.waiting.admit(path.peer.ip()) else {
            if let Some(refused) = self.refused.due() {
                tracing::warn!(peer = %path.peer, refused, "requests are refused: too many are waiting");
            }
            let reply = self.responder.unavailable(request, path.peer, TransportKind::Datagram);
            return reply.iter().for_each(|reply| self.socket.send(reply, &path));
        };
        // The request waits for the responder, not for its client: no other one may displace it.
        slot.work();
        let (socket, responder, request) = (self.socket.clone(), self.responder.clone(), request.to_vec());
        self.tasks.spawn_on(
            async move {
                let reply = responder.respond(&request, path.peer, TransportKind::Datagram).await;
                reply.iter().for_each(|reply| socket.send(reply, &path));
                drop(slot);
            },
            &self.runtime,
        );
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
