//! What a realm permits: the configuration that every request is decided under.

use kennel_crypto::Enctype;

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
    /// Referrals: a host name that is this domain, or ends in `.` and this domain, belongs to the realm. The longest
    /// match wins.
    pub domain_realms: Vec<(String, String)>,
    /// Realms through which a ticket of (client realm) for us may have come: (client realm, intermediate realm).
    /// Hierarchical paths need no entry.
    pub capaths: Vec<(String, String)>,
    /// For a foreign realm that is not trusted directly: (realm, the next realm towards it).
    pub next_hops: Vec<(String, String)>,
}

impl Realm {
    /// A realm with Kennel's defaults: AES only, 10 hours, 7 days renewable, 5 minutes of skew, pre-authentication required.
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
            domain_realms: Vec::new(),
            capaths: Vec::new(),
            next_hops: Vec::new(),
        }
    }
}
