//! The thread that writes the trail: formats the queued events into batches of lines, and counts them for the metrics.

use crate::backlog::Backlog;
use crate::decision_log::DecisionLog;
use crate::fields::stalled::StalledSum;
use crate::line::{self, LineFormat};
use crate::message::Message;
use crate::metrics::Metrics;
use crate::noise::{Noise, NoiseKey};
use crate::sink::Sink;
use kennel_core::admin::event::AdminEvent;
use kennel_core::enrolment::EnrolmentEvent;
use kennel_core::event::Event;
use kennel_core::kpasswd::event::PasswordEvent;
use kennel_core::rotation::event::RotationEvent;
use kennel_wire::message::{Clock, Timestamp};
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Pause once the queue is empty. Events gather meanwhile, so that requests need not wake the writer for each.
const GATHER: Duration = Duration::from_millis(5);
/// Octets after which a batch is written even if more events wait.
const BATCH: usize = 64 * 1024;
/// Longest wait for an event, where no noise has to be summed up earlier.
const IDLE: Duration = Duration::from_secs(3600);

/// The writer and the batch that it fills.
pub(crate) struct Writer {
    sink: Sink,
    format: LineFormat,
    metrics: Arc<Metrics>,
    backlog: Arc<Backlog>,
    noise: Noise,
    decisions: Option<Arc<DecisionLog>>,
    clock: Clock,
    batch: String,
    /// Batches that the sink refused.
    failed: u64,
}

/// State of the queue after a batch.
enum Left {
    /// The batch is full, so more events may wait. A pause now would delay requests once the queue is full too.
    More,
    /// The queue is empty.
    Nothing,
    /// The trail was stopped: no event follows.
    End,
}

impl Writer {
    pub(crate) fn new(
        sink: Sink,
        format: LineFormat,
        metrics: Arc<Metrics>,
        backlog: Arc<Backlog>,
        noise: Noise,
        decisions: Option<Arc<DecisionLog>>,
        clock: Clock,
    ) -> Writer {
        Writer { sink, format, metrics, backlog, noise, decisions, clock, batch: String::new(), failed: 0 }
    }

    /// Writes until the stop. Returns the number of batches that the sink refused.
    pub(crate) fn write_all(mut self, receiver: &Receiver<Message>) -> u64 {
        loop {
            self.batch.clear();
            let left = self.fill(receiver);
            self.write_sums(matches!(left, Left::End));
            self.write_batch();
            match left {
                Left::More => {}
                Left::Nothing => sleep(GATHER),
                Left::End => return self.failed,
            }
        }
    }

    /// Waits for one event, or for the end of a period of noise, then takes the others that wait, up to a full batch.
    fn fill(&mut self, receiver: &Receiver<Message>) -> Left {
        let wait = self.noise.remaining(Instant::now()).unwrap_or(IDLE);
        let mut next = receiver.recv_timeout(wait).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        });
        loop {
            match next {
                Ok(Message::Stop) | Err(TryRecvError::Disconnected) => return Left::End,
                Err(TryRecvError::Empty) => return Left::Nothing,
                Ok(message) => {
                    self.backlog.remove(message.weight());
                    match message {
                        Message::Events(events, finished) => self.take_events(events, finished),
                        Message::Enrolment(event) => self.take_enrolment(&event),
                        Message::Rotation(event) => self.take_rotation(&event),
                        Message::Admin(event) => self.take_admin(&event),
                        Message::Password(event) => self.take_password(&event),
                        Message::Reopen => self.reopen(),
                        Message::Stop => return Left::End,
                    }
                }
            }
            if self.batch.len() >= BATCH {
                return Left::More;
            }
            next = receiver.try_recv();
        }
    }

    fn take_events(&mut self, events: Vec<Event>, finished: Timestamp) {
        for event in &events {
            self.metrics.observe(event, finished);
            if self.is_written(NoiseKey::of_request(event), event.time) {
                line::write(event, self.format, &mut self.batch);
            }
        }
        if let Some(decisions) = &self.decisions {
            decisions.take(events);
        }
    }

    fn take_enrolment(&mut self, event: &EnrolmentEvent) {
        self.metrics.observe_enrolment(event);
        if self.is_written(NoiseKey::of_enrolment(event), event.time) {
            line::write(event, self.format, &mut self.batch);
        }
    }

    fn take_rotation(&mut self, event: &RotationEvent) {
        self.metrics.observe_rotation(event);
        line::write(event, self.format, &mut self.batch);
    }

    fn take_admin(&mut self, event: &AdminEvent) {
        self.metrics.observe_admin(event);
        line::write(event, self.format, &mut self.batch);
    }

    fn take_password(&mut self, event: &PasswordEvent) {
        self.metrics.observe_password(event);
        if self.is_written(NoiseKey::of_password(event), event.time) {
            line::write(event, self.format, &mut self.batch);
        }
    }

    fn is_written(&mut self, noise: Option<NoiseKey>, time: Timestamp) -> bool {
        let Some(key) = noise else { return true };
        let is_written = self.noise.admit(key, time, Instant::now());
        if !is_written {
            self.metrics.audit_noise.inc();
        }
        is_written
    }

    /// Writes what was counted in place of lines: what the queue did not take, and the noise of a period that has ended.
    fn write_sums(&mut self, at_end: bool) {
        let (now, time) = (Instant::now(), (self.clock)());
        let refused = self.backlog.take_refused();
        if refused > 0 {
            line::write(&StalledSum { time, refused }, self.format, &mut self.batch);
        }
        let unqueued = self.backlog.take_unqueued();
        self.metrics.audit_noise.inc_by(unqueued);
        self.noise.add_unqueued(unqueued, time, now);
        if self.noise.remaining(now).is_some_and(|remaining| at_end || remaining.is_zero()) {
            for sum in self.noise.end_period() {
                line::write(&sum, self.format, &mut self.batch);
            }
        }
    }

    /// Goes on in a new file, after everything that was recorded before.
    fn reopen(&mut self) {
        self.write_batch();
        self.batch.clear();
        self.backlog.begin_write();
        if let Err(error) = self.sink.reopen() {
            tracing::error!(%error, sink = %self.sink, "the audit sink cannot be opened again: its lines go on where they went");
        }
        self.backlog.end_write();
    }

    fn write_batch(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        self.backlog.begin_write();
        if let Err(error) = self.sink.write(self.batch.as_bytes()) {
            self.failed = self.failed.saturating_add(1);
            self.metrics.audit_failures.inc();
            tracing::error!(%error, sink = %self.sink, failed = self.failed, "the audit sink does not take lines: they follow here");
            // As they are: the log would escape them again.
            let _ = std::io::stderr().write_all(self.batch.as_bytes());
        }
        self.backlog.end_write();
    }
}
