//! What an import does not keep, or keeps otherwise, each with the names that it is true of.

use crate::mit_import::enctype_name::enctype_name;
use std::collections::BTreeMap;
use std::fmt;

/// What is to be said of a principal or a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// Left out: the name is none that Kennel can serve.
    Name,
    /// Left out: Kennel keeps records of its own under such names.
    Reserved,
    /// Left out: the entry is of another realm.
    OtherRealm,
    /// Left out: the name came before.
    Twice,
    /// Left out: an alias whose target is not in the dump.
    NoTarget,
    /// Keys left out: Kennel does not have their enctype (a number).
    Enctype(i32),
    /// Keys left out: their salt is of a kind that is not known (a number).
    Salt(i32),
    /// Keys left out: they cannot be decrypted.
    Sealed,
    /// Keys left out: version 0.
    VersionZero,
    /// None of its keys is left.
    NoKey,
    /// Has keys of arcfour-hmac.
    Rc4,
    /// It required pre-authentication by hardware.
    HardwareAuthentication,
    /// An attribute that Kennel does not have, by MIT's name.
    Attribute(&'static str),
    /// Attributes that are not known (bits).
    UnknownAttributes(u32),
    /// What kadmin kept of it cannot be read: policy and password history left out.
    KadmData,
    /// Some earlier passwords left out: they cannot be decrypted, or their enctype is none of Kennel's.
    History,
    /// Its string attributes cannot be read, and are left out.
    Strings,
    /// Enctypes of its `session_enctypes` left out.
    SessionEnctypes,
    /// Allowed enctypes of a policy left out.
    AllowedEnctypes,
}

impl Note {
    /// Whether the principal or policy itself is missing.
    #[must_use]
    pub fn is_left_out(&self) -> bool {
        matches!(self, Note::Name | Note::Reserved | Note::OtherRealm | Note::Twice | Note::NoTarget)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Name => f.write_str("left out: not a name that Kennel can serve"),
            Note::Reserved => f.write_str("left out: Kennel keeps records of its own under WELLKNOWN"),
            Note::OtherRealm => f.write_str("left out: an entry of another realm"),
            Note::Twice => f.write_str("left out: the name came before in the dump"),
            Note::NoTarget => f.write_str("left out: an alias whose target is not in the dump, or is an alias itself"),
            Note::Enctype(number) => {
                write!(f, "keys of {} left out: Kennel does not have the enctype", enctype_name(*number))
            }
            Note::Salt(kind) => write!(f, "keys left out: their salt is of the kind {kind}, which is not known"),
            Note::Sealed => f.write_str("keys left out: the master keys of the dump do not decrypt them"),
            Note::VersionZero => f.write_str("keys left out: they have version 0"),
            Note::NoKey => {
                f.write_str("no key is left: set a new password, or make new keys and a keytab (kennel ktadd)")
            }
            Note::Rc4 => f.write_str(
                "has keys of arcfour-hmac, which count only where realm.enctypes of the KDC lists arcfour-hmac",
            ),
            Note::HardwareAuthentication => f.write_str(
                "required pre-authentication by hardware, which Kennel does not have: no tickets (DISALLOW_ALL_TIX) until you allow \
                 them (kennel modprinc +allow_tix)",
            ),
            Note::Attribute(name) => write!(f, "{name} is not kept: Kennel does not have it"),
            Note::UnknownAttributes(bits) => write!(f, "attributes 0x{bits:08x} are not kept: they are not known"),
            Note::KadmData => f.write_str("policy and password history left out: they cannot be read"),
            Note::History => f.write_str(
                "some earlier passwords left out: kadmin/history does not decrypt them, or Kennel does not have their enctype",
            ),
            Note::Strings => f.write_str("string attributes left out: they cannot be read"),
            Note::SessionEnctypes => f.write_str("session_enctypes names enctypes that Kennel does not have: left out"),
            Note::AllowedEnctypes => {
                f.write_str("the policy allows enctypes that Kennel does not have: left out of the list")
            }
        }
    }
}

/// Notes with the names that each is true of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(BTreeMap<Note, Vec<String>>);

impl Notes {
    /// Adds a name to a note, once.
    pub(super) fn add(&mut self, note: Note, name: &str) {
        let names = self.0.entry(note).or_default();
        if names.last().is_none_or(|last| last != name) {
            names.push(name.to_owned());
        }
    }

    /// The notes in their order, with the names in the order of the dump.
    pub fn iter(&self) -> impl Iterator<Item = (&Note, &[String])> {
        self.0.iter().map(|(note, names)| (note, &**names))
    }

    /// The names that a note is true of.
    #[must_use]
    pub fn names(&self, note: &Note) -> &[String] {
        self.0.get(note).map_or(&[], |names| names)
    }

    /// Number of principals, aliases and policies that are missing.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.0.iter().filter(|(note, _)| note.is_left_out()).map(|(_, names)| names.len()).sum()
    }
}
