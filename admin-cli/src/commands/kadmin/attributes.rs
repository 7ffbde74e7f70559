//! The attributes of a principal: the words of kadmin, the names that it shows, and the bits of its database.

use kennel_core::principal::Attributes;

/// An attribute of MIT's database.
struct Flag {
    /// Bit in MIT's database.
    bit: u32,
    /// The name that kadmin shows.
    shown: &'static str,
    /// Words that mean the attribute.
    words: &'static [&'static str],
    /// Words that mean its absence: `allow_tix` is the absence of `DISALLOW_ALL_TIX`.
    opposites: &'static [&'static str],
}

const fn flag(
    bit: u32,
    shown: &'static str,
    words: &'static [&'static str],
    opposites: &'static [&'static str],
) -> Flag {
    Flag { bit, shown, words, opposites }
}

const REQUIRES_PRE_AUTH: u32 = 0x80;

/// By their bits, which is the order in which kadmin shows them.
const FLAGS: &[Flag] = &[
    flag(0x1, "DISALLOW_POSTDATED", &["disallow_postdated"], &["allow_postdated", "postdateable"]),
    flag(0x2, "DISALLOW_FORWARDABLE", &["disallow_forwardable"], &["allow_forwardable", "forwardable"]),
    flag(0x4, "DISALLOW_TGT_BASED", &["disallow_tgt_based"], &["allow_tgs_req", "tgt_based"]),
    flag(0x8, "DISALLOW_RENEWABLE", &["disallow_renewable"], &["allow_renewable", "renewable"]),
    flag(0x10, "DISALLOW_PROXIABLE", &["disallow_proxiable"], &["allow_proxiable", "proxiable"]),
    flag(0x20, "DISALLOW_DUP_SKEY", &["disallow_dup_skey"], &["allow_dup_skey", "dup_skey"]),
    flag(0x40, "DISALLOW_ALL_TIX", &["disallow_all_tix"], &["allow_tix", "allow_tickets"]),
    flag(REQUIRES_PRE_AUTH, "REQUIRES_PRE_AUTH", &["requires_preauth", "requires_pre_auth", "preauth"], &[]),
    flag(0x100, "REQUIRES_HW_AUTH", &["requires_hwauth", "requires_hw_auth", "hwauth"], &[]),
    flag(0x200, "REQUIRES_PWCHANGE", &["needchange", "pwchange", "requires_pwchange"], &[]),
    flag(0x1000, "DISALLOW_SVR", &["disallow_svr"], &["allow_svr", "service"]),
    flag(0x2000, "PWCHANGE_SERVICE", &["password_changing_service", "pwchange_service", "pwservice"], &[]),
    flag(0x4000, "SUPPORT_DESMD5", &["md5", "support_desmd5"], &[]),
    flag(0x8000, "NEW_PRINC", &["new_princ"], &[]),
    flag(0x10_0000, "OK_AS_DELEGATE", &["ok_as_delegate"], &[]),
    flag(0x20_0000, "OK_TO_AUTH_AS_DELEGATE", &["ok_to_auth_as_delegate"], &[]),
    flag(0x40_0000, "NO_AUTH_DATA_REQUIRED", &["no_auth_data_required"], &[]),
    flag(0x80_0000, "LOCKDOWN_KEYS", &["lockdown_keys"], &[]),
];

/// Bits and the attributes that they are, but for pre-authentication, which a realm of Kennel requires unless a principal is excepted.
const SAME: [(u32, Attributes); 12] = [
    (0x1, Attributes::DISALLOW_POSTDATED),
    (0x2, Attributes::DISALLOW_FORWARDABLE),
    (0x4, Attributes::DISALLOW_TGT_BASED),
    (0x8, Attributes::DISALLOW_RENEWABLE),
    (0x10, Attributes::DISALLOW_PROXIABLE),
    (0x20, Attributes::DISALLOW_DUP_SKEY),
    (0x40, Attributes::DISALLOW_ALL),
    (0x200, Attributes::PASSWORD_CHANGE_REQUIRED),
    (0x1000, Attributes::DISALLOW_SERVER),
    (0x2000, Attributes::PASSWORD_CHANGING_SERVICE),
    (0x10_0000, Attributes::OK_AS_DELEGATE),
    (0x80_0000, Attributes::LOCKDOWN_KEYS),
];

