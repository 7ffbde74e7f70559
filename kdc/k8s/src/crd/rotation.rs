//! When keys are replaced.

use crate::crd::duration::DurationText;
use crate::crd::schema::without_description;
use kennel_core::rotation::policy;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When keys are replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.interval) || duration(self.interval) >= duration('1h')").message("interval is an hour at least: each key has to reach its holders"))]
#[x_kube(validation = Rule::new("!has(self.overlap) || !has(self.interval) || duration(self.overlap) < duration(self.interval)").message("overlap is shorter than interval: a key is used before the next one comes"))]
#[x_kube(validation = Rule::new("!has(self.progressDeadline) || duration(self.progressDeadline) >= duration('10s')").message("progressDeadline is ten seconds at least: holders fetch a new key within seconds, not at once"))]
#[x_kube(validation = Rule::new("!has(self.policy) || self.policy != 'OnDemand' || !has(self.interval)").message("interval belongs to policy Scheduled: remove it, or set policy: Scheduled"))]
pub struct KeyRotation {
    /// Whether keys are replaced by themselves: Scheduled by default. Keys that somebody has taken by hand are replaced on demand,
    /// unless a KerberosPrincipal says Scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<RotationPolicy>,
    /// Time between two keys: `720h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<DurationText>,
    /// Time for which holders have a new key before the KDC uses it: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<DurationText>,
    /// Time after which a key that waits for a holder is reported, in the condition Stalled: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline: Option<DurationText>,
    /// What happens then: Wait, by default, or Proceed without the holders, which then cannot accept new tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_holders: Option<MissingHolders>,
}

/// What happens where a holder does not take up a new key in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum MissingHolders {
    /// The key waits for it.
    Wait,
    /// The key is used without it.
    Proceed,
}

/// Whether keys are replaced by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum RotationPolicy {
    /// After each interval.
    #[default]
    Scheduled,
    /// Only where somebody asks for it.
    OnDemand,
}

impl KeyRotation {
    /// Whether the object itself asks for rotations: by the policy Scheduled, or by an interval.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        self.policy == Some(RotationPolicy::Scheduled) || (self.policy.is_none() && self.interval.is_some())
    }

    /// The policy that these fields make out of another one. An overlap that they do not give is at most half of an interval that
    /// they give.
    #[must_use]
    pub fn over(&self, base: policy::RotationPolicy) -> policy::RotationPolicy {
        let seconds = |given: &Option<DurationText>| given.as_ref().map(DurationText::seconds);
        let interval = match (self.policy, seconds(&self.interval)) {
            (Some(RotationPolicy::OnDemand), _) => None,
            (_, Some(interval)) => Some(interval),
            (Some(RotationPolicy::Scheduled), None) => Some(base.interval.unwrap_or(policy::RotationPolicy::INTERVAL)),
            (None, None) => base.interval,
        };
        let longest = interval.map_or(u32::MAX, |interval| interval / 2);
        policy::RotationPolicy {
            interval,
            overlap: seconds(&self.overlap).unwrap_or_else(|| base.overlap.min(longest)),
            patience: seconds(&self.progress_deadline).unwrap_or(base.patience),
            missing: match self.missing_holders {
                Some(MissingHolders::Wait) => policy::MissingHolders::Wait,
                Some(MissingHolders::Proceed) => policy::MissingHolders::Proceed,
                None => base.missing,
            },
            ..base
        }
    }
}
