//! What a realm permits: the configuration that every request is decided under.

use crate::admin::dictionary::Dictionary;
use crate::key_set::NewKeys;
use crate::rotation::policy::RotationPolicy;
use kennel_crypto::Enctype;
use std::sync::Arc;

/// A realm's configuration. Immutable while a request runs; the shell swaps in a new one.
#[derive(Debug, Clone)]
pub struct Realm {
    /// Name, such as `DEV.KENNEL`.
    pub name: String,
    /// Enctypes that are permitted for tickets, replies and session keys, strongest first.
    pub enctypes: Vec<Enctype>,
    /// Longest ticket life, seconds.
    pub max_life: u32,
    /// Longest renewable life, seconds; 0: no renewable tickets.
    pub max_renewable_life: u32,
    /// Clock skew that is tolerated, seconds.
    pub clock_skew: u32,
    /// Whether clients must pre-authenticate (unless the principal is exempt).
    pub require_preauth: bool,
    /// Whether clients whose keys come from a password must use FAST (RFC 6113) for their initial tickets: nobody then receives
    /// anything to guess a password from off line. Clients with random keys need no FAST, because their tickets are the armor of
    /// the others; [`REQUIRE_FAST`](crate::principal::Attributes::REQUIRE_FAST) asks it of one of them.
    pub require_fast: bool,
    /// Authentication indicator (RFC 8129) of clients that prove who they are by an encrypted challenge inside FAST; `None`: none.
    pub encrypted_challenge_indicator: Option<String>,
    /// Whether postdated tickets are issued and validated. A postdated ticket begins no later than the longest renewable life
    /// from now.
    pub allow_postdate: bool,
    /// Whether the tickets of a client end when a person changes its password. Rotations of random keys end no ticket.
    pub password_change_ends_tickets: bool,
    /// How keys of the realm rotate, where a principal has no policy of its own. `accept` is the least for each: the life of
    /// tickets is added for each principal.
    pub rotation: RotationPolicy,
    /// DNS domain of the cluster whose objects the realm follows; `None` without a cluster. A name without a domain stands for a
    /// service of the client's namespace.
    pub cluster_domain: Option<String>,
    /// Referrals: a host name that is this domain, or ends in `.` and this domain, belongs to the realm. The longest
    /// match wins.
    pub domain_realms: Vec<(String, String)>,
    /// (client realm, intermediate realm): a client of the first may come to this realm through the second. Hierarchical
    /// paths need no entry.
    pub capaths: Vec<(String, String)>,
    /// (realm, next realm towards it), for a foreign realm that is not trusted directly.
    pub next_hops: Vec<(String, String)>,
    /// Words that no password of a principal with a policy may be.
    pub dictionary: Option<Arc<Dictionary>>,
    /// Versions of new keys are above this number. It grows when an older copy of the store is served: keys that were made since that
    /// copy are in keytabs under numbers that the copy does not know.
    pub kvno_floor: u32,
}

impl Realm {
    /// A realm with Kennel's defaults: AES only, 10 hours, 7 days renewable, 5 minutes of skew, pre-authentication
    /// required, nothing postdated, no ticket older than its client's password.
    pub fn new(name: impl Into<String>) -> Realm {
        Realm {
            name: name.into(),
            enctypes: vec![
                Enctype::Aes256CtsHmacSha384,
                Enctype::Aes128CtsHmacSha256,
                Enctype::Aes256CtsHmacSha1,
                Enctype::Aes128CtsHmacSha1,
            ],
            max_life: 36_000,
            max_renewable_life: 604_800,
            clock_skew: 300,
            require_preauth: true,
            require_fast: false,
            encrypted_challenge_indicator: None,
            allow_postdate: false,
            password_change_ends_tickets: true,
            rotation: RotationPolicy::default(),
            cluster_domain: None,
            domain_realms: Vec::new(),
            capaths: Vec::new(),
            next_hops: Vec::new(),
            dictionary: None,
            kvno_floor: 0,
        }
    }

    /// The rules of new keys.
    #[must_use]
    pub fn new_keys(&self) -> NewKeys<'_> {
        NewKeys { enctypes: &self.enctypes, kvno_floor: self.kvno_floor }
    }

    /// The realm that a host belongs to by `domain_realms`; the longest domain wins. Case does not matter in host names.
    #[must_use]
    pub fn realm_of_host(&self, host: &str) -> Option<&str> {
        let within = |domain: &str| {
            let start = host.len().checked_sub(domain.len());
            let tail = start.and_then(|at| host.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(domain));
            tail && (start == Some(0) || start.and_then(|at| host.get(..at)).is_some_and(|head| head.ends_with('.')))
        };
        let matching = self.domain_realms.iter().filter(|(domain, _)| within(domain.trim_start_matches('.')));
        matching.max_by_key(|(domain, _)| domain.len()).map(|(_, realm)| &**realm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_belongs_to_the_realm_of_its_longest_domain() {
        let mut realm = Realm::new("HERE");
        for (domain, name) in [("example.com", "THERE"), (".lab.example.com", "LAB")] {
            realm.domain_realms.push((domain.to_owned(), name.to_owned()));
        }
        assert_eq!(realm.realm_of_host("web.example.com"), Some("THERE"));
        assert_eq!(realm.realm_of_host("example.com"), Some("THERE"));
        assert_eq!(realm.realm_of_host("a.LAB.example.com"), Some("LAB"));
        assert_eq!(realm.realm_of_host("notexample.com"), None);
        assert_eq!(realm.realm_of_host(""), None);
        assert_eq!(realm.realm_of_host("ü"), None);
    }
}
