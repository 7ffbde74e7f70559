//! The programs `kadmin` and `kadmin.local`: their options, as `getopt` reads them.

use crate::commands::kadmin::invocation::{Invocation, KadminArgs, Work, administrator_of};
use crate::commands::kadmin::remote::login::{Login, Proof};
use crate::krb5_conf::default_realm;
use crate::reach::args::KdcArgs;
use clap::Parser;
use kennel_crypto::SecretBytes;
use kennel_wire::ccache::Ccache;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The options of MIT's programs, those with a value before a colon; and `-o`, which is Kennel's.
const OPTIONS: &str = "x:r:p:knq:w:d:s:mc:t:e:ONo:";

/// MIT's text, behind which no line ends.
const EXCLUSIVE: &str = "-q is exclusive with command-line query";

/// The socket beside the default store.
const STORE_SOCKET: &str = "/var/lib/kennel/admin.sock";

/// Where a KDC on this machine has its socket, in the order in which they are tried.
const SOCKETS: [&str; 3] = [STORE_SOCKET, "/run/kennel/admin.sock", ".kennel/admin.sock"];

/// What the command line says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    realm: Option<String>,
    principal: Option<String>,
    ccache: Option<String>,
    by_keytab: bool,
    keytab: Option<String>,
    anonymous: bool,
    query: Option<String>,
    password: Option<SecretBytes>,
    server: Option<String>,
    folder: Option<String>,
    /// Options of Kennel, such as `--strict`.
    ours: Vec<String>,
    command: Vec<String>,
}

/// Why a command line cannot be understood.
#[derive(Debug, PartialEq, Eq)]
struct Misuse(Option<String>);

/// Carries out what the words behind the program's name say. `is_local`: as `kadmin.local`.
pub(crate) async fn run(program: &str, is_local: bool, words: Vec<String>) -> anyhow::Result<ExitCode> {
    let options = match parse(&words) {
        Ok(options) => options,
        Err(Misuse(why)) => {
            why.iter().for_each(|why| eprint!("{program}: {why}"));
            eprintln!("{}", usage(program));
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut args = our_args(program, &options);
    let (principal, credentials) = (named_principal(&options), credentials(&options));
    let login = if is_local {
        use_local_socket(&mut args.kdc, options.folder.as_deref());
        None
    } else if args.kdc.names_a_server() {
        None
    } else {
        match login(&options, principal.as_deref()) {
            Ok(login) => Some(login),
            Err(why) => {
                eprintln!("{program}: {why}");
                return Ok(ExitCode::FAILURE);
            }
        }
    };
    let work = match (options.query, options.command) {
        (Some(line), _) => Work::Query(line),
        (None, command) if command.is_empty() => Work::Lines,
        (None, command) => Work::Command(command),
    };
    Invocation { program: program.to_owned(), principal, credentials, login, work, args }.run().await
}

/// The login that the options ask for.
fn login(options: &Options, principal: Option<&str>) -> Result<Login, &'static str> {
    if options.anonymous {
        return Err("Kennel has no anonymous principal: name one by -p while initializing kadmin interface");
    }
    let realm = options.realm.clone().or_else(default_realm).ok_or("unable to get default realm")?;
    let proof = match options {
        Options { ccache: Some(cache), .. } => Proof::Cache(cache.clone()),
        Options { by_keytab: true, keytab, .. } => Proof::Keytab(keytab.clone()),
        Options { password, .. } => Proof::Password(password.clone()),
    };
    let shown = match (principal, &proof) {
        (Some(principal), _) => principal.to_owned(),
        (None, Proof::Keytab(_)) => format!("host/{}@{realm}", host_name()),
        (None, Proof::Password(_) | Proof::Cache(_)) => administrator_of(&realm),
    };
    Ok(Login { realm, shown, proof, server: options.server.clone() })
}

/// The principal of `-p`, or the one whose tickets are in the cache of `-c`.
fn named_principal(options: &Options) -> Option<String> {
    options.principal.clone().or_else(|| client_of_cache(options.ccache.as_deref()?))
}

/// The client that a credential cache names.
fn client_of_cache(name: &str) -> Option<String> {
    let octets = std::fs::read(name.strip_prefix("FILE:").unwrap_or(name)).ok()?;
    Some(Ccache::decode(&octets).ok()?.principal.to_string())
}

fn host_name() -> String {
    let name = nix::unistd::gethostname().map(|name| name.to_string_lossy().to_lowercase());
    name.unwrap_or_else(|_| "localhost".to_owned())
}

fn usage(program: &str) -> String {
    format!(
        "Usage: {program} [-r realm] [-p principal] [-q query] [clnt|local args]\n\
         \x20             [command args...]\n\
         \tclnt args: [-s admin_server[:port]] [[-c ccache]|[-k [-t keytab]]]|[-n] [-O | -N]\n\
         \tlocal args: [-x db_args]* [-d dbname] [-e \"enc:salt ...\"] [-m] [-w password] where,\n\
         \t[-x db_args]* - any number of database specific arguments.\n\
         \t\t\tLook at each database documentation for supported arguments"
    )
}

fn parse(words: &[String]) -> Result<Options, Misuse> {
    let mut read = Options::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            break;
        }
        if let Some(name) = word.strip_prefix("--") {
            read.ours.push(word.clone());
            if !name.contains('=') && name != "strict" {
                read.ours.extend(rest.next().cloned());
            }
            continue;
        }
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            read.command.push(word.clone());
            break;
        };
        take_letters(&mut read, letters, &mut rest)?;
    }
    read.command.extend(rest.cloned());
    let by_other_proof = read.by_keytab || read.anonymous;
    if (read.ccache.is_some() && by_other_proof)
        || (read.keytab.is_some() && !read.by_keytab)
        || (read.anonymous && read.by_keytab)
    {
        return Err(Misuse(None));
    }
    if read.query.is_some() && !read.command.is_empty() {
        return Err(Misuse(Some(EXCLUSIVE.to_owned())));
    }
    Ok(read)
}

