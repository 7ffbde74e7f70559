//! `ktadd`: new keys of principals, or with `-norandkey` the present ones, into a keytab.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::{Failure, Right};
use crate::commands::kadmin::keysalts::parse_keysalts;
use crate::keytab_file::KeytabFile;
use kennel_wire::admin::AdminKeyVersion;
use kennel_wire::admin::PrincipalOperation;
use kennel_wire::keytab::KeytabEntry;
use kennel_wire::message::EncryptionKey;
use kennel_wire::message::KerberosTime;
use kennel_wire::message::Principal;
use serde_json::json;
use std::io;

const USAGE: &str =
    "Usage: ktadd [-k[eytab] keytab] [-q] [-e keysaltlist] [-norandkey] [principal | -glob princ-exp] [...]";

/// What the words of the command say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    file: Option<String>,
    quiet: bool,
    /// Whether the keys stay as they are.
    no_new_key: bool,
    /// Names of enctypes; `None`: no list was given.
    enctypes: Option<Vec<String>>,
    principals: Vec<Which>,
}

/// Principals by name or by pattern.
#[derive(Debug, PartialEq, Eq)]
enum Which {
    Name(String),
    Glob(String),
}

/// The options, or a line for standard error.
fn parse(words: &[String]) -> Result<Options, &'static str> {
    let mut read = Options::default();
    let mut rest = words.iter().peekable();
    while let Some(option) = rest.next_if(|word| word.starts_with('-') && *word != "-glob") {
        match &**option {
            "-q" => read.quiet = true,
            "-norandkey" => read.no_new_key = true,
            "-e" => {
                let enctypes = parse_keysalts(rest.next().ok_or(USAGE)?);
                read.enctypes = Some(enctypes).filter(|enctypes| !enctypes.is_empty());
            }
            // -k, -kt, -keytab
            option if option.starts_with("-k") && read.file.is_none() => {
                read.file = Some(rest.next().ok_or(USAGE)?.clone());
            }
            option if option.starts_with("-k") => return Err(USAGE),
            // What is no option is the name of a principal.
            name => {
                read.principals.push(Which::Name(name.to_owned()));
                break;
            }
        }
    }
    while let Some(word) = rest.next() {
        read.principals.push(match &**word {
            "-glob" => Which::Glob(rest.next().ok_or(USAGE)?.clone()),
            name => Which::Name(name.to_owned()),
        });
    }
    if read.principals.is_empty() {
        return Err(USAGE);
    }
    if read.no_new_key && read.enctypes.is_some() {
        return Err("cannot specify keysaltlist when not changing key");
    }
    Ok(read)
}

/// Adds the keys of principals to a keytab.
pub(crate) async fn ktadd(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let options = match parse(words) {
        Ok(options) => options,
        Err(line) => {
            desk.session.complain(line);
            return Ok(());
        }
    };
    let program = desk.session.program.clone();
    let Some(keytab) = desk.keytab(options.file.as_deref()) else { return Ok(()) };
    for which in &options.principals {
        match which {
            Which::Name(name) => add_keys(desk, &keytab, &options, name).await?,
            Which::Glob(pattern) => match desk.admin.list_principals(Some(pattern.clone())).await {
                Ok(names) => {
                    for name in names {
                        add_keys(desk, &keytab, &options, &name).await?;
                    }
                }
                Err(failure) => {
                    let context = format!("while expanding expression \"{pattern}\".");
                    desk.failed(&program, &failure, Right::List, &context);
                }
            },
        }
    }
    Ok(())
}

/// `name` is shown as it was given.
async fn add_keys(desk: &mut Desk, keytab: &KeytabFile, options: &Options, name: &str) -> anyhow::Result<()> {
    let program = desk.session.program.clone();
    let context = format!("while parsing -add principal name {name}");
    let Some(principal) = desk.principal(name, &program, &context) else { return Ok(()) };
    // Before the keys change: a keytab that is none, or that may not be read, would not get the new ones.
    let readable = keytab.read().map(drop);
    if let Err(error) =
        readable.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    {
        desk.session.fail_while(&program, &error.to_string(), "while adding key to keytab");
        return Ok(());
    }
    let versions = match desk.admin.keys(operation(&principal, options)).await {
        Ok(versions) => versions,
        Err(failure) => {
            refuse(desk, &failure, options, name);
            return Ok(());
        }
    };
    let entries = entries(&principal, &versions, KerberosTime(desk.now.seconds()));
    if let Err(error) = keytab.append(&entries) {
        desk.session.fail_while(&program, &error.to_string(), "while adding key to keytab");
        return Ok(());
    }
    if options.quiet {
        return Ok(());
    }
    let keys: Vec<(u32, &str)> =
        versions.iter().flat_map(|version| version.keys.iter().map(|key| (version.kvno, &*key.enctype))).collect();
    let text: String = keys.iter().map(|(kvno, enctype)| added_text(name, *kvno, enctype, &keytab.name)).collect();
    let value: Vec<_> = keys.iter().map(|(kvno, enctype)| json!({ "kvno": kvno, "enctype": enctype })).collect();
    desk.session.answer(&text, &json!({ "principal": principal.to_string(), "keytab": keytab.name, "added": value }))
}

