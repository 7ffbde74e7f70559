//! Durations as people write them: a number and a unit, `30s`, `10m`, `10h`, `7d`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A duration in text: a number and a unit (s, m, h or d), `10h`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DurationText(#[schemars(regex(pattern = r"^[1-9][0-9]{0,5}[smhd]$"))] pub String);

impl DurationText {
    /// The duration in seconds; `None` for a text that the schema refuses.
    #[must_use]
    pub fn seconds(&self) -> Option<u32> {
        let (number, unit) = self.0.split_at_checked(self.0.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        number.parse::<u32>().ok()?.checked_mul(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_seconds() {
        let seconds = |text: &str| DurationText(text.into()).seconds();
        assert_eq!(["30s", "2m", "10h", "7d"].map(seconds), [30, 120, 36_000, 604_800].map(Some));
        assert_eq!(["", "h", "1", "1w", "-1h", "99999999d", "1\u{e9}"].map(seconds), [None; 7]);
    }
}
