//! The heartbeat of the runtime that serves requests. Health is served on a thread of its own, and would otherwise call a process
//! alive whose other threads are stuck.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Interval between two beats.
const BEAT: Duration = Duration::from_secs(1);
/// Time without a beat after which the runtime counts as stuck. A busy machine may delay a beat by seconds.
const STUCK: Duration = Duration::from_secs(60);

/// The time of the last beat.
#[derive(Debug, Clone)]
pub(crate) struct Heartbeat {
    epoch: Instant,
    /// Seconds since the epoch.
    last: Arc<AtomicU64>,
}

impl Heartbeat {
    /// Starts to beat on the present runtime.
    pub(crate) fn start() -> Heartbeat {
        let heartbeat = Heartbeat { epoch: Instant::now(), last: Arc::default() };
        let beating = heartbeat.clone();
        tokio::spawn(async move {
            loop {
                beating.last.store(beating.epoch.elapsed().as_secs(), Ordering::Relaxed);
                tokio::time::sleep(BEAT).await;
            }
        });
        heartbeat
    }

    /// Whether the runtime has beaten lately.
    pub(crate) fn beats(&self) -> bool {
        self.epoch.elapsed().as_secs().saturating_sub(self.last.load(Ordering::Relaxed)) < STUCK.as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_that_is_stuck_does_not_beat() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut heartbeat = runtime.block_on(async {
            let heartbeat = Heartbeat::start();
            tokio::task::yield_now().await;
            heartbeat
        });
        assert!(heartbeat.beats());
        // As if a minute had passed in which nothing drove the runtime.
        heartbeat.epoch = Instant::now().checked_sub(STUCK).unwrap();
        assert!(!heartbeat.beats());
    }
}
