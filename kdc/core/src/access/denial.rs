//! Why a client may not have a ticket: a stable reason, and words that name what is missing. The words go to the client (the
//! e-text of its KRB-ERROR) and into the audit line.

use crate::access::index::ServiceClass;
use kennel_wire::message::{KerberosTime, Principal};
use std::fmt::{self, Write};
use std::sync::Arc;

/// Longest name in a text, octets. Clients choose theirs, up to a kilobyte.
const LONGEST_NAME: usize = 96;
/// Longest text, octets.
const LONGEST_TEXT: usize = 400;

/// The reason of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DenialReason {
    /// No KerberosAccess lets the client call the server.
    NoAccess,
    /// A KerberosAccess did, until its `notAfter`.
    AccessExpired,
    /// A KerberosAccess does, but not for this service class.
    ServiceClass,
    /// The `calls` of the client's KerberosPrincipal do not name the server.
    ClientConsent,
    /// The service was made by hand, and the realm does not let this client call such services.
    UnmanagedService,
    /// The server or the client is of the cluster, and its account takes no part in access, or not yet.
    NotProgrammed,
    /// Tickets for `kadmin/*` come from the AS exchange only.
    KadminByTgs,
}

/// A denial, as the event and the client's error carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDenial {
    /// The reason.
    pub reason: DenialReason,
    /// The reason in words, such as `no KerberosAccess in shop allows batch.shop to call web`. Printable ASCII of at most 400
    /// octets: names of strangers are cut and cleaned.
    pub text: Arc<str>,
}

/// A client in the words of a denial: clients of the realm stand without it.
#[derive(Clone, Copy)]
pub(super) struct ClientWords<'a> {
    pub(super) client: &'a Principal,
    /// The KDC's realm.
    pub(super) realm: &'a str,
}

/// A server in the words of a denial.
#[derive(Clone, Copy)]
pub(super) struct ServerWords<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

impl DenialReason {
    /// Every reason, for tests, metrics and documentation.
    pub const ALL: [DenialReason; 7] = [
        DenialReason::NoAccess,
        DenialReason::AccessExpired,
        DenialReason::ServiceClass,
        DenialReason::ClientConsent,
        DenialReason::UnmanagedService,
        DenialReason::NotProgrammed,
        DenialReason::KadminByTgs,
    ];

    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DenialReason::NoAccess => "NoAccess",
            DenialReason::AccessExpired => "AccessExpired",
            DenialReason::ServiceClass => "ServiceClass",
            DenialReason::ClientConsent => "ClientConsent",
            DenialReason::UnmanagedService => "UnmanagedService",
            DenialReason::NotProgrammed => "NotProgrammed",
            DenialReason::KadminByTgs => "KadminByTgs",
        }
    }
}

impl AccessDenial {
    /// A denial in words, which are cut and cleaned.
    pub fn new(reason: DenialReason, words: impl fmt::Display) -> AccessDenial {
        AccessDenial { reason, text: clean(&words, LONGEST_TEXT).into() }
    }

    pub(super) fn no_access(client: ClientWords<'_>, server: ServerWords<'_>) -> AccessDenial {
        let ServerWords { namespace, name } = server;
        let words = format_args!("no KerberosAccess in {namespace} allows {client} to call {name}");
        AccessDenial::new(DenialReason::NoAccess, words)
    }

    pub(super) fn expired(
        by: &str,
        until: KerberosTime,
        client: ClientWords<'_>,
        server: ServerWords<'_>,
    ) -> AccessDenial {
        let (server, until) = (server.name, until.to_rfc3339());
        let words = format_args!("KerberosAccess {by} allowed it until {until}: {client} may no longer call {server}");
        AccessDenial::new(DenialReason::AccessExpired, words)
    }

    pub(super) fn service_class(
        by: &str,
        class: ServiceClass<'_>,
        client: ClientWords<'_>,
        server: ServerWords<'_>,
    ) -> AccessDenial {
        let server = server.name;
        let words = match class {
            ServiceClass::Class(class) => {
                format!("KerberosAccess {by} allows {client} to call {server}, but not class {class}")
            }
            ServiceClass::Account | ServiceClass::Any => format!(
                "KerberosAccess {by} allows {client} to call service classes of {server}, but not its own principal"
            ),
        };
        AccessDenial::new(DenialReason::ServiceClass, words)
    }

    /// `account`: namespace and name of the client's account. `required`: the account has no `calls`, and the realm wants some.
    pub(super) fn client_consent(account: ServerWords<'_>, server: ServerWords<'_>, required: bool) -> AccessDenial {
        let why = if required { ", as the realm requires for calls to other namespaces" } else { "" };
        let words = format_args!("KerberosPrincipal {account} does not list {server} in spec.calls{why}");
        AccessDenial::new(DenialReason::ClientConsent, words)
    }

