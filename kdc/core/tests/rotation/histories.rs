//! Random histories of a realm: its `krbtgt` and one service, a leader that stops, clocks that jump, pods and Secrets that come,
//! pause and go, limits and policies that change, orders and emergencies. Nothing here knows how the schedule decides; what must
//! hold for tickets, holders and replicas is checked after every event.

use super::*;
use kennel_core::realm::Realm;
use kennel_core::rotation::accept::accept_of;
use kennel_core::rotation::apply::{order, revoke};
use kennel_core::rotation::clock::SteadyClock;
use kennel_core::rotation::schedule::Waiting;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What happens. Numbers that name one of several count round.
#[derive(Debug, Clone)]
enum Event {
    /// Seconds go by.
    Pass(u32),
    /// The wall clock jumps, and is set right within the hour.
    Jump(i64),
    /// A clock that was wrong all the time is set right.
    Fix,
    LeaderStops,
    LeaderStarts,
    Order(usize),
    Revoke(usize),
    NewPod,
    NewSecret,
    Leaves(usize),
    Pauses(usize),
    Resumes(usize),
    /// A paused holder gets a keytab, and its confirmation is lost.
    Fetches(usize),
    /// Life and renewable life of tickets.
    Limits(u32, u32),
    Interval(Option<u32>),
    Overlap(u32),
    Missing(MissingHolders),
}

/// One principal, and what is known of it from outside.
struct Key {
    record: PrincipalRecord,
    /// True time at which each version was made.
    made: BTreeMap<u32, i64>,
    /// True time of the last order.
    ordered: Option<i64>,
    /// Made by an emergency: what came before is void.
    revoked: BTreeSet<u32>,
    /// Used although a holder was missing, because the policy said so.
    proceeded: BTreeSet<u32>,
    /// True time until which some ticket under each version is valid.
    tickets: BTreeMap<u32, i64>,
    /// Since when (true time) the store has had which versions, and which was active.
    views: Vec<(i64, Vec<u32>, Option<u32>)>,
}

struct Holder {
    id: HolderId,
    confirmed: Vec<u32>,
    since: Timestamp,
    paused: bool,
    /// Since when (true time) whoever reads its files sees which versions.
    files: Vec<(i64, Vec<u32>)>,
}

struct World {
    /// True time, seconds since the start; the monotonic clock too.
    now: i64,
    /// How wrong the wall clock is for long, and for the moment.
    wrong: i64,
    was_wrong: i64,
    /// When that was set right.
    fixed: i64,
    jump: i64,
    /// When the jump is set right.
    jump_ends: i64,
    clock: SteadyClock,
    leader: bool,
    /// `krbtgt`, then the service.
    keys: [Key; 2],
    holders: Vec<Holder>,
    holders_made: u32,
    realm: Realm,
    policy: RotationPolicy,
    steps: usize,
}

/// A replica answers from a view that is at most this old: the propagation, less the difference of two clocks.
const OLDEST_VIEW: i64 = RotationPolicy::PROPAGATION as i64 - 2;

/// Mounted files follow their Secret within this time.
const MOUNTED: i64 = 120;

impl Key {
    fn new(name: &str) -> Key {
        let record = record(name);
        let views = vec![(i64::MIN, vec![1], Some(1))];
        let made = BTreeMap::from([(1, 0)]);
        let (revoked, proceeded) = (BTreeSet::new(), BTreeSet::new());
        Key { record, made, ordered: None, revoked, proceeded, tickets: BTreeMap::new(), views }
    }

    fn numbers(&self) -> Vec<u32> {
        self.record.keys.versions.iter().map(|version| version.kvno).collect()
    }

    fn active(&self) -> Option<u32> {
        self.record.keys.active_version().map(|version| version.kvno)
    }

    fn written(&mut self, now: i64) {
        self.views.push((now, self.numbers(), self.active()));
    }

    /// The view of a replica that is this old.
    fn view(&self, at: i64) -> &(i64, Vec<u32>, Option<u32>) {
        self.views.iter().rev().find(|(since, ..)| *since <= at).unwrap()
    }

