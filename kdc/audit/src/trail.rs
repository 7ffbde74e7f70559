//! The audit trail: one line for each decision, written by one thread in batches.
//!
//! Requests hand over the event itself; the writer's thread formats and writes lines. The channel is bounded and a sender waits
//! when the channel is full, so no line is ever dropped. Where the sink fails (a full disk), the writer logs the lines as errors,
//! and tries the sink again with the next batch.

use crate::error::AuditError;
use crate::line::{self, LineFormat};
use crate::metrics::Metrics;
use crate::sink::{Sink, SinkTarget};
use kennel_core::enrolment::EnrolmentEvent;
use kennel_core::event::Event;
use kennel_wire::message::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

/// Messages that may wait for the writer.
const CHANNEL: usize = 4096;
/// Pause of the writer once the channel is empty. Events gather meanwhile, so that requests need not wake the writer for each.
const GATHER: Duration = Duration::from_millis(5);
/// Octets after which a batch is written even if more events wait.
const BATCH: usize = 64 * 1024;

/// The sending side of the trail, which records events.
#[derive(Clone)]
pub struct Audit {
    sender: SyncSender<Message>,
    format: LineFormat,
    clock: Clock,
}

/// The thread that writes the trail.
pub struct AuditWriter {
    sender: SyncSender<Message>,
    thread: JoinHandle<u64>,
}

enum Message {
    /// Events of the requests of a batch, in order, and the time at which those were answered.
    Events(Vec<Event>, Timestamp),
    Enrolment(Box<EnrolmentEvent>),
    Stop,
}

impl Audit {
    /// Opens the sink and starts the writer. `clock` reads the time at which a request is answered.
    ///
    /// # Errors
    /// [`AuditError`] where the sink cannot be opened or the thread cannot be started: nothing may be served then.
    pub fn start(
        target: &SinkTarget,
        format: LineFormat,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Result<(Audit, AuditWriter), AuditError> {
        let sink = Sink::open(target)?;
        let (sender, receiver) = sync_channel(CHANNEL);
        let thread = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || write_all(&receiver, sink, format, &metrics))?;
        Ok((Audit { sender: sender.clone(), format, clock }, AuditWriter { sender, thread }))
    }

    /// Records an event; waits while the writer is behind.
    pub fn record(&self, event: Event) {
        self.send(Message::Events(vec![event], (self.clock)()));
    }

    /// Records the event of an enrolment; waits while the writer is behind.
    pub fn record_enrolment(&self, event: EnrolmentEvent) {
        self.send(Message::Enrolment(Box::new(event)));
    }

    /// Records the events of a batch, in order, and empties the list.
    pub fn record_all(&self, events: &mut Vec<Event>) {
        if !events.is_empty() {
            let room = events.len();
            self.send(Message::Events(std::mem::replace(events, Vec::with_capacity(room)), (self.clock)()));
        }
    }

    fn send(&self, message: Message) {
        if let Err(unsent) = self.sender.send(message) {
            // After the stop, by requests that outlived the grace period.
            let mut late = String::new();
            unsent.0.write(self.format, &mut late);
            tracing::error!(audit = late.trim_end(), "audit lines arrived after the audit trail was closed");
        }
    }
}

impl Message {
    /// Appends the lines of the message to a batch.
    fn write(&self, format: LineFormat, batch: &mut String) {
        match self {
            Message::Events(events, _) => events.iter().for_each(|event| line::write(event, format, batch)),
            Message::Enrolment(event) => line::write(&**event, format, batch),
            Message::Stop => {}
        }
    }

    fn count(&self, metrics: &Metrics) {
        match self {
            Message::Events(events, finished) => events.iter().for_each(|event| metrics.observe(event, *finished)),
            Message::Enrolment(event) => metrics.observe_enrolment(event),
            Message::Stop => {}
        }
    }
}

impl AuditWriter {
    /// Writes everything that was recorded before this call, then ends.
    pub fn stop(self) {
        let _ = self.sender.send(Message::Stop);
        match self.thread.join() {
            Ok(0) => {}
            Ok(failed) => {
                tracing::error!(failed, "the audit sink did not take these batches of lines; the log has them")
            }
            Err(_) => tracing::error!("the audit thread ended with a panic: this is a bug, please report it"),
        }
    }
}

/// The writer's loop. Returns the number of batches that the sink refused.
fn write_all(receiver: &Receiver<Message>, mut sink: Sink, format: LineFormat, metrics: &Metrics) -> u64 {
    let mut batch = String::new();
    let mut failed = 0_u64;
    loop {
        batch.clear();
        let left = fill(receiver, &mut batch, format, metrics);
        if !batch.is_empty()
            && let Err(error) = sink.write(batch.as_bytes())
        {
            failed = failed.saturating_add(1);
            metrics.audit_failures.inc();
            tracing::error!(%error, %sink, failed, "the audit sink does not take lines: they follow here");
            for line in batch.lines() {
                tracing::error!(audit = line);
            }
        }
        match left {
            Left::More => {}
            Left::Nothing => sleep(GATHER),
            Left::End => return failed,
        }
    }
}

/// State of the channel after a batch.
enum Left {
    /// The batch is full, so more events may wait. A pause now would delay requests once the channel is full too.
    More,
    /// The channel is empty.
    Nothing,
    /// The trail was stopped: no event follows.
    End,
}

/// Waits for one event, then takes the others that wait, up to a full batch.
fn fill(receiver: &Receiver<Message>, batch: &mut String, format: LineFormat, metrics: &Metrics) -> Left {
    let mut next = receiver.recv().map_err(|_| TryRecvError::Disconnected);
    loop {
        match next {
            Ok(message @ (Message::Events(..) | Message::Enrolment(_))) => {
                message.write(format, batch);
                message.count(metrics);
            }
            Ok(Message::Stop) | Err(TryRecvError::Disconnected) => return Left::End,
            Err(TryRecvError::Empty) => return Left::Nothing,
        }
        if batch.len() >= BATCH {
            return Left::More;
        }
        next = receiver.try_recv();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{clock, refused};
    use std::path::PathBuf;

    fn start(file: PathBuf) -> Result<(Audit, AuditWriter), AuditError> {
        Audit::start(&SinkTarget::File(file), LineFormat::Json, Arc::new(Metrics::new()), clock)
    }

    #[test]
    fn every_event_recorded_before_the_stop_is_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let (audit, writer) = start(path.clone()).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let audit = audit.clone();
                std::thread::spawn(move || (0..5000).for_each(|_| audit.record(refused("alice"))))
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        writer.stop();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 20_000);
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }

    #[test]
    fn a_restart_appends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        for _ in 0..2 {
            let (audit, writer) = start(path.clone()).unwrap();
            audit.record(refused("alice"));
            writer.stop();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_full_disk_is_counted_and_stops_nobody() {
        let (sender, receiver) = sync_channel(4);
        let sink = Sink::open(&SinkTarget::File("/dev/full".into())).unwrap();
        let writer = std::thread::spawn(move || write_all(&receiver, sink, LineFormat::Json, &Metrics::new()));
        for _ in 0..100 {
            sender.send(Message::Events(vec![refused("alice")], clock())).unwrap();
        }
        sender.send(Message::Stop).unwrap();
        assert!(writer.join().unwrap() > 0);
    }

    #[test]
    fn a_sink_that_cannot_be_opened_refuses_to_start() {
        let dir = tempfile::tempdir().unwrap();
        let Err(error) = start(dir.path().join("no/such/folder")) else {
            panic!("opened");
        };
        assert!(error.to_string().contains("no/such/folder"), "{error:#}");
    }
}
