//! A queue in front of a service that may be slow: so many at a time, the rest waits. The groups take turns, so that one that asks
//! much delays itself alone, and no source has more than its share. All bounds are numbers of entries of some hundred octets.

use kennel_wire::source::Source;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    /// Permits at a time.
    pub(crate) total: usize,
    /// Permits of one group at a time.
    pub(crate) per_group: usize,
    /// Permits of one source address at a time.
    pub(crate) per_source: usize,
    /// Requests that wait in all; of one group or one source, an eighth of them.
    pub(crate) waiting: usize,
    /// Time for which a request waits.
    pub(crate) patience: Duration,
}

/// The queue is full, or the request has waited in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueBusy;

/// A queue whose groups take turns.
pub(crate) struct FairQueue<G: Group>(Arc<Shared<G>>);

/// The key of a group.
pub(crate) trait Group: Clone + Eq + Hash + Send + 'static {}
impl<G: Clone + Eq + Hash + Send + 'static> Group for G {}

struct Shared<G: Group> {
    limits: QueueLimits,
    state: Mutex<State<G>>,
}

struct State<G: Group> {
    running: usize,
    running_of_group: HashMap<G, usize>,
    running_of_source: HashMap<Source, usize>,
    /// Requests that wait, by group, in the order of their arrival.
    waiting: HashMap<G, VecDeque<Waiter<G>>>,
    waiting_of_source: HashMap<Source, usize>,
    number_waiting: usize,
    /// Groups with requests that wait; the first has the next turn.
    turns: VecDeque<G>,
}

struct Waiter<G: Group> {
    source: Source,
    sender: oneshot::Sender<Permit<G>>,
}

/// The permission to ask, until this value is dropped.
pub(crate) struct Permit<G: Group> {
    /// `None` for a permit that nobody received.
    queue: Option<Arc<Shared<G>>>,
    group: G,
    source: Source,
}

/// The place of a request that waits: its end removes the requests of the group that nobody waits for any more.
struct Place<'a, G: Group> {
    queue: &'a Shared<G>,
    group: G,
}

impl<G: Group> FairQueue<G> {
    pub(crate) fn new(limits: QueueLimits) -> FairQueue<G> {
        let state = State {
            running: 0,
            running_of_group: HashMap::new(),
            running_of_source: HashMap::new(),
            waiting: HashMap::new(),
            waiting_of_source: HashMap::new(),
            number_waiting: 0,
            turns: VecDeque::new(),
        };
        FairQueue(Arc::new(Shared { limits, state: Mutex::new(state) }))
    }

    /// Waits for a permit. A request whose future is dropped leaves the queue.
    pub(crate) async fn enter(&self, group: G, source: Source) -> Result<Permit<G>, QueueBusy> {
        // Dropped after the receiver.
        let _place = Place { queue: &self.0, group: group.clone() };
        let permit = self.0.join(group, source)?;
        // A permit that arrives after the time is dropped with the channel, and so given on.
        match timeout(self.0.limits.patience, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(QueueBusy),
        }
    }

    /// Permits that are in use.
    #[cfg(test)]
    pub(crate) fn running(&self) -> usize {
        self.0.lock().running
    }
}

impl<G: Group> Shared<G> {
    fn lock(&self) -> MutexGuard<'_, State<G>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(self: &Arc<Self>, group: G, source: Source) -> Result<oneshot::Receiver<Permit<G>>, QueueBusy> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.lock();
            let share = self.limits.waiting / 8;
            let of_group = state.waiting.get(&group).map_or(0, VecDeque::len);
            let of_source = state.waiting_of_source.get(&source).copied().unwrap_or(0);
            if state.number_waiting >= self.limits.waiting || of_group >= share || of_source >= share {
                return Err(QueueBusy);
            }
            state.add(group, Waiter { source, sender });
        }
        self.dispatch();
        Ok(receiver)
    }

    /// Gives permits to those whose turn it is.
    fn dispatch(self: &Arc<Self>) {
        loop {
            let next = self.lock().next(&self.limits);
            let Some((group, Waiter { source, sender })) = next else { return };
            if let Err(mut permit) = sender.send(Permit { queue: Some(self.clone()), group, source }) {
                // The request has left: the permit goes to the next one, without another dispatch inside this one.
                permit.queue = None;
                self.lock().give_back(&permit.group, source);
            }
        }
    }
}

impl<G: Group> State<G> {
    fn add(&mut self, group: G, waiter: Waiter<G>) {
        self.number_waiting += 1;
        *self.waiting_of_source.entry(waiter.source).or_default() += 1;
        let queue = self.waiting.entry(group.clone()).or_default();
        if queue.is_empty() {
            self.turns.push_back(group);
        }
        queue.push_back(waiter);
    }

    /// Takes the next request that may run, and counts its permit.
    fn next(&mut self, limits: &QueueLimits) -> Option<(G, Waiter<G>)> {
        if self.running >= limits.total {
            return None;
        }
        let of_source = &self.running_of_source;
        let may_run =
            |waiter: &Waiter<G>| of_source.get(&waiter.source).is_none_or(|running| *running < limits.per_source);
        // Of the groups that may run, the one that has the fewest permits; of several, the one whose turn comes first.
        let candidates = self.turns.iter().enumerate().filter_map(|(turn, group)| {
            let running = self.running_of_group.get(group).copied().unwrap_or(0);
            let place = self.waiting.get(group)?.iter().position(may_run)?;
            (running < limits.per_group).then_some((running, turn, place))
        });
        let (_, turn, place) = candidates.min()?;
        let group = self.turns.remove(turn)?;
        let waiter = self.take(&group, place)?;
        if self.waiting.contains_key(&group) {
            self.turns.push_back(group.clone());
        }
        self.running += 1;
        *self.running_of_group.entry(group.clone()).or_default() += 1;
        *self.running_of_source.entry(waiter.source).or_default() += 1;
        Some((group, waiter))
    }