    fn is_excused(&self, kvno: u32) -> bool {
        self.revoked.contains(&kvno) || self.proceeded.contains(&kvno)
    }
}

impl Holder {
    fn sees(&self, now: i64) -> Option<&[u32]> {
        self.files.iter().rev().find(|(since, _)| *since <= now).map(|(_, kvnos)| &**kvnos)
    }
}

impl World {
    fn new(wrong: i64) -> World {
        let mut world = World {
            now: 0,
            wrong,
            was_wrong: wrong.abs(),
            fixed: i64::MIN / 2,
            jump: 0,
            jump_ends: 0,
            clock: SteadyClock::new(at(wrong), Duration::ZERO),
            leader: true,
            keys: ["krbtgt/R", "web.shop"].map(Key::new),
            holders: Vec::new(),
            holders_made: 0,
            realm: Realm::new("R"),
            policy: POLICY,
            steps: 0,
        };
        for key in &mut world.keys {
            key.record.keys.versions[0].created = at(wrong);
        }
        world.advance(0);
        world
    }

    fn wall(&self) -> Timestamp {
        at(self.now + self.wrong + self.jump)
    }

    fn moment(&mut self) -> Moment {
        self.clock.observe(self.wall(), Duration::from_secs(self.now.unsigned_abs()))
    }

    fn happen(&mut self, event: &Event) {
        let holders = self.holders.len().max(1);
        match event {
            Event::Pass(seconds) => self.advance((*seconds).into()),
            Event::Jump(seconds) if self.jump_ends <= self.now => {
                (self.jump, self.jump_ends) = (*seconds, self.now + HOUR - 60);
            }
            Event::Fix if self.wrong != 0 => {
                self.set_right();
                (self.wrong, self.fixed) = (0, self.now);
                self.advance(2 * HOUR);
            }
            Event::LeaderStops => self.leader = false,
            // A process that begins cannot know that its clock is wrong.
            Event::LeaderStarts if !self.leader => {
                self.set_right();
                self.leader = true;
                self.clock = SteadyClock::new(self.wall(), Duration::from_secs(self.now.unsigned_abs()));
            }
            Event::Order(key) => {
                let (now, wall, key) = (self.now, self.wall(), &mut self.keys[key % 2]);
                order(&mut key.record, wall);
                key.ordered = Some(now);
            }
            Event::Revoke(key) => self.revoke(key % 2),
            Event::NewPod => self.new_holder(pod),
            Event::NewSecret => self.new_holder(secret),
            Event::Leaves(which) if !self.holders.is_empty() => drop(self.holders.remove(which % holders)),
            Event::Pauses(which) if !self.holders.is_empty() => self.holders[which % holders].paused = true,
            Event::Resumes(which) if !self.holders.is_empty() => self.holders[which % holders].paused = false,
            Event::Fetches(which) if !self.holders.is_empty() => self.fetch(which % holders),
            // A leader that looks neither at the higher limit nor at the lower one knows of neither.
            Event::Limits(life, renewable) if self.leader && self.jump == 0 => {
                (self.realm.max_life, self.realm.max_renewable_life) = (*life, *renewable);
            }
            Event::Interval(interval) => self.policy.interval = *interval,
            Event::Overlap(overlap) => self.policy.overlap = *overlap,
            Event::Missing(missing) => self.policy.missing = *missing,
            _ => {}
        }
        self.advance(0);
    }

    fn revoke(&mut self, which: usize) {
        let (now, moment) = (self.now, self.moment());
        let key = &mut self.keys[which];
        revoke(&mut key.record, NO_KEYS, moment, &mut rng());
        let kvno = key.active().unwrap();
        assert!(key.made.insert(kvno, now).is_none() && key.made.keys().all(|made| *made <= kvno), "numbers grow");
        key.revoked.insert(kvno);
        key.tickets.clear();
        key.written(now);
    }

