//! A model of everybody who takes part in a rotation, checked by `stateright` in every state within a bound. The schedule is the
//! real one; the rest is what the documentation promises of it:
//!
//! - Three replicas, each with a view of the store that is some revision of it. Every replica may lead at every moment, two at once
//!   too: a write succeeds where the record is still the one of its view. Between two steps a leader may crash, stop or lose the
//!   Lease. A replica whose view is as old as the propagation answers nothing; with `stale` it may still lead.
//! - Two holders. An agent asks some replica for a keytab and says what is on its disk; the replica writes that to the holder's
//!   record and, from a view that has the record, answers with the keys. The answer is lost, or arrives and is written; then the
//!   agent says so, soon or late, or the message is lost, or arrives when it is true no longer. A holder that does none of this is
//!   paused. A pod is deleted, and another comes.
//! - A client that at every moment has the longest ticket of every replica that answers.
//! - Orders and one emergency.
//!
//! It lives beside the histories because it drives the core alone. `KENNEL_MODEL_LONG=1` takes minutes and goes further.

use super::*;
use kennel_core::rotation::apply::{order, revoke};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

const REPLICAS: usize = 3;
const HOLDERS: usize = 2;
/// The oldest view of any model here that answers, seconds.
const OLDEST: i64 = 3;

/// What may happen how often, and the promises that are kept.
#[derive(Clone)]
struct Rotations {
    ticks: i64,
    orders: u8,
    emergencies: u8,
    deletions: u8,
    /// How many agents do anything before the end.
    agents: usize,
    policy: RotationPolicy,
    /// True longest life of a ticket, and true age of the oldest view that answers.
    life: i64,
    oldest_view: i64,
    /// What agents say may arrive after they have written another keytab.
    late: bool,
    /// A view may be older than any that answers.
    stale: bool,
    /// Keys are read before the holder is recorded.
    keys_first: bool,
    /// A leader knows only the holders that have confirmed something since its start.
    forgets: bool,
}

/// One revision of the store.
#[derive(Debug, PartialEq, Clone)]
struct Revision {
    written: i64,
    record: PrincipalRecord,
    /// Which pod, and the versions on its disk.
    holders: [Option<(u8, Vec<u32>)>; HOLDERS],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Agent {
    /// Counts the pods of this name so far.
    pod: u8,
    disk: Vec<u32>,
    /// A keytab that is on its way.
    keytab: Option<Vec<u32>>,
    /// What it said and nobody has heard yet.
    said: Option<Vec<u32>>,
}

#[derive(Debug, Clone, PartialEq)]
struct State {
    now: i64,
    /// The revisions that some replica may still see, oldest first; the last is the store.
    store: Vec<Arc<Revision>>,
    /// What each replica sees, as an index into these; in order, since replicas are alike.
    views: [usize; REPLICAS],
    agents: [Agent; HOLDERS],
    /// Until when some ticket under each version is valid.
    tickets: BTreeMap<u32, i64>,
    /// The version of the last emergency: nothing is promised of those before.
    revoked: u32,
    orders: u8,
    emergencies: u8,
    deletions: u8,
}

/// Two states are one where they go on alike: of a revision, it matters whether a view without it still answers.
impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.now, self.views, &self.agents, &self.tickets, self.revoked).hash(hasher);
        (self.orders, self.emergencies, self.deletions).hash(hasher);
        for revision in &self.store {
            (self.now - revision.written).min(OLDEST).hash(hasher);
            (&revision.holders, revision.record.rotation_ordered).hash(hasher);
            for v in &revision.record.keys.versions {
                (v.kvno, v.state, v.created, v.retired).hash(hasher);
            }
        }
    }
}

/// Replicas are named by their views, holders by their numbers.
#[derive(Debug, Clone, PartialEq)]
enum Action {
    Tick,
    Order,
    Emergency,
    /// A replica sees one revision more.
    Follow(usize),
    /// A replica believes that it leads, and does what is due in its view.
    Lead(usize),
    /// An agent asks for a keytab: what is on its disk goes to its record.
    Ask(usize),
    /// A replica answers an agent.
    Answer(usize, usize),
    /// The keytab arrives and is written.
    Write(usize),
    /// What an agent said some time ago arrives.
    Hear(usize),
    Delete(usize),
}

impl State {
    fn head(&self) -> &Revision {
        &self.store[self.store.len() - 1]
    }

