//! The settings of a realm, shared by the configuration of `serve` and the seed of `dev`.

use crate::config::rotation::RotationSettings;
use crate::config::values::{EnctypeName, Seconds};
use anyhow::{Context, ensure};
use kennel_core::admin::dictionary::{Dictionary, LONGEST_DICTIONARY};
use kennel_core::realm::Realm;
use kennel_crypto::Enctype;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Section `[realm]`. Keys that are left out have the defaults of [`Realm::new`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RealmSettings {
    pub(crate) name: Option<String>,
    pub(crate) enctypes: Option<Vec<EnctypeName>>,
    pub(crate) max_life: Option<Seconds>,
    pub(crate) max_renewable_life: Option<Seconds>,
    pub(crate) clock_skew: Option<Seconds>,
    pub(crate) require_preauth: Option<bool>,
    pub(crate) require_fast: Option<bool>,
    pub(crate) encrypted_challenge_indicator: Option<String>,
    pub(crate) allow_postdate: Option<bool>,
    pub(crate) password_change_ends_tickets: Option<bool>,
    /// File of words that are no passwords, one a line.
    pub(crate) password_dictionary: Option<PathBuf>,
    pub(crate) rotation: RotationSettings,
    /// Realm of each domain, for referrals.
    pub(crate) domain_realms: BTreeMap<String, String>,
    /// Realms that tickets may have passed through, by the client's realm.
    pub(crate) capaths: BTreeMap<String, Vec<String>>,
    /// Next realm on the way to each foreign realm.
    pub(crate) next_hops: BTreeMap<String, String>,
}

impl RealmSettings {
    /// Builds the realm of this name from the settings.
    pub(crate) fn build(&self, name: &str) -> anyhow::Result<Realm> {
        check_realm_name(name, "realm.name")?;
        self.check_other_realms()?;
        let mut realm = Realm::new(name);
        if let Some(enctypes) = &self.enctypes {
            realm.enctypes = distinct(enctypes)?;
        }
        if let Some(life) = self.max_life {
            ensure!(life.0 > 0, "realm.max_life: must be at least \"1s\"");
            realm.max_life = life.0;
        }
        realm.max_renewable_life = self.max_renewable_life.map_or(realm.max_renewable_life, |life| life.0);
        realm.clock_skew = self.clock_skew.map_or(realm.clock_skew, |skew| skew.0);
        realm.require_preauth = self.require_preauth.unwrap_or(realm.require_preauth);
        realm.require_fast = self.require_fast.unwrap_or(realm.require_fast);
        realm.encrypted_challenge_indicator = self.indicator()?;
        realm.allow_postdate = self.allow_postdate.unwrap_or(realm.allow_postdate);
        realm.password_change_ends_tickets =
            self.password_change_ends_tickets.unwrap_or(realm.password_change_ends_tickets);
        realm.dictionary = self.password_dictionary.as_deref().map(read_dictionary).transpose()?.map(Arc::new);
        realm.rotation = self.rotation.build()?;
        realm.domain_realms = pairs(&self.domain_realms);
        realm.next_hops = pairs(&self.next_hops);
        realm.capaths = self
            .capaths
            .iter()
            .flat_map(|(client, through)| through.iter().map(move |middle| (client.clone(), middle.clone())))
            .collect();
        Ok(realm)
    }

    fn indicator(&self) -> anyhow::Result<Option<String>> {
        let indicator = &self.encrypted_challenge_indicator;
        ensure!(
            indicator.as_ref().is_none_or(|name| (1..=64).contains(&name.len()) && !name.contains(char::is_whitespace)),
            "realm.encrypted_challenge_indicator: give a word of 1 to 64 octets, such as \"fast\": require_auth of a principal lists such words, separated by spaces"
        );
        Ok(indicator.clone())
    }

    fn check_other_realms(&self) -> anyhow::Result<()> {
        for (domain, realm) in &self.domain_realms {
            ensure!(
                !domain.is_empty() && !domain.starts_with('.'),
                "realm.domain_realms: {domain:?}: give the domain without a leading dot: the entry covers the domain and all below it"
            );
            check_realm_name(realm, "realm.domain_realms")?;
        }
        for (client, through) in &self.capaths {
            check_realm_name(client, "realm.capaths")?;
            through.iter().try_for_each(|middle| check_realm_name(middle, "realm.capaths"))?;
        }
        for (far, near) in &self.next_hops {
            check_realm_name(far, "realm.next_hops")?;
            check_realm_name(near, "realm.next_hops")?;
        }
        Ok(())
    }
}

fn read_dictionary(path: &Path) -> anyhow::Result<Dictionary> {
    let (key, file) = ("realm.password_dictionary", path.display());
    let text = std::fs::read(path).with_context(|| format!("{key}: {file} cannot be read"))?;
    let dictionary = Dictionary::new(text);
    dictionary
        .with_context(|| format!("{key}: {file} is longer than {} MiB: give a shorter one", LONGEST_DICTIONARY >> 20))
}

/// Warns of settings that weaken the realm.
pub(crate) fn warn_of_weakness(realm: &Realm) {
    if realm.enctypes.contains(&Enctype::Rc4Hmac) {
        tracing::warn!(
            "realm.enctypes permits arcfour-hmac, whose keys are unsalted MD4 hashes of passwords: remove it as soon as you can"
        );
    }
    if !realm.require_preauth {
        tracing::warn!(
            "realm.require_preauth is false: anybody can collect replies and guess passwords from them; set it to true"
        );
    }
    if !realm.password_change_ends_tickets {
        tracing::warn!(
            "realm.password_change_ends_tickets is false: a ticket that was stolen stays usable after its owner changes the password; set it to true"
        );
    }
}

/// Accepts realm names of the domain style and of the other styles of RFC 4120 (section 6.1), without characters that separate
/// names.
pub(crate) fn check_realm_name(name: &str, key: &str) -> anyhow::Result<()> {
    let bad = |c: char| c.is_control() || c.is_whitespace() || "/@\\:".contains(c);
    ensure!(
        !name.is_empty() && name.len() <= 255 && !name.contains(bad),
        "{key}: {name:?} is not a realm name: 1 to 255 octets without white space, `/`, `@`, `\\` and `:`"
    );
    Ok(())
}

fn distinct(names: &[EnctypeName]) -> anyhow::Result<Vec<Enctype>> {
    ensure!(!names.is_empty(), "realm.enctypes: give at least one, or leave the key out for the defaults");
    let mut enctypes: Vec<Enctype> = Vec::with_capacity(names.len());
    for EnctypeName(enctype) in names {
        ensure!(!enctypes.contains(enctype), "realm.enctypes: {enctype} is listed twice");
        enctypes.push(*enctype);
    }
    Ok(enctypes)
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    map.iter().map(|(a, b)| (a.clone(), b.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Result<Realm, String> {
        let settings: RealmSettings = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        settings.build("R").map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        let realm = build("").unwrap();
        assert_eq!(realm.enctypes, Realm::new("R").enctypes);
        assert!(!realm.enctypes.contains(&Enctype::Rc4Hmac));
        assert!(realm.require_preauth && !realm.allow_postdate && realm.password_change_ends_tickets);
        assert!(!realm.require_fast && realm.encrypted_challenge_indicator.is_none());
    }

    #[test]
    fn every_setting_arrives() {
        let realm = build(
            r#"
            enctypes = ["aes128-cts-hmac-sha1-96", "arcfour-hmac"]
            max_life = "1h"
            max_renewable_life = 0
            clock_skew = "1m"
            require_preauth = false
            require_fast = true
            encrypted_challenge_indicator = "fast"
            allow_postdate = true
            password_change_ends_tickets = false
            domain_realms = { "far.example" = "FAR" }
            capaths = { FAR = ["MID", "NEAR"] }
            next_hops = { FAR = "NEAR" }
            "#,
        )
        .unwrap();
        assert_eq!(realm.enctypes, [Enctype::Aes128CtsHmacSha1, Enctype::Rc4Hmac]);
        assert_eq!((realm.max_life, realm.max_renewable_life, realm.clock_skew), (3600, 0, 60));
        assert!(!realm.require_preauth && realm.allow_postdate && !realm.password_change_ends_tickets);
        assert!(realm.require_fast);
        assert_eq!(realm.encrypted_challenge_indicator.as_deref(), Some("fast"));
        assert_eq!(realm.domain_realms, [("far.example".into(), "FAR".into())]);
        assert_eq!(realm.capaths, [("FAR".into(), "MID".into()), ("FAR".into(), "NEAR".into())]);
        assert_eq!(realm.next_hops, [("FAR".into(), "NEAR".into())]);
    }

    #[test]
    fn the_dictionary_is_read_and_one_that_cannot_be_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "letmein\nqwerty\n").unwrap();
        let realm = build(&format!("password_dictionary = {:?}", file.path())).unwrap();
        assert!(realm.dictionary.unwrap().contains(b"QWERTY"));
        let error = build("password_dictionary = \"/nonexistent\"").unwrap_err();
        assert!(error.contains("realm.password_dictionary: /nonexistent"), "{error}");
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_key() {
        for (text, key) in [
            ("enctypes = []", "realm.enctypes"),
            ("enctypes = [\"aes256-cts\", \"aes256-cts\"]", "realm.enctypes"),
            ("max_life = 0", "realm.max_life"),
            ("encrypted_challenge_indicator = \"two words\"", "realm.encrypted_challenge_indicator"),
            ("encrypted_challenge_indicator = \"\"", "realm.encrypted_challenge_indicator"),
            ("domain_realms = { \".far\" = \"FAR\" }", "realm.domain_realms"),
            ("next_hops = { \"F R\" = \"NEAR\" }", "realm.next_hops"),
            ("capaths = { FAR = [\"\"] }", "realm.capaths"),
        ] {
            let error = build(text).unwrap_err();
            assert!(error.contains(key), "{text}: {error}");
        }
        assert!(build("color = 1").unwrap_err().contains("color"));
    }

    #[test]
    fn realm_names_that_could_be_mistaken_are_refused() {
        for name in ["", "A B", "A/B", "A@B", "A\\B", "A:B", "A\nB"] {
            assert!(RealmSettings::default().build(name).is_err(), "{name:?}");
        }
    }
}