/// Bits that change nothing here: an enctype and a mark that are no longer in use, and tickets without a PAC, which all are.
const WITHOUT_EFFECT: u32 = 0x4000 | 0x8000 | 0x40_0000;

/// Attributes to set and to clear. The later word wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FlagChanges {
    set: u32,
    clear: u32,
}

/// Why a word changes no attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAttribute {
    /// No attribute has this name.
    Unknown,
    /// Kennel does not have this attribute.
    NotSupported(&'static str),
}

impl FlagChanges {
    /// Takes up `+word`, `-word` or `word`; case and hyphens do not matter, and a number in hexadecimal digits is bits.
    pub(crate) fn take(&mut self, word: &str) -> Result<(), NoAttribute> {
        let (is_negative, name) = match word.split_at_checked(1) {
            Some(("-", name)) => (true, name),
            Some(("+", name)) => (false, name),
            _ => (false, word),
        };
        let (bits, is_opposite) = bits_of(&name.to_ascii_lowercase().replace('-', "_")).ok_or(NoAttribute::Unknown)?;
        if is_negative == is_opposite {
            if let Some(flag) = FLAGS.iter().find(|flag| flag.bit & bits != 0 && !is_kept(flag.bit)) {
                return Err(NoAttribute::NotSupported(flag.shown));
            }
            (self.set, self.clear) = (self.set | bits, self.clear & !bits);
        } else {
            (self.set, self.clear) = (self.set & !bits, self.clear | bits);
        }
        Ok(())
    }

    /// The attributes to set.
    pub(crate) fn set(self) -> Attributes {
        let mut set = attributes(self.set);
        set.set(Attributes::REQUIRE_PREAUTH_OF_CLIENTS, self.set & REQUIRES_PRE_AUTH != 0);
        set.set(Attributes::NO_PREAUTH_REQUIRED, self.clear & REQUIRES_PRE_AUTH != 0);
        set
    }

    /// The attributes to clear.
    pub(crate) fn clear(self) -> Attributes {
        FlagChanges { set: self.clear, clear: self.set }.set()
    }
}

fn is_kept(bit: u32) -> bool {
    bit & (WITHOUT_EFFECT | REQUIRES_PRE_AUTH) != 0 || SAME.iter().any(|(same, _)| *same == bit)
}

/// The bits of a word, and whether it means their absence.
fn bits_of(word: &str) -> Option<(u32, bool)> {
    let found = FLAGS.iter().find_map(|flag| match (flag.words.contains(&word), flag.opposites.contains(&word)) {
        (true, _) => Some((flag.bit, false)),
        (_, true) => Some((flag.bit, true)),
        _ => None,
    });
    found.or_else(|| Some((u32::from_str_radix(word.strip_prefix("0x")?, 16).ok()?, false)))
}

fn attributes(bits: u32) -> Attributes {
    SAME.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, attribute)| *attribute).collect()
}

/// The names of attributes in the admin API.
pub(crate) fn attribute_names(attributes: Attributes) -> Vec<String> {
    attributes.iter_names().map(|(name, _)| name.to_owned()).collect()
}

/// The bits that kadmin shows for a principal, whose attributes are names of the admin API.
pub(crate) fn bits_of_names(names: &[String]) -> u32 {
    shown_bits(names.iter().filter_map(|name| Attributes::from_name(name)).collect())
}

/// The names in the admin API of the attributes that kadmin shows by bits. Bits that Kennel does not have are left out.
pub(crate) fn names_of_bits(bits: u32) -> Vec<String> {
    let mut found = attributes(bits);
    found.set(Attributes::NO_PREAUTH_REQUIRED, bits & REQUIRES_PRE_AUTH == 0);
    attribute_names(found)
}

