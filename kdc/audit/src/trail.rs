//! The audit trail: one line for each decision, written by one thread in batches.
//!
//! Requests hand over the event itself; the writer's thread formats and writes lines. No request waits for the writer for longer
//! than a moment. What waits for the writer is bounded in octets, and a write has a deadline: beyond either, [`Audit::accepts`] is
//! false and the KDC issues no ticket, so that no ticket lacks its line. Lines of decisions are never dropped; noise is summed up.
//! Where the sink fails (a full disk), the writer writes the lines to standard error, and tries the sink again with the next
//! batch.

use crate::backlog::Backlog;
use crate::decision_log::DecisionLog;
use crate::error::AuditError;
use crate::line::LineFormat;
use crate::message::Message;
use crate::metrics::Metrics;
use crate::noise::{Noise, NoiseKey};
use crate::sink::{Sink, SinkTarget};
use crate::writer::Writer;
use kennel_core::admin::event::{AdminEvent, AdminTrail};
use kennel_core::enrolment::EnrolmentEvent;
use kennel_core::event::{Decision, Event};
use kennel_core::kpasswd::event::PasswordEvent;
use kennel_core::refusal::Refusal;
use kennel_core::rotation::event::RotationEvent;
use kennel_wire::message::Clock;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Longest pause of a thread that records more than the writer takes, in steps.
const STEPS: u32 = 100;
/// A step of that pause.
const STEP: Duration = Duration::from_millis(1);
/// Time that a stop waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(5);

/// Settings of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailSettings {
    /// Destination of the lines.
    pub sink: SinkTarget,
    /// Form of the lines.
    pub format: LineFormat,
    /// Lines that one source may write in 30 seconds by requests that fail before anybody is known. Further ones are counted.
    pub noise_lines: u32,
}

/// The sending side of the trail, which records events.
#[derive(Clone)]
pub struct Audit {
    sender: Sender<Message>,
    backlog: Arc<Backlog>,
    format: LineFormat,
    clock: Clock,
}

/// The thread that writes the trail.
pub struct AuditWriter {
    sender: Sender<Message>,
    /// Delivers the number of batches that the sink refused, once the last line is written.
    ended: Receiver<u64>,
}

impl Audit {
    /// Opens the sink and starts the writer. `decisions` takes in every event too. `clock` reads the time at which a request is
    /// answered.
    ///
    /// # Errors
    /// [`AuditError`] where the sink cannot be opened or the thread cannot be started: nothing may be served then.
    pub fn start(
        settings: &TrailSettings,
        metrics: Arc<Metrics>,
        decisions: Option<Arc<DecisionLog>>,
        clock: Clock,
    ) -> Result<(Audit, AuditWriter), AuditError> {
        let (sink, format) = (Sink::open(&settings.sink)?, settings.format);
        let (sender, receiver) = channel();
        let (end, ended) = channel();
        let backlog = Arc::new(Backlog::new());
        let noise = Noise::new(settings.noise_lines);
        let writer = Writer::new(sink, format, metrics, backlog.clone(), noise, decisions, clock);
        std::thread::Builder::new().name("audit".into()).spawn(move || {
            // An error means that the stop does not wait any more.
            let _ = end.send(writer.write_all(&receiver));
        })?;
        Ok((Audit { sender: sender.clone(), backlog, format, clock }, AuditWriter { sender, ended }))
    }

    /// Whether tickets may be issued: the sink takes lines in time, and what waits for the writer is within its limit.
    #[must_use]
    pub fn accepts(&self) -> bool {
        self.backlog.accepts()
    }

    /// Records an event.
    pub fn record(&self, event: Event) {
        if !self.backlog.is_behind() || self.is_queued(&event) {
            self.send(Message::Events(vec![event], (self.clock)()));
        }
    }

    /// Records the event of an enrolment.
    pub fn record_enrolment(&self, event: EnrolmentEvent) {
        if self.backlog.is_behind() && NoiseKey::of_enrolment(&event).is_some() {
            return self.backlog.add_unqueued();
        }
        self.send(Message::Enrolment(Box::new(event)));
    }

