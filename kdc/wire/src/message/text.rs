//! The text form of principal names, as MIT's `krb5_parse_name` and `krb5_unparse_name` have it: `/` between components,
//! `@` before the realm, and `\` to take the next character literally, but for `\n`, `\t`, `\b` and `\0`.

use crate::error::WireError;
use std::fmt::{self, Write};

/// Returns components and realm.
pub(super) fn parse(text: &str, default_realm: &str) -> Result<(Vec<String>, String), WireError> {
    let mut parts = Parts::default();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => parts.current.push(unescaped(characters.next())?),
            '/' if !parts.in_realm => parts.end_component()?,
            '@' if parts.in_realm => return Err(WireError::Name("a second @")),
            '@' => {
                parts.end_component()?;
                parts.in_realm = true;
            }
            other => parts.current.push(other),
        }
    }
    let realm = parts.end(default_realm)?;
    refuse_control(&parts.components, &realm)?;
    Ok((parts.components, realm))
}

pub(super) fn write_name(f: &mut fmt::Formatter<'_>, components: &[String]) -> fmt::Result {
    for (index, component) in components.iter().enumerate() {
        if index > 0 {
            f.write_char('/')?;
        }
        write_part(f, component)?;
    }
    Ok(())
}

/// Writes one component or a realm with its escapes. Escapes `/` in a realm too: the parser does not need that, but
/// accepts it.
pub(super) fn write_part(f: &mut fmt::Formatter<'_>, part: &str) -> fmt::Result {
    let is_escaped = |c: char| matches!(c, '/' | '@' | '\\' | '\n' | '\t' | '\u{8}' | '\0');
    for run in part.split_inclusive(is_escaped) {
        let Some(plain) = run.strip_suffix(is_escaped) else {
            f.write_str(run)?;
            continue;
        };
        f.write_str(plain)?;
        match run.chars().next_back().unwrap_or_default() {
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\0' => f.write_str("\\0")?,
            other => write!(f, "\\{other}")?,
        }
    }
    Ok(())
}

/// The parts that were read so far.
#[derive(Default)]
struct Parts {
    components: Vec<String>,
    current: String,
    in_realm: bool,
}

impl Parts {
    fn end_component(&mut self) -> Result<(), WireError> {
        if self.current.is_empty() {
            return Err(WireError::Name("an empty component"));
        }
        self.components.push(std::mem::take(&mut self.current));
        Ok(())
    }

    fn end(&mut self, default_realm: &str) -> Result<String, WireError> {
        let realm = if self.in_realm {
            std::mem::take(&mut self.current)
        } else {
            self.end_component()?;
            default_realm.to_owned()
        };
        if realm.is_empty() { Err(WireError::Name("an empty realm")) } else { Ok(realm) }
    }
}

fn unescaped(character: Option<char>) -> Result<char, WireError> {
    match character {
        None => Err(WireError::Name("an escape at the end")),
        Some('n') => Ok('\n'),
        Some('t') => Ok('\t'),
        Some('b') => Ok('\u{8}'),
        Some('0') => Ok('\0'),
        Some(other) => Ok(other),
    }
}

/// Names from messages and from the command line alike hold no control characters, written literally or as an escape.
fn refuse_control(components: &[String], realm: &str) -> Result<(), WireError> {
    let mut parts = components.iter().map(String::as_str).chain([realm]);
    if parts.any(|part| part.chars().any(char::is_control)) {
        return Err(WireError::Name("a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::name::{NameType, Principal, PrincipalName};

    fn parsed(text: &str) -> Principal {
        Principal::parse(text, "DEFAULT").unwrap()
    }

    #[test]
    fn a_name_without_realm_is_of_the_default_realm() {
        assert_eq!(parsed("alice"), Principal::new(PrincipalName::new(NameType::PRINCIPAL, ["alice"]), "DEFAULT"));
    }

    #[test]
    fn components_and_realm_are_told_apart() {
        let name = parsed("HTTP/web.shop.svc@DEV.KENNEL");
        assert_eq!(name.name.components, ["HTTP", "web.shop.svc"]);
        assert_eq!(name.realm, "DEV.KENNEL");
        assert_eq!(parsed("a/b/c@R/S").realm, "R/S");
    }

    #[test]
    fn name_types_are_guessed_from_the_shape() {
        assert_eq!(parsed("alice").name.name_type, NameType::PRINCIPAL);
        assert_eq!(parsed("krbtgt/A@B").name.name_type, NameType::SRV_INST);
        assert_eq!(parsed("HTTP/web").name.name_type, NameType::SRV_HST);
        assert_eq!(parsed("a/b/c").name.name_type, NameType::PRINCIPAL);
    }

    #[test]
    fn escapes_keep_separators_inside_a_component() {
        assert_eq!(parsed(r"alice\@corp.example\/x\\y@R").name.components, [r"alice@corp.example/x\y"]);
    }

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        for components in [&["alice"][..], &["HTTP", "web.shop"], &[r"a\b/c@d", "e"], &["żółw", " x "]] {
            let principal =
                Principal::new(PrincipalName::new(NameType::PRINCIPAL, components.iter().copied()), r"R/@\S");
            assert_eq!(parsed(&principal.to_string()), principal);
        }
    }

    #[test]
    fn the_four_control_escapes_are_written_as_mit_writes_them() {
        let name = PrincipalName::new(NameType::PRINCIPAL, ["a\n\t\u{8}\0z"]);
        assert_eq!(name.to_string(), r"a\n\t\b\0z");
    }

    #[test]
    fn empty_parts_and_bad_escapes_are_refused() {
        for (text, reason) in [
            ("", "an empty component"),
            ("@R", "an empty component"),
            ("a//b", "an empty component"),
            ("/a", "an empty component"),
            ("a/", "an empty component"),
            ("a/@R", "an empty component"),
            ("a@", "an empty realm"),
            ("a@b@c", "a second @"),
            (r"a\", "an escape at the end"),
            ("a\u{7}", "a control character"),
            (r"a\0", "a control character"),
            ("a@R\n", "a control character"),
        ] {
            assert_eq!(parse(text, "R"), Err(WireError::Name(reason)), "{text:?}");
        }
        assert_eq!(parse("a", ""), Err(WireError::Name("an empty realm")));
    }
}
