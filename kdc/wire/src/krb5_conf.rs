//! Writes the krb5.conf of clients.

use std::fmt;

/// Content of a krb5.conf. `Display` writes the file and leaves out control characters in values, so that no value can add a
/// line of its own.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the names of krb5.conf(5) say it")]
pub struct Krb5Conf {
    pub default_realm: String,
    /// The realms and how to reach them.
    pub realms: Vec<RealmSection>,
    /// (domain or .domain, realm).
    pub domain_realm: Vec<(String, String)>,
    /// Further lines of libdefaults: (name, value), such as `("udp_preference_limit", "1")`.
    pub libdefaults: Vec<(String, String)>,
    /// (client realm, server realm, intermediate or ".").
    pub capaths: Vec<(String, String, String)>,
}

/// A realm of the section `realms`.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the names of krb5.conf(5) say it")]
pub struct RealmSection {
    pub name: String,
    /// Values of `kdc`, `host:port`.
    pub kdcs: Vec<String>,
    pub admin_server: Option<String>,
    pub kpasswd_server: Option<String>,
}

impl fmt::Display for Krb5Conf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[libdefaults]")?;
        setting(f, 1, "default_realm", &self.default_realm)?;
        for (name, value) in &self.libdefaults {
            setting(f, 1, name, value)?;
        }
        writeln!(f, "\n[realms]")?;
        for realm in &self.realms {
            realm.write(f)?;
        }
        if !self.domain_realm.is_empty() {
            writeln!(f, "\n[domain_realm]")?;
            for (domain, realm) in &self.domain_realm {
                setting(f, 1, domain, realm)?;
            }
        }
        if !self.capaths.is_empty() {
            writeln!(f, "\n[capaths]")?;
            self.write_capaths(f)?;
        }
        Ok(())
    }
}

impl Krb5Conf {
    /// One block for each client realm, in the order of their first mention.
    fn write_capaths(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut clients: Vec<&str> = Vec::new();
        for (client, _, _) in &self.capaths {
            if !clients.contains(&client.as_str()) {
                clients.push(client);
            }
        }
        for client in clients {
            block(f, client, |f| {
                let paths = self.capaths.iter().filter(|(of, _, _)| of == client);
                paths.into_iter().try_for_each(|(_, server, through)| setting(f, 2, server, through))
            })?;
        }
        Ok(())
    }
}

impl RealmSection {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        block(f, &self.name, |f| {
            for kdc in &self.kdcs {
                setting(f, 2, "kdc", kdc)?;
            }
            for (name, value) in [("admin_server", &self.admin_server), ("kpasswd_server", &self.kpasswd_server)] {
                if let Some(value) = value {
                    setting(f, 2, name, value)?;
                }
            }
            Ok(())
        })
    }
}

fn block(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    settings: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    writeln!(f, "    {} = {{", OneLine(name))?;
    settings(f)?;
    writeln!(f, "    }}")
}

fn setting(f: &mut fmt::Formatter<'_>, level: usize, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "{:indent$}{} = {}", "", OneLine(name), OneLine(value), indent = level * 4)
}

struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split(char::is_control).try_for_each(|piece| f.write_str(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_sections_that_are_needed() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let conf = Krb5Conf {
            default_realm: "DEV.KENNEL".into(),
            realms: vec![
                RealmSection {
                    name: "DEV.KENNEL".into(),
                    kdcs: vec!["127.0.0.1:10088".into(), "[::1]:10088".into()],
                    admin_server: Some("127.0.0.1:10090".into()),
                    kpasswd_server: Some("127.0.0.1:10089".into()),
                },
                RealmSection { name: "OTHER".into(), kdcs: vec!["other:88".into()], ..RealmSection::default() },
            ],
            domain_realm: vec![pair(".svc.cluster.local", "DEV.KENNEL")],
            libdefaults: vec![pair("dns_lookup_kdc", "false")],
            capaths: vec![
                ("DEV.KENNEL".into(), "OTHER".into(), ".".into()),
                ("OTHER".into(), "DEV.KENNEL".into(), ".".into()),
                ("DEV.KENNEL".into(), "FAR".into(), "OTHER".into()),
            ],
        };
        let expected = "\
[libdefaults]
    default_realm = DEV.KENNEL
    dns_lookup_kdc = false

[realms]
    DEV.KENNEL = {
        kdc = 127.0.0.1:10088
        kdc = [::1]:10088
        admin_server = 127.0.0.1:10090
        kpasswd_server = 127.0.0.1:10089
    }
    OTHER = {
        kdc = other:88
    }

[domain_realm]
    .svc.cluster.local = DEV.KENNEL

[capaths]
    DEV.KENNEL = {
        OTHER = .
        FAR = OTHER
    }
    OTHER = {
        DEV.KENNEL = .
    }
";
        assert_eq!(conf.to_string(), expected);
    }

    #[test]
    fn a_value_cannot_add_a_line() {
        let conf = Krb5Conf { default_realm: "A\n[realms]\r\tB".into(), ..Krb5Conf::default() };
        assert_eq!(conf.to_string(), "[libdefaults]\n    default_realm = A[realms]B\n\n[realms]\n");
    }
}