    /// A holder is recorded, then gets its keytab.
    fn new_holder(&mut self, id: fn(u32) -> HolderId) {
        self.holders_made += 1;
        let since = self.moment().stamp();
        let id = id(self.holders_made);
        self.holders.push(Holder { id, confirmed: Vec::new(), since, paused: false, files: Vec::new() });
        self.fetch(self.holders.len() - 1);
    }

    fn fetch(&mut self, which: usize) {
        let (now, numbers) = (self.now, self.keys[1].numbers());
        let holder = &mut self.holders[which];
        let lag = match holder.id {
            HolderId::Pod(_) => 0,
            // The first keytab of a Secret is there when its first pod starts.
            HolderId::Secret { .. } if holder.files.is_empty() => 0,
            HolderId::Secret { .. } => MOUNTED,
        };
        holder.files.push((now + lag, numbers));
    }

    /// Everybody who is not paused fetches and confirms.
    fn follow(&mut self) {
        let moment = self.moment();
        for which in 0..self.holders.len() {
            let numbers = self.keys[1].numbers();
            let holder = &mut self.holders[which];
            if moment.is_future(holder.since) {
                holder.since = moment.stamp();
            }
            if holder.paused || holder.confirmed == numbers {
                continue;
            }
            (holder.confirmed, holder.since) = (numbers, moment.stamp());
            self.fetch(which);
        }
    }

    fn set_right(&mut self) {
        self.jump = 0;
        self.jump_ends = self.now;
    }

    /// Time goes by: everybody does what is due, no later than that.
    fn advance(&mut self, seconds: i64) {
        let until = self.now + seconds;
        loop {
            let wake = self.leader.then(|| self.lead()).flatten();
            self.check();
            self.follow();
            let again = self.leader.then(|| self.lead()).flatten();
            self.issue();
            self.check();
            if self.now >= until {
                return;
            }
            let jump_ends = Some(self.jump_ends).filter(|_| self.jump != 0);
            let next = [wake, again, jump_ends, Some(until)].into_iter().flatten().filter(|next| *next > self.now);
            self.now = next.min().unwrap_or(until).min(until);
            if self.jump != 0 && self.jump_ends <= self.now {
                self.set_right();
            }
        }
    }

    /// The leader does all that is due; returns when (true time) it looks again.
    fn lead(&mut self) -> Option<i64> {
        let moment = self.moment();
        (0..2).filter_map(|which| self.lead_one(which, moment)).min()
    }

    fn lead_one(&mut self, which: usize, moment: Moment) -> Option<i64> {
        for _ in 0..20 {
            let policy = self.policy_of(which);
            let schedule = self.schedule(which, &policy, moment);
            let Some(step) = &schedule.step else {
                self.check_wake(which, &policy, &schedule);
                return schedule.wake.map(|wake| wake.0 - self.wall().time.0 + self.now);
            };
            self.check_cause(which, step, &schedule.waiting);
            let (now, key) = (self.now, &mut self.keys[which]);
            do_step(&mut key.record, step, &policy, moment);
            key.written(now);
            self.steps += 1;
        }
        panic!("the leader never rests");
    }

    fn policy_of(&self, which: usize) -> RotationPolicy {
        let accept = accept_of(&self.keys[which].record, &self.realm, &self.keys[0].record);
        RotationPolicy { accept, ..self.policy }
    }

    fn schedule(&self, which: usize, policy: &RotationPolicy, moment: Moment) -> Schedule {
        let holdings: Vec<Holding<'_>> =
            self.holders.iter().map(|h| Holding { id: &h.id, kvnos: &h.confirmed, since: h.since }).collect();
        let holders = if which == 0 { &[][..] } else { &holdings };
        Rotating { record: &self.keys[which].record, holders }.schedule(policy, moment)
    }

