//! Sums up noise: requests of strangers that fail before anybody is known, such as octets that cannot be read, unknown names and
//! rejected tokens. Each source may write some lines in full in each period, and all sources together some more. The others are
//! counted by source and reason, and written as one line each at the end of the period. Noise thus cannot push the lines of issued
//! and denied tickets out of a log of limited size.

use crate::line::{Fields, Line};
use kennel_core::enrolment::{EnrolmentEvent, EnrolmentOutcome};
use kennel_core::event::{Decision, Event, Exchange};
use kennel_core::kpasswd::event::PasswordEvent;
use kennel_core::refusal::Refusal;
use kennel_wire::message::Timestamp;
use kennel_wire::source::Source;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// Length of a period.
const PERIOD: Duration = Duration::from_secs(30);
/// Sources that are counted apart; the others are counted together.
const SOURCES: usize = 128;
/// All sources may write as many lines in full as so many sources.
const FULL_SOURCES: u32 = 10;

/// An event that may be noise: who sent the request, and what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoiseKey {
    source: Source,
    kind: NoiseKind,
}

/// What is counted of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NoiseKind {
    exchange: &'static str,
    outcome: &'static str,
    reason: &'static str,
}

/// Reason of noise that was counted before its source was known, since the queue was full of noise.
const NOT_QUEUED: NoiseKind = NoiseKind { exchange: "any", outcome: "any", reason: "QueueFull" };

impl NoiseKey {
    /// The key of a request's event, where the event is noise.
    pub(crate) fn of_request(event: &Event) -> Option<NoiseKey> {
        let (Decision::Refused { refusal, .. } | Decision::Dropped(refusal)) = &event.outcome else { return None };
        let is_noise = match event.exchange {
            Exchange::Unreadable => true,
            Exchange::As => is_strangers_as(*refusal),
            // Without a ticket of ours that opens, nobody is known.
            Exchange::Tgs => event.client.is_none(),
        };
        let (exchange, outcome) = (event.exchange.name(), event.outcome.name());
        let kind = NoiseKind { exchange, outcome, reason: refusal.name() };
        is_noise.then(|| NoiseKey { source: event.peer.ip().into(), kind })
    }

    /// The key of an enrolment's event, where the event is noise: no account is known.
    pub(crate) fn of_enrolment(event: &EnrolmentEvent) -> Option<NoiseKey> {
        let EnrolmentOutcome::Refused { refusal, .. } = &event.outcome else { return None };
        let kind = NoiseKind { exchange: "enrolment", outcome: event.outcome.name(), reason: refusal.name() };
        event.account.is_none().then(|| NoiseKey { source: event.peer.ip().into(), kind })
    }

    /// The key of the event of a request to change a password, where the event is noise: nobody is proven.
    pub(crate) fn of_password(event: &PasswordEvent) -> Option<NoiseKey> {
        let kind = NoiseKind { exchange: "kpasswd", outcome: event.outcome.name(), reason: event.outcome.reason() };
        event.client.is_none().then(|| NoiseKey { source: event.peer.ip().into(), kind })
    }
}

/// Whether an AS request failed before its client was found, or before its armor was: nobody who sends it has a ticket of ours then.
fn is_strangers_as(refusal: Refusal) -> bool {
    use Refusal as R;
    matches!(
        refusal,
        R::WrongRealm
            | R::ClientMissing
            | R::ServerMissing
            | R::ClientUnknown
            | R::ServerUnknown
            | R::OptionNotInAs
            | R::Anonymous
            | R::FastMalformed
            | R::FastArmorMissing
            | R::FastArmorType
            | R::FastArmorNotTgt
            | R::TicketNotForUs
            | R::TicketEnctype
            | R::TicketKeyVersion
            | R::TicketIntegrity
            | R::AuthenticatorIntegrity
    )
}

/// The noise of one period.
pub(crate) struct Noise {
    /// Lines of one source that are written in full.
    lines: u32,
    ends: Option<Instant>,
    written: u32,
    sources: HashMap<Source, SourceNoise>,
    others: SourceNoise,
}

