//! The file of `--seed`: principals, trusts and settings of a realm for demos and tests. `deploy/examples/seed.toml`
//! explains every key.

use crate::config::audit::NOISE_LINES;
use crate::config::listen::LimitSettings;
use crate::config::realm::RealmSettings;
use crate::config::values::{EnctypeName, Moment, Password, Seconds};
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
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
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
        for text in
            ["color = 1", "[[principal]]\nname = 'x'\nkvno = 1", "[[trust]]\nrealm = 'R'\npassword = 'p'\nx = 1"]
        {
            assert!(toml::from_str::<Seed>(text).unwrap_err().message().contains("unknown field"), "{text}");
        }
    }
}