    /// Every replica issues the longest ticket there is, one by the oldest view that answers.
    fn issue(&mut self) {
        let offset = self.wrong + self.jump;
        if offset.abs() > self.realm.clock_skew.into() {
            return;
        }
        let life = i64::from(self.realm.max_life.max(self.realm.max_renewable_life));
        // The skew is what clocks differ, be it the KDC's or the acceptor's.
        let skew = i64::from(self.realm.clock_skew);
        let end = self.now + life + skew - offset.abs().max(self.was_wrong.min(skew));
        for key in &mut self.keys {
            let void = key.revoked.last().copied().unwrap_or(0);
            let lagging = key.view(self.now - OLDEST_VIEW).2.filter(|kvno| *kvno >= void);
            // The last key that retired by the wrong clock.
            let lagging = lagging.filter(|_| self.now - self.fixed > OLDEST_VIEW);
            for kvno in key.active().into_iter().chain(lagging) {
                let last = key.tickets.entry(kvno).or_insert(end);
                *last = end.max(*last);
            }
        }
    }

    // --- what must hold

    fn check(&mut self) {
        let now = self.now;
        for (which, key) in self.keys.iter_mut().enumerate() {
            key.tickets.retain(|_, end| now < *end);
            let numbers = key.numbers();
            let unique: BTreeSet<_> = numbers.iter().collect();
            assert_eq!(unique.len(), numbers.len(), "kvnos are unique");
            let active = key.record.keys.versions.iter().filter(|version| version.state == KeyState::Active).count();
            assert_eq!(active, 1, "one version is active");
            for kvno in key.tickets.keys() {
                assert!(unique.contains(kvno), "a ticket under {kvno} outlives its key: {numbers:?}");
            }
            let Some(active) = key.active().filter(|active| !key.revoked.contains(active)) else { continue };
            let view = &key.view(now - OLDEST_VIEW).1;
            assert!(view.contains(&active), "a replica sees {view:?} and gets a ticket under {active}");
            if which == 0 || key.is_excused(active) {
                continue;
            }
            for holder in &self.holders {
                let Some(files) = holder.sees(now) else { continue };
                assert!(files.contains(&active), "{:?} has {files:?} and gets a ticket under {active}", holder.id);
                for kvno in key.tickets.keys().filter(|kvno| !key.is_excused(**kvno)) {
                    assert!(files.contains(kvno), "{:?} has {files:?} and gets a ticket under {kvno}", holder.id);
                }
            }
        }
    }

    /// A key is made for an order, or because of its age; and its number is new.
    fn check_cause(&mut self, which: usize, step: &Step, waiting: &Waiting) {
        let (now, interval, wrong) = (self.now, self.policy.interval, self.was_wrong);
        let key = &mut self.keys[which];
        match step {
            Step::Stage => {
                let made = key.made[&key.active().unwrap()];
                match waiting {
                    Waiting::Order => assert!(key.ordered.is_some_and(|ordered| ordered >= made), "nobody asked"),
                    _ => {
                        let young = i64::from(interval.unwrap()) / 16 * 15 - (now - made);
                        assert!(young <= wrong + 2, "{young} seconds too young");
                    }
                }
                let kvno = NO_KEYS.next_kvno(&key.record.keys);
                assert!(key.made.keys().all(|made| *made < kvno), "numbers grow");
                key.made.insert(kvno, now);
            }
            Step::Activate(kvno) if matches!(waiting, Waiting::Holders { stalled: true, .. }) => {
                assert_eq!(self.policy.missing, MissingHolders::Proceed);
                key.proceeded.insert(*kvno);
            }
            Step::Activate(_) | Step::Drop(_) | Step::Extend | Step::Correct => {}
        }
    }

    /// Time alone brings nothing before the next look, and the next look is not in the past.
    fn check_wake(&mut self, which: usize, policy: &RotationPolicy, schedule: &Schedule) {
        let wall = self.wall();
        assert!(schedule.wake.is_none_or(|wake| wake > wall.time), "the next look is in the past");
        if self.moment() != Moment::from(wall) {
            return;
        }
        for later in [1, 59, HOUR, DAY, 40 * DAY, 4000 * DAY] {
            let then = Timestamp { time: wall.time.plus(later), ..wall };
            if schedule.wake.is_some_and(|wake| wake <= then.time) {
                break;
            }
            assert_eq!(self.schedule(which, policy, then.into()).step, None, "nobody looks after {later} s");
        }
        if let Some(wake) = schedule.wake {
            let then = self.schedule(which, policy, Timestamp { time: wake, ..wall }.into());
            assert!(then.step.is_some() || then.wake.is_none_or(|next| next > wake), "nothing is due at {wake:?}");
        }
    }