    /// Takes a request out of its group's queue, whose turn stays as it is.
    fn take(&mut self, group: &G, place: usize) -> Option<Waiter<G>> {
        let queue = self.waiting.get_mut(group)?;
        let waiter = queue.remove(place)?;
        if queue.is_empty() {
            self.waiting.remove(group);
        }
        self.number_waiting = self.number_waiting.saturating_sub(1);
        count_down(&mut self.waiting_of_source, &waiter.source);
        Some(waiter)
    }

    /// Removes the requests of a group that have left the queue.
    fn forget_gone(&mut self, group: &G) {
        let gone = |waiter: &Waiter<G>| waiter.sender.is_closed();
        while let Some(place) = self.waiting.get(group).and_then(|queue| queue.iter().position(gone)) {
            self.take(group, place);
        }
        if !self.waiting.contains_key(group) {
            self.turns.retain(|turn| turn != group);
        }
    }

    fn give_back(&mut self, group: &G, source: Source) {
        self.running = self.running.saturating_sub(1);
        count_down(&mut self.running_of_group, group);
        count_down(&mut self.running_of_source, &source);
    }
}

impl<G: Group> Drop for Permit<G> {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.lock().give_back(&self.group, self.source);
            queue.dispatch();
        }
    }
}

impl<G: Group> Drop for Place<'_, G> {
    fn drop(&mut self) {
        self.queue.lock().forget_gone(&self.group);
    }
}

fn count_down<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinHandle;

    const LIMITS: QueueLimits =
        QueueLimits { total: 4, per_group: 3, per_source: 3, waiting: 64, patience: Duration::from_secs(5) };

    fn source(last: u8) -> Source {
        Source::from(std::net::IpAddr::from([10, 0, 0, last]))
    }

    type Waiting = JoinHandle<Result<Permit<&'static str>, QueueBusy>>;

    async fn waits(queue: &Arc<FairQueue<&'static str>>, group: &'static str, last: u8) -> Waiting {
        let queue = queue.clone();
        let waiting = tokio::spawn(async move { queue.enter(group, source(last)).await });
        // Lets the task come to its wait.
        tokio::time::sleep(Duration::from_millis(20)).await;
        waiting
    }

    #[tokio::test]
    async fn a_group_that_asks_much_delays_itself_alone() {
        let queue = Arc::new(FairQueue::new(LIMITS));
        let mut flood = Vec::new();
        for last in 0..8 {
            flood.push(waits(&queue, "flood", last).await);
        }
        assert_eq!(queue.running(), 3, "its share");
        let good = queue.enter("good", source(100)).await.unwrap();
        let second = waits(&queue, "good", 101).await;
        assert!(!second.is_finished(), "all permits are in use");
        flood.remove(0).await.unwrap().map(drop).unwrap();
        let second = second.await.unwrap().unwrap();
        assert_eq!(queue.running(), 4);
        drop((good, second));
    }

    #[tokio::test]
    async fn a_source_has_its_share_in_whatever_groups_it_asks() {
        let queue = Arc::new(FairQueue::new(LIMITS));
        let mut permits = Vec::new();
        for group in ["a", "b", "c"] {
            permits.push(queue.enter(group, source(1)).await.unwrap());
        }
        let more = waits(&queue, "d", 1).await;
        assert!(!more.is_finished());
        drop(queue.enter("d", source(2)).await.unwrap());
        permits.pop();
        assert!(more.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn who_waits_in_vain_or_leaves_takes_no_permit_along() {
        let patience = Duration::from_millis(200);
        let queue = Arc::new(FairQueue::new(QueueLimits { total: 1, patience, ..LIMITS }));
        let permit = queue.enter("a", source(1)).await.unwrap();
        let leaves = waits(&queue, "b", 2).await;
        leaves.abort();
        assert_eq!(queue.enter("c", source(3)).await.err(), Some(QueueBusy), "waited in vain");
        drop(permit);
        assert_eq!(queue.running(), 0, "neither got it");
        drop(queue.enter("d", source(4)).await.unwrap());
        let state = queue.0.lock();
        assert!(state.running_of_source.is_empty() && state.running_of_group.is_empty());
        assert!(state.waiting.is_empty() && state.turns.is_empty() && state.waiting_of_source.is_empty());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_keeps_room_for_others() {
        let queue = Arc::new(FairQueue::new(QueueLimits { total: 1, ..LIMITS }));
        let permit = queue.enter("first", source(0)).await.unwrap();
        let mut flood = Vec::new();
        for last in 1..=8 {
            flood.push(waits(&queue, "flood", last).await);
        }
        assert_eq!(queue.enter("flood", source(9)).await.err(), Some(QueueBusy));
        let good = waits(&queue, "good", 10).await;
        drop(permit);
        flood.remove(0).await.unwrap().map(drop).unwrap();
        good.await.unwrap().map(drop).unwrap();
    }
}
