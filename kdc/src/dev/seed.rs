//! The file of `--seed`: principals, trusts and settings of a realm for demos and tests. `deploy/examples/seed.toml`
//! explains every key.

use crate::config::audit::NOISE_LINES;
use crate::config::listen::LimitSettings;
use crate::config::realm::RealmSettings;
use crate::config::values::{EnctypeName, Moment, Password, Seconds};
use kennel_core::password_policy::PasswordPolicy;
use kennel_core::principal::Attributes;
use serde::de::{Deserialize, Deserializer, Error};

/// The whole seed file.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Seed {
    pub(crate) realm: RealmSettings,
    pub(crate) limits: LimitSettings,
    pub(crate) audit: SeedAudit,
    #[serde(rename = "principal")]
    pub(crate) principals: Vec<SeedPrincipal>,
    #[serde(rename = "policy")]
    pub(crate) policies: Vec<SeedPolicy>,
    #[serde(rename = "trust")]
    pub(crate) trusts: Vec<SeedTrust>,
}

/// Section `[audit]`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SeedAudit {
    /// As `noise_lines` of `[audit]` in the file of `serve`.
    pub(crate) noise_lines: u32,
}

impl Default for SeedAudit {
    fn default() -> SeedAudit {
        SeedAudit { noise_lines: NOISE_LINES }
    }
}

/// A principal.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedPrincipal {
    pub(crate) name: String,
    /// Default: random keys.
    #[serde(default)]
    pub(crate) password: Option<Password>,
    /// Default: the enctypes of the realm.
    #[serde(default)]
    pub(crate) enctypes: Option<Vec<EnctypeName>>,
    /// Default: those that it has keys of, and aes256-cts-hmac-sha1-96.
    #[serde(default)]
    pub(crate) session_enctypes: Option<Vec<EnctypeName>>,
    #[serde(default)]
    pub(crate) attributes: Vec<AttributeName>,
    #[serde(default)]
    pub(crate) expires: Option<Moment>,
    #[serde(default)]
    pub(crate) password_expires: Option<Moment>,
    #[serde(default)]
    pub(crate) max_life: Option<Seconds>,
    #[serde(default)]
    pub(crate) max_renewable_life: Option<Seconds>,
    /// Name of its policy. Default: none.
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
}

/// A policy for passwords and failed attempts. Keys that are left out restrict nothing.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedPolicy {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) min_life: Option<Seconds>,
    #[serde(default)]
    pub(crate) max_life: Option<Seconds>,
    #[serde(default)]
    pub(crate) min_length: Option<u32>,
    #[serde(default)]
    pub(crate) min_classes: Option<u32>,
    #[serde(default)]
    pub(crate) history: Option<u32>,
    #[serde(default)]
    pub(crate) max_failures: Option<u32>,
    #[serde(default)]
    pub(crate) failure_count_interval: Option<Seconds>,
    #[serde(default)]
    pub(crate) lockout_duration: Option<Seconds>,
}

impl SeedPolicy {
    /// The rules of the policy.
    pub(crate) fn rules(&self) -> PasswordPolicy {
        let default = PasswordPolicy::default();
        let seconds = |given: Option<Seconds>, default| given.map_or(default, |given| given.0);
        PasswordPolicy {
            min_life: seconds(self.min_life, default.min_life),
            max_life: seconds(self.max_life, default.max_life),
            min_length: self.min_length.unwrap_or(default.min_length),
            min_classes: self.min_classes.unwrap_or(default.min_classes),
            history: self.history.unwrap_or(default.history),
            max_failures: self.max_failures.unwrap_or(default.max_failures),
            failure_count_interval: seconds(self.failure_count_interval, default.failure_count_interval),
            lockout_duration: seconds(self.lockout_duration, default.lockout_duration),
            allowed_enctypes: default.allowed_enctypes,
        }
    }
}

/// A trusted realm.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedTrust {
    pub(crate) realm: String,
    pub(crate) password: Password,
    #[serde(default)]
    pub(crate) kdc: Option<String>,
    #[serde(default)]
    pub(crate) enctypes: Option<Vec<EnctypeName>>,
}

/// One of [`Attributes`], by its name in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributeName(pub(crate) Attributes);

impl<'de> Deserialize<'de> for AttributeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AttributeName, D::Error> {
        let name = String::deserialize(deserializer)?;
        let small = |n: &str| n.to_ascii_lowercase();
        Attributes::all()
            .iter_names()
            .find(|(known, _)| small(known) == name)
            .map(|(_, attribute)| AttributeName(attribute))
            .ok_or_else(|| {
                let known: Vec<_> = Attributes::all().iter_names().map(|(known, _)| small(known)).collect();
                D::Error::custom(format!("unknown attribute {name:?}; known are {}", known.join(", ")))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_go_by_their_names() {
        let text = "[[principal]]\nname = 'x'\nattributes = ['disallow_all', 'no_preauth_required']";
        let seed: Seed = toml::from_str(text).unwrap();
        let attributes: Vec<_> = seed.principals[0].attributes.iter().map(|a| a.0).collect();
        assert_eq!(attributes, [Attributes::DISALLOW_ALL, Attributes::NO_PREAUTH_REQUIRED]);
    }

    #[test]
    fn an_unknown_attribute_is_answered_with_the_known_ones() {
        let error = toml::from_str::<Seed>("[[principal]]\nname = 'x'\nattributes = ['allow_all']").unwrap_err();
        assert!(error.message().contains("allow_all") && error.message().contains("disallow_tgt_based"), "{error}");
    }

    #[test]
    fn unknown_keys_are_errors_on_every_level() {
        for text in [
            "color = 1",
            "[[principal]]\nname = 'x'\nkvno = 1",
            "[[trust]]\nrealm = 'R'\npassword = 'p'\nx = 1",
            "[[policy]]\nname = 'p'\nlife = 1",
        ] {
            assert!(toml::from_str::<Seed>(text).unwrap_err().message().contains("unknown field"), "{text}");
        }
    }
}
