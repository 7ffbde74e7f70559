//! Numbers of principals in the store by origin, and of active keys by age.

use kennel_core::principal::Origin;
use kennel_wire::message::Principal;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::HashMap;

const DAY: i64 = 86_400;
/// Age groups of keys: upper limit in seconds, and label of the group.
const AGES: [(i64, &str); 5] =
    [(DAY, "<1d"), (7 * DAY, "1d-7d"), (30 * DAY, "7d-30d"), (90 * DAY, "30d-90d"), (365 * DAY, "90d-365d")];
/// Label of the keys above the last limit.
const OLDER: &str = ">365d";

/// Kind of the principal that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A ticket-granting service: the realm's own, or one shared with another realm.
    Krbtgt,
    /// A service: any other name of several components.
    Service,
    /// An account or a user: a name of one component.
    Client,
}

impl PrincipalKind {
    const ALL: [PrincipalKind; 3] = [PrincipalKind::Krbtgt, PrincipalKind::Service, PrincipalKind::Client];

    /// Returns the kind of the principal with this name.
    #[must_use]
    pub fn from_name(name: &Principal) -> PrincipalKind {
        match name.name.components.as_slice() {
            [first, _, ..] if first == "krbtgt" => PrincipalKind::Krbtgt,
            [_, _, ..] => PrincipalKind::Service,
            _ => PrincipalKind::Client,
        }
    }

    fn name(self) -> &'static str {
        match self {
            PrincipalKind::Krbtgt => "krbtgt",
            PrincipalKind::Service => "service",
            PrincipalKind::Client => "client",
        }
    }
}

/// The principals and keys of a store at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreCounts {
    principals: HashMap<Origin, i64>,
    keys: HashMap<(PrincipalKind, &'static str), i64>,
    /// Creation time of the oldest active key, seconds since the epoch.
    oldest: HashMap<PrincipalKind, i64>,
}

impl StoreCounts {
    /// Counts a principal. `created`: creation time of its active key, `None` where it has no key. Both times are seconds since the
    /// epoch.
    pub fn add(&mut self, origin: Origin, kind: PrincipalKind, created: Option<i64>, now: i64) {
        *self.principals.entry(origin).or_default() += 1;
        let Some(created) = created else { return };
        let age = now.saturating_sub(created);
        let label = AGES.iter().find(|(limit, _)| age < *limit).map_or(OLDER, |(_, label)| *label);
        *self.keys.entry((kind, label)).or_default() += 1;
        let oldest = self.oldest.entry(kind).or_insert(created);
        *oldest = created.min(*oldest);
    }

    /// The number of principals of an origin.
    #[must_use]
    pub fn principals(&self, origin: Origin) -> i64 {
        self.principals.get(&origin).copied().unwrap_or(0)
    }

    /// The number of active keys of an age: `<1d`, `1d-7d`, `7d-30d`, `30d-90d`, `90d-365d` or `>365d`.
    #[must_use]
    pub fn keys(&self, kind: PrincipalKind, age: &'static str) -> i64 {
        self.keys.get(&(kind, age)).copied().unwrap_or(0)
    }

    /// Creation time of the oldest active key, seconds since the epoch; 0 where there is none.
    #[must_use]
    pub fn oldest(&self, kind: PrincipalKind) -> i64 {
        self.oldest.get(&kind).copied().unwrap_or(0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OriginLabels {
    origin: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    principal: &'static str,
    age: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    principal: &'static str,
}

/// The gauges that show [`StoreCounts`].
#[derive(Debug, Default)]
pub struct StoreGauges {
    principals: Family<OriginLabels, Gauge>,
    keys: Family<KeyLabels, Gauge>,
    oldest: Family<KindLabels, Gauge>,
}

impl StoreGauges {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("principals", "Principals in the store by who made them", self.principals.clone());
        let help = "Keys that tickets are issued under, by kind of principal and by age";
        registry.register("keys", help, self.keys.clone());
        let help = "When the oldest key that tickets are issued under was created; 0 where there is none";
        registry.register("oldest_key_timestamp_seconds", help, self.oldest.clone());
    }

    /// Sets the gauges to these counts.
    pub fn set(&self, counts: &StoreCounts) {
        for (origin, name) in [(Origin::Kubernetes, "kubernetes"), (Origin::Manual, "manual")] {
            self.principals.get_or_create(&OriginLabels { origin: name }).set(counts.principals(origin));
        }
        for kind in PrincipalKind::ALL {
            let principal = kind.name();
            for age in AGES.map(|(_, age)| age).into_iter().chain([OLDER]) {
                self.keys.get_or_create(&KeyLabels { principal, age }).set(counts.keys(kind, age));
            }
            self.oldest.get_or_create(&KindLabels { principal }).set(counts.oldest(kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_future_are_new_and_those_of_the_distant_past_old() {
        let mut counts = StoreCounts::default();
        for created in [i64::MIN, 0, i64::MAX] {
            counts.add(Origin::Manual, PrincipalKind::Client, Some(created), 1_800_000_000);
        }
        let ages = [OLDER, "<1d", "1d-7d"].map(|age| counts.keys(PrincipalKind::Client, age));
        assert_eq!((ages, counts.oldest(PrincipalKind::Client)), ([2, 1, 0], i64::MIN));
    }

    #[test]
    fn what_has_gone_is_shown_as_0() {
        let gauges = StoreGauges::default();
        let mut counts = StoreCounts::default();
        counts.add(Origin::Kubernetes, PrincipalKind::Service, Some(10), 20);
        gauges.set(&counts);
        let shown = |gauges: &StoreGauges| {
            let keys = gauges.keys.get_or_create(&KeyLabels { principal: "service", age: "<1d" }).get();
            let oldest = gauges.oldest.get_or_create(&KindLabels { principal: "service" }).get();
            (gauges.principals.get_or_create(&OriginLabels { origin: "kubernetes" }).get(), keys, oldest)
        };
        assert_eq!(shown(&gauges), (1, 1, 10));
        gauges.set(&StoreCounts::default());
        assert_eq!(shown(&gauges), (0, 0, 0));
    }
}
