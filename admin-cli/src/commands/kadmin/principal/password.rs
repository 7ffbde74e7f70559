//! `change_password`, and where passwords come from.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use crate::commands::kadmin::keysalts::parse_keysalts;
use crate::commands::kadmin::principal::options::PasswordSource;
use crate::console::input::{ask_password, read_line};
use kennel_wire::admin::PrincipalOperation;
use kennel_wire::enrol::Blob;
use kennel_wire::message::Principal;
use serde_json::json;
use std::fs;
use zeroize::Zeroizing;

const WHO: &str = "change_password";
const USAGE: &str = "usage: change_password [-randkey] [-keepold] [-e keysaltlist] [-pw password] principal";

/// A new password.
pub(super) enum Password {
    Read(Blob),
    /// Why there is none.
    Missing(String),
}

/// The password from its source; without one, from two prompts.
pub(super) fn obtain(source: Option<&PasswordSource>, name: &Principal) -> anyhow::Result<Password> {
    let secret = |text: &str| Password::Read(Blob(Zeroizing::new(text.as_bytes().to_vec())));
    Ok(match source {
        Some(PasswordSource::Word(word)) => secret(word),
        Some(PasswordSource::File(file)) => match first_line(file) {
            Ok(line) => secret(&line),
            Err(why) => Password::Missing(why),
        },
        None => {
            let prompt = format!("Enter password for principal \"{name}\"");
            match ask_password(&prompt, Some(&format!("Re-enter password for principal \"{name}\"")))? {
                Ok(password) => secret(&password),
                Err(none) => Password::Missing(none.text().to_owned()),
            }
        }
    })
}

fn first_line(file: &str) -> Result<Zeroizing<String>, String> {
    if file == "-" {
        return read_line().ok().flatten().ok_or_else(|| "Cannot read password".to_owned());
    }
    let text = fs::read_to_string(file).map(Zeroizing::new).map_err(|error| format!("{file}: {error}"))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// What the words of the command say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    random_key: bool,
    keep_old: bool,
    /// Names of enctypes; empty: the default.
    enctypes: Vec<String>,
    password: Option<PasswordSource>,
    name: String,
}

/// The options, or lines for standard error.
fn parse(words: &[String]) -> Result<Options, Vec<String>> {
    let missing = |what: &str| vec![format!("{WHO}: missing {what}"), USAGE.to_owned()];
    let mut read = Options::default();
    let mut rest = words.iter().peekable();
    while let Some(option) = rest.next_if(|word| word.starts_with('-')) {
        match &**option {
            "-randkey" => read.random_key = true,
            "-keepold" => read.keep_old = true,
            "-pw" => {
                let word = rest.next().ok_or_else(|| missing("password arg"))?;
                read.password = Some(PasswordSource::Word(Zeroizing::new(word.clone())));
            }
            "-pwfile" => {
                let file = rest.next().ok_or_else(|| missing("password file arg"))?;
                read.password = Some(PasswordSource::File(file.clone()));
            }
            "-e" => read.enctypes = parse_keysalts(rest.next().ok_or_else(|| missing("keysaltlist arg"))?),
            "-x" => {
                rest.next().ok_or_else(|| missing("db argument"))?;
            }
            _ => return Err(vec![format!("{WHO}: unrecognized option {option}"), USAGE.to_owned()]),
        }
    }
    match (rest.next(), rest.next()) {
        (Some(name), None) => Ok(Options { name: name.clone(), ..read }),
        (None, _) => Err(missing("principal name")),
        (Some(_), Some(_)) => Err(vec![format!("{WHO}: too many arguments"), USAGE.to_owned()]),
    }
}

/// Changes a password, or makes random keys.
pub(crate) async fn change_password(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let options = match parse(words) {
        Ok(options) => options,
        Err(lines) => {
            lines.iter().for_each(|line| desk.session.fail(line));
            return Ok(());
        }
    };
    let Some(name) = desk.principal(&options.name, WHO, "while parsing principal name") else { return Ok(()) };
    if options.random_key && options.password.is_none() {
        return randomize(desk, &name, options).await;
    }
    let password = match obtain(options.password.as_ref(), &name)? {
        Password::Read(password) => password,
        Password::Missing(why) => {
            desk.session.fail_while(WHO, &why, &format!("while reading password for \"{name}\"."));
            return Ok(());
        }
    };
    let Options { keep_old, enctypes, .. } = options;
    let operation = PrincipalOperation::SetPassword { principal: name.to_string(), password, enctypes, keep_old };
    if let Err(failure) = desk.admin.order(operation).await {
        desk.failed(WHO, &failure, Right::ChangePassword, &format!("while changing password for \"{name}\"."));
        return Ok(());
    }
    let text = format!("Password for \"{name}\" changed.\n");
    desk.session.done(&text, &json!({ "principal": name.to_string(), "done": "password changed" }))
}

async fn randomize(desk: &mut Desk, name: &Principal, options: Options) -> anyhow::Result<()> {
    let Options { keep_old, enctypes, .. } = options;
    let operation = PrincipalOperation::RandomizeKeys { principal: name.to_string(), enctypes, keep_old };
    if let Err(failure) = desk.admin.order(operation).await {
        desk.failed(WHO, &failure, Right::ChangePassword, &format!("while randomizing key for \"{name}\"."));
        return Ok(());
    }
    let text = format!("Key for \"{name}\" randomized.\n");
    desk.session.done(&text, &json!({ "principal": name.to_string(), "done": "key randomized" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, Vec<String>> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_come_before_the_principal() {
        let read = parsed("-randkey -keepold -e aes256-cts krbtgt/R@R").unwrap();
        assert!(read.random_key && read.keep_old);
        assert_eq!(read.enctypes, ["aes256-cts-hmac-sha1-96"]);
        assert_eq!(read.name, "krbtgt/R@R");
    }

    #[test]
    fn what_is_missing_or_unknown_is_said_before_the_usage() {
        for (line, first) in [
            ("-randkey", "change_password: missing principal name"),
            ("-bad a", "change_password: unrecognized option -bad"),
            ("a b", "change_password: too many arguments"),
            ("-pw", "change_password: missing password arg"),
            ("-e", "change_password: missing keysaltlist arg"),
        ] {
            assert_eq!(parsed(line), Err(vec![first.to_owned(), USAGE.to_owned()]), "{line}");
        }
    }

    #[test]
    fn a_password_is_the_first_line_of_a_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "se cret\nmore\n").unwrap();
        assert_eq!(**first_line(path.to_str().unwrap()).unwrap(), *"se cret");
        assert!(first_line("/none").unwrap_err().starts_with("/none: "));
    }
}
