//! Writing the krb5.conf that clients get.

/// What a krb5.conf says. `Display` writes the file.
#[derive(Debug, Clone, Default)]
pub struct Krb5Conf {
    /// default_realm.
    pub default_realm: String,
    /// The realms and how to reach them.
    pub realms: Vec<RealmSection>,
    /// domain_realm: (domain or .domain, realm).
    pub domain_realm: Vec<(String, String)>,
    /// Further lines of libdefaults: (name, value), such as `("udp_preference_limit", "1")`.
    pub libdefaults: Vec<(String, String)>,
    /// capaths: (client realm, server realm, intermediate or ".").
    pub capaths: Vec<(String, String, String)>,
}

/// One realm.
#[derive(Debug, Clone, Default)]
pub struct RealmSection {
    /// Name.
    pub name: String,
    /// `kdc =` values, `host:port`.
    pub kdcs: Vec<String>,
    /// `admin_server =`.
    pub admin_server: Option<String>,
    /// `kpasswd_server =`.
    pub kpasswd_server: Option<String>,
}

impl std::fmt::Display for Krb5Conf {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