    /// Records the event of an order to rotate keys, or of a step of a rotation.
    pub fn record_rotation(&self, event: RotationEvent) {
        self.send(Message::Rotation(Box::new(event)));
    }

    /// Records the event of a request to change a password.
    pub fn record_password(&self, event: PasswordEvent) {
        if self.backlog.is_behind() && NoiseKey::of_password(&event).is_some() {
            return self.backlog.add_unqueued();
        }
        self.send(Message::Password(Box::new(event)));
    }

    /// Records the events of a batch, in order, and empties the list. Pauses for a moment where the writer is behind.
    pub fn record_all(&self, events: &mut Vec<Event>) {
        if self.backlog.is_behind() {
            self.pause();
            events.retain(|event| self.is_queued(event));
        }
        if !events.is_empty() {
            let room = events.len();
            self.send(Message::Events(std::mem::replace(events, Vec::with_capacity(room)), (self.clock)()));
        }
    }

    /// Whether an event is queued although the writer is behind; counts it otherwise.
    fn is_queued(&self, event: &Event) -> bool {
        if matches!(event.outcome, Decision::Refused { refusal: Refusal::TrailUnavailable, .. }) {
            self.backlog.add_refused();
            return false;
        }
        let is_noise = NoiseKey::of_request(event).is_some();
        if is_noise {
            self.backlog.add_unqueued();
        }
        !is_noise
    }

    /// Lets the writer catch up, as long as it writes at all.
    fn pause(&self) {
        for _ in 0..STEPS {
            if !self.backlog.is_behind() || !self.backlog.accepts() {
                return;
            }
            std::thread::sleep(STEP);
        }
    }

    fn send(&self, message: Message) {
        self.backlog.add(message.weight());
        if let Err(unsent) = self.sender.send(message) {
            // After the stop, by requests that outlived the grace period.
            let mut late = String::new();
            unsent.0.write(self.format, &mut late);
            tracing::error!(audit = late.trim_end(), "audit lines arrived after the audit trail was closed");
        }
    }
}

impl AdminTrail for Audit {
    fn accepts(&self) -> bool {
        Audit::accepts(self)
    }

    /// Never dropped, refusals included: whoever asks has logged in.
    fn record(&self, event: AdminEvent) {
        self.send(Message::Admin(Box::new(event)));
    }
}

impl AuditWriter {
    /// Goes on in a new file, where the old one was moved away: every event that was recorded before this call is in the old one.
    pub fn reopen(&self) {
        let _ = self.sender.send(Message::Reopen);
    }

