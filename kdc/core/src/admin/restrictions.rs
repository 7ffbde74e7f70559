//! Restrictions at the end of a line of the access list: what a principal gets that somebody adds or modifies by that line.

use crate::admin::operation::PrincipalChanges;
use crate::principal::Attributes;
use kennel_wire::message::Timestamp;

/// The restrictions of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// Attributes that are set whatever is asked for.
    pub set: Attributes,
    /// Attributes that are cleared whatever is asked for.
    pub clear: Attributes,
    /// The policy that the principal gets; `Some(None)`: none.
    pub policy: Option<Option<String>>,
    /// The principal expires after this time at the latest, seconds from now.
    pub expires_within: Option<u32>,
    /// Its password expires after this time at the latest, seconds from now.
    pub password_expires_within: Option<u32>,
    /// Longest life of a ticket that may be asked for, seconds.
    pub max_life: Option<u32>,
    /// Longest renewable life that may be asked for, seconds.
    pub max_renewable_life: Option<u32>,
}

impl Restrictions {
    /// Forces changes to what the line permits.
    pub fn impose(&self, changes: &mut PrincipalChanges, now: Timestamp) {
        changes.set = (changes.set | self.set) - self.clear;
        changes.clear = (changes.clear | self.clear) - self.set;
        if let Some(policy) = &self.policy {
            changes.policy = Some(policy.clone());
        }
        let latest = |within: Option<u32>| within.map(|within| now.time.plus(within.into()));
        limit(&mut changes.expires, latest(self.expires_within));
        limit(&mut changes.password_expires, latest(self.password_expires_within));
        limit(&mut changes.max_life, self.max_life);
        limit(&mut changes.max_renewable_life, self.max_renewable_life);
    }
}

/// Nothing asked for, and none at all, are the limit itself.
fn limit<T: Ord + Copy>(asked: &mut Option<Option<T>>, limit: Option<T>) {
    if let Some(limit) = limit {
        let value = asked.flatten().map_or(limit, |asked| asked.min(limit));
        *asked = Some(Some(value));
    }
}

/// Reads the fields after the target.
pub(super) fn parse_restrictions(fields: &[&str]) -> Result<Restrictions, String> {
    let mut restrictions = Restrictions::default();
    let mut fields = fields.iter();
    while let Some(field) = fields.next() {
        if let Some((attribute, set)) = flag(field) {
            let (to, from) = match set {
                true => (&mut restrictions.set, &mut restrictions.clear),
                false => (&mut restrictions.clear, &mut restrictions.set),
            };
            to.insert(attribute);
            from.remove(attribute);
            continue;
        }
        if *field == "-clearpolicy" {
            restrictions.policy = Some(None);
            continue;
        }
        let slot = match *field {
            "-policy" => None,
            "-expire" => Some(&mut restrictions.expires_within),
            "-pwexpire" => Some(&mut restrictions.password_expires_within),
            "-maxlife" => Some(&mut restrictions.max_life),
            "-maxrenewlife" => Some(&mut restrictions.max_renewable_life),
            other => {
                return Err(format!(
                    "{other:?} is no restriction: write a flag such as -postdateable, or -clearpolicy, -policy, -expire, -pwexpire, \
                     -maxlife or -maxrenewlife with a value"
                ));
            }
        };
        let value = fields.next().ok_or_else(|| format!("{field} has no value"))?;
        match slot {
            None => restrictions.policy = Some(Some((*value).to_owned())),
            Some(slot) => {
                *slot =
                    Some(duration(value).ok_or_else(|| format!("{value:?} is no time, such as 9h, 2d or 1:30:00"))?);
            }
        }
    }
    Ok(restrictions)
}

/// An attribute by a flag of kdc.conf's default_principal_flags, and whether it is set by it.
fn flag(text: &str) -> Option<(Attributes, bool)> {
    let (plus, name) = match text.as_bytes().first()? {
        b'+' => (true, text.get(1..)?),
        b'-' => (false, text.get(1..)?),
        _ => (true, text),
    };
    let name = name.to_ascii_lowercase().replace('_', "-");
    let inverted = |attribute| Some((attribute, !plus));
    let plain = |attribute| Some((attribute, plus));
    match &*name {
        "allow-tickets" | "allow-tix" => inverted(Attributes::DISALLOW_ALL),
        "postdateable" | "allow-postdated" => inverted(Attributes::DISALLOW_POSTDATED),
        "forwardable" | "allow-forwardable" => inverted(Attributes::DISALLOW_FORWARDABLE),
        "renewable" | "allow-renewable" => inverted(Attributes::DISALLOW_RENEWABLE),
        "proxiable" | "allow-proxiable" => inverted(Attributes::DISALLOW_PROXIABLE),
        "dup-skey" | "allow-dup-skey" => inverted(Attributes::DISALLOW_DUP_SKEY),
        "service" | "allow-svr" => inverted(Attributes::DISALLOW_SERVER),
        "tgt-based" | "allow-tgs-req" => inverted(Attributes::DISALLOW_TGT_BASED),
        "preauth" | "requires-preauth" => inverted(Attributes::NO_PREAUTH_REQUIRED),
        "pwchange" | "needchange" => plain(Attributes::PASSWORD_CHANGE_REQUIRED),
        "pwservice" | "password-changing-service" => plain(Attributes::PASSWORD_CHANGING_SERVICE),
        "ok-as-delegate" => plain(Attributes::OK_AS_DELEGATE),
        "lockdown-keys" => plain(Attributes::LOCKDOWN_KEYS),
        // Hardware authentication and constrained delegation: no attribute here, and nothing that a restriction could force.
        "hwauth" | "requires-hwauth" | "ok-to-auth-as-delegate" | "no-auth-data-required" => plain(Attributes::empty()),
        _ => None,
    }
}

