//! krb5.conf: the default realm of the machine, and where the servers of a realm are, as libkrb5 finds them.

use std::path::PathBuf;

/// The servers of a realm, as `host` or `host:port`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RealmServers {
    /// In the order in which they are tried.
    pub(crate) kdcs: Vec<String>,
    /// Where the realm is administered.
    pub(crate) admin_server: Option<String>,
}

/// `default_realm` of the files that `KRB5_CONFIG` names, else of /etc/krb5.conf.
pub(crate) fn default_realm() -> Option<String> {
    texts().iter().find_map(|text| default_realm_in(text))
}

/// The servers of a realm in these files. Those of several files add up; the first file that names a server of administration decides.
pub(crate) fn servers_of(realm: &str) -> RealmServers {
    let mut servers = RealmServers::default();
    texts().iter().for_each(|text| read_servers(text, realm, &mut servers));
    servers
}

/// The texts of the files that there are.
fn texts() -> Vec<String> {
    let files = std::env::var("KRB5_CONFIG").unwrap_or_else(|_| "/etc/krb5.conf".to_owned());
    std::env::split_paths(&files).filter_map(|file: PathBuf| std::fs::read_to_string(file).ok()).collect()
}

fn default_realm_in(text: &str) -> Option<String> {
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[libdefaults]"
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == "default_realm"
        {
            return Some(value.trim().trim_end_matches('*').to_owned());
        }
    }
    None
}

fn read_servers(text: &str, realm: &str, servers: &mut RealmServers) {
    let (mut section, mut is_of_realm) = ("", false);
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            (section, is_of_realm) = (line, false);
        } else if let Some((name, value)) = line.split_once('=').filter(|_| section == "[realms]") {
            match (name.trim(), value.trim()) {
                (name, value) if value.starts_with('{') => is_of_realm = name == realm,
                ("kdc", kdc) if is_of_realm => servers.kdcs.push(kdc.to_owned()),
                ("admin_server", server) if is_of_realm && servers.admin_server.is_none() => {
                    servers.admin_server = Some(server.to_owned());
                }
                _ => {}
            }
        } else if line.starts_with('}') {
            is_of_realm = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_realm_stands_in_libdefaults_alone() {
        let text = "[realms]\n default_realm = A\n[libdefaults]\n # default_realm = B\n\tdefault_realm = C\n";
        assert_eq!(default_realm_in(text).as_deref(), Some("C"));
        assert_eq!(default_realm_in("[realms]\ndefault_realm = A\n"), None);
    }

    #[test]
    fn the_servers_of_a_realm_stand_in_its_braces() {
        let text = "[libdefaults]\n kdc = no\n[realms]\n A = {\n  kdc = a1\n  kdc = a2:88\n  admin_server = a:749\n }\n \
                    B = {\n # kdc = not\n  kdc = b\n }\n[domain_realm]\n a = A\n";
        let read = |realm| {
            let mut servers = RealmServers::default();
            read_servers(text, realm, &mut servers);
            servers
        };
        let (a, b) = (read("A"), read("B"));
        assert_eq!((a.kdcs, a.admin_server.as_deref()), (vec!["a1".to_owned(), "a2:88".to_owned()], Some("a:749")));
        assert_eq!((b.kdcs, b.admin_server), (vec!["b".to_owned()], None));
        assert_eq!(read("C"), RealmServers::default());
    }
}