    fn active(&self) -> u32 {
        self.head().record.keys.active_version().map_or(0, |version| version.kvno)
    }

    fn write(&mut self, change: impl FnOnce(&mut Revision)) {
        let mut revision = self.head().clone();
        revision.written = self.now;
        change(&mut revision);
        self.store.push(Arc::new(revision));
    }

    /// Whether a replica with this view answers: the first revision that it does not see is not that old.
    fn answers(&self, view: usize, oldest: i64) -> bool {
        self.store.get(view + 1).is_none_or(|unseen| self.now - unseen.written < oldest)
    }

    /// One form of all states that differ by the names of replicas or by what nobody sees any more; and the client takes its tickets.
    fn normal(mut self, model: &Rotations) -> State {
        let answering = (0..self.store.len()).find(|view| self.answers(*view, model.oldest_view)).unwrap_or(0);
        let oldest = if model.stale { 0 } else { answering };
        self.views = self.views.map(|view| view.max(oldest));
        self.views.sort_unstable();
        let unseen = self.views[0];
        self.store.drain(..unseen);
        self.views.iter_mut().for_each(|view| *view -= unseen);
        self.tickets.retain(|_, end| self.now < *end);
        for view in self.views {
            let active = self.store[view].record.keys.active_version().map(|version| version.kvno);
            if let Some(kvno) = active.filter(|kvno| self.answers(view, model.oldest_view) && *kvno >= self.revoked) {
                self.tickets.insert(kvno, self.now + model.life);
            }
        }
        self
    }
}

impl Rotations {
    /// One order, and nothing else.
    fn ordered() -> Rotations {
        let policy = RotationPolicy {
            interval: None,
            explicit: false,
            overlap: 1,
            propagation: 1,
            patience: 100,
            missing: MissingHolders::Wait,
            accept: 2,
        };
        Rotations {
            ticks: 4,
            orders: 1,
            emergencies: 0,
            deletions: 0,
            agents: HOLDERS,
            policy,
            life: 2,
            oldest_view: 1,
            late: false,
            stale: false,
            keys_first: false,
            forgets: false,
        }
    }

    /// Writes what is due in a view, once; `None` where nothing is, or where the record has changed since.
    fn lead(&self, state: &mut State, view: usize) -> Option<()> {
        let seen = state.store[view].clone();
        let ids: Vec<HolderId> = (0..HOLDERS).map(|holder| pod(u32::try_from(holder).unwrap())).collect();
        let known = seen.holders.iter().zip(&ids).filter_map(|(held, id)| Some((held.as_ref()?, id)));
        let known = known.filter(|((_, kvnos), _)| !self.forgets || !kvnos.is_empty());
        let holders: Vec<Holding<'_>> = known.map(|((_, kvnos), id)| holding(id, kvnos)).collect();
        let now = Moment::from(at(state.now));
        let step = Rotating { record: &seen.record, holders: &holders }.schedule(&self.policy, now).step?;
        if state.head().record != seen.record {
            return None;
        }
        state.write(|revision| do_step(&mut revision.record, &step, &self.policy, now));
        Some(())
    }

    /// The agent's disk is what its record says in this view.
    fn has_record(&self, state: &State, view: usize, holder: usize) -> bool {
        let agent = &state.agents[holder];
        self.keys_first || state.store[view].holders[holder] == Some((agent.pod, agent.disk.clone()))
    }

    fn happen(&self, state: &mut State, action: &Action) -> Option<()> {
        match *action {
            Action::Tick => state.now += 1,
            Action::Order => {
                let now = at(state.now);
                state.write(|revision| order(&mut revision.record, now));
                state.orders += 1;
            }
            Action::Emergency => {
                let now = at(state.now).into();
                state.write(|revision| revoke(&mut revision.record, NO_KEYS, now, &mut rng()));
                state.emergencies += 1;
                state.revoked = state.head().record.keys.versions[0].kvno;
                state.tickets.clear();
            }
            Action::Follow(view) => *state.views.iter_mut().find(|seen| **seen == view)? += 1,
            Action::Lead(view) => self.lead(state, view)?,
            Action::Ask(holder) => {
                let agent = &state.agents[holder];
                let held = Some((agent.pod, agent.disk.clone()));
                if state.head().holders[holder] == held {
                    return None;
                }
                state.write(|revision| revision.holders[holder] = held);
            }
            Action::Answer(holder, view) => {
                let kvnos: Vec<u32> = state.store[view].record.keys.versions.iter().map(|v| v.kvno).collect();
                state.agents[holder].keytab = Some(kvnos).filter(|kvnos| *kvnos != state.agents[holder].disk);
                state.agents[holder].keytab.as_ref()?;
            }
            Action::Write(holder) => {
                let agent = &mut state.agents[holder];
                agent.said = agent.said.take().or(Some(agent.disk.clone())).filter(|_| self.late);
                agent.disk = agent.keytab.take()?;
            }
            Action::Hear(holder) => {
                let agent = &mut state.agents[holder];
                let held = Some((agent.pod, agent.said.take()?));
                state.write(|revision| revision.holders[holder] = held);
            }
            Action::Delete(holder) => {
                let pod = state.agents[holder].pod + 1;
                state.agents[holder] = Agent { pod, ..Agent::default() };
                state.write(|revision| revision.holders[holder] = None);
                state.deletions += 1;
            }
        }
        Some(())
    }