#[derive(Default)]
struct SourceNoise {
    written: u32,
    counts: BTreeMap<NoiseKind, Tally>,
}

#[derive(Clone, Copy)]
struct Tally {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl SourceNoise {
    fn count(&mut self, kind: NoiseKind, count: u64, time: Timestamp) {
        let tally = self.counts.entry(kind).or_insert(Tally { count: 0, first: time, last: time });
        tally.count = tally.count.saturating_add(count);
        tally.last = time;
    }
}

impl Noise {
    /// `lines`: lines that one source may write in full in a period.
    pub(crate) fn new(lines: u32) -> Noise {
        Noise { lines, ends: None, written: 0, sources: HashMap::new(), others: SourceNoise::default() }
    }

    /// Takes in an event. Returns whether it is written in full; otherwise it is counted.
    pub(crate) fn admit(&mut self, key: NoiseKey, time: Timestamp, now: Instant) -> bool {
        self.ends.get_or_insert(now + PERIOD);
        let is_known = self.sources.contains_key(&key.source);
        let source = if is_known || self.sources.len() < SOURCES {
            self.sources.entry(key.source).or_default()
        } else {
            &mut self.others
        };
        if source.written < self.lines && self.written < self.lines.saturating_mul(FULL_SOURCES) {
            source.written += 1;
            self.written += 1;
            return true;
        }
        source.count(key.kind, 1, time);
        false
    }

    /// Counts events that were not queued.
    pub(crate) fn add_unqueued(&mut self, count: u64, time: Timestamp, now: Instant) {
        if count > 0 {
            self.ends.get_or_insert(now + PERIOD);
            self.others.count(NOT_QUEUED, count, time);
        }
    }

    /// Time until the period ends; `None` where there is no noise.
    pub(crate) fn remaining(&self, now: Instant) -> Option<Duration> {
        self.ends.map(|ends| ends.saturating_duration_since(now))
    }

