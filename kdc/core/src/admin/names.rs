//! Names: which principals administration may make and unmake, and shell patterns of names.

use crate::admin::refusal::AdminRefusal;
use kennel_wire::message::Principal;

/// Most components of a name.
const MOST_COMPONENTS: usize = 8;
/// Longest name, octets.
const LONGEST: usize = 512;

/// Refuses a name that this caller may not give to a principal. `krbtgt/HERE@OTHER`, the key under which a trusted realm issues for this one,
/// is the only name of another realm. Whoever knew the key of a service of administration could seal tickets for it, in the name of every
/// administrator: only the owner of the process makes one more (`is_local`), and not whoever may merely add principals.
pub(super) fn check_new_name(name: &Principal, realm: &str, is_local: bool) -> Result<(), AdminRefusal> {
    let refuse = |reason| Err(AdminRefusal::BadName { name: name.to_string(), reason });
    let components = &name.name.components;
    let octets = components.iter().map(String::len).sum::<usize>();
    let is_incoming_trust = name.name.krbtgt_realm() == Some(realm);
    match &components.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => refuse("it has no component"),
        parts if parts.len() > MOST_COMPONENTS || octets > LONGEST => refuse("it is too long"),
        parts if parts.contains(&"") => refuse("a component is empty"),
        parts if parts.iter().any(|part| part.chars().any(char::is_control)) => refuse("it has a control character"),
        ["WELLKNOWN", ..] => refuse("names of WELLKNOWN are reserved"),
        ["kadmin", _] if !is_local => {
            refuse("services of administration are made on the KDC's machine: use kadmin.local")
        }
        ["K", "M"] => refuse("the master key is no principal: kennel master-key shows it"),
        _ if name.realm != realm && !is_incoming_trust => refuse("it is of another realm"),
        _ => Ok(()),
    }
}

/// Refuses to delete or rename what the realm needs: its own krbtgt and the services of administration.
pub(super) fn check_not_needed(name: &Principal) -> Result<(), AdminRefusal> {
    let parts: Vec<&str> = name.name.components.iter().map(String::as_str).collect();
    match &*parts {
        ["kadmin", "admin" | "changepw"] => Err(AdminRefusal::Protected(name.to_string())),
        _ if is_own_krbtgt(name) => Err(AdminRefusal::Protected(name.to_string())),
        _ => Ok(()),
    }
}

/// Whether a principal is the `krbtgt` of its own realm.
pub(super) fn is_own_krbtgt(name: &Principal) -> bool {
    name.name.krbtgt_realm() == Some(&*name.realm)
}

/// A shell pattern: `*`, `?`, `[abc]`, `[a-z]`, `[!a]`, and `\` before a character that stands for itself.
pub(super) struct Glob(Vec<Part>);

enum Part {
    One(char),
    AnyOne,
    Any,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Reads the pattern of a name of a principal; without a realm it is about `realm`.
    pub(super) fn of_principals(text: &str, realm: &str) -> Glob {
        match text.contains('@') {
            true => Glob::new(text),
            false => Glob::new(&format!("{text}@{realm}")),
        }
    }

    pub(super) fn new(text: &str) -> Glob {
        let mut parts = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            parts.push(match c {
                '*' => Part::Any,
                '?' => Part::AnyOne,
                '\\' => Part::One(chars.next().unwrap_or('\\')),
                '[' => match class(chars.as_str()) {
                    Some((class, rest)) => {
                        chars = rest.chars();
                        class
                    }
                    None => Part::One('['),
                },
                c => Part::One(c),
            });
        }
        Glob(parts)
    }

    /// Whether the whole text matches. The time is bounded by the product of both lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut part) = (0, 0);
        // Where to go on when what follows the last `*` does not match: one character later.
        let mut retry: Option<(usize, usize)> = None;
        while let Some(c) = text.get(at) {
            match self.0.get(part) {
                Some(Part::Any) => {
                    part += 1;
                    retry = Some((part, at));
                }
                Some(one) if one.matches(*c) => (at, part) = (at + 1, part + 1),
                _ => match &mut retry {
                    Some((after, from)) => {
                        *from += 1;
                        (at, part) = (*from, *after);
                    }
                    None => return false,
                },
            }
        }
        self.0.iter().skip(part).all(|part| matches!(part, Part::Any))
    }
}