    // --- what must hold

    /// Every version that is issued with is on every disk that has a keytab, and in every view that answers; those of tickets too.
    fn is_readable(&self, state: &State) -> bool {
        let answering = || state.views.iter().filter(|view| state.answers(**view, self.oldest_view));
        let issued = answering().filter_map(|view| state.store[*view].record.keys.active_version());
        let issued = issued.map(|version| version.kvno).chain(state.tickets.keys().copied());
        issued.filter(|kvno| *kvno > state.revoked).all(|kvno| {
            let in_view = |view: &usize| state.store[*view].record.keys.versions.iter().any(|v| v.kvno == kvno);
            let on_disk = |agent: &Agent| agent.disk.is_empty() || agent.disk.contains(&kvno);
            answering().all(in_view) && state.agents.iter().all(on_disk)
        })
    }

    /// Numbers grow, and one version is active.
    fn is_in_order(state: &State) -> bool {
        let newest = |revision: &Revision| revision.record.keys.versions.iter().map(|version| version.kvno).max();
        let active = |revision: &Revision| {
            revision.record.keys.versions.iter().filter(|version| version.state == KeyState::Active).count()
        };
        state.store.iter().all(|revision| active(revision) == 1)
            && state.store.windows(2).all(|pair| newest(&pair[0]) <= newest(&pair[1]))
    }

    /// Once everybody is back, nothing is staged, no order is open, and all disks have the same.
    fn ends(&self, state: &State) -> bool {
        let mut state = state.clone();
        for _ in 0..8 {
            let mut head = state.store.len() - 1;
            while self.lead(&mut state, head).is_some() {
                head = state.store.len() - 1;
            }
            for holder in 0..HOLDERS {
                let head = state.store.len() - 1;
                for action in [
                    Action::Hear(holder),
                    Action::Ask(holder),
                    Action::Answer(holder, head),
                    Action::Write(holder),
                    Action::Ask(holder),
                ] {
                    self.happen(&mut state, &action);
                }
            }
            state.now += 1;
        }
        let versions = versions(&state.head().record);
        let numbers: Vec<u32> = versions.iter().map(|(kvno, _)| *kvno).collect();
        let rests = versions.iter().all(|(_, state)| *state == KeyState::Active);
        let open = state.head().record.rotation_ordered.is_some();
        rests && !open && state.agents.iter().all(|agent| agent.disk == numbers)
    }
}

const READABLE: &str =
    "nothing is issued under a key that a live holder or a view lacks, and no ticket outlives its key";
const ORDERLY: &str = "one version is active, and numbers grow";
const ENDING: &str = "every rotation ends once all are back";

