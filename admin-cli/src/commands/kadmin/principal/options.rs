//! The options of `add_principal` and `modify_principal`.

use crate::commands::kadmin::attributes::{FlagChanges, NoAttribute, attribute_names};
use crate::commands::kadmin::keysalts::parse_keysalts;
use crate::commands::kadmin::time::date::{Now, parse_date};
use crate::commands::kadmin::time::duration::{NoDuration, parse_duration};
use kennel_wire::admin::PrincipalSettings;
use zeroize::Zeroizing;

/// What the words of a command say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PrincipalOptions {
    pub(super) settings: PrincipalSettings,
    /// Whether a principal of the cluster is changed too.
    pub(super) by_force: bool,
    pub(super) password: Option<PasswordSource>,
    pub(super) random_key: bool,
    pub(super) no_key: bool,
    /// Names of the enctypes of `-e` that are known.
    pub(super) enctypes: Vec<String>,
    /// The principal, which is the last word.
    pub(super) name: String,
}

/// Where a password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PasswordSource {
    /// In the list of processes too.
    Word(Zeroizing<String>),
    /// The first line of a file; `-` is standard input.
    File(String),
}

/// Words that cannot be understood. Messages come before the usage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadOptions(pub(super) Option<String>);

const USAGE: BadOptions = BadOptions(None);

/// Reads the words behind the command.
pub(super) fn parse(words: &[String], now: &Now) -> Result<PrincipalOptions, BadOptions> {
    let Some((name, options)) = words.split_last() else { return Err(USAGE) };
    let mut read = PrincipalOptions { name: name.clone(), ..PrincipalOptions::default() };
    let mut flags = FlagChanges::default();
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        if take_switch(&mut read, option) {
            continue;
        }
        if takes_value(option) {
            let value = rest.next().ok_or(USAGE)?;
            take_value(&mut read, option, value, now)?;
        } else {
            flags.take(option).map_err(|no| match no {
                NoAttribute::Unknown => USAGE,
                NoAttribute::NotSupported(name) => BadOptions(Some(format!("Kennel has no attribute {name}."))),
            })?;
        }
    }
    (read.settings.set, read.settings.clear) = (attribute_names(flags.set()), attribute_names(flags.clear()));
    Ok(read)
}

fn take_switch(read: &mut PrincipalOptions, option: &str) -> bool {
    match option {
        "-clearpolicy" => read.settings.policy = Some(None),
        "-randkey" => read.random_key = true,
        "-nokey" => read.no_key = true,
        "-unlock" => read.settings.unlock = true,
        "-force" => read.by_force = true,
        _ => return false,
    }
    true
}

fn takes_value(option: &str) -> bool {
    let options =
        ["-x", "-expire", "-pwexpire", "-maxlife", "-maxrenewlife", "-kvno", "-policy", "-pw", "-pwfile", "-e"];
    options.contains(&option)
}

fn take_value(read: &mut PrincipalOptions, option: &str, value: &str, now: &Now) -> Result<(), BadOptions> {
    let settings = &mut read.settings;
    match option {
        "-expire" => settings.expires = Some(date(value, now)?),
        "-pwexpire" => settings.password_expires = Some(date(value, now)?),
        "-maxlife" => settings.max_life = Some(duration(value, now)?),
        "-maxrenewlife" => settings.max_renewable_life = Some(duration(value, now)?),
        "-kvno" => settings.kvno = Some(leading_number(value)),
        "-policy" => settings.policy = Some(Some(value.to_owned())),
        "-pw" => read.password = Some(PasswordSource::Word(Zeroizing::new(value.to_owned()))),
        "-pwfile" => read.password = Some(PasswordSource::File(value.to_owned())),
        "-e" => read.enctypes = parse_keysalts(value),
        _ => {
            let why = format!("-x {value}: these arguments are for MIT's databases (LDAP, DB2). Kennel takes none.");
            return Err(BadOptions(Some(why)));
        }
    }
    Ok(())
}

/// `None`: never.
fn date(text: &str, now: &Now) -> Result<Option<i64>, BadOptions> {
    let date = parse_date(text, now).ok_or_else(|| bad_date(text))?;
    Ok((date != 0).then_some(date))
}

/// `None`: as long as the realm permits.
fn duration(text: &str, now: &Now) -> Result<Option<u32>, BadOptions> {
    interval(text, now).map(|seconds| (seconds != 0).then_some(seconds)).map_err(|why| BadOptions(Some(why)))
}

/// Seconds, or why there are none, in MIT's words.
pub(crate) fn interval(text: &str, now: &Now) -> Result<u32, String> {
    parse_duration(text, now).map_err(|no| match no {
        NoDuration::Unknown => format!("Invalid date specification \"{text}\"."),
        NoDuration::Past => format!("Interval specification \"{text}\" is in the past."),
    })
}

fn bad_date(text: &str) -> BadOptions {
    BadOptions(Some(format!("Invalid date specification \"{text}\".")))
}

/// The number that a text begins with, else 0: what `atoi` of the C library makes of it.
pub(crate) fn leading_number(text: &str) -> u32 {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<PrincipalOptions, BadOptions> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse(&words, &Now::utc(1_795_730_923))
    }

    #[test]
    fn the_last_word_is_the_principal_and_the_others_are_options() {
        let read =
            parsed(&["-randkey", "-e", "aes256-cts:normal", "+allow_svr", "-policy", "hosts", "HTTP/x"]).unwrap();
        assert_eq!((&*read.name, read.random_key), ("HTTP/x", true));
        assert_eq!(read.enctypes, ["aes256-cts-hmac-sha1-96"]);
        assert_eq!(read.settings.clear, ["DISALLOW_SERVER"]);
        assert_eq!(read.settings.policy, Some(Some("hosts".to_owned())));
    }

    #[test]
    fn dates_and_lengths_are_read_and_zero_is_the_default() {
        let read = parsed(&[
            "-expire",
            "2027-01-01 00:00:00",
            "-pwexpire",
            "never",
            "-maxlife",
            "11days",
            "-maxrenewlife",
            "0",
            "a",
        ]);
        let settings = read.unwrap().settings;
        assert_eq!(settings.expires, Some(Some(1_798_761_600)));
        assert_eq!((settings.password_expires, settings.max_life), (Some(None), Some(Some(950_400))));
        assert_eq!(settings.max_renewable_life, Some(None));
    }

    #[test]
    fn what_cannot_be_understood_shows_the_usage_and_sometimes_why() {
        for words in [&[][..], &["-pw", "x"], &["-bogus", "a"], &["-expire", "a"]] {
            assert_eq!(parsed(words), Err(USAGE), "{words:?}");
        }
        let why = |words: &[&str]| parsed(words).unwrap_err().0.unwrap();
        assert_eq!(why(&["-expire", "bogus", "a"]), "Invalid date specification \"bogus\".");
        assert_eq!(why(&["-maxlife", "yesterday", "a"]), "Interval specification \"yesterday\" is in the past.");
        assert!(why(&["-x", "dn=uid=a", "a"]).starts_with("-x dn=uid=a: these arguments are for MIT's databases"));
    }

    #[test]
    fn a_number_is_what_a_word_begins_with() {
        assert_eq!(["12", " 7x", "x", ""].map(leading_number), [12, 7, 0, 0]);
    }
}