/// Letters that stand together: `-kt FILE` is `-k -t FILE`, and `-rREALM` is `-r REALM`.
fn take_letters<'w>(
    read: &mut Options,
    letters: &str,
    rest: &mut impl Iterator<Item = &'w String>,
) -> Result<(), Misuse> {
    let mut letters = letters.chars();
    while let Some(letter) = letters.next() {
        match OPTIONS.split_once(letter).filter(|_| letter != ':') {
            None => return Err(Misuse(Some(format!("invalid option -- '{letter}'\n")))),
            Some((_, after)) if after.starts_with(':') => {
                let glued = letters.as_str();
                let value = if glued.is_empty() { rest.next().cloned() } else { Some(glued.to_owned()) };
                let missing = || Misuse(Some(format!("option requires an argument -- '{letter}'\n")));
                take_value(read, letter, value.ok_or_else(missing)?);
                return Ok(());
            }
            Some(_) => match letter {
                'k' => read.by_keytab = true,
                'n' => read.anonymous = true,
                // -m, -O, -N: there is no master password, and one protocol.
                _ => {}
            },
        }
    }
    Ok(())
}

fn take_value(read: &mut Options, letter: char, value: String) {
    match letter {
        'r' => read.realm = Some(value),
        'p' => read.principal = Some(value),
        'c' => read.ccache = Some(value),
        't' => read.keytab = Some(value),
        'q' => read.query = Some(value),
        'd' => read.folder = Some(value),
        'w' => read.password = Some(SecretBytes::new(value.into_bytes())),
        's' => read.server = Some(value),
        'o' => read.ours.extend(["--output".to_owned(), value]),
        // -x, -e: there is no database to tell anything.
        _ => {}
    }
}

/// How the first line of the output ends.
fn credentials(options: &Options) -> String {
    match options {
        Options { ccache: Some(_), .. } => "with existing credentials".to_owned(),
        Options { anonymous: true, .. } => "with password; anonymous requested".to_owned(),
        Options { keytab: Some(keytab), .. } => format!("with keytab {keytab}"),
        Options { by_keytab: true, .. } => "with default keytab".to_owned(),
        _ => "with password".to_owned(),
    }
}

/// Kennel's own options among those of the program.
#[derive(Debug, Parser)]
struct OurArgs {
    #[command(flatten)]
    args: KadminArgs,
}

/// Ends the process where they are wrong.
fn our_args(program: &str, options: &Options) -> KadminArgs {
    let mut args = OurArgs::parse_from([program.to_owned()].iter().chain(&options.ours)).args;
    args.realm = args.realm.or_else(|| options.realm.clone());
    args
}

/// The socket of the KDC on this machine, unless another one is named.
pub(crate) fn use_local_socket(kdc: &mut KdcArgs, folder: Option<&str>) {
    if kdc.names_a_server() {
        return;
    }
    let of_folder = folder.map(|folder| Path::new(folder).join("admin.sock"));
    let found = of_folder.into_iter().chain(SOCKETS.map(PathBuf::from)).find(|path| path.exists());
    kdc.use_socket(found.unwrap_or_else(|| PathBuf::from(STORE_SOCKET)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Options, Misuse> {
        parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn letters_may_stand_together_and_values_be_glued() {
        let read = parsed(&["-p", "A/admin", "-kt", "/kt", "-rR", "-q", "listprincs"]).unwrap();
        assert_eq!((read.principal.as_deref(), read.keytab.as_deref()), (Some("A/admin"), Some("/kt")));
        assert_eq!((read.realm.as_deref(), read.query.as_deref()), (Some("R"), Some("listprincs")));
        assert_eq!(credentials(&read), "with keytab /kt");
        assert_eq!(credentials(&parsed(&["-c", "/cc"]).unwrap()), "with existing credentials");
        assert_eq!(credentials(&parsed(&["-k"]).unwrap()), "with default keytab");
        assert_eq!(credentials(&parsed(&["-w", "secret"]).unwrap()), "with password");
    }

    #[test]
    fn the_first_word_that_is_no_option_begins_the_command() {
        let read = parsed(&["-p", "a", "-w", "b", "ktadd", "-k", "/kt", "-q", "x"]).unwrap();
        assert_eq!(read.command, ["ktadd", "-k", "/kt", "-q", "x"]);
        assert_eq!(read.query, None);
    }

    #[test]
    fn options_of_kennel_are_kept_apart() {
        let read = parsed(&["--strict", "--socket", "/s", "-o", "json", "--output=yaml", "lr"]).unwrap();
        assert_eq!(read.ours, ["--strict", "--socket", "/s", "--output", "json", "--output=yaml"]);
        assert_eq!(read.command, ["lr"]);
    }

    #[test]
    fn what_getopt_or_mit_refuses_is_refused() {
        let why = |words: &[&str]| parsed(words).unwrap_err().0;
        assert_eq!(why(&["-Z"]).as_deref(), Some("invalid option -- 'Z'\n"));
        assert_eq!(why(&["-r"]).as_deref(), Some("option requires an argument -- 'r'\n"));
        assert_eq!(why(&["-q", "a", "b"]).as_deref(), Some(EXCLUSIVE));
        for words in [&["-t", "/kt"][..], &["-c", "/cc", "-k"], &["-n", "-k"]] {
            assert_eq!(why(words), None, "{words:?}");
        }
    }
}
