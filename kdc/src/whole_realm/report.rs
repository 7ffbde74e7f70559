//! What an import has to say: numbers, then each note with the names that it is true of.

use crate::whole_realm::mit::ForeignRealm;
use kennel_core::principal::Record;
use std::fmt::Write;

/// Names that are shown of each note.
const SHOWN: usize = 10;

/// The text for a person. `all`: with every name.
pub(crate) fn text(realm: &ForeignRealm, all: bool) -> String {
    let ForeignRealm { name, records, notes } = realm;
    let (mut principals, mut aliases, mut policies) = (0_usize, 0_usize, 0_usize);
    for record in records {
        match record {
            Record::Principal(_) | Record::Holder(_) => principals += 1,
            Record::Alias { .. } => aliases += 1,
            Record::Policy(_) => policies += 1,
        }
    }
    let left_out = notes.left_out();
    let mut text = format!(
        "realm {name}: {principals} principals, {aliases} aliases, {policies} policies imported; {left_out} left out\n"
    );
    for (note, names) in notes.iter() {
        let shown = if all { names.len() } else { SHOWN.min(names.len()) };
        let list = names.iter().take(shown).map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ");
        let more = match names.len() - shown {
            0 => String::new(),
            more => format!(", and {more} more (--verbose shows all)"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- {note}\n    {list}{more}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole_realm::mit::read;
    use kennel_core::mit_import::master_keys::MasterSecret;

    #[test]
    fn a_note_is_said_once_with_some_of_its_names() {
        let line =
            |name: &str| format!("princ\t38\t{}\t0\t0\t0\t{name}\t2097152\t0\t0\t0\t0\t0\t0\t0\t-1;\n", name.len());
        let names: String = (0..12).map(|number| line(&format!("a{number}@R"))).collect();
        let dump = format!("kdb5_util load_dump version 7\n{names}{}", line("x\u{1b}@OTHER"));
        let realm = read(dump.as_bytes(), Some("R"), &MasterSecret::None, |_| {}).unwrap();
        let said = text(&realm, false);
        assert!(said.starts_with("realm R: 12 principals, 0 aliases, 0 policies imported; 1 left out\n"), "{said}");
        assert!(
            said.contains("- OK_TO_AUTH_AS_DELEGATE is not kept") && said.contains("and 2 more (--verbose"),
            "{said}"
        );
        assert!(said.contains("x\\u{1b}@OTHER") && !said.contains('\u{1b}'), "{said}");
        assert!(text(&realm, true).contains("a11@R\n"));
    }
}