impl Model for Rotations {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let holders = [Some((0, vec![1])), None];
        let mut record = record("web.shop");
        record.keys.versions[0].created = at(-1);
        let first = Arc::new(Revision { written: 0, record, holders });
        let agents = [Agent { disk: vec![1], ..Agent::default() }, Agent::default()];
        let state = State {
            now: 0,
            store: vec![first],
            views: [0; REPLICAS],
            agents,
            tickets: BTreeMap::new(),
            revoked: 0,
            orders: 0,
            emergencies: 0,
            deletions: 0,
        };
        vec![state.normal(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut views = state.views.to_vec();
        views.dedup();
        let behind = views.iter().filter(|view| **view + 1 < state.store.len());
        actions.extend(behind.map(|view| Action::Follow(*view)));
        actions.extend(views.iter().map(|view| Action::Lead(*view)));
        for holder in 0..self.agents {
            let answering = views.iter().filter(|view| state.answers(**view, self.oldest_view));
            let answering = answering.filter(|view| self.has_record(state, **view, holder));
            actions.extend(answering.map(|view| Action::Answer(holder, *view)));
            actions.extend([Action::Ask(holder), Action::Write(holder), Action::Hear(holder)]);
        }
        let bounded = [
            (state.now < self.ticks, Action::Tick),
            // Nothing depends on when the first is.
            (state.orders < self.orders && (state.orders > 0 || state.now == 0), Action::Order),
            (state.emergencies < self.emergencies, Action::Emergency),
            (state.deletions < self.deletions && !state.agents[0].disk.is_empty(), Action::Delete(0)),
        ];
        actions.extend(bounded.into_iter().filter(|(may, _)| *may).map(|(_, action)| action));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.happen(&mut next, &action)?;
        Some(next.normal(self))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(READABLE, |model: &Rotations, state| model.is_readable(state)),
            Property::always(ORDERLY, |_, state| Rotations::is_in_order(state)),
            // Whatever does not end at the bound did not end before.
            Property::always(ENDING, |model: &Rotations, state: &State| state.now < model.ticks || model.ends(state)),
            Property::sometimes("a new key is used, or there after an emergency", |model, state: &State| {
                let has_it = |agent: &Agent| agent.disk.contains(&state.active());
                state.active() > 1 && state.agents.iter().take(model.agents).all(has_it)
            }),
        ]
    }
}

/// Explores every state; returns the properties that do not hold, and prints the bound.
fn explore(name: &str, model: Rotations) -> Vec<&'static str> {
    let bound = format!(
        "{} s, {} agents, {} orders, {} emergencies, {} deletions",
        model.ticks, model.agents, model.orders, model.emergencies, model.deletions
    );
    #[expect(clippy::disallowed_methods, reason = "how long it took is printed, and decides nothing")]
    let started = std::time::Instant::now();
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!(
        "{name}: {} states, {} transitions, depth {}, within {bound}: {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f64()
    );
    let mut broken = Vec::new();
    for (property, path) in checker.discoveries() {
        if [READABLE, ORDERLY, ENDING].contains(&property) {
            println!("{property}: broken by {:?}", path.into_actions());
            broken.push(property);
        }
    }
    if broken.is_empty() {
        checker.assert_properties();
    }
    broken
}

#[test]
fn in_every_state_of_the_model_every_ticket_can_be_read_and_every_rotation_ends() {
    let one = Rotations::ordered();
    let mut models = vec![
        ("one order", one.clone()),
        ("a pod that is deleted", Rotations { deletions: 1, agents: 1, ..one.clone() }),
        ("messages that are late", Rotations { late: true, agents: 1, ..one.clone() }),
        ("an emergency", Rotations { emergencies: 1, agents: 1, ticks: 3, ..one.clone() }),
        ("two orders", Rotations { orders: 2, agents: 1, ..one.clone() }),
    ];
    if std::env::var_os("KENNEL_MODEL_LONG").is_some() {
        models.push(("all of it", Rotations { deletions: 1, late: true, stale: true, emergencies: 1, ..one.clone() }));
        models.push(("two orders to their end", Rotations { orders: 2, ticks: 7, ..one }));
    }
    for (name, model) in models {
        assert_eq!(explore(name, model), [""; 0], "{name}");
    }
}

/// That each promise is needed: without it, the model finds a ticket that nobody can read.
#[test]
fn without_any_one_of_its_promises_the_model_finds_a_ticket_that_cannot_be_read() {
    let whole = Rotations::ordered();
    let policy = whole.policy;
    let broken = [
        ("keys are read before the holder is recorded", Rotations { keys_first: true, ..whole.clone() }),
        ("a holder is forgotten at a restart", Rotations { forgets: true, ..whole.clone() }),
        ("a view that is older than the propagation answers", Rotations { oldest_view: OLDEST, ..whole.clone() }),
        (
            "a key is used before it is published",
            Rotations { policy: RotationPolicy { propagation: 0, overlap: 0, ..policy }, ..whole.clone() },
        ),
        ("an old key goes too early", Rotations { policy: RotationPolicy { accept: 0, ..policy }, ..whole }),
    ];
    for (name, model) in broken {
        assert_eq!(explore(name, model), [READABLE], "{name}");
    }
}