    /// Ends the period; returns its sums, those of the greatest number first.
    pub(crate) fn end_period(&mut self) -> Vec<NoiseSum> {
        let ended = std::mem::replace(self, Noise::new(self.lines));
        let named = ended.sources.into_iter().map(|(source, noise)| (Some(source), noise));
        let all = named.chain([(None, ended.others)]);
        let sums = all.flat_map(|(source, noise)| {
            noise.counts.into_iter().map(move |(kind, tally)| NoiseSum { source, kind, tally })
        });
        let mut sums: Vec<_> = sums.collect();
        sums.sort_by_key(|sum| std::cmp::Reverse(sum.tally.count));
        sums
    }
}

/// The sum of one kind of noise of one source in a period.
pub(crate) struct NoiseSum {
    /// `None` for the sources that are counted together.
    source: Option<Source>,
    kind: NoiseKind,
    tally: Tally,
}

impl Fields for NoiseSum {
    fn write(&self, line: &mut Line<'_>) {
        line.word("time", self.tally.last.to_rfc3339());
        line.word("exchange", self.kind.exchange);
        line.word("outcome", self.kind.outcome);
        match self.source {
            Some(source) => line.word("source", source),
            None => line.word("source", "others"),
        }
        line.word("reason", self.kind.reason);
        line.bare("unwritten", self.tally.count);
        line.word("since", self.tally.first.to_rfc3339());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{self, LineFormat};
    use crate::testing::{clock, issued, refused};

    fn stranger(address: [u8; 4]) -> NoiseKey {
        let refusal = Refusal::ClientUnknown;
        let outcome = Decision::refused(refusal);
        let event = Event { peer: (address, 1).into(), outcome, ..refused("nobody") };
        NoiseKey::of_request(&event).unwrap()
    }

    fn admitted(noise: &mut Noise, key: NoiseKey, times: usize) -> usize {
        let now = Instant::now();
        (0..times).filter(|_| noise.admit(key, clock(), now)).count()
    }

    fn lines(sums: &[NoiseSum]) -> Vec<serde_json::Value> {
        let mut batch = String::new();
        sums.iter().for_each(|sum| line::write(sum, LineFormat::Json, &mut batch));
        batch.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_source_writes_some_lines_and_the_others_become_one_with_their_number() {
        let mut noise = Noise::new(5);
        assert_eq!(admitted(&mut noise, stranger([10, 0, 0, 1]), 1000), 5);
        assert_eq!(admitted(&mut noise, stranger([10, 0, 0, 2]), 3), 3);
        let sums = lines(&noise.end_period());
        assert_eq!(sums.len(), 1);
        assert_eq!((&sums[0]["source"], &sums[0]["unwritten"]), (&"10.0.0.1".into(), &995.into()));
        assert_eq!((&sums[0]["exchange"], &sums[0]["reason"]), (&"AS".into(), &"ClientUnknown".into()));
        assert!(noise.end_period().is_empty() && noise.remaining(Instant::now()).is_none());
        assert_eq!(admitted(&mut noise, stranger([10, 0, 0, 1]), 9), 5, "a new period");
    }

    #[test]
    fn many_sources_together_write_no_more_than_ten_and_cost_bounded_memory() {
        let mut noise = Noise::new(5);
        let written: usize = (0..60_000_u16)
            .map(|n| admitted(&mut noise, stranger([10, 1, n.to_be_bytes()[0], n.to_be_bytes()[1]]), 2))
            .sum();
        assert_eq!(written, 50);
        assert_eq!(noise.sources.len(), SOURCES);
        let sums = lines(&noise.end_period());
        assert!(sums.len() <= SOURCES + 1);
        assert_eq!(sums[0]["source"], "others");
        let unwritten: u64 = sums.iter().map(|sum| sum["unwritten"].as_u64().unwrap()).sum();
        assert_eq!(unwritten, 120_000 - 50, "none is lost");
    }

    #[test]
    fn who_was_issued_or_denied_a_ticket_is_no_noise() {
        let denied = Decision::refused;
        let of_as = |outcome| NoiseKey::of_request(&Event { outcome, ..refused("alice") });
        assert_eq!(NoiseKey::of_request(&issued()), None);
        assert_eq!(of_as(Decision::PreauthRequired), None);
        for refusal in [Refusal::PreauthFailed, Refusal::ClientLocked, Refusal::PasswordExpired, Refusal::PreauthSkew] {
            assert_eq!(of_as(denied(refusal)), None, "{}", refusal.name());
        }
        let of_tgs = |client: Option<_>, refusal| {
            NoiseKey::of_request(&Event { exchange: Exchange::Tgs, client, outcome: denied(refusal), ..refused("x") })
        };
        let alice = refused("alice").client;
        assert_eq!(of_tgs(alice, Refusal::ServerUnknown), None, "its ticket says who asks");
        assert!(of_tgs(None, Refusal::TicketIntegrity).is_some());
    }

    #[test]
    fn an_armor_that_does_not_open_is_noise_and_what_is_refused_inside_armor_is_not() {
        let of_as = |refusal| NoiseKey::of_request(&Event { outcome: Decision::refused(refusal), ..refused("alice") });
        for refusal in [Refusal::FastMalformed, Refusal::FastArmorNotTgt, Refusal::TicketIntegrity] {
            assert!(of_as(refusal).is_some(), "anybody can send it: {}", refusal.name());
        }
        for refusal in [Refusal::FastChecksumMismatch, Refusal::CookieForged, Refusal::FastRequired] {
            assert_eq!(of_as(refusal), None, "{}", refusal.name());
        }
    }

    #[test]
    fn what_was_not_queued_is_summed_up_too() {
        let mut noise = Noise::new(5);
        noise.add_unqueued(0, clock(), Instant::now());
        assert!(noise.remaining(Instant::now()).is_none());
        noise.add_unqueued(7, clock(), Instant::now());
        assert!(noise.remaining(Instant::now()).is_some());
        assert_eq!(lines(&noise.end_period())[0]["unwritten"], 7);
    }
}
