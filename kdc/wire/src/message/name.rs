//! Principal and realm names (RFC 4120, sections 5.2.2, 6.1, 6.2), and their text form with MIT's escapes.

use crate::error::WireError;
use crate::message::asn1::Reason;
use crate::message::text;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Most components of a decoded name.
const MAX_COMPONENTS: usize = 32;

/// Longest realm of a decoded message, and longest name with all its components, in octets. A DNS name has at most 253.
const MAX_OCTETS: usize = 1024;

/// Name types (RFC 4120, section 6.2). A hint: two names that differ only here are the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NameType(pub i32);

#[allow(missing_docs)]
impl NameType {
    pub const UNKNOWN: NameType = NameType(0);
    pub const PRINCIPAL: NameType = NameType(1);
    pub const SRV_INST: NameType = NameType(2);
    pub const SRV_HST: NameType = NameType(3);
    pub const ENTERPRISE: NameType = NameType(10);
    pub const WELLKNOWN: NameType = NameType(11);
}

/// PrincipalName: components without a realm. Equality, order and hash ignore the name type and respect case.
#[derive(Debug, Clone)]
pub struct PrincipalName {
    /// A hint about what the name is.
    pub name_type: NameType,
    /// A decoded name has at most 32 components with at most 1024 octets together, without NUL or control characters. It may
    /// have no components, or empty ones: the syntax allows both, and the core refuses them.
    pub components: Vec<String>,
}

impl PartialEq for PrincipalName {
    fn eq(&self, other: &Self) -> bool {
        self.components == other.components
    }
}

impl Eq for PrincipalName {}

impl PartialOrd for PrincipalName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PrincipalName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.components.cmp(&other.components)
    }
}

impl Hash for PrincipalName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.components.hash(state);
    }
}

impl PrincipalName {
    /// A name of the given type.
    pub fn new<I, S>(name_type: NameType, components: I) -> PrincipalName
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        PrincipalName { name_type, components: components.into_iter().map(Into::into).collect() }
    }

    /// `krbtgt/REALM`.
    #[must_use]
    pub fn krbtgt(realm: &str) -> PrincipalName {
        PrincipalName::new(NameType::SRV_INST, ["krbtgt", realm])
    }

    /// The realm that this name is a ticket-granting service for, if it is one (`krbtgt/REALM`).
    #[must_use]
    pub fn krbtgt_realm(&self) -> Option<&str> {
        match self.components.as_slice() {
            [first, realm] if first == "krbtgt" => Some(realm),
            _ => None,
        }
    }
}

/// A name with its realm: what identifies a principal. `Display` and [`Principal::parse`] use MIT's text form
/// (`HTTP/web.shop@REALM`, with `\` before `/`, `@`, `\` inside a component, and `\n`, `\t`, `\b`, `\0` for these four
/// characters).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// The components.
    pub name: PrincipalName,
    /// The realm, case-sensitive.
    pub realm: String,
}

impl Principal {
    /// A principal of a realm.
    pub fn new(name: PrincipalName, realm: impl Into<String>) -> Principal {
        Principal { name, realm: realm.into() }
    }

    /// The anonymous principal of the anonymous realm (RFC 8062, section 3), which stands in place of a hidden name.
    #[must_use]
    pub fn anonymous() -> Principal {
        Principal::new(PrincipalName::new(NameType::WELLKNOWN, ["WELLKNOWN", "ANONYMOUS"]), "WELLKNOWN:ANONYMOUS")
    }

    /// The ticket-granting service `krbtgt/for_realm@in_realm`.
    #[must_use]
    pub fn krbtgt(for_realm: &str, in_realm: &str) -> Principal {
        Principal::new(PrincipalName::krbtgt(for_realm), in_realm)
    }

    /// Reads the text form; a name without `@` is of `default_realm`. A name of one component becomes `NT-PRINCIPAL`,
    /// `krbtgt/..` becomes `NT-SRV-INST`, any other name of two components `NT-SRV-HST`.
    ///
    /// # Errors
    /// An empty name, component or realm, an escape at the end, a second unescaped `@`, or control characters.
    pub fn parse(text: &str, default_realm: &str) -> Result<Principal, WireError> {
        let (components, realm) = text::parse(text, default_realm)?;
        Ok(Principal::new(PrincipalName { name_type: guess_type(&components), components }, realm))
    }
}

fn guess_type(components: &[String]) -> NameType {
    match components {
        [service, _, ..] if service == "krbtgt" => NameType::SRV_INST,
        [_, _] => NameType::SRV_HST,
        _ => NameType::PRINCIPAL,
    }
}

/// `HTTP/web.shop`, escaped as in [`Principal`].
impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_name(f, &self.components)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_name(f, &self.name.components)?;
        f.write_str("@")?;
        text::write_part(f, &self.realm)
    }
}

impl TryFrom<kerberos_asn1::PrincipalName> for PrincipalName {
    type Error = Reason;

    fn try_from(name: kerberos_asn1::PrincipalName) -> Result<PrincipalName, Reason> {
        if name.name_string.len() > MAX_COMPONENTS {
            return Err("a name of more than 32 components");
        }
        if name.name_string.iter().map(String::len).sum::<usize>() > MAX_OCTETS {
            return Err("a name of more than 1024 octets");
        }
        let components = name.name_string.into_iter().map(checked).collect::<Result<_, _>>()?;
        Ok(PrincipalName { name_type: NameType(name.name_type), components })
    }
}

/// A realm of a message.
pub(super) fn realm(realm: kerberos_asn1::Realm) -> Result<String, Reason> {
    checked(realm)
}

fn checked(part: String) -> Result<String, Reason> {
    if part.len() > MAX_OCTETS {
        return Err("a realm or a part of a name of more than 1024 octets");
    }
    if part.chars().any(char::is_control) {
        return Err("a control character in a name or realm");
    }
    Ok(part)
}
