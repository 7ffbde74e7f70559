//! Limits the number of open connections, in all and for each source. Where a new connection exceeds a limit, the connection that
//! has waited longest for its client closes: of the same source, where the source exceeds its share, and otherwise of the source
//! that has the most connections. A flood of connections that send nothing, or read nothing, thus displaces only itself: a client
//! that sends its request and reads the reply at once never waits longest.
//!
//! A request that a responder keeps open on purpose parks its connection: the connection counts to a limit of its own from then on,
//! and closes after the answer.

use crate::limits::{BIG_REQUESTS, SHARE};
use kennel_wire::source::Source;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The open connections of one listener, and their limits.
#[derive(Clone)]
pub(crate) struct Admission {
    limits: Limits,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy)]
struct Limits {
    /// Connections that may be open at a time.
    open: usize,
    /// Connections of one source that may be open at a time.
    share: usize,
    /// Octets that the long requests of all connections may occupy.
    octets: usize,
    /// Connections that may be parked at a time.
    parked: usize,
}

#[derive(Default)]
struct State {
    /// Connections that are open and not parked.
    open: usize,
    parked: usize,
    octets: usize,
    sources: HashMap<Source, Presence>,
    /// The sources with connections that wait for their client. The last one gives way.
    order: BTreeSet<Precedence>,
    next: Ticket,
}

/// Position in the order in which connections began to wait.
type Ticket = u64;

/// Number of open connections of a source, and the ticket of the one that has waited longest.
type Precedence = (usize, Reverse<Ticket>, Source);

/// The connections of a source.
#[derive(Default)]
struct Presence {
    open: usize,
    /// Connections that wait for their client, oldest first.
    waiting: BTreeMap<Ticket, Waiter>,
    /// The entry of this source in the order.
    precedence: Option<Precedence>,
}

struct Waiter {
    /// Octets that a long request of the connection occupies.
    octets: usize,
    pushed_out: Arc<Notify>,
}

/// An open connection, which counts until this value is dropped. The connection waits for its client from its admission on: on
/// a busy machine its task may start only after many more connections were admitted.
pub(crate) struct Slot {
    admission: Admission,
    source: Source,
    pushed_out: Arc<Notify>,
    standing: Mutex<Standing>,
}

struct Standing {
    /// The connection's place among those that wait, and the time at which it began; `None` while the server works for it.
    waits: Option<(Ticket, Instant)>,
    octets: usize,
    /// Time at which a parked connection closes, whatever its state.
    parked_until: Option<Instant>,
}

impl Admission {
    /// At most `limit` connections, and a quarter of them for one source; none may be parked.
    pub(crate) fn new(limit: usize) -> Admission {
        Admission::with_parking(limit, 0)
    }

    /// With room for `parked` further connections that are parked.
    pub(crate) fn with_parking(limit: usize, parked: usize) -> Admission {
        let limits = Limits { open: limit, share: limit.div_ceil(SHARE), octets: BIG_REQUESTS, parked };
        Admission { limits, state: Arc::default() }
    }

