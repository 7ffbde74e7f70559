//! How many TCP connections are open, and which one goes when there are too many: the one that has waited longest for its
//! client. A flood of idle connections pushes itself out that way, while a client that sends its request at once is
//! never the one that has waited longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The connections of all listeners.
#[derive(Clone)]
pub(crate) struct Admission {
    limit: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    open: usize,
    /// Connections that wait for their client, oldest first; sending (or dropping) closes one.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
    next: u64,
}

/// An open connection; it counts until this is dropped. It waits for its client from the moment of its admission: on a machine
/// with much to do its task may begin only when many more have been admitted.
pub(crate) struct Slot {
    admission: Admission,
    admitted: Option<Place>,
}

/// A connection that waits for its client.
pub(crate) struct Waiting<'a> {
    admission: &'a Admission,
    place: Place,
}

/// Among those that wait.
struct Place {
    number: u64,
    pushed_out: oneshot::Receiver<()>,
}

impl Admission {
    /// At most `limit` connections.
    pub(crate) fn new(limit: usize) -> Admission {
        Admission { limit, state: Arc::default() }
    }

    /// Admits a new connection. Where there are too many, the one that has waited longest for its client is told to
    /// close; `None`: none of them waits, the new one has to go.
    pub(crate) fn admit(&self) -> Option<Slot> {
        let mut state = self.lock();
        if state.open >= self.limit {
            let (_, oldest) = state.waiting.pop_first()?;
            // Its place counts until it has closed; the few too many that this allows are bounded by the limit itself.
            let _ = oldest.send(());
        }
        state.open += 1;
        Some(Slot { admission: self.clone(), admitted: Some(state.wait()) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The end of the queue.
    fn wait(&mut self) -> Place {
        let (sender, pushed_out) = oneshot::channel();
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, sender);
        Place { number, pushed_out }
    }
}

impl Slot {
    /// From now until the guard is dropped, the connection waits for its client; the first time since its admission.
    pub(crate) fn wait(&mut self) -> Waiting<'_> {
        let place = self.admitted.take().unwrap_or_else(|| self.admission.lock().wait());
        Waiting { admission: &self.admission, place }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        if let Some(place) = &self.admitted {
            state.waiting.remove(&place.number);
        }
        state.open = state.open.saturating_sub(1);
    }
}

impl Waiting<'_> {
    /// Ready when the connection has to go.
    pub(crate) async fn pushed_out(&mut self) {
        let _ = (&mut self.place.pushed_out).await;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.admission.lock().waiting.remove(&self.place.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn the_one_that_waited_longest_makes_room() {
        let admission = Admission::new(2);
        let (mut a, mut b) = (admission.admit().unwrap(), admission.admit().unwrap());
        drop(a.wait());
        let (mut b_waits, mut a_waits) = (b.wait(), a.wait());
        let c = admission.admit().unwrap();
        assert!(b_waits.pushed_out().now_or_never().is_some(), "b began to wait first");
        assert!(a_waits.pushed_out().now_or_never().is_none());
        drop(c);
    }

    #[test]
    fn a_connection_whose_task_has_not_begun_makes_room_too() {
        let admission = Admission::new(1);
        let mut first = admission.admit().unwrap();
        let second = admission.admit();
        assert!(second.is_some(), "the newest is not refused");
        assert!(first.wait().pushed_out().now_or_never().is_some());
        drop(first);
        drop(second);
        assert!(admission.lock().waiting.is_empty());
    }

    #[test]
    fn a_connection_at_work_is_not_pushed_out() {
        let admission = Admission::new(1);
        let mut a = admission.admit().unwrap();
        drop(a.wait());
        assert!(admission.admit().is_none());
        drop(a);
        assert!(admission.admit().is_some());
    }

    #[test]
    fn a_connection_that_waits_anew_goes_to_the_end() {
        let admission = Admission::new(2);
        let (mut a, mut b) = (admission.admit().unwrap(), admission.admit().unwrap());
        drop(a.wait());
        let mut b_waits = b.wait();
        let mut a_waits = a.wait();
        let _c = admission.admit().unwrap();
        assert!(b_waits.pushed_out().now_or_never().is_some());
        assert!(a_waits.pushed_out().now_or_never().is_none());
    }
}
