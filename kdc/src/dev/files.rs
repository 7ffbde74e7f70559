//! The folder of `dev`: its paths, and the files that clients and services use.
//!
//! ```text
//! DIR/krb5.conf      for clients: export KRB5_CONFIG=DIR/krb5.conf
//! DIR/keytabs/       one keytab for each principal, 0600
//! DIR/master.key     wraps the store, 0600
//! DIR/store/         the principals
//! DIR/admin.sock     the admin API: kennel --socket DIR/admin.sock
//! DIR/audit.log      one JSON line for each decision
//! DIR/policies/      with manifests: the NetworkPolicies, one file each
//! DIR/ca.crt         with a cluster: the certificate that agents trust; DIR/tls-ca.pem is the authority itself
//! ```

use crate::dev::plan::Plan;
use crate::dev::ports::{KADMIN, KPASSWD};
use crate::serve::store::make_private_folder;
use anyhow::{Context, anyhow, bail, ensure};
use kennel_client::Keytab;
use kennel_core::keytab;
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_store::PrincipalStore;
use kennel_wire::keytab::KeytabEntry;
use kennel_wire::krb5_conf::{Krb5Conf, RealmSection};
use kennel_wire::message::Principal;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Paths in the folder of a realm; all absolute.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Creates the folder where it is missing.
    pub(crate) fn prepare(dir: &Path) -> anyhow::Result<Folder> {
        Folder::make(dir).map_err(|error| anyhow!("{error:#}: give another folder with --dir"))
    }

    fn make(dir: &Path) -> anyhow::Result<Folder> {
        make_private_folder(dir)?;
        let folder = Folder { root: dir.canonicalize().with_context(|| dir.display().to_string())? };
        make_private_folder(&folder.keytabs())?;
        make_private_folder(&folder.policies())?;
        Ok(folder)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn krb5_conf(&self) -> PathBuf {
        self.root.join("krb5.conf")
    }

    pub(crate) fn keytabs(&self) -> PathBuf {
        self.root.join("keytabs")
    }

    /// The keytab of a principal.
    pub(crate) fn keytab(&self, principal: &Principal) -> PathBuf {
        self.keytabs().join(keytab_name(principal))
    }

    pub(crate) fn policies(&self) -> PathBuf {
        self.root.join("policies")
    }

    pub(crate) fn master_key(&self) -> PathBuf {
        self.root.join("master.key")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.root.join("admin.sock")
    }

    pub(crate) fn audit_log(&self) -> PathBuf {
        self.root.join("audit.log")
    }

    /// Kennel's own certificate authority, with its wrapped key.
    pub(crate) fn authority(&self) -> PathBuf {
        self.root.join("tls-ca.pem")
    }

    /// The CA certificate that clients of the enrolment API trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.root.join("ca.crt")
    }

    /// Writes the CA certificate.
    pub(crate) fn write_ca(&self, pem: &str) -> anyhow::Result<()> {
        write_whole(&self.ca(), pem.as_bytes())
    }

    fn ccache(&self) -> PathBuf {
        self.root.join("ccache")
    }

    /// Writes krb5.conf, and a keytab for each principal, which also has the names of its aliases. Returns the hosts that krb5.conf
    /// leaves out.
    pub(crate) async fn write(
        &self,
        plan: &Plan,
        principals: &[(Principal, Vec<Principal>)],
        kdc: SocketAddr,
        store: &dyn PrincipalStore,
    ) -> anyhow::Result<Vec<String>> {
        let hosts = principals.iter().flat_map(|(name, aliases)| std::iter::once(name).chain(aliases)).filter_map(host);
        let (hosts, left_out): (BTreeSet<&str>, BTreeSet<&str>) = hosts.partition(|host| is_readable(host));
        write_whole(&self.krb5_conf(), krb5_conf(plan, hosts, kdc, &self.ccache()).to_string().as_bytes())?;
        for (name, aliases) in principals {
            let path = self.keytab(name);
            let Some(Record::Principal(record)) = store.read(name).await?.map(|v| v.record) else {
                bail!("{name} was removed from the store while dev was starting");
            };
            Keytab { entries: entries(&record, aliases) }.write(&path)?;
        }
        Ok(left_out.into_iter().map(str::to_owned).collect())
    }
}

/// Longest name of a file, octets.
const MAX_FILE_NAME: usize = 255;

/// Refuses principals whose keytabs could not be written, before anything is.
pub(crate) fn check_names(principals: &[(Principal, Vec<Principal>)]) -> anyhow::Result<()> {
    let mut owners = HashMap::new();
    for (name, _) in principals {
        let file = keytab_name(name);
        ensure!(
            file.len() <= MAX_FILE_NAME,
            "{name} is too long by {} octets for the name of its keytab file: shorten it",
            file.len() - MAX_FILE_NAME
        );
        if let Some(other) = owners.insert(file.clone(), name) {
            bail!("{other} and {name} would share the keytab {file}: rename one of them");
        }
    }
    Ok(())
}

/// `alice.keytab`, `HTTP_web.shop.keytab`.
fn keytab_name(principal: &Principal) -> String {
    let name = principal.name.components.join("_");
    // Replaces any character but letters, digits and a few common ones, so that the file stays in its folder.
    let safe = |c: char| if c.is_alphanumeric() || "._-+$".contains(c) { c } else { '_' };
    format!("{}.keytab", name.chars().map(safe).collect::<String>())
}

/// Whether libkrb5 and Java read a host of this name in the section domain_realm. A bracket, brace, quote, `=`, `#`, `;` or space
/// would make the whole file unreadable, or another line of it.
fn is_readable(host: &str) -> bool {
    host.chars().all(|c| c.is_alphanumeric() || "._-:+$*".contains(c))
}

