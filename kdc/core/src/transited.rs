//! The realms that a client came by (RFC 4120, section 3.3.3.2): DOMAIN-X500-COMPRESS read and written, and whether the
//! path is accepted.

use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::TransitedEncoding;

const DOMAIN_X500_COMPRESS: i32 = 1;
/// Most realms on one path; no honest path has more.
const MAX_REALMS: usize = 32;
/// Longest realm name on a path; compression would otherwise let a short field stand for a huge one.
const MAX_NAME: usize = 1024;

/// The realms of the field in order, between `client_realm` and `last_realm`.
///
/// # Errors
/// An unknown type, or contents that are no path.
pub(crate) fn realms(
    transited: &TransitedEncoding,
    client_realm: &str,
    last_realm: &str,
) -> Result<Vec<String>, Refusal> {
    if transited.contents.is_empty() {
        return Ok(Vec::new());
    }
    if transited.tr_type != DOMAIN_X500_COMPRESS {
        return Err(Refusal::TransitedType);
    }
    let text = std::str::from_utf8(&transited.contents).map_err(|_| Refusal::TransitedPath)?;
    let fields = subfields(text).ok_or(Refusal::TransitedPath)?;
    expand(&fields, client_realm, last_realm).ok_or(Refusal::TransitedPath)
}

/// The field with one more realm at its end. Written without compression, which every reader understands.
pub(crate) fn append(realms: &[String], realm: &str) -> TransitedEncoding {
    let mut contents = String::new();
    for name in realms.iter().map(String::as_str).chain([realm]) {
        if !contents.is_empty() {
            contents.push(',');
        }
        // A leading space or slash would be read as "not relative to the realm before it" or as relative to it.
        if name.starts_with([' ', '/']) {
            contents.push(' ');
        }
        for c in name.chars() {
            if matches!(c, ',' | '\\') || (c == '.' && name.ends_with('.')) {
                contents.push('\\');
            }
            contents.push(c);
        }
    }
    TransitedEncoding { tr_type: DOMAIN_X500_COMPRESS, contents: contents.into_bytes() }
}

/// Whether a path from `client_realm` to this realm passes only realms on the hierarchical way between the two, or realms
/// that `capaths` names.
pub(crate) fn accepted(path: &[String], client_realm: &str, realm: &Realm) -> bool {
    let between = hierarchical_path(client_realm, &realm.name);
    path.iter().all(|passed| {
        passed == client_realm
            || *passed == realm.name
            || between.iter().any(|b| b == passed)
            || realm.capaths.iter().any(|(from, by)| from == client_realm && by == passed)
    })
}

/// The realms between two domain-style names, up to their common suffix and down again: from `A.X.ORG` to `B.ORG` by
/// `X.ORG` and `ORG`. There are no realms between names without a common suffix.
pub(crate) fn hierarchical_path(from: &str, to: &str) -> Vec<String> {
    let ancestors = |name: &str| -> Vec<String> {
        let dots = name.match_indices('.').filter_map(|(at, _)| name.get(at + 1..)).map(str::to_owned);
        std::iter::once(name.to_owned()).chain(dots).take(MAX_REALMS).collect()
    };
    let (up, down) = (ancestors(from), ancestors(to));
    let Some(top) = up.iter().find(|name| down.contains(name)).cloned() else { return Vec::new() };
    let rising = up.into_iter().take_while(|name| *name != top);
    let falling: Vec<String> = down.into_iter().take_while(|name| *name != top).collect();
    let whole = rising.chain([top.clone()]).chain(falling.into_iter().rev());
    whole.filter(|name| name != from && name != to).collect()
}

/// A subfield with its escapes read: the name, and whether it is to be joined to the realm before it.
#[derive(Debug, PartialEq, Eq)]
enum Subfield {
    /// Nothing between two commas: all realms on the hierarchical way.
    Null,
    /// A complete name.
    Whole(String),
    /// Ends in a dot: is prepended to the realm before it.
    Prefix(String),
    /// Begins with a slash: is appended to the realm before it.
    Suffix(String),
}

fn subfields(text: &str) -> Option<Vec<Subfield>> {
    let mut fields = Vec::new();
    let mut name = String::new();
    let (mut literal_end, mut chars) = (false, text.chars());
    loop {
        let next = chars.next();
        match next {
            Some('\\') => {
                name.push(chars.next()?);
                literal_end = true;
                continue;
            }
            Some(',') | None => {
                fields.push(subfield(std::mem::take(&mut name), literal_end));
                if fields.len() > MAX_REALMS {
                    return None;
                }
            }
            Some(c) => name.push(c),
        }
        literal_end = false;
        if next.is_none() {
            return Some(fields);
        }
    }
}

fn subfield(name: String, literal_end: bool) -> Subfield {
    if name.is_empty() {
        Subfield::Null
    } else if let Some(absolute) = name.strip_prefix(' ') {
        Subfield::Whole(absolute.to_owned())
    } else if name.starts_with('/') {
        Subfield::Suffix(name)
    } else if name.ends_with('.') && !literal_end {
        Subfield::Prefix(name)
    } else {
        Subfield::Whole(name)
    }
}

