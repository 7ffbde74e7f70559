//! The access list, in the syntax and with the meaning of MIT's kadm5.acl: `PRINCIPAL RIGHTS [TARGET [RESTRICTIONS]]` on each line, and the
//! first line that matches client and target decides.

use crate::admin::operation::Rights;
use crate::admin::restrictions::{Restrictions, parse_restrictions};
use kennel_wire::message::Principal;

/// An access list. The empty one permits nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessList {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    client: Pattern,
    rights: Rights,
    target: Pattern,
    restrictions: Option<Restrictions>,
}

/// A name, or `*` for every one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Any,
    /// Components may be `*`; in a target also `*1` to `*9`, what that wildcard of the client stood for.
    Name(Principal),
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct AccessListError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with the line.
    pub reason: String,
}

/// Whitespace and commas separate the fields, as in MIT Kerberos.
fn is_separator(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}' || c == ','
}

impl AccessList {
    /// Reads a file. Names without a realm are of `realm`.
    ///
    /// # Errors
    /// The first line that cannot be read: half of a list would be another list.
    pub fn parse(text: &str, realm: &str) -> Result<AccessList, AccessListError> {
        let lines = logical_lines(text).into_iter().filter_map(|(line, text)| {
            parse_line(&text, realm).map_err(|reason| AccessListError { line, reason }).transpose()
        });
        Ok(AccessList { lines: lines.collect::<Result<_, _>>()? })
    }

    /// Returns the restrictions under which the client has a right on a target, `Some(None)` where there are none. Without a target (to
    /// list names, and all about policies), only lines for every target count.
    #[must_use]
    pub fn permits(
        &self,
        client: &Principal,
        right: Rights,
        target: Option<&Principal>,
    ) -> Option<Option<&Restrictions>> {
        let line = self.first_match(client, target)?;
        line.rights.contains(right).then_some(line.restrictions.as_ref())
    }

    /// Returns the rights of a client on everything that no target is named for.
    #[must_use]
    pub fn rights(&self, client: &Principal) -> Rights {
        self.first_match(client, None).map_or(Rights::empty(), |line| line.rights)
    }

    fn first_match(&self, client: &Principal, target: Option<&Principal>) -> Option<&Line> {
        self.lines.iter().find(|line| {
            let Some(wildcards) = line.client.matches(client, None) else { return false };
            match (&line.target, target) {
                (Pattern::Any, _) => true,
                (Pattern::Name(_), None) => false,
                (pattern, Some(target)) => pattern.matches(target, Some(&wildcards)).is_some(),
            }
        })
    }
}

impl Pattern {
    fn parse(text: &str, realm: &str, whose: &str) -> Result<Pattern, String> {
        match text {
            "*" => Ok(Pattern::Any),
            _ => match Principal::parse(text, realm) {
                Ok(name) => Ok(Pattern::Name(name)),
                Err(error) => Err(format!("the {whose} {text:?} is no name of a principal: {error}")),
            },
        }
    }

    /// Returns what the wildcards of the pattern stand for, where it matches; in a target, `references` are those of the client.
    fn matches<'a>(&self, name: &'a Principal, references: Option<&[&str]>) -> Option<Vec<&'a str>> {
        let Pattern::Name(pattern) = self else { return Some(Vec::new()) };
        let (patterns, components) = (&pattern.name.components, &name.name.components);
        if patterns.len() != components.len() || (pattern.realm != "*" && pattern.realm != name.realm) {
            return None;
        }
        let mut wildcards = Vec::new();
        for (pattern, component) in patterns.iter().zip(components) {
            match (references.map(|_| reference(pattern)), &**pattern) {
                (_, "*") => wildcards.push(&**component),
                (Some(Some(number)), _) => {
                    let referred = references.and_then(|wildcards| wildcards.get(number));
                    referred.filter(|referred| *referred == component)?;
                }
                (_, pattern) if pattern == component => {}
                _ => return None,
            }
        }
        Some(wildcards)
    }
}

/// The index of the wildcard that `*1` to `*9` refer to.
fn reference(pattern: &str) -> Option<usize> {
    match pattern.as_bytes() {
        [b'*', digit @ b'1'..=b'9'] => Some(usize::from(digit - b'1')),
        _ => None,
    }
}

/// The lines with their numbers: `\` at the end of a line joins the next one, and comments are left out.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut joined: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let (first, mut whole) = joined.take().unwrap_or_else(|| (number.saturating_add(1), String::new()));
        match line.strip_suffix('\\') {
            Some(line) => {
                whole.push_str(line);
                joined = Some((first, whole));
            }
            None => {
                whole.push_str(line);
                lines.push((first, whole));
            }
        }
    }
    lines.extend(joined);
    lines
}