impl Part {
    fn matches(&self, c: char) -> bool {
        match self {
            Part::One(one) => *one == c,
            Part::AnyOne => true,
            Part::Any => false,
            Part::Class { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
        }
    }
}

/// Reads a class after its `[`; returns what follows it.
fn class(text: &str) -> Option<(Part, &str)> {
    let (negated, body) = match text.strip_prefix(['!', '^']) {
        Some(body) => (true, body),
        None => (false, text),
    };
    let first = body.chars().next()?.len_utf8();
    // A bracket that comes first stands for itself.
    let end = body.get(first..)?.find(']')?.checked_add(first)?;
    let (inside, rest) = (body.get(..end)?, body.get(end..)?.get(1..)?);
    let chars: Vec<char> = inside.chars().collect();
    let (mut ranges, mut at) = (Vec::new(), 0);
    while let Some(from) = chars.get(at) {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(to)) => {
                ranges.push((*from, *to));
                at += 3;
            }
            _ => {
                ranges.push((*from, *from));
                at += 1;
            }
        }
    }
    Some((Part::Class { negated, ranges }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    #[test]
    fn a_pattern_matches_whole_names_as_a_shell_does() {
        let matches = |pattern: &str, text: &str| Glob::of_principals(pattern, "R").matches(text);
        for (pattern, text, expected) in [
            ("*", "alice@R", true),
            ("*", "krbtgt/R@OTHER", false),
            ("*@*", "krbtgt/R@OTHER", true),
            ("host/*", "host/a.b@R", true),
            ("host/*", "http/a@R", false),
            ("a?ice", "alice@R", true),
            ("[a-c]lice", "alice@R", true),
            ("[!a-c]lice", "alice@R", false),
            ("[]a]lice", "alice@R", true),
            ("a[", "a[@R", true),
            ("\\*", "*@R", true),
            ("\\*", "alice@R", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa@R", false),
            ("alice", "alice@R", true),
            ("alice", "alice2@R", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn reserved_and_impossible_names_are_refused_and_trusts_are_not() {
        let check = |name: &str| check_new_name(&record(name).principal, "R", true);
        for name in ["alice", "HTTP/web", "krbtgt/OTHER", "kadmin/host.example"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in ["", "a//b", "WELLKNOWN/ANONYMOUS", "WELLKNOWN/POLICY/x", "K/M", "a\u{7}b", "a/b/c/d/e/f/g/h/i"] {
            assert!(matches!(check(name), Err(AdminRefusal::BadName { .. })), "{name}");
        }
        let of = |name: &str| Principal::new(record(name).principal.name, "OTHER");
        assert_eq!(check_new_name(&of("krbtgt/R"), "R", true), Ok(()));
        assert!(check_new_name(&of("alice"), "R", true).is_err());
    }

    #[test]
    fn a_service_of_administration_is_made_by_the_owner_of_the_process_alone() {
        let check = |name: &str| check_new_name(&record(name).principal, "R", false).is_ok();
        assert!(!check("kadmin/host.example") && check("kadmin") && check("HTTP/kadmin"));
    }

    #[test]
    fn what_the_realm_needs_is_neither_deleted_nor_renamed() {
        for (name, needed) in [("krbtgt/R", true), ("kadmin/admin", true), ("krbtgt/OTHER", false), ("kadmin/x", false)]
        {
            assert_eq!(check_not_needed(&record(name).principal).is_err(), needed, "{name}");
        }
    }
}