/// The host of a service principal.
fn host(principal: &Principal) -> Option<&str> {
    match principal.name.components.as_slice() {
        [_, host] => Some(host),
        _ => None,
    }
}

/// Returns every key of every version, under the principal's name and its aliases.
fn entries(record: &PrincipalRecord, aliases: &[Principal]) -> Vec<KeytabEntry> {
    let names = std::iter::once(&record.principal).chain(aliases);
    names.flat_map(|name| keytab::entries(record, name)).collect()
}

fn krb5_conf(plan: &Plan, hosts: BTreeSet<&str>, kdc: SocketAddr, ccache: &Path) -> Krb5Conf {
    let realm = &plan.realm.name;
    let beside = |offset| SocketAddr::new(kdc.ip(), kdc.port().saturating_add(offset)).to_string();
    let own = RealmSection {
        admin_server: Some(beside(KADMIN)),
        kpasswd_server: Some(beside(KPASSWD)),
        ..section(realm, kdc.to_string())
    };
    let mut realms = vec![own];
    realms.extend(plan.trusts.iter().filter_map(|t| Some(section(&t.realm, t.kdc.clone()?))));
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Krb5Conf {
        default_realm: realm.clone(),
        realms,
        domain_realm: hosts.into_iter().map(|h| (h.to_owned(), realm.clone())).collect(),
        libdefaults: vec![
            setting("dns_lookup_kdc", "false"),
            setting("dns_lookup_realm", "false"),
            setting("dns_canonicalize_hostname", "false"),
            setting("rdns", "false"),
            // Tickets of a test realm must not replace the user's real ones.
            ("default_ccache_name".to_owned(), format!("FILE:{}", ccache.display())),
        ],
        capaths: Vec::new(),
    }
}

fn section(name: &str, kdc: String) -> RealmSection {
    RealmSection { name: name.to_owned(), kdcs: vec![kdc], admin_server: None, kpasswd_server: None }
}

/// Replaces a file as a whole: readers see either the old or the new content.
fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let temporary = path.with_extension("new");
    let write = || {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use kennel_core::key_set::KeySet;
    use kennel_core::principal::Origin;
    use kennel_crypto::Enctype;
    use std::os::unix::fs::PermissionsExt;

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    #[test]
    fn folders_are_private_and_paths_absolute() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(&dir.path().join("a/b")).unwrap();
        for path in [dir.path().join("a/b"), folder.keytabs()] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert!(folder.krb5_conf().is_absolute());
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_told_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let error = format!("{:#}", Folder::prepare(&path).unwrap_err());
        assert!(error.contains("--dir") && error.contains(&path.display().to_string()), "{error}");
    }

    #[test]
    fn clients_find_the_realm_of_a_host_by_its_name_and_of_a_user_by_none() {
        let hosts = ["HTTP/web.shop", "alice", "a/b/c"].map(|text| host(&name(text)).map(str::to_owned));
        assert_eq!(hosts, [Some("web.shop".to_owned()), None, None]);
    }

    #[test]
    fn hosts_that_would_spoil_the_file_are_left_out_of_it() {
        for host in ["web.shop", "web-1_a.shop", "żółw.example", "::1"] {
            assert!(is_readable(host), "{host}");
        }
        for host in ["[web]", "{web", "web}", "a=b", "a b", "#web", "web;", "\"web\"", "a\tb"] {
            assert!(!is_readable(host), "{host}");
        }
    }

    #[test]
    fn a_keytab_whose_file_cannot_have_its_name_is_refused() {
        let check = |names: &[&str]| {
            let principals: Vec<_> = names.iter().map(|text| (name(text), Vec::new())).collect();
            check_names(&principals).map_err(|error| error.to_string())
        };
        let longest = format!("HTTP/{}", "a".repeat(MAX_FILE_NAME - "HTTP_.keytab".len()));
        assert_eq!(check(&[&longest, "alice"]), Ok(()));
        assert!(check(&[&format!("{longest}ab")]).unwrap_err().contains("too long by 2 octets"));
        assert!(check(&["a/b", "a_b"]).unwrap_err().contains("share the keytab a_b.keytab"));
    }

    #[test]
    fn the_name_of_a_keytab_stays_inside_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(dir.path()).unwrap();
        for (principal, file) in [
            ("alice", "alice.keytab"),
            ("HTTP/web.shop.svc", "HTTP_web.shop.svc.keytab"),
            ("..\\/..\\/etc", ".._.._etc.keytab"),
        ] {
            assert_eq!(folder.keytab(&name(principal)), folder.keytabs().join(file));
        }
    }

    #[test]
    fn a_keytab_holds_every_version_under_every_name() {
        let now = clock::now();
        let enctypes = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];
        let mut keys = KeySet::random(&enctypes, 2, now, &mut rand::rngs::OsRng);
        keys.versions.extend(KeySet::random(&enctypes, 1, now, &mut rand::rngs::OsRng).versions);
        let record = PrincipalRecord::new(name("HTTP/web.shop"), Origin::Manual, keys, now, "test");
        let entries = entries(&record, &[name("HTTP/web")]);
        let seen: Vec<_> = entries.iter().map(|e| (e.principal.to_string(), e.kvno, e.key.keytype)).collect();
        let expected: Vec<_> = ["HTTP/web.shop@R", "HTTP/web@R"]
            .into_iter()
            .flat_map(|n| [(n.to_owned(), 2, 18), (n.to_owned(), 2, 17), (n.to_owned(), 1, 18), (n.to_owned(), 1, 17)])
            .collect();
        assert_eq!(seen, expected);
        assert_eq!(entries[0].key.keyvalue.as_slice(), record.keys.versions[0].keys[0].key.expose());
    }
}
