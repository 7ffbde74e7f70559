//! `ktremove`: keys of a principal out of a keytab. The KDC is not asked.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::principal::options::leading_number;
use kennel_wire::keytab::KeytabEntry;
use kennel_wire::message::Principal;
use serde_json::json;
use std::io;

const USAGE: &str = "Usage: ktremove [-k[eytab] keytab] [-q] principal [kvno|\"all\"|\"old\"]";

/// What the words of the command say.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    file: Option<String>,
    quiet: bool,
    principal: String,
    which: Versions,
}

/// Versions of keys in a keytab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Versions {
    Newest,
    AllButNewest,
    All,
    Of(u32),
}

/// `None`: the command cannot be understood.
fn parse(words: &[String]) -> Option<Options> {
    let (mut file, mut quiet) = (None, false);
    let mut rest = words.iter().peekable();
    while let Some(option) = rest.next_if(|word| word.starts_with("-k") || *word == "-q") {
        match &**option {
            "-q" => quiet = true,
            _ if file.is_none() => file = Some(rest.next()?.clone()),
            _ => return None,
        }
    }
    let (principal, which) = (rest.next()?.clone(), rest.next());
    let which = match which.map(String::as_str) {
        None => Versions::Newest,
        Some("all") => Versions::All,
        Some("old") => Versions::AllButNewest,
        Some(kvno) => Versions::Of(leading_number(kvno)),
    };
    rest.next().is_none().then_some(Options { file, quiet, principal, which })
}

/// Removes keys of a principal from a keytab.
pub(crate) fn ktremove(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let Some(options) = parse(words) else {
        desk.session.complain(USAGE);
        return Ok(());
    };
    let program = desk.session.program.clone();
    let Some(keytab) = desk.keytab(options.file.as_deref()) else { return Ok(()) };
    let Options { principal: name, which, .. } = &options;
    let context = format!("while parsing principal name {name}");
    let Some(principal) = desk.principal(name, &program, &context) else { return Ok(()) };
    let entries = match keytab.read() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            desk.session.complain(&format!("{program}: Keytab {} does not exist.", keytab.name));
            return Ok(());
        }
        Err(error) => {
            desk.session.fail_while(&program, &error.to_string(), "while retrieving highest kvno from keytab");
            return Ok(());
        }
    };
    let (removed, kept) = match divide(entries, &principal, *which) {
        Ok(parts) => parts,
        Err(none) => {
            desk.session.complain(&format!("{program}: {}", none.text(name, *which, &keytab.name)));
            return Ok(());
        }
    };
    if let Err(error) = keytab.replace(&kept) {
        desk.session.fail_while(&program, &error.to_string(), "while deleting entry from keytab");
        return Ok(());
    }
    if options.quiet {
        return Ok(());
    }
    let kvnos: Vec<u32> = removed.iter().map(|entry| entry.kvno).collect();
    let text: String = kvnos.iter().map(|kvno| removed_text(name, *kvno, &keytab.name)).collect();
    desk.session.answer(&text, &json!({ "principal": principal.to_string(), "keytab": keytab.name, "removed": kvnos }))
}

fn removed_text(name: &str, kvno: u32, keytab: &str) -> String {
    format!("Entry for principal {name} with kvno {kvno} removed from keytab {keytab}.\n")
}

/// Why there is nothing to remove.
#[derive(Debug, PartialEq, Eq)]
enum NoEntry {
    OfPrincipal,
    Old,
}

impl NoEntry {
    fn text(&self, name: &str, which: Versions, keytab: &str) -> String {
        match (self, which) {
            (NoEntry::Old, _) => format!("There is only one entry for principal {name} in keytab {keytab}"),
            (NoEntry::OfPrincipal, Versions::Of(kvno)) => {
                format!("No entry for principal {name} with kvno {kvno} exists in keytab {keytab}")
            }
            (NoEntry::OfPrincipal, _) => format!("No entry for principal {name} exists in keytab {keytab}"),
        }
    }
}