fn expand(fields: &[Subfield], client_realm: &str, last_realm: &str) -> Option<Vec<String>> {
    let mut realms: Vec<String> = Vec::new();
    // A relative first name is relative to the client's realm; null subfields fill the way to the next name.
    let (mut before, mut previous) = (client_realm.to_owned(), client_realm.to_owned());
    let mut fill = false;
    for field in fields {
        let name = match field {
            Subfield::Null => {
                fill = true;
                continue;
            }
            Subfield::Whole(name) => name.clone(),
            Subfield::Prefix(name) => format!("{name}{previous}"),
            Subfield::Suffix(name) => format!("{previous}{name}"),
        };
        if fill {
            realms.extend(hierarchical_path(&before, &name));
            fill = false;
        }
        if name.len() > MAX_NAME || realms.len() >= MAX_REALMS {
            return None;
        }
        before.clone_from(&name);
        previous.clone_from(&name);
        realms.push(name);
    }
    if fill {
        realms.extend(hierarchical_path(&before, last_realm));
    }
    Some(realms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(contents: &str) -> Result<Vec<String>, Refusal> {
        let field = TransitedEncoding { tr_type: 1, contents: contents.as_bytes().to_vec() };
        realms(&field, "A.X.ORG", "B.ORG")
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn plain_names_are_read_in_order() {
        assert_eq!(read("EDU,MIT.EDU"), Ok(names(&["EDU", "MIT.EDU"])));
    }

    #[test]
    fn a_trailing_dot_stands_in_front_of_the_realm_before_and_a_slash_behind_it() {
        // The examples of RFC 4120, section 3.3.3.2.
        assert_eq!(
            read("EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS."),
            Ok(names(&["EDU", "MIT.EDU", "ATHENA.MIT.EDU", "WASHINGTON.EDU", "CS.WASHINGTON.EDU"]))
        );
        assert_eq!(
            read("/COM/HP,/APOLLO, /COM/DEC").map(|r| r.get(1..).map(<[String]>::to_vec)),
            Ok(Some(names(&["A.X.ORG/COM/HP/APOLLO", "/COM/DEC"])))
        );
    }

    #[test]
    fn a_null_subfield_stands_for_the_hierarchical_way() {
        assert_eq!(read(",EDU"), Ok(names(&["EDU"])));
        assert_eq!(read(",ORG"), Ok(names(&["X.ORG", "ORG"])));
        assert_eq!(read(","), Ok(names(&["X.ORG", "ORG"])));
    }

    #[test]
    fn escapes_keep_commas_dots_and_backslashes_in_names() {
        assert_eq!(read("A\\,B,C\\."), Ok(names(&["A,B", "C."])));
        assert_eq!(read("A\\"), Err(Refusal::TransitedPath));
    }

    #[test]
    fn a_null_subfield_goes_up_as_well_as_down() {
        let field = TransitedEncoding { tr_type: 1, contents: b",".to_vec() };
        assert_eq!(realms(&field, "B.ORG", "A.Y.X.ORG"), Ok(names(&["ORG", "X.ORG", "Y.X.ORG"])));
        assert_eq!(realms(&field, "A.Y.X.ORG", "ORG"), Ok(names(&["Y.X.ORG", "X.ORG"])));
    }

    #[test]
    fn names_are_written_whole_and_nothing_is_escaped_that_need_not_be() {
        let field = append(&names(&["EDU"]), "MIT.EDU");
        assert_eq!(field.contents, b"EDU,MIT.EDU");
        assert_eq!(append(&[], "A,B.").contents, b"A\\,B\\.");
    }

    #[test]
    fn what_append_writes_reads_back_the_same() {
        let path = names(&["EDU", "MIT.EDU", "A,B", "C.", "/X", " Y", "D\\E"]);
        let (last, before) = path.split_last().unwrap();
        let field = append(before, last);
        assert_eq!(realms(&field, "A.X.ORG", "B.ORG"), Ok(path));
    }

    #[test]
    fn a_path_is_accepted_by_hierarchy_or_by_capaths_and_not_otherwise() {
        let mut realm = Realm::new("B.ORG");
        assert!(accepted(&names(&["X.ORG", "ORG"]), "A.X.ORG", &realm));
        assert!(!accepted(&names(&["EVIL.COM"]), "A.X.ORG", &realm));
        realm.capaths.push(("A.X.ORG".into(), "HUB.COM".into()));
        assert!(accepted(&names(&["HUB.COM"]), "A.X.ORG", &realm));
        assert!(!accepted(&names(&["HUB.COM"]), "OTHER.ORG", &realm));
    }

    #[test]
    fn the_two_ends_of_a_path_are_accepted_on_it() {
        let realm = Realm::new("B.COM");
        assert!(accepted(&names(&["A.ORG", "B.COM"]), "A.ORG", &realm));
        assert!(!accepted(&names(&["A.ORG", "C.NET", "B.COM"]), "A.ORG", &realm));
    }

    #[test]
    fn a_path_has_at_most_32_realms_and_names_of_1024_octets() {
        let path = |count: usize| (0..count).map(|n| format!("R{n}")).collect::<Vec<_>>();
        assert_eq!(read(&path(32).join(",")), Ok(path(32)));
        assert_eq!(read(&path(33).join(",")), Err(Refusal::TransitedPath));
        assert_eq!(read(&",".repeat(32)), Err(Refusal::TransitedPath), "33 subfields, all of them null");
        assert_eq!(read(&"X".repeat(1024)), Ok(vec!["X".repeat(1024)]));
        assert_eq!(read(&"X".repeat(1025)), Err(Refusal::TransitedPath));
        assert_eq!(read(&format!("{},{}.", "X".repeat(1000), "Y".repeat(24))), Err(Refusal::TransitedPath));
    }

    #[test]
    fn a_field_of_another_type_or_without_bound_is_refused() {
        let field = TransitedEncoding { tr_type: 2, contents: b"X".to_vec() };
        assert_eq!(realms(&field, "A", "B"), Err(Refusal::TransitedType));
        assert_eq!(read(&"A,".repeat(100)), Err(Refusal::TransitedPath));
        assert_eq!(read(&format!("{}X", "a.,".repeat(40))), Err(Refusal::TransitedPath));
    }
}
