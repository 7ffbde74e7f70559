//! Section `[realm.rotation]`: how keys rotate where no object of the cluster says otherwise.

use crate::config::values::Seconds;
use anyhow::ensure;
use kennel_core::rotation::policy::{MissingHolders, RotationPolicy};
use serde::Deserialize;

/// The section. Keys that are left out have the defaults of [`RotationPolicy`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RotationSettings {
    /// Time between two keys; 0: on demand.
    interval: Option<Seconds>,
    overlap: Option<Seconds>,
    propagation: Option<Seconds>,
    progress_deadline: Option<Seconds>,
    missing_holders: Option<MissingHoldersName>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MissingHoldersName {
    Wait,
    Proceed,
}

impl RotationSettings {
    /// The policy that the section makes of the default.
    pub(crate) fn build(&self) -> anyhow::Result<RotationPolicy> {
        let mut policy = RotationPolicy::default();
        if let Some(Seconds(interval)) = self.interval {
            policy.interval = (interval > 0).then_some(interval);
        }
        let longest = policy.interval.map_or(u32::MAX, |interval| interval / 2);
        policy.overlap = self.overlap.map_or(policy.overlap.min(longest), |overlap| overlap.0);
        policy.propagation = self.propagation.map_or(policy.propagation, |propagation| propagation.0);
        policy.patience = self.progress_deadline.map_or(policy.patience, |deadline| deadline.0);
        policy.missing = match self.missing_holders {
            Some(MissingHoldersName::Proceed) => MissingHolders::Proceed,
            Some(MissingHoldersName::Wait) | None => MissingHolders::Wait,
        };
        ensure!(
            policy.interval.is_none_or(|interval| policy.overlap < interval),
            "realm.rotation.overlap: must be shorter than interval: a key is used before the next one comes"
        );
        ensure!(
            policy.propagation > 0,
            "realm.rotation.propagation: must be at least \"1s\": every replica has to see a key before it is used"
        );
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Result<RotationPolicy, String> {
        let settings: RotationSettings = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        settings.build().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_the_default_and_every_setting_arrives() {
        assert_eq!(build("").unwrap(), RotationPolicy::default());
        let text = "interval = \"90s\"\noverlap = \"20s\"\npropagation = 2\nprogress_deadline = \"1m\"\nmissing_holders = \"proceed\"";
        let policy = build(text).unwrap();
        assert_eq!((policy.interval, policy.overlap, policy.propagation), (Some(90), 20, 2));
        assert_eq!((policy.patience, policy.missing), (60, MissingHolders::Proceed));
        assert_eq!(build("interval = 0").unwrap().interval, None);
        assert_eq!(build("interval = \"1h\"").unwrap().overlap, 1800);
    }

    #[test]
    fn settings_under_which_a_key_could_not_spread_are_refused() {
        assert!(build("interval = \"1h\"\noverlap = \"1h\"").unwrap_err().contains("realm.rotation.overlap"));
        assert!(build("propagation = 0").unwrap_err().contains("realm.rotation.propagation"));
    }
}