/// The bits that kadmin shows for a principal.
fn shown_bits(attributes: Attributes) -> u32 {
    let same = SAME.iter().filter(|(_, attribute)| attributes.contains(*attribute)).map(|(bit, _)| bit);
    let locked = if attributes.contains(Attributes::LOCKED) { 0x40 } else { 0 };
    let preauth = if attributes.contains(Attributes::NO_PREAUTH_REQUIRED) { 0 } else { REQUIRES_PRE_AUTH };
    same.fold(locked | preauth, |bits, bit| bits | bit)
}

/// The names that kadmin shows for bits, each behind a blank.
pub(crate) fn names_text(bits: u32) -> String {
    (0..32)
        .map(|at| 1_u32 << at)
        .filter(|bit| bits & bit != 0)
        .map(|bit| {
            let known = FLAGS.iter().find(|flag| flag.bit == bit);
            known.map_or_else(|| format!(" 0x{bit:08x}"), |flag| format!(" {}", flag.shown))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(words: &[&str]) -> (Attributes, Attributes) {
        let mut changes = FlagChanges::default();
        words.iter().for_each(|word| changes.take(word).unwrap());
        (changes.set(), changes.clear())
    }

    #[test]
    fn a_word_sets_clears_or_means_the_opposite() {
        assert_eq!(changes(&["-allow_tix"]), (Attributes::DISALLOW_ALL, Attributes::empty()));
        assert_eq!(changes(&["+allow_tix"]), (Attributes::empty(), Attributes::DISALLOW_ALL));
        assert_eq!(changes(&["allow-SVR"]), (Attributes::empty(), Attributes::DISALLOW_SERVER));
        assert_eq!(
            changes(&["+needchange", "-needchange"]),
            (Attributes::empty(), Attributes::PASSWORD_CHANGE_REQUIRED)
        );
        assert_eq!(changes(&["+0x1001"]).0, Attributes::DISALLOW_POSTDATED | Attributes::DISALLOW_SERVER);
    }

    #[test]
    fn preauthentication_is_required_unless_it_is_cleared() {
        let (set, clear) = changes(&["-requires_preauth"]);
        assert_eq!((set, clear), (Attributes::NO_PREAUTH_REQUIRED, Attributes::REQUIRE_PREAUTH_OF_CLIENTS));
        let (set, clear) = changes(&["+requires_preauth"]);
        assert_eq!((set, clear), (Attributes::REQUIRE_PREAUTH_OF_CLIENTS, Attributes::NO_PREAUTH_REQUIRED));
        assert_eq!(shown_bits(Attributes::empty()), REQUIRES_PRE_AUTH);
        assert_eq!(shown_bits(Attributes::NO_PREAUTH_REQUIRED), 0);
    }

    #[test]
    fn names_become_bits_and_bits_names() {
        for bits in [0, REQUIRES_PRE_AUTH, 0x10_10c3] {
            assert_eq!(bits_of_names(&names_of_bits(bits)), bits, "{bits:x}");
        }
    }

    #[test]
    fn unknown_words_and_attributes_that_kennel_does_not_have_are_refused() {
        let refused = |word| FlagChanges::default().take(word).unwrap_err();
        assert_eq!(refused("-bogus"), NoAttribute::Unknown);
        assert_eq!(refused("+requires_hwauth"), NoAttribute::NotSupported("REQUIRES_HW_AUTH"));
        assert_eq!(refused("+ok_to_auth_as_delegate"), NoAttribute::NotSupported("OK_TO_AUTH_AS_DELEGATE"));
        assert_eq!(changes(&["-requires_hwauth", "+no_auth_data_required"]).0, Attributes::empty());
    }

    #[test]
    fn bits_are_shown_by_the_names_of_mit_in_their_order() {
        let bits = shown_bits(Attributes::DISALLOW_ALL | Attributes::OK_AS_DELEGATE);
        assert_eq!(
            (names_text(bits), bits),
            (" DISALLOW_ALL_TIX REQUIRES_PRE_AUTH OK_AS_DELEGATE".to_owned(), 0x10_00c0)
        );
        assert_eq!(names_text(0x1_0000), " 0x00010000");
        assert_eq!(names_text(0), "");
    }
}