    /// Admits a new connection. At a limit, closes the connection that has waited longest for its client. Returns `None` where
    /// no connection waits: the new one must close.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<Slot> {
        let source = Source::from(peer);
        let mut state = self.lock();
        if state.sources.get(&source).is_some_and(|own| own.open >= self.limits.share) {
            let (oldest, _) = state.sources.get(&source)?.waiting.first_key_value()?;
            let oldest = *oldest;
            state.push_out(source, oldest);
        } else if state.open >= self.limits.open && !state.make_room() {
            return None;
        }
        state.open += 1;
        state.sources.entry(source).or_default().open += 1;
        let pushed_out = Arc::new(Notify::new());
        let ticket = state.wait(source, 0, &pushed_out);
        let standing = Standing { waits: Some((ticket, Instant::now())), octets: 0, parked_until: None };
        let standing = Mutex::new(standing);
        Some(Slot { admission: self.clone(), source, pushed_out, standing })
    }

    /// Closes a connection that waits, where the system has no descriptor for another one.
    pub(crate) fn make_room(&self) {
        self.lock().make_room();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Appends a connection to the end of the queue.
    fn wait(&mut self, source: Source, octets: usize, pushed_out: &Arc<Notify>) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        let waiter = Waiter { octets, pushed_out: pushed_out.clone() };
        self.sources.entry(source).or_default().waiting.insert(ticket, waiter);
        self.reorder(source);
        ticket
    }

    /// Takes a connection out of the queue.
    fn leave(&mut self, source: Source, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.sources.get_mut(&source)?.waiting.remove(&ticket)?;
        self.reorder(source);
        Some(waiter)
    }

    /// Asks the connection to close that gives way. Returns false where no connection waits.
    fn make_room(&mut self) -> bool {
        let Some((_, Reverse(oldest), source)) = self.order.last().copied() else { return false };
        self.push_out(source, oldest);
        true
    }

    /// Asks a connection to close. It counts until it has closed, so a limit may be exceeded for a moment.
    fn push_out(&mut self, source: Source, ticket: Ticket) {
        if let Some(waiter) = self.leave(source, ticket) {
            waiter.pushed_out.notify_one();
        }
    }

    fn close(&mut self, source: Source, standing: &Standing) {
        if standing.parked_until.is_some() {
            self.parked = self.parked.saturating_sub(1);
        } else {
            self.count_out(source, standing);
        }
    }

    /// Ends what the connection counts to the limits of open ones.
    fn count_out(&mut self, source: Source, standing: &Standing) {
        standing.waits.and_then(|(ticket, _)| self.leave(source, ticket));
        self.octets = self.octets.saturating_sub(standing.octets);
        self.open = self.open.saturating_sub(1);
        if let Some(presence) = self.sources.get_mut(&source) {
            presence.open = presence.open.saturating_sub(1);
            if presence.open > 0 {
                self.reorder(source);
            } else {
                self.sources.remove(&source);
            }
        }
    }

    /// Updates the entry of a source in the order.
    fn reorder(&mut self, source: Source) {
        let Some(presence) = self.sources.get_mut(&source) else { return };
        let oldest = presence.waiting.first_key_value().map(|(ticket, _)| *ticket);
        let precedence = oldest.map(|oldest| (presence.open, Reverse(oldest), source));
        if presence.precedence != precedence {
            presence.precedence.iter().for_each(|old| _ = self.order.remove(old));
            self.order.extend(precedence);
            presence.precedence = precedence;
        }
    }

    /// The connection with a long request that has waited longest.
    fn longest_request(&self) -> Option<(Ticket, Source)> {
        let long = |(source, presence): (&Source, &Presence)| {
            let (ticket, _) = presence.waiting.iter().find(|(_, waiter)| waiter.octets > 0)?;
            Some((*ticket, *source))
        };
        self.sources.iter().filter_map(long).min()
    }
}

impl Slot {
    /// Begins to wait for the client, unless the connection does already: its place in the queue is that of the first call.
    pub(crate) fn wait(&self) {
        let mut standing = self.standing();
        if standing.waits.is_none() {
            let mut state = self.admission.lock();
            // A parked connection displaces nobody and is displaced by nobody.
            let ticket = match standing.parked_until {
                Some(_) => Ticket::MAX,
                None => state.wait(self.source, standing.octets, &self.pushed_out),
            };
            standing.waits = Some((ticket, Instant::now()));
        }
    }

    /// Ends the wait: the server works for the connection, which is not pushed out meanwhile.
    pub(crate) fn work(&self) {
        if let Some((ticket, _)) = self.standing().waits.take() {
            self.admission.lock().leave(self.source, ticket);
        }
    }

    /// Takes the connection out of the limits of open ones, until it closes: at the end of its answer, and at `until` at the latest.
    /// Returns false, without an effect, where no further connection may be parked.
    pub(crate) fn park(&self, until: Instant) -> bool {
        let mut standing = self.standing();
        let mut state = self.admission.lock();
        if standing.parked_until.is_none() {
            if state.parked >= self.admission.limits.parked {
                return false;
            }
            state.count_out(self.source, &standing);
            state.parked += 1;
            (standing.waits, standing.octets) = (None, 0);
        }
        standing.parked_until = Some(until);
        true
    }

    /// The end of a parked connection; `None` where the connection is not parked.
    pub(crate) fn parked_until(&self) -> Option<Instant> {
        self.standing().parked_until
    }

    /// Moves the connection to the end of the queue: its client has made progress.
    pub(crate) fn wait_anew(&self) {
        self.work();
        self.wait();
    }

    /// Whether the connection has waited for its client for longer than this.
    pub(crate) fn waits_longer_than(&self, limit: Duration) -> bool {
        self.standing().waits.is_some_and(|(_, since)| since.elapsed() > limit)
    }

    /// Completes when the connection must close.
    pub(crate) async fn pushed_out(&self) {
        self.pushed_out.notified().await;
    }