/// The entries that go and those that stay.
fn divide(
    entries: Vec<KeytabEntry>,
    principal: &Principal,
    which: Versions,
) -> Result<(Vec<KeytabEntry>, Vec<KeytabEntry>), NoEntry> {
    let newest = entries.iter().filter(|entry| entry.principal == *principal).map(|entry| entry.kvno).max();
    let newest = newest.ok_or(NoEntry::OfPrincipal)?;
    let goes = |kvno: u32| match which {
        Versions::Newest => kvno == newest,
        Versions::AllButNewest => kvno != newest,
        Versions::All => true,
        Versions::Of(number) => kvno == number,
    };
    let (removed, kept): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.principal == *principal && goes(entry.kvno));
    match (removed.is_empty(), which) {
        (false, _) => Ok((removed, kept)),
        (true, Versions::AllButNewest) => Err(NoEntry::Old),
        (true, _) => Err(NoEntry::OfPrincipal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::EncryptionKey;
    use kennel_wire::message::KerberosTime;
    use zeroize::Zeroizing;

    fn entry(name: &str, kvno: u32) -> KeytabEntry {
        let key = EncryptionKey { keytype: 17, keyvalue: Zeroizing::new(vec![7; 16]) };
        KeytabEntry { principal: Principal::parse(name, "R").unwrap(), timestamp: KerberosTime(1), kvno, key }
    }

    fn removed(which: Versions) -> Result<Vec<u32>, NoEntry> {
        let entries = vec![entry("a", 1), entry("b", 7), entry("a", 2), entry("a", 2)];
        let (removed, kept) = divide(entries, &Principal::parse("a", "R").unwrap(), which)?;
        assert_eq!(removed.len() + kept.len(), 4);
        Ok(removed.iter().map(|entry| entry.kvno).collect())
    }

    #[test]
    fn the_newest_version_goes_unless_others_are_named() {
        assert_eq!(removed(Versions::Newest), Ok(vec![2, 2]));
        assert_eq!(removed(Versions::AllButNewest), Ok(vec![1]));
        assert_eq!(removed(Versions::All), Ok(vec![1, 2, 2]));
        assert_eq!(removed(Versions::Of(1)), Ok(vec![1]));
        assert_eq!(removed(Versions::Of(9)), Err(NoEntry::OfPrincipal));
        let other = divide(vec![entry("b", 1)], &Principal::parse("a", "R").unwrap(), Versions::All);
        assert_eq!(other.unwrap_err(), NoEntry::OfPrincipal);
        let one = divide(vec![entry("a", 1)], &Principal::parse("a", "R").unwrap(), Versions::AllButNewest);
        assert_eq!(one.unwrap_err(), NoEntry::Old);
    }

    #[test]
    fn versions_are_all_old_or_a_number() {
        let parsed = |line: &str| parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        for (line, which) in [
            ("-k f P", Versions::Newest),
            ("-kt f P all", Versions::All),
            ("-k f P old", Versions::AllButNewest),
            ("-k f P 3", Versions::Of(3)),
        ] {
            assert_eq!(parsed(line).map(|options| options.which), Some(which), "{line}");
        }
        for line in ["", "-k", "-k f", "a b c", "-k f -k g a"] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_said_in_the_words_of_mit() {
        let said = |none: NoEntry, which| none.text("cc", which, "WRFILE:/tmp/kt");
        assert_eq!(
            said(NoEntry::OfPrincipal, Versions::Newest),
            "No entry for principal cc exists in keytab WRFILE:/tmp/kt"
        );
        assert_eq!(
            said(NoEntry::OfPrincipal, Versions::Of(3)),
            "No entry for principal cc with kvno 3 exists in keytab WRFILE:/tmp/kt"
        );
        assert_eq!(
            said(NoEntry::Old, Versions::AllButNewest),
            "There is only one entry for principal cc in keytab WRFILE:/tmp/kt"
        );
        assert_eq!(removed_text("cc", 2, "K"), "Entry for principal cc with kvno 2 removed from keytab K.\n");
    }
}
