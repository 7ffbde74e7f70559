//! The options of `add_policy` and `modify_policy`.

use crate::commands::kadmin::keysalts::parse_keysalts;
use crate::commands::kadmin::principal::options::{interval, leading_number};
use crate::commands::kadmin::time::date::Now;
use kennel_wire::admin::PolicySettings;

/// Words that cannot be understood. Messages come before the usage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadOptions(pub(super) Option<String>);

/// How `add_policy` and `modify_policy` are used.
pub(super) fn usage(command: &str) -> String {
    format!(
        "usage; {command} [options] policy\n\toptions are:\n\
         \t\t[-maxlife time] [-minlife time] [-minlength length]\n\
         \t\t[-minclasses number] [-history number]\n\
         \t\t[-maxfailure number] [-failurecountinterval time]\n\
         \t\t[-allowedkeysalts keysalts]\n\
         \t\t[-lockoutduration time]"
    )
}

/// Reads the words behind the command: the policy, and what changes.
pub(super) fn parse(words: &[String], now: &Now) -> Result<(String, PolicySettings), BadOptions> {
    let Some((name, options)) = words.split_last() else { return Err(BadOptions(None)) };
    let mut changes = PolicySettings::default();
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let value = rest.next().ok_or(BadOptions(None))?;
        let time = || interval(value, now).map_err(|why| BadOptions(Some(why)));
        match &**option {
            "-maxlife" => changes.max_life = Some(time()?),
            "-minlife" => changes.min_life = Some(time()?),
            "-minlength" => changes.min_length = Some(leading_number(value)),
            "-minclasses" => changes.min_classes = Some(leading_number(value)),
            "-history" => changes.history = Some(leading_number(value)),
            "-maxfailure" => changes.max_failures = Some(leading_number(value)),
            "-failurecountinterval" => changes.failure_count_interval = Some(time()?),
            "-lockoutduration" => changes.lockout_duration = Some(time()?),
            // A hyphen alone: those of the realm.
            "-allowedkeysalts" => changes.allowed_enctypes = Some(parse_keysalts(value)),
            _ => return Err(BadOptions(None)),
        }
    }
    Ok((name.clone(), changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(String, PolicySettings), BadOptions> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), &Now::utc(1_000_000))
    }

    #[test]
    fn every_option_of_mit_is_read() {
        let line = "-minlength 8 -minclasses 3 -history 4 -maxlife 90d -minlife 1h -maxfailure 5 -failurecountinterval 10m \
                    -lockoutduration 300 -allowedkeysalts aes256-cts:normal strict";
        let (name, changes) = parsed(line).unwrap();
        let expected = PolicySettings {
            min_life: Some(3600),
            max_life: Some(90 * 86_400),
            min_length: Some(8),
            min_classes: Some(3),
            history: Some(4),
            max_failures: Some(5),
            failure_count_interval: Some(600),
            lockout_duration: Some(300),
            allowed_enctypes: Some(vec!["aes256-cts-hmac-sha1-96".to_owned()]),
        };
        assert_eq!((&*name, changes), ("strict", expected));
    }

    #[test]
    fn a_hyphen_allows_the_keysalts_of_the_realm() {
        assert_eq!(parsed("-allowedkeysalts - p").unwrap().1.allowed_enctypes, Some(Vec::new()));
    }

    #[test]
    fn what_cannot_be_understood_shows_the_usage() {
        for line in ["", "-bogus 1 p", "-minlength p"] {
            assert_eq!(parsed(line), Err(BadOptions(None)), "{line}");
        }
        let why = parsed("-maxlife bogus p").unwrap_err().0;
        assert_eq!(why.as_deref(), Some("Invalid date specification \"bogus\"."));
    }
}