/// Reads a line; `None` for an empty one and a comment. A field that begins with `#` begins a comment too.
fn parse_line(text: &str, realm: &str) -> Result<Option<Line>, String> {
    let fields = text.split(is_separator).filter(|field| !field.is_empty());
    let fields: Vec<&str> = fields.take_while(|field| !field.starts_with('#')).collect();
    let (client, rights, rest) = match &*fields {
        [] => return Ok(None),
        [client] => return Err(format!("the rights of {client} are missing: add letters of admcilspe, or *")),
        [client, rights, rest @ ..] => (client, rights, rest),
    };
    let (target, restrictions) = rest.split_first().map_or(("*", rest), |(target, rest)| (*target, rest));
    Ok(Some(Line {
        client: Pattern::parse(client, realm, "client")?,
        rights: parse_rights(rights)?,
        target: Pattern::parse(target, realm, "target")?,
        restrictions: if restrictions.is_empty() { None } else { Some(parse_restrictions(restrictions)?) },
    }))
}

fn parse_rights(text: &str) -> Result<Rights, String> {
    let mut rights = Rights::empty();
    for letter in text.chars() {
        let Some(right) = Rights::of_letter(letter.to_ascii_lowercase()) else {
            return Err(format!("{letter:?} in {text:?} is no right: write letters of admcilspe, or *"));
        };
        rights.set(right, !letter.is_ascii_uppercase());
    }
    Ok(rights)
}

impl Rights {
    /// What `x` and `*` stand for: everything but to extract keys.
    pub const ALL_BUT_EXTRACT: Rights = Rights::all().difference(Rights::EXTRACT_KEYS);

    const LETTERS: [(char, Rights); 9] = [
        ('a', Rights::ADD),
        ('d', Rights::DELETE),
        ('m', Rights::MODIFY),
        ('c', Rights::CHANGE_PASSWORD),
        ('i', Rights::INQUIRE),
        ('l', Rights::LIST),
        ('p', Rights::PROPAGATE),
        ('s', Rights::SET_KEYS),
        ('e', Rights::EXTRACT_KEYS),
    ];

    fn of_letter(letter: char) -> Option<Rights> {
        match letter {
            'x' | '*' => Some(Rights::ALL_BUT_EXTRACT),
            letter => Rights::LETTERS.iter().find(|(of, _)| *of == letter).map(|(_, right)| *right),
        }
    }

