//! Types of values in configuration files: durations, times, enctypes, passwords.

use kennel_crypto::Enctype;
use kennel_wire::message::KerberosTime;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// A length of time: `"10h"`, `"7d"`, `"90s"`, `"5m"`, or a whole number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u32);

impl Seconds {
    /// Converts the value for timers.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }

    fn parse(text: &str) -> Option<Seconds> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor: u32 = match text.strip_prefix(digits)? {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        // `u32::from_str` accepts a plus sign, which is a typing error here.
        digits.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
        digits.parse::<u32>().ok()?.checked_mul(factor).map(Seconds)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
        struct Form;
        impl Visitor<'_> for Form {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as \"10h\", \"7d\", \"5m\" or \"90s\", or a number of seconds")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Seconds, E> {
                Seconds::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<Seconds, E> {
                u32::try_from(seconds)
                    .map(Seconds)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(seconds), &self))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

/// An enctype by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EnctypeName(pub(crate) Enctype);

impl<'de> Deserialize<'de> for EnctypeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EnctypeName, D::Error> {
        let name = String::deserialize(deserializer)?;
        Enctype::from_name(&name).map(EnctypeName).ok_or_else(|| {
            let known: Vec<_> = Enctype::ALL.iter().map(|e| e.name()).collect();
            D::Error::custom(format!("unknown enctype {name:?}; known are {}", known.join(", ")))
        })
    }
}

/// A point in time, as TOML writes it: `2030-12-31T23:59:59Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) KerberosTime);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = toml::value::Datetime::deserialize(deserializer)?.to_string();
        let at = chrono::DateTime::parse_from_rfc3339(&text)
            .map_err(|_| D::Error::custom("a time needs date, time and zone, such as 2030-12-31T23:59:59Z"))?;
        // KerberosTime begins in 1970.
        Ok(Moment(KerberosTime::EPOCH.plus(at.timestamp())))
    }
}

/// A password. Neither errors nor `Debug` show the text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(Zeroizing<String>);

impl Password {
    /// Creates a password from its text.
    pub(crate) fn new(text: String) -> Password {
        Password(Zeroizing::new(text))
    }

    /// Returns the octets, for string-to-key.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Password, D::Error> {
        match String::deserialize(deserializer) {
            Ok(text) if !text.is_empty() => Ok(Password::new(text)),
            _ => Err(D::Error::custom("a password must be text in quotes, and not empty")),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Of<T> {
        v: T,
    }

    fn read<T: serde::de::DeserializeOwned + fmt::Debug>(value: &str) -> Result<T, String> {
        toml::from_str::<Of<T>>(&format!("v = {value}")).map(|of| of.v).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn lengths_of_time_have_units() {
        for (text, seconds) in [("\"10h\"", 36_000), ("\"7d\"", 604_800), ("\"5m\"", 300), ("\"90s\"", 90), ("45", 45)]
        {
            assert_eq!(read::<Seconds>(text).unwrap(), Seconds(seconds), "{text}");
        }
    }

    #[test]
    fn other_lengths_of_time_are_refused() {
        for text in
            ["\"10\"", "\"h\"", "\"\"", "\"1w\"", "\"-1h\"", "\"+1h\"", "\"1 h\"", "\"99999999d\"", "-1", "true"]
        {
            let error = read::<Seconds>(text).unwrap_err();
            assert!(error.contains("\"10h\""), "{text}: {error}");
        }
    }

    #[test]
    fn moments_are_toml_times_with_a_zone() {
        assert_eq!(read::<Moment>("2026-11-23T16:00:00Z").unwrap(), Moment(KerberosTime(1_795_449_600)));
        assert_eq!(read::<Moment>("2026-11-23T17:00:00+01:00").unwrap(), Moment(KerberosTime(1_795_449_600)));
        assert!(read::<Moment>("2026-11-23").unwrap_err().contains("2030-12-31T23:59:59Z"));
        assert!(read::<Moment>("\"tomorrow\"").is_err());
    }

    #[test]
    fn an_unknown_enctype_is_answered_with_the_known_ones() {
        let error = read::<EnctypeName>("\"des-cbc-crc\"").unwrap_err();
        assert!(error.contains("des-cbc-crc") && error.contains("aes256-cts-hmac-sha384-192"), "{error}");
    }

    #[test]
    fn a_wrong_password_value_is_not_shown() {
        let error = read::<Password>("12345").unwrap_err();
        assert!(!error.contains("12345") && error.contains("password"), "{error}");
        assert!(read::<Password>("\"\"").is_err());
        assert_eq!(format!("{:?}", read::<Password>("\"hunter2\"").unwrap()), "Password(<redacted>)");
    }
}
