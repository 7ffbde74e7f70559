//! The program `kdb5_util`: its commands as Kennel's, or what takes their place.

use crate::commands::kadmin::invocation::{Invocation, KadminArgs, Work};
use crate::commands::kadmin::program::use_local_socket;
use crate::commands::master_key;
use clap::Parser;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: kdb5_util [-r realm] [-d dbname] [-k mkeytype] [-kv mkeyVNO]
\t        [-M mkeyname] [-m] [-sf stashfilename] [-P password]
\t        [-x db_args]* cmd [cmd_options]
\tcreate, destroy, stash, dump, load, ark, add_mkey, use_mkey, list_mkeys,
\tupdate_princ_encryption, purge_mkeys, tabdump: each does what Kennel has in its place, or says what that is";

/// What is done for a command.
#[derive(Debug, PartialEq, Eq)]
enum Deed {
    /// Nothing: what the command is for is so already.
    Fulfilled(&'static str),
    /// Nothing: something else takes its place.
    Instead(&'static str),
    /// New keys of this principal beside the old ones.
    AddRandomKey(String),
    /// The state of the master key.
    ShowMasterKey,
    /// The command cannot be understood.
    Misuse,
}

/// Carries out what the words behind the program's name say.
pub(crate) async fn run(words: &[String]) -> anyhow::Result<ExitCode> {
    match deed(&command_words(words)) {
        Deed::Fulfilled(why) => {
            eprintln!("kdb5_util: {why}");
            Ok(ExitCode::SUCCESS)
        }
        Deed::Instead(what) => {
            eprintln!("kdb5_util: {what}");
            Ok(ExitCode::FAILURE)
        }
        Deed::AddRandomKey(principal) => {
            let words = ["change_password", "-randkey", "-keepold", &principal].map(str::to_owned);
            let mut args = OurArgs::parse_from(["kdb5_util"]).args;
            use_local_socket(&mut args.kdc, None);
            Invocation::of_kennel(Work::Command(words.to_vec()), args).run().await
        }
        Deed::ShowMasterKey => {
            let mut args = MasterKeyArgs::parse_from(["kdb5_util"]).args;
            args.use_local_socket();
            master_key::status(&args).await
        }
        Deed::Misuse => {
            eprintln!("{USAGE}");
            Ok(ExitCode::FAILURE)
        }
    }
}

#[derive(Debug, Parser)]
struct OurArgs {
    #[command(flatten)]
    args: KadminArgs,
}

#[derive(Debug, Parser)]
struct MasterKeyArgs {
    #[command(flatten)]
    args: master_key::StatusArgs,
}

/// The command and its options, without the options of the program, which may stand before or behind it.
fn command_words(words: &[String]) -> Vec<&str> {
    let mut command = Vec::new();
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        match word {
            "-P" | "-d" | "-x" | "-r" | "-k" | "-kv" | "-M" | "-sf" => _ = rest.next(),
            "-m" => {}
            word => command.push(word),
        }
    }
    command
}

fn deed(words: &[&str]) -> Deed {
    match words {
        ["create", ..] => Deed::Instead(
            "kennel-kdc makes the store, the master key and the realm's own principals itself, at its first start with \
             store.create = true (or as kennel-kdc dev)",
        ),
        ["destroy", ..] => Deed::Instead(
            "stop kennel-kdc, and remove its store and the file of its master key: nothing can be read without that key",
        ),
        ["stash", ..] => {
            Deed::Fulfilled("the master key is in a file already: store.master_key of kennel-kdc's configuration")
        }
        ["dump", ..] => Deed::Instead("kennel dump writes all of a realm, encrypted, while the KDC runs"),
        ["load", ..] => Deed::Instead(
            "kennel load --replace reads what kennel dump wrote, while the KDC serves (kennel-kdc load: while it does not); kennel \
             import-mit and kennel-kdc import-mit read the dump of an MIT realm",
        ),
        ["ark", .., principal] => Deed::AddRandomKey((*principal).to_owned()),
        ["list_mkeys"] => Deed::ShowMasterKey,
        ["add_mkey" | "use_mkey", ..] => {
            Deed::Instead("kennel master-key rotate brings the next master key, and wraps every record under it")
        }
        ["update_princ_encryption", ..] => {
            Deed::Fulfilled("each rotation of the master key wraps every record anew: kennel master-key status")
        }
        ["purge_mkeys", ..] => Deed::Fulfilled("a rotation of the master key forgets the old one at its end"),
        ["tabdump", ..] => {
            Deed::Instead("kennel -o json listprincs and kennel -o json getprinc PRINCIPAL say the same")
        }
        _ => Deed::Misuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed_of(line: &str) -> Deed {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        deed(&command_words(&words))
    }

    #[test]
    fn options_of_the_program_stand_before_or_behind_the_command() {
        for line in ["create -s -P secret", "-r R -P secret create -s", "-P hadoop create -s", "create -s -P -"] {
            assert!(matches!(deed_of(line), Deed::Instead(why) if why.contains("store.create")), "{line}");
        }
    }

    #[test]
    fn every_command_is_carried_out_or_says_what_takes_its_place() {
        assert_eq!(deed_of("list_mkeys"), Deed::ShowMasterKey);
        assert_eq!(deed_of("ark -e aes256-cts host/x"), Deed::AddRandomKey("host/x".to_owned()));
        for command in ["dump F", "load F", "destroy -f", "use_mkey 2", "add_mkey -s", "tabdump keyinfo"] {
            assert!(matches!(deed_of(command), Deed::Instead(_)), "{command}");
        }
        for command in ["stash", "stash -f F", "purge_mkeys -f", "update_princ_encryption -f"] {
            assert!(matches!(deed_of(command), Deed::Fulfilled(_)), "{command}");
        }
        for misuse in ["", "frobnicate", "ark"] {
            assert_eq!(deed_of(misuse), Deed::Misuse, "{misuse}");
        }
    }
}