    /// The letters of an access list.
    #[must_use]
    pub fn letters(self) -> String {
        Rights::LETTERS.iter().filter(|(_, right)| self.contains(*right)).map(|(letter, _)| *letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::{NameType, PrincipalName};

    fn name(text: &str) -> Principal {
        let (name, realm) = text.split_once('@').unwrap_or((text, "ATHENA.MIT.EDU"));
        Principal::new(PrincipalName::new(NameType::PRINCIPAL, name.split('/')), realm)
    }

    fn list(text: &str) -> AccessList {
        AccessList::parse(text, "ATHENA.MIT.EDU").unwrap()
    }

    /// The letters of what a client may do to a target.
    fn letters(list: &AccessList, client: &str, target: Option<&str>) -> String {
        let (client, target) = (name(client), target.map(name));
        let has = |right: &Rights| list.permits(&client, *right, target.as_ref()).is_some();
        let rights = Rights::LETTERS.iter().map(|(_, right)| *right).filter(has);
        rights.fold(Rights::empty(), |all, right| all | right).letters()
    }

    /// The example of MIT's documentation of kadm5.acl, comments included.
    const EXAMPLE: &str = "\
        */admin@ATHENA.MIT.EDU    *                               # line 1\n\
        joeadmin@ATHENA.MIT.EDU   ADMCIL                          # line 2\n\
        joeadmin/*@ATHENA.MIT.EDU i   */root@ATHENA.MIT.EDU       # line 3\n\
        */root@ATHENA.MIT.EDU     ci  *1@ATHENA.MIT.EDU           # line 4\n\
        */root@ATHENA.MIT.EDU     l   *                           # line 5\n\
        sms@ATHENA.MIT.EDU        x   * -maxlife 9h -postdateable # line 6\n";

    #[test]
    fn the_example_of_the_documentation_means_what_it_says_there() {
        let list = list(EXAMPLE);
        // Line 1.
        assert_eq!(letters(&list, "joeadmin/admin", Some("alice")), "admcilps");
        assert_eq!(letters(&list, "joeadmin/admin", None), "admcilps");
        // Line 2.
        assert_eq!(letters(&list, "joeadmin", Some("alice")), "");
        // Line 3.
        assert_eq!(letters(&list, "joeadmin/extra", Some("bob/root")), "i");
        assert_eq!(letters(&list, "joeadmin/extra", Some("bob")), "");
        // Line 4: the null instance of one's own, and no other.
        assert_eq!(letters(&list, "bob/root", Some("bob")), "ci");
        assert_eq!(letters(&list, "bob/root", Some("alice")), "l", "line 5 is the first that matches");
        // Line 5.
        assert_eq!(letters(&list, "bob/root", None), "l");
        // Line 6.
        let restricted = list.permits(&name("sms"), Rights::ADD, Some(&name("alice"))).unwrap().unwrap();
        assert_eq!(restricted.max_life, Some(9 * 3600));
        assert_eq!(letters(&list, "sms", Some("alice")), "admcilps");
        assert_eq!(letters(&list, "nobody", Some("alice")), "");
    }

    #[test]
    fn a_star_is_everything_but_to_extract_and_capitals_take_away_what_came_before() {
        for (rights, expected) in [
            ("*", "admcilps"),
            ("x", "admcilps"),
            ("*e", "admcilpse"),
            ("e*", "admcilpse"),
            ("*DC", "amilps"),
            ("ae", "ae"),
            ("aA", ""),
            ("Aa", "a"),
            ("X", ""),
        ] {
            assert_eq!(letters(&list(&format!("bob {rights}")), "bob", Some("alice")), expected, "{rights}");
        }
    }

    #[test]
    fn the_first_line_that_matches_decides_even_where_it_grants_nothing() {
        let both = list("bob i alice\nbob *\n");
        assert_eq!(letters(&both, "bob", Some("alice")), "i");
        assert_eq!(letters(&both, "bob", Some("carol")), "admcilps");
        assert_eq!(letters(&both, "bob", None), "admcilps", "a line with a target is no line without one");
    }

    #[test]
    fn a_wildcard_is_one_whole_component_and_a_lone_one_is_everybody() {
        assert_eq!(letters(&list("*/admin *"), "a/b/admin", Some("x")), "");
        assert_eq!(letters(&list("* l"), "a/b/admin@ELSEWHERE", Some("x")), "l");
        assert_eq!(letters(&list("*@ATHENA.MIT.EDU l"), "a/admin", Some("x")), "", "of one component");
        assert_eq!(letters(&list("a@* l"), "a@ELSEWHERE", Some("x")), "l");
        assert_eq!(letters(&list("a* l"), "ab", Some("x")), "", "no prefix");
        assert_eq!(letters(&list("a@ELSEWHERE l"), "a", Some("x")), "", "another realm");
    }

    #[test]
    fn a_back_reference_is_what_the_wildcard_of_the_client_stood_for() {
        let own = list("*/*/root ci *2/*1/*");
        assert_eq!(letters(&own, "a/b/root", Some("b/a/anything")), "ci");
        assert_eq!(letters(&own, "a/b/root", Some("a/b/anything")), "");
        assert_eq!(letters(&list("*/root ci *2"), "a/root", Some("a")), "", "there is no second wildcard");
        assert_eq!(letters(&list("*/root ci *1"), "*/root", Some("*1")), "", "a name that looks like one");
        assert_eq!(letters(&list("*1/root ci x"), "a/root", Some("x")), "", "in a client it is a name");
    }

    #[test]
    fn lines_go_on_after_a_backslash_and_commas_separate_too() {
        let text = "# a comment\n\nbob,ci\\\n , alice\n \t# another\ncarol l";
        assert_eq!(letters(&list(text), "bob", Some("alice")), "ci");
        assert_eq!(letters(&list(text), "carol", None), "l");
    }

    #[test]
    fn an_error_names_the_first_line_of_what_cannot_be_read() {
        let error = |text: &str| AccessList::parse(text, "R").unwrap_err();
        for (text, line, said) in [
            ("bob", 1, "rights of bob are missing"),
            ("\n\nbob q", 3, "'q' in \"q\" is no right"),
            ("bob l\nbob \\\n i \\\n * -policy", 2, "-policy"),
            ("bob i * -what 9h", 1, "-what"),
            ("a@b@c l", 1, "client"),
            ("a l a@b@c", 1, "target"),
        ] {
            let error = error(text);
            assert_eq!(error.line, line, "{error}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