    /// Writes everything that was recorded before this call, then ends; gives up after 5 seconds where the sink does not take
    /// the lines.
    pub fn stop(self) {
        let _ = self.sender.send(Message::Stop);
        match self.ended.recv_timeout(LAST_LINES) {
            Ok(0) => {}
            Ok(failed) => {
                tracing::error!(failed, "the audit sink did not take these batches of lines; the log has them")
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                tracing::error!("the audit sink does not take lines: the last lines of this process are lost")
            }
            Err(_) => tracing::error!("the audit thread ended with a panic: this is a bug, please report it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{clock, refused};
    use std::path::PathBuf;
    use std::time::Instant;

    fn start(file: PathBuf) -> Result<(Audit, AuditWriter), AuditError> {
        let settings = TrailSettings { sink: SinkTarget::File(file), format: LineFormat::Json, noise_lines: 20 };
        Audit::start(&settings, Arc::new(Metrics::new()), None, clock)
    }

    fn unknown(name: &str) -> Event {
        Event { outcome: Decision::refused(Refusal::ClientUnknown), ..refused(name) }
    }

    /// A named pipe that nobody reads: a write blocks once its buffer is full.
    fn stalled_sink(dir: &tempfile::TempDir) -> (PathBuf, std::fs::File) {
        let path = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        // A reader that reads nothing; opened for both, since opening a pipe for reading waits for a writer.
        let reader = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        (path, reader)
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
    fn a_file_that_was_moved_away_keeps_what_came_before_and_what_follows_is_in_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("audit.log"), dir.path().join("audit.log.1"));
        let (audit, writer) = start(path.clone()).unwrap();
        (0..100).for_each(|_| audit.record(refused("alice")));
        std::fs::rename(&path, &moved).unwrap();
        (0..10).for_each(|_| audit.record(refused("alice")));
        writer.reopen();
        (0..7).for_each(|_| audit.record(refused("alice")));
        writer.stop();
        let lines = |path| std::fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((lines(&moved), lines(&path)), (110, 7));
    }

    #[test]
    fn a_trail_that_cannot_be_opened_again_goes_on_in_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("logs");
        std::fs::create_dir(&folder).unwrap();
        let (audit, writer) = start(folder.join("audit.log")).unwrap();
        let moved = dir.path().join("moved");
        std::fs::rename(&folder, &moved).unwrap();
        writer.reopen();
        audit.record(refused("alice"));
        writer.stop();
        assert_eq!(std::fs::read_to_string(moved.join("audit.log")).unwrap().lines().count(), 1);
    }

    #[test]
    fn a_full_disk_stops_nobody() {
        let (audit, writer) = start("/dev/full".into()).unwrap();
        for _ in 0..3 {
            audit.record(refused("alice"));
        }
        assert!(audit.accepts(), "the lines are in the log");
        writer.stop();
    }

    #[test]
    fn noise_is_summed_up_and_displaces_no_line_of_a_decision() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let (audit, writer) = start(path.clone()).unwrap();
        for number in 0..50_000 {
            audit.record(unknown("nobody"));
            if number % 10_000 == 0 {
                audit.record(refused("alice"));
            }
        }
        writer.stop();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.iter().filter(|line| line["client"] == "alice@R").count(), 5);
        assert_eq!(lines.iter().filter(|line| line["client"] == "nobody@R").count(), 20);
        let unwritten: u64 = lines.iter().filter_map(|line| line["unwritten"].as_u64()).sum();
        assert_eq!(unwritten, 50_000 - 20);
        assert!(lines.len() <= 27, "{}", lines.len());
    }

    #[test]
    fn a_sink_that_stalls_stops_tickets_and_neither_the_threads_that_record_nor_the_stop() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut reader) = stalled_sink(&dir);
        let (audit, writer) = start(path).unwrap();
        let begun = Instant::now();
        let mut events = Vec::new();
        while audit.accepts() {
            events.push(refused("alice"));
            audit.record_all(&mut events);
            assert!(begun.elapsed() < Duration::from_secs(10), "it never stops accepting");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        // Neither noise nor the refusals that follow from the stall grow the queue.
        let before = audit.backlog.octets();
        let refusal = Decision::refused(Refusal::TrailUnavailable);
        for _ in 0..1000 {
            audit.record(Event { outcome: refusal.clone(), ..refused("alice") });
        }
        assert_eq!(audit.backlog.octets(), before);
        // The reader comes back: tickets may be issued again, and the refusals are in the trail as a number.
        let reading = std::thread::spawn(move || {
            let (mut text, mut some) = (Vec::new(), [0; 65536]);
            while !String::from_utf8_lossy(&text).contains("TrailUnavailable") {
                let length = std::io::Read::read(&mut reader, &mut some).unwrap();
                text.extend_from_slice(&some[..length]);
            }
            reader
        });
        let _reader = reading.join().unwrap();
        assert!(audit.accepts());
        writer.stop();
    }

    #[test]
    fn a_stop_does_not_wait_for_a_sink_that_stalls() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _reader) = stalled_sink(&dir);
        let (audit, writer) = start(path).unwrap();
        for _ in 0..1000 {
            audit.record(refused("alice"));
        }
        let begun = Instant::now();
        writer.stop();
        assert!(begun.elapsed() < LAST_LINES * 2);
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
