//! Durations as the Kubernetes API writes them (GEP-2257): `10h`, `1h30m`, `90s`. Go, CEL and people read them the same way; a
//! day has no unit, since not every day has 24 hours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A duration in text: up to three numbers with a unit each (h, m or s), such as 10h or 1h30m.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "Text")]
pub struct DurationText {
    text: String,
    seconds: u32,
}

/// The schema of a duration.
#[derive(JsonSchema)]
#[schemars(transparent)]
#[allow(dead_code, reason = "the schema alone is used")]
struct Text(#[schemars(length(max = 18), regex(pattern = r"^([0-9]{1,5}(h|m|s)){1,3}$"))] String);

impl DurationText {
    /// The duration in seconds.
    #[must_use]
    pub const fn seconds(&self) -> u32 {
        self.seconds
    }
}

impl TryFrom<String> for DurationText {
    type Error = String;

    fn try_from(text: String) -> Result<DurationText, String> {
        match seconds(&text) {
            Some(seconds) => Ok(DurationText { text, seconds }),
            None => {
                Err(format!("{text:?} is no duration: write hours, minutes and seconds, such as 10h, 1h30m or 168h"))
            }
        }
    }
}

impl From<DurationText> for String {
    fn from(duration: DurationText) -> String {
        duration.text
    }
}

fn seconds(text: &str) -> Option<u32> {
    let (mut rest, mut sum, mut parts) = (text, 0_u32, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| (1..=5).contains(digits))?;
        let (number, after) = rest.split_at_checked(digits)?;
        let unit = match after.chars().next()? {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<u32>().ok()?.checked_mul(unit)?)?;
        rest = after.get(1..)?;
        parts += 1;
    }
    (1..=3).contains(&parts).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_add_up() {
        let read = ["30s", "2m", "10h", "168h", "1h30m", "1h1m1s", "0s", "99999h99999h99999h"].map(seconds);
        let sums = [30, 120, 36_000, 604_800, 5400, 3661, 0, 3 * 99_999 * 3600];
        assert_eq!(read, sums.map(Some));
    }

    #[test]
    fn what_the_schema_refuses_is_refused_here_too_and_never_a_default() {
        for text in ["", "h", "1", "7d", "-1h", "1h30", "999999h", "1h1h1h1h", "1\u{e9}", "1.5h", " 1h", "1h\u{e9}"] {
            assert_eq!(seconds(text), None, "{text:?}");
            let error = serde_json::from_value::<DurationText>(serde_json::json!(text)).unwrap_err().to_string();
            assert!(error.contains("such as 10h"), "{error}");
        }
    }

    #[test]
    fn a_duration_is_written_as_it_was_read() {
        let read: DurationText = serde_json::from_value(serde_json::json!("1h90m")).unwrap();
        assert_eq!((read.seconds(), serde_json::to_value(&read).unwrap()), (9000, serde_json::json!("1h90m")));
    }
}