    /// `denied`: the realm lets nobody call such services; otherwise it lets its own clients.
    pub(super) fn unmanaged(service: ClientWords<'_>, denied: bool) -> AccessDenial {
        let whom = if denied { "nobody" } else { "only clients of the realm" };
        let words = format_args!(
            "{service} was made by hand, and spec.access.unmanagedServices of the KerberosRealm lets {whom} call it"
        );
        AccessDenial::new(DenialReason::UnmanagedService, words)
    }

    pub(super) fn not_programmed(service: &dyn fmt::Display) -> AccessDenial {
        let words = format_args!(
            "nobody may call {service} yet: no KerberosPrincipal of an enrolled namespace has been programmed for it"
        );
        AccessDenial::new(DenialReason::NotProgrammed, words)
    }

    pub(super) fn client_left_out(client: ClientWords<'_>) -> AccessDenial {
        let words = format_args!(
            "{client} may call nobody yet: its account takes no part in access, as where its name has more than 63 characters or its \
             namespace has pods with the label of another account"
        );
        AccessDenial::new(DenialReason::NotProgrammed, words)
    }

    pub(super) fn kadmin_by_tgs(service: ClientWords<'_>) -> AccessDenial {
        let words = format_args!("{service} takes tickets from the AS exchange only");
        AccessDenial::new(DenialReason::KadminByTgs, words)
    }
}

impl fmt::Display for AccessDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for ClientWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_the_realm = self.client.realm == self.realm;
        f.write_str(&if of_the_realm {
            clean(&self.client.name, LONGEST_NAME)
        } else {
            clean(self.client, LONGEST_NAME)
        })
    }
}

/// `NAMESPACE/NAME`.
impl fmt::Display for ServerWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The text of a value: printable ASCII, `?` for every other character, cut (and then ending in `...`) at `longest` octets.
fn clean(value: &dyn fmt::Display, longest: usize) -> String {
    const CUT: &str = "...";
    // Room for most denials, so that a text grows once.
    let mut text = Bounded { text: String::with_capacity(longest.min(128)), longest };
    if write!(text, "{value}").is_err() {
        text.text.truncate(longest.saturating_sub(CUT.len()));
        text.text.push_str(CUT);
    }
    text.text
}

/// Takes text in until there is too much of it.
struct Bounded {
    text: String,
    longest: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = self.longest.saturating_sub(self.text.len());
        // Nearly every part is clean and fits.
        if part.len() <= room && part.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
            self.text.push_str(part);
            return Ok(());
        }
        let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        self.text.extend(part.chars().map(printable).take(room));
        if part.chars().nth(room).is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::{NameType, PrincipalName};

    const SERVER: ServerWords<'_> = ServerWords { namespace: "shop", name: "web" };

    #[test]
    fn a_denial_names_what_is_missing_and_clients_of_other_realms_by_their_full_name() {
        let text = |name: &str| {
            let client = Principal::parse(name, "R").unwrap();
            AccessDenial::no_access(ClientWords { client: &client, realm: "R" }, SERVER).text
        };
        assert_eq!(&*text("batch.shop"), "no KerberosAccess in shop allows batch.shop to call web");
        assert_eq!(&*text("bob@CORP.EXAMPLE"), "no KerberosAccess in shop allows bob@CORP.EXAMPLE to call web");
    }

    #[test]
    fn names_of_strangers_are_cut_and_cleaned() {
        for (name, shown) in [
            ("x".repeat(97), format!("{}...", "x".repeat(93))),
            ("x".repeat(96), "x".repeat(96)),
            ("a\u{202e}b\u{7f}c\nd ü".to_owned(), "a?b?c\\nd ?".to_owned()),
            ("ü".repeat(1000), format!("{}...", "?".repeat(93))),
        ] {
            let client = Principal::new(PrincipalName::new(NameType::PRINCIPAL, [name]), "R");
            let denial = AccessDenial::no_access(ClientWords { client: &client, realm: "R" }, SERVER);
            assert_eq!(*denial.text, *format!("no KerberosAccess in shop allows {shown} to call web"));
        }
    }

    #[test]
    fn no_text_is_longer_than_an_error_may_be() {
        let long = AccessDenial::new(DenialReason::NoAccess, "y".repeat(10_000));
        assert_eq!((long.text.len(), long.text.ends_with("y...")), (LONGEST_TEXT, true));
    }

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = DenialReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DenialReason::ALL.len());
        for reason in DenialReason::ALL {
            assert_eq!(reason.name(), format!("{reason:?}"));
        }
    }
}
