//! Limits the number of open TCP connections. Where a new connection exceeds the limit, the one that has waited longest for its
//! client closes. A flood of idle connections thus displaces only itself: a client that sends its request at once never waits
//! longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The open connections of all listeners of one protocol, and their limit.
#[derive(Clone)]
pub(crate) struct Admission {
    limit: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    open: usize,
    /// Connections that wait for their client, oldest first. Sending to a connection, or dropping its sender, closes it.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
    next: u64,
}

/// An open connection, which counts until this value is dropped. The connection waits for its client from its admission on: on
/// a busy machine its task may start only after many more connections were admitted.
pub(crate) struct Slot {
    admission: Admission,
    admitted: Option<Place>,
}

/// A connection that waits for its client.
pub(crate) struct Waiting<'a> {
    admission: &'a Admission,
    place: Place,
}

/// The place of a connection among those that wait.
struct Place {
    number: u64,
    pushed_out: oneshot::Receiver<()>,
}

impl Admission {
    /// At most `limit` connections.
    pub(crate) fn new(limit: usize) -> Admission {
        Admission { limit, state: Arc::default() }
    }

    /// Admits a new connection. At the limit, closes the connection that has waited longest for its client. Returns `None` where
    /// no connection waits: the new one must close.
    pub(crate) fn admit(&self) -> Option<Slot> {
        let mut state = self.lock();
        if state.open >= self.limit {
            let (_, oldest) = state.waiting.pop_first()?;
            // The closing connection counts until it has closed, so the limit may be exceeded for a moment.
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
    /// Appends a connection to the end of the queue.
    fn wait(&mut self) -> Place {
        let (sender, pushed_out) = oneshot::channel();
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, sender);
        Place { number, pushed_out }
    }
}

impl Slot {
    /// Marks the connection as waiting for its client until the guard is dropped. The first wait counts from the admission.
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
    /// Completes when the connection must close.
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