    /// Occupies octets for a long request in place of those that the connection occupied before. Where the long requests of all
    /// connections exceed their limit, the one that has waited longest for its rest closes.
    pub(crate) fn occupy(&self, octets: usize) {
        let mut standing = self.standing();
        let mut state = self.admission.lock();
        state.octets = state.octets.saturating_sub(standing.octets).saturating_add(octets);
        standing.octets = octets;
        let waiter =
            standing.waits.and_then(|(ticket, _)| state.sources.get_mut(&self.source)?.waiting.get_mut(&ticket));
        waiter.into_iter().for_each(|waiter| waiter.octets = octets);
        if state.octets > self.admission.limits.octets
            && let Some((ticket, source)) = state.longest_request()
        {
            state.push_out(source, ticket);
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let standing = self.standing.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.admission.lock().close(self.source, standing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn host(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn is_pushed_out(slot: &Slot) -> bool {
        slot.pushed_out().now_or_never().is_some()
    }

    /// Connections of as many hosts.
    fn admitted<const N: usize>(admission: &Admission) -> [Slot; N] {
        std::array::from_fn(|number| admission.admit(host(number.try_into().unwrap())).unwrap())
    }

    #[test]
    fn the_one_that_waited_longest_makes_room() {
        let admission = Admission::new(2);
        let [a, b] = admitted(&admission);
        a.work();
        a.wait();
        let c = admission.admit(host(9)).unwrap();
        assert!(is_pushed_out(&b), "b began to wait first");
        assert!(!is_pushed_out(&a) && !is_pushed_out(&c));
    }

    #[test]
    fn a_connection_whose_task_has_not_begun_makes_room_too() {
        let admission = Admission::new(1);
        let first = admission.admit(host(1)).unwrap();
        assert!(admission.admit(host(2)).is_some(), "the newest is not refused");
        assert!(is_pushed_out(&first));
        drop(first);
        assert!(admission.lock().order.is_empty() && admission.lock().sources.is_empty());
    }

    #[test]
    fn a_connection_at_work_is_not_pushed_out() {
        let admission = Admission::new(1);
        let a = admission.admit(host(1)).unwrap();
        a.work();
        assert!(admission.admit(host(2)).is_none());
        drop(a);
        assert!(admission.admit(host(2)).is_some());
    }

    #[test]
    fn a_wait_that_goes_on_keeps_its_place_and_a_new_wait_goes_to_the_end() {
        let admission = Admission::new(2);
        let [a, b] = admitted(&admission);
        b.work();
        b.wait();
        a.wait();
        let _c = admission.admit(host(9)).unwrap();
        assert!(is_pushed_out(&a) && !is_pushed_out(&b));
    }

    #[test]
    fn a_source_above_its_share_displaces_itself() {
        let admission = Admission::new(8);
        let [a, b] = admitted(&admission);
        let greedy = [(); 2].map(|()| admission.admit(host(7)).unwrap());
        let third = admission.admit(host(7)).unwrap();
        assert!(is_pushed_out(&greedy[0]), "a quarter of eight is two");
        assert!(![&a, &b, &greedy[1], &third].into_iter().any(is_pushed_out), "others have waited longer");
        greedy[1].work();
        third.work();
        assert!(admission.admit(host(7)).is_none());
        assert!(admission.admit(host(8)).is_some());
    }

    #[test]
    fn at_the_limit_the_source_with_the_most_connections_gives_way() {
        let admission = Admission::new(8);
        let single: [Slot; 6] = admitted(&admission);
        let crowd = [(); 2].map(|()| admission.admit(host(7)).unwrap());
        let late = admission.admit(host(8)).unwrap();
        assert!(is_pushed_out(&crowd[0]), "of the source with two connections");
        assert!(!single.iter().chain([&crowd[1], &late]).any(is_pushed_out));
    }

    #[test]
    fn long_requests_have_a_common_limit_and_the_one_that_waited_longest_makes_room() {
        let admission = Admission { limits: Limits { octets: 100, ..Admission::new(8).limits }, ..Admission::new(8) };
        let [short, a, b] = admitted(&admission);
        a.occupy(60);
        b.occupy(40);
        assert!(![&short, &a, &b].into_iter().any(is_pushed_out));
        b.occupy(60);
        assert!(is_pushed_out(&a) && !is_pushed_out(&b) && !is_pushed_out(&short));
        drop(a);
        assert_eq!(admission.lock().octets, 60);
        drop(b);
        assert_eq!(admission.lock().octets, 0);
    }

    #[test]
    fn a_parked_connection_leaves_its_place_to_others_and_parked_ones_are_bounded() {
        let admission = Admission::with_parking(2, 2);
        let until = Instant::now();
        let [a, b] = admitted(&admission);
        assert!(a.park(until) && a.park(until) && b.park(until), "twice is once");
        let [c, d] = admitted(&admission);
        assert!(!c.park(until), "no room");
        a.wait();
        let _e = admission.admit(host(9)).unwrap();
        assert!(is_pushed_out(&c) && !is_pushed_out(&a) && !is_pushed_out(&b));
        assert!(!a.waits_longer_than(Duration::from_secs(60)) && a.parked_until() == Some(until));
        a.work();
        drop((a, b));
        assert!(d.park(until), "room again");
        drop((c, d));
        let state = admission.lock();
        assert_eq!((state.open, state.parked, state.sources.len()), (1, 0, 1));
    }

    #[test]
    fn a_lack_of_descriptors_makes_room_as_the_limit_does() {
        let admission = Admission::new(8);
        let [a, b] = admitted(&admission);
        admission.make_room();
        assert!(is_pushed_out(&a) && !is_pushed_out(&b));
    }
}
