//! When keys are replaced.

use crate::crd::duration::DurationText;
use crate::crd::schema::without_description;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When keys are replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.interval) || duration(self.interval) >= duration('1h')").message("interval is an hour at least: each key has to reach its holders"))]
#[x_kube(validation = Rule::new("!has(self.overlap) || !has(self.interval) || duration(self.overlap) < duration(self.interval)").message("overlap is shorter than interval: a key is used before the next one comes"))]
#[x_kube(validation = Rule::new("!has(self.policy) || self.policy != 'OnDemand' || !has(self.interval)").message("interval belongs to policy Scheduled: remove it, or set policy: Scheduled"))]
pub struct KeyRotation {
    /// Whether keys are replaced by themselves: Scheduled by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<RotationPolicy>,
    /// Time between two keys: `720h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<DurationText>,
    /// Time for which holders have a new key before the KDC uses it: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<DurationText>,
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
    /// The policy, Scheduled where the object does not say.
    #[must_use]
    pub fn policy(&self) -> RotationPolicy {
        self.policy.unwrap_or_default()
    }
}