    /// The clock is right, everybody is back, and no more keys are wanted: every rotation ends, and the last key alone stays.
    fn check_end(&mut self) {
        self.happen(&Event::Fix);
        self.set_right();
        self.happen(&Event::LeaderStarts);
        self.holders.iter_mut().for_each(|holder| holder.paused = false);
        self.policy.interval = None;
        let week = i64::from(POLICY.patience) + i64::from(self.policy.overlap);
        self.advance(week + 2 * HOUR);
        self.advance(week);
        for key in &self.keys {
            let versions = &key.record.keys.versions;
            assert!(
                versions.iter().all(|version| version.state != KeyState::Staged),
                "a rotation did not end: {versions:?}"
            );
            let made = key.made[&key.active().unwrap()];
            assert!(key.ordered.is_none_or(|ordered| made >= ordered), "an order was forgotten");
            assert_eq!(key.record.rotation_ordered.filter(|order| *order > versions[0].created), None);
        }
        self.advance(400 * DAY);
        for (which, key) in self.keys.iter().enumerate() {
            assert_eq!(key.numbers().len(), 1, "an old key stays for ever");
            let idle = self.schedule(which, &self.policy_of(which), self.wall().into());
            assert_eq!((idle.step, idle.wake), (None, None));
        }
    }
}

fn some_event() -> impl Strategy<Value = Event> {
    let seconds = || prop_oneof![1..20_u32, 20..4000_u32, 4000..200_000_u32, 200_000..1_000_000_u32];
    let interval = prop_oneof![20_000..100_000_u32, 100_000..4_000_000_u32];
    let jump = prop_oneof![-400..400_i64, -10 * DAY..10 * DAY, Just(365 * DAY), Just(-365 * DAY)];
    let missing = proptest::sample::select(vec![MissingHolders::Wait, MissingHolders::Proceed]);
    prop_oneof![
        8 => seconds().prop_map(Event::Pass),
        2 => jump.prop_map(Event::Jump),
        1 => Just(Event::Fix),
        1 => Just(Event::LeaderStops),
        3 => Just(Event::LeaderStarts),
        3 => (0..2_usize).prop_map(Event::Order),
        1 => (0..2_usize).prop_map(Event::Revoke),
        2 => Just(Event::NewPod),
        1 => Just(Event::NewSecret),
        1 => (0..9_usize).prop_map(Event::Leaves),
        2 => (0..9_usize).prop_map(Event::Pauses),
        2 => (0..9_usize).prop_map(Event::Resumes),
        2 => (0..9_usize).prop_map(Event::Fetches),
        1 => (300..1_000_000_u32, 0..1_500_000_u32).prop_map(|(life, renewable)| Event::Limits(life, renewable)),
        1 => proptest::option::weighted(0.9, interval).prop_map(Event::Interval),
        1 => (0..90_000_u32).prop_map(Event::Overlap),
        1 => missing.prop_map(Event::Missing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_login_fails_no_key_goes_early_and_every_rotation_ends_whatever_happens(
        wrong in prop_oneof![3 => Just(0), 1 => -DAY..DAY],
        events in proptest::collection::vec(some_event(), 1..60),
    ) {
        let mut world = World::new(wrong);
        for event in &events {
            world.happen(event);
        }
        world.check_end();
    }
}

#[test]
fn a_year_with_a_key_a_week_brings_as_many_keys_as_it_has_weeks() {
    let mut world = World::new(0);
    world.policy.interval = Some(7 * 86_400);
    world.happen(&Event::NewPod);
    world.advance(364 * DAY);
    for key in &world.keys {
        let made = key.made.len();
        assert!((52..=60).contains(&made), "{made} keys");
    }
}
