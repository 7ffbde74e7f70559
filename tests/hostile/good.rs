//! The good clients, one for each listener, and what each of them notices.

use crate::enrolment::EnrolmentClient;
use crate::health::HealthClient;
use crate::kerberos::KerberosClient;
use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// What a client noticed.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// Of each request, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// Requests without the answer that was due.
    pub(crate) failed: usize,
}

impl Watched {
    /// Milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = self.latencies.len().saturating_sub(1) * percent / 100;
        self.latencies.get(at).copied().unwrap_or_default().as_secs_f64() * 1e3
    }

    /// The longest time until an answer.
    pub(crate) fn longest(&self) -> Duration {
        self.latencies.last().copied().unwrap_or_default()
    }

    pub(crate) fn take(&mut self, begun: Instant, answered: bool) {
        if answered {
            self.latencies.push(begun.elapsed());
        } else {
            self.failed += 1;
        }
    }

    /// Repeats a request, with a pause after each, for so long.
    pub(crate) fn repeat(lasting: Duration, pause: Duration, ask: impl Fn() -> bool) -> Watched {
        let (mut watched, end) = (Watched::default(), Instant::now() + lasting);
        while Instant::now() < end {
            let begun = Instant::now();
            watched.take(begun, ask());
            std::thread::sleep(pause);
        }
        watched.sorted()
    }

    pub(crate) fn sorted(mut self) -> Watched {
        self.latencies.sort_unstable();
        self
    }
}

/// What the clients of all listeners noticed.
pub(crate) struct Seen {
    pub(crate) tcp: Watched,
    pub(crate) udp: Watched,
    pub(crate) enrolment: Watched,
    pub(crate) health: Watched,
}

/// The clients of all listeners.
pub(crate) struct Clients {
    pub(crate) kerberos: KerberosClient,
    pub(crate) enrolment: EnrolmentClient,
    pub(crate) health: HealthClient,
}

impl Clients {
    /// Asks on every listener for so long.
    pub(crate) fn watch(&self, lasting: Duration) -> Result<Seen> {
        std::thread::scope(|scope| {
            let health = scope.spawn(|| self.health.watch(lasting));
            let enrolment = scope.spawn(|| self.enrolment.watch(lasting));
            let (tcp, udp) = self.kerberos.watch(lasting)?;
            let enrolment = enrolment.join().ok().context("a good client panicked")?;
            let health = health.join().ok().context("a good client panicked")?;
            Ok(Seen { tcp, udp, enrolment, health })
        })
    }
}