/// A duration as Kerberos writes it: `9h`, `1d2h`, `90` (seconds), `1:30`, `1:30:00`, `2-03:04:05`.
#[must_use]
pub fn duration(text: &str) -> Option<u32> {
    let colons = |text: &str| {
        let parts = text.split(':').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>()?;
        match &*parts {
            [hours, minutes] => Some(hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?),
            [hours, minutes, seconds] => {
                hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(*seconds)
            }
            _ => None,
        }
    };
    let seconds = if let Some((days, rest)) = text.split_once('-') {
        days.parse::<u64>().ok()?.checked_mul(86_400)?.checked_add(colons(rest)?)?
    } else if text.contains(':') {
        colons(text)?
    } else {
        units(text)?
    };
    u32::try_from(seconds).ok()
}

fn units(text: &str) -> Option<u64> {
    let (mut total, mut number, mut last) = (0u64, String::new(), u64::MAX);
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        total = total.checked_add(std::mem::take(&mut number).parse::<u64>().ok()?.checked_mul(unit)?)?;
        last = unit;
    }
    match number.is_empty() {
        true if last == u64::MAX => None,
        true => Some(total),
        false if last > 1 => total.checked_add(number.parse().ok()?),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::KerberosTime;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { time: KerberosTime(seconds), micros: 0 }
    }

    fn parse(text: &str) -> Restrictions {
        parse_restrictions(&text.split(' ').collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn times_are_the_least_of_what_is_asked_for_and_what_is_permitted() {
        let restrictions = parse("-maxlife 9h -maxrenewlife 2d -expire 1d -pwexpire 60s");
        let imposed = |asked: PrincipalChanges| {
            let mut changes = asked;
            restrictions.impose(&mut changes, at(100));
            changes
        };
        let silent = imposed(PrincipalChanges::default());
        assert_eq!((silent.max_life, silent.max_renewable_life), (Some(Some(32_400)), Some(Some(172_800))));
        assert_eq!(silent.expires, Some(Some(KerberosTime(86_500))));
        assert_eq!(silent.password_expires, Some(Some(KerberosTime(160))));
        let less =
            imposed(PrincipalChanges { max_life: Some(Some(60)), expires: Some(None), ..PrincipalChanges::default() });
        assert_eq!((less.max_life, less.expires), (Some(Some(60)), Some(Some(KerberosTime(86_500)))));
        let more = imposed(PrincipalChanges { max_life: Some(Some(90_000)), ..PrincipalChanges::default() });
        assert_eq!(more.max_life, Some(Some(32_400)));
    }

    #[test]
    fn flags_and_policies_are_forced() {
        let restrictions = parse("-postdateable +requires_preauth +needchange -policy hosts");
        let mut changes = PrincipalChanges {
            set: Attributes::NO_PREAUTH_REQUIRED,
            clear: Attributes::DISALLOW_POSTDATED | Attributes::PASSWORD_CHANGE_REQUIRED,
            policy: Some(None),
            ..PrincipalChanges::default()
        };
        restrictions.impose(&mut changes, at(0));
        assert_eq!(changes.set, Attributes::DISALLOW_POSTDATED | Attributes::PASSWORD_CHANGE_REQUIRED);
        assert_eq!(changes.clear, Attributes::NO_PREAUTH_REQUIRED);
        assert_eq!(changes.policy, Some(Some("hosts".into())));
        assert_eq!(parse("-clearpolicy").policy, Some(None));
        assert_eq!(parse("+postdateable -postdateable").set, Attributes::DISALLOW_POSTDATED, "the last one counts");
    }

    #[test]
    fn a_duration_is_written_as_kerberos_does() {
        for (text, seconds) in [
            ("9h", Some(32_400)),
            ("1d2h3m4s", Some(93_784)),
            ("90", Some(90)),
            ("1h30", Some(3_630)),
            ("1:30", Some(5_400)),
            ("1:30:05", Some(5_405)),
            ("2-03:04:05", Some(183_845)),
            ("", None),
            ("h", None),
            ("1h1h", None),
            ("1x", None),
            ("-1", None),
            ("99999999999d", None),
        ] {
            assert_eq!(duration(text), seconds, "{text}");
        }
    }
}