fn added_text(name: &str, kvno: u32, enctype: &str, keytab: &str) -> String {
    format!("Entry for principal {name} with kvno {kvno}, encryption type {enctype} added to keytab {keytab}.\n")
}

fn operation(principal: &Principal, options: &Options) -> PrincipalOperation {
    let principal = principal.to_string();
    match options.no_new_key {
        true => PrincipalOperation::ExtractKeys { principal, kvno: None },
        false => {
            let enctypes = options.enctypes.clone().unwrap_or_default();
            PrincipalOperation::RandomizeKeys { principal, enctypes, keep_old: false }
        }
    }
}

fn refuse(desk: &mut Desk, failure: &Failure, options: &Options, name: &str) {
    let program = desk.session.program.clone();
    if failure.is_unknown_principal() {
        desk.session.complain(&format!("{program}: Principal {name} does not exist."));
        return;
    }
    let right = if options.no_new_key { Right::ExtractKeys } else { Right::ChangePassword };
    desk.failed(&program, failure, right, &format!("while changing {name}'s key"));
}

/// The entries of versions of keys.
pub(crate) fn entries(
    principal: &Principal,
    versions: &[AdminKeyVersion],
    timestamp: KerberosTime,
) -> Vec<KeytabEntry> {
    let keys = versions.iter().flat_map(|version| version.keys.iter().map(|key| (version.kvno, key)));
    keys.map(|(kvno, key)| KeytabEntry {
        principal: principal.clone(),
        timestamp,
        kvno,
        key: EncryptionKey { keytype: key.enctype_number, keyvalue: key.key.0.clone() },
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, &'static str> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn names(options: &Options) -> Vec<&str> {
        options
            .principals
            .iter()
            .map(|which| match which {
                Which::Name(name) | Which::Glob(name) => &**name,
            })
            .collect()
    }

    #[test]
    fn the_keytab_is_named_behind_every_option_that_begins_with_k() {
        for option in ["-k", "-kt", "-keytab"] {
            let read = parsed(&format!("{option} /tmp/x HTTP/a HTTP/b")).unwrap();
            assert_eq!((read.file.as_deref(), names(&read)), (Some("/tmp/x"), vec!["HTTP/a", "HTTP/b"]));
        }
    }

    #[test]
    fn options_stand_in_any_order_before_the_principals() {
        let read = parsed("-q -norandkey -k /tmp/x a").unwrap();
        assert!(read.quiet && read.no_new_key);
        let read = parsed("-k /tmp/x -e aes256-cts:normal,aes128-cts:normal a").unwrap();
        assert_eq!(read.enctypes.map(|enctypes| enctypes.len()), Some(2));
        let read = parsed("-k /tmp/x -glob host/* a").unwrap();
        assert_eq!(read.principals, [Which::Glob("host/*".into()), Which::Name("a".into())]);
    }

    #[test]
    fn what_is_missing_or_contradicts_is_refused() {
        for line in ["", "-k", "-k /tmp/x", "-k a -k b c", "-glob", "-e"] {
            assert_eq!(parsed(line), Err(USAGE), "{line}");
        }
        assert_eq!(parsed("-norandkey -e aes256-cts a"), Err("cannot specify keysaltlist when not changing key"));
    }

    #[test]
    fn an_entry_is_reported_in_the_words_of_mit() {
        let said = "Entry for principal cc with kvno 2, encryption type aes256-cts-hmac-sha1-96 added to keytab WRFILE:/tmp/kt.\n";
        assert_eq!(added_text("cc", 2, "aes256-cts-hmac-sha1-96", "WRFILE:/tmp/kt"), said);
    }
}
