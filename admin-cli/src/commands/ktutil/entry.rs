//! A new entry: the key of a password, or one in hexadecimal digits.

use crate::commands::kadmin::time::date::Now;
use crate::console::input::{ask_password, read_line};
use crate::krb5_conf::default_realm;
use crate::output::print;
use kennel_core::key_set::default_salt;
use kennel_crypto::{Enctype, Key};
use kennel_wire::keytab::KeytabEntry;
use kennel_wire::message::EncryptionKey;
use kennel_wire::message::KerberosTime;
use kennel_wire::message::Principal;
use std::str::FromStr;
use zeroize::Zeroizing;

/// What `addent` says about a new entry.
#[derive(Debug, PartialEq, Eq)]
struct NewEntry {
    principal: String,
    kvno: u32,
    enctype: Option<String>,
    by_password: bool,
    salt: Option<String>,
    fetch: bool,
}

/// Asks for the key of the entry that the options describe. The inner error is a line for standard error.
pub(super) fn add(name: &str, options: &[String]) -> anyhow::Result<Result<KeytabEntry, String>> {
    let new = match parse(options) {
        Some(new) => new,
        None => {
            let usage = "(-key | -password) -p principal -k kvno [-e enctype] [-f|-s salt]";
            return Ok(Err(format!("usage: {name} {usage}")));
        }
    };
    let failed = |why: &str| Ok(Err(format!("{name}: {why} while adding new entry")));
    if new.fetch {
        return failed(
            "-f asks a KDC for the salt, which this program does not: give -e, and -s where the salt is not the default,",
        );
    }
    let Some(enctype) = &new.enctype else {
        return Ok(Err("enctype must be specified if not using -f".to_owned()));
    };
    let realm = match default_realm() {
        Some(realm) => realm,
        None if new.principal.contains('@') => String::new(),
        None => return failed("Configuration file does not specify default realm"),
    };
    let Ok(principal) = Principal::parse(&new.principal, &realm) else {
        return failed("Malformed representation of principal");
    };
    let Some(enctype) = Enctype::from_name(enctype) else { return failed("Bad encryption type") };
    let octets = match new.by_password {
        true => match ask_password(&format!("Password for {principal}"), None)? {
            Ok(password) => from_password(enctype, &password, &principal, new.salt.as_deref()),
            Err(none) => return failed(none.text()),
        },
        false => {
            print(&format!("Key for {principal} (hex): "))?;
            let digits = read_line()?.unwrap_or_default();
            if digits.is_empty() {
                return Ok(Err("addent: Error reading key.".to_owned()));
            }
            let Some(octets) = from_hex(&digits) else {
                return Ok(Err("addent: Illegal character in key.".to_owned()));
            };
            Some(octets)
        }
    };
    let Some(keyvalue) = octets else { return failed("Invalid argument") };
    let timestamp = KerberosTime(Now::of_system().seconds());
    let key = EncryptionKey { keytype: enctype.number(), keyvalue };
    Ok(Ok(KeytabEntry { principal, timestamp, kvno: new.kvno, key }))
}

/// `None`: the options are not complete. Unknown words are passed over.
fn parse(options: &[String]) -> Option<NewEntry> {
    let mut rest = options.iter();
    let (mut principal, mut kvno, mut enctype, mut salt) = (None, None, None, None);
    let (mut by_password, mut by_key, mut fetch) = (false, false, false);
    while let Some(option) = rest.next() {
        match &**option {
            "-p" => principal = rest.next().cloned(),
            "-k" => kvno = rest.next().map(|number| u32::from_str(number).unwrap_or(0)),
            "-e" => enctype = rest.next().cloned(),
            "-s" => salt = rest.next().cloned(),
            "-password" => by_password = true,
            "-key" => by_key = true,
            "-f" => fetch = true,
            _ => {}
        }
    }
    if by_password == by_key || (fetch && salt.is_some()) {
        return None;
    }
    Some(NewEntry { principal: principal?, kvno: kvno?, enctype, by_password, salt, fetch })
}

fn from_password(
    enctype: Enctype,
    password: &str,
    principal: &Principal,
    salt: Option<&str>,
) -> Option<Zeroizing<Vec<u8>>> {
    let salt = salt.map_or_else(|| default_salt(principal), str::to_owned);
    let key = Key::from_password(enctype, password.as_bytes(), salt.as_bytes(), None).ok()?;
    Some(Zeroizing::new(key.expose().to_vec()))
}

/// The octets of hexadecimal digits. An odd number of them is filled up with 0, as MIT does.
fn from_hex(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits?;
    let octet = |pair: &[u32]| match *pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        [high] => u8::try_from(high * 16).ok(),
        _ => None,
    };
    pairs.chunks(2).map(octet).collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<NewEntry> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn an_entry_needs_a_principal_a_version_and_one_source_of_the_key() {
        let new = parsed("-password -p a@R -k 3 -e aes256-cts").unwrap();
        assert_eq!((&*new.principal, new.kvno, new.by_password), ("a@R", 3, true));
        for wrong in ["-password -p a", "-p a -k 1", "-password -key -p a -k 1", "-key -p a -k 1 -f -s x"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    /// The key that MIT's ktutil makes of the same password.
    #[test]
    fn a_password_makes_the_key_that_it_makes_at_mit() {
        let principal = Principal::parse("a@MIT.TEST", "R").unwrap();
        let key = from_password(Enctype::Aes256CtsHmacSha1, "pw", &principal, None).unwrap();
        let digits = "c036e417dbea6ef63fa9a50f89b0825fddb77235ef94fc62308e0f95abcc8b1d";
        assert_eq!(key, from_hex(digits).unwrap());
    }

    #[test]
    fn hexadecimal_digits_are_octets() {
        assert_eq!(**from_hex("00fF1").unwrap(), [0, 255, 16]);
        assert_eq!(from_hex("xy"), None);
    }
}
