//! The file of Kennel's own certificate authority, in the same folder as the store; of two authorities while one follows the other. Each
//! key is wrapped by the master key. Every agent trusts exactly these certificates, so a new authority never replaces a file that cannot
//! be read.

use crate::serve::keys_in_use::KeysInUse;
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kennel_crypto::MasterKey;
use kennel_listen::{Authorities, Authority, Lives, Standby};
use kennel_store::{MasterKeys, files};
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const KEY_BEGIN: &str = "-----BEGIN KENNEL WRAPPED KEY-----";
const KEY_END: &str = "-----END KENNEL WRAPPED KEY-----";
/// In front of the authority that does not sign: `standby: next since 1795449600`.
const STANDBY: &str = "standby: ";

/// The file of the authorities of a realm.
pub(crate) struct AuthorityFile {
    path: PathBuf,
    realm: String,
    keys: KeysInUse,
    /// Held while the file is read and written: a step of the authorities and one of the master key do not undo each other.
    turn: Mutex<()>,
}

impl AuthorityFile {
    pub(crate) fn new(path: PathBuf, realm: &str, keys: KeysInUse) -> AuthorityFile {
        AuthorityFile { path, realm: realm.to_owned(), keys, turn: Mutex::new(()) }
    }

    /// The path; other files of the store are beside it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file, or generates an authority where there is none. `now`: seconds since the epoch.
    pub(crate) fn open_or_create(&self, now: i64, lives: Lives) -> anyhow::Result<Authorities> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.keys.get();
        if let Some(found) = self.read(&keys)? {
            return Ok(found);
        }
        let authorities = Authorities::generate(&self.realm, now, lives, &mut OsRng)?;
        files::write_new(&self.path, self.encode(&authorities, keys.newest())?.as_bytes())
            .with_context(|| format!("{} cannot be written", self.path.display()))?;
        Ok(authorities)
    }

    /// Writes authorities in place of those before. A crash leaves the ones or the others.
    pub(crate) fn write(&self, authorities: &Authorities) -> anyhow::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(authorities, &self.keys.get())
    }

    /// Makes sure that nothing in the file is under an older master key than the newest; a file that does not exist need not.
    pub(crate) fn follow_key(&self) -> anyhow::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.keys.get();
        match self.read(&keys)? {
            Some(authorities) => self.replace(&authorities, &keys),
            None => Ok(()),
        }
    }

    fn replace(&self, authorities: &Authorities, keys: &MasterKeys) -> anyhow::Result<()> {
        files::replace(&self.path, self.encode(authorities, keys.newest())?.as_bytes())
            .with_context(|| format!("{} cannot be written", self.path.display()))
    }

    fn read(&self, keys: &MasterKeys) -> anyhow::Result<Option<Authorities>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => self.decode(&text, keys).map(Some).with_context(|| {
                format!(
                    "{} cannot be read: put a copy back. (Without a copy, remove the file: the next start creates a new authority, \
                     which agents trust once the ConfigMap kennel-krb5 has reached their pods, within minutes.)",
                    self.path.display()
                )
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| self.path.display().to_string()),
        }
    }

    fn encode(&self, authorities: &Authorities, master: &MasterKey) -> anyhow::Result<String> {
        let realm = &self.realm;
        let first = self.encode_one(&authorities.signing, "", master)?;
        let second = match &authorities.standby {
            Some((role, authority)) => {
                let role = role_text(*role);
                format!("{STANDBY}{role}\n{}", self.encode_one(authority, &role, master)?)
            }
            None => String::new(),
        };
        Ok(format!(
            "The certificate authority of realm {realm}: the key is wrapped by the master key.\n{first}{second}"
        ))
    }

    fn encode_one(&self, authority: &Authority, role: &str, master: &MasterKey) -> anyhow::Result<String> {
        let pem = authority.pem();
        let associated = associated(&self.realm, role, pem);
        let wrapped = STANDARD.encode(master.wrap(associated.as_bytes(), &authority.key()?, &mut OsRng));
        Ok(format!("{KEY_BEGIN}\n{wrapped}\n{KEY_END}\n{pem}"))
    }

    fn decode(&self, text: &str, keys: &MasterKeys) -> anyhow::Result<Authorities> {
        let (signing, standby) = match text.split_once(STANDBY) {
            Some((signing, standby)) => (signing, Some(standby)),
            None => (text, None),
        };
        let signing = Arc::new(self.decode_one(signing, "", keys)?);
        let standby = standby.map(|standby| {
            let (role, block) = standby.split_once('\n').context("the second authority is missing")?;
            let authority = Arc::new(self.decode_one(block, role, keys)?);
            Ok::<_, anyhow::Error>((parse_role(role)?, authority))
        });
        Ok(Authorities { signing, standby: standby.transpose()? })
    }

    fn decode_one(&self, text: &str, role: &str, keys: &MasterKeys) -> anyhow::Result<Authority> {
        let (_, rest) = text.split_once(KEY_BEGIN).context("the file contains no wrapped key")?;
        let (wrapped, pem) = rest.split_once(KEY_END).context("the wrapped key has no end")?;
        let wrapped = STANDARD.decode(wrapped.trim()).ok().context("the wrapped key is not base64")?;
        let pem = pem.trim_start();
        let plain = keys.unwrap(associated(&self.realm, role, pem).as_bytes(), &wrapped);
        let plain =
            plain.ok().context("the key was wrapped by another master key, or for another realm or certificate")?;
        Ok(Authority::from_parts(&self.realm, pem, &plain)?)
    }
}

/// Returns the associated data that binds the wrapped key to its realm, role and certificate, so that a changed file is noticed.
fn associated(realm: &str, role: &str, pem: &str) -> String {
    let digest = STANDARD.encode(Sha256::digest(pem.as_bytes()));
    let role = if role.is_empty() { String::new() } else { format!(" ({role})") };
    format!("certificate authority of {realm}{role}: {digest}")
}

fn role_text(role: Standby) -> String {
    match role {
        Standby::Next { since } => format!("next since {since}"),
        Standby::Previous { since } => format!("previous since {since}"),
    }
}

fn parse_role(text: &str) -> anyhow::Result<Standby> {
    let since = |text: &str| text.parse().ok();
    if let Some(since) = text.strip_prefix("next since ").and_then(since) {
        Ok(Standby::Next { since })
    } else if let Some(since) = text.strip_prefix("previous since ").and_then(since) {
        Ok(Standby::Previous { since })
    } else {
        bail!("the second authority is neither the next nor the previous one: {text:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_listen::RollOverStep;

    const NOW: i64 = 1_795_449_600;

    fn key() -> MasterKeys {
        MasterKey::generate(&mut OsRng).into()
    }

    fn file(path: &Path, keys: &MasterKeys, realm: &str) -> AuthorityFile {
        AuthorityFile::new(path.to_owned(), realm, KeysInUse::fixed(keys.clone()))
    }

    fn open(path: &Path, keys: &MasterKeys, realm: &str) -> anyhow::Result<Authorities> {
        file(path, keys, realm).open_or_create(NOW, Lives::DEFAULT)
    }

    #[test]
    fn the_authority_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let master = key();
        let first = open(&path, &master, "R").unwrap().pem();
        assert_eq!(open(&path, &master, "R").unwrap().pem(), first);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("PRIVATE KEY"), "the key is wrapped");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let master = key();
        open(&path, &master, "R").unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        let wrong = [
            ("R", whole.replace("MII", "MIJ"), master.clone()),
            ("R", whole.clone(), key()),
            ("OTHER", whole.clone(), master.clone()),
            ("R", whole[..whole.len() / 2].to_owned(), master.clone()),
        ];
        for (realm, text, master) in wrong {
            std::fs::write(&path, &text).unwrap();
            for error in [open(&path, &master, realm).map(|_| ()), file(&path, &master, realm).follow_key()] {
                let error = format!("{:#}", error.unwrap_err());
                assert!(error.contains("put a copy back"), "{error}");
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn both_authorities_come_back_with_their_roles_through_every_step() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let master = key();
        let mut authorities = open(&path, &master, "R").unwrap();
        let steps = [RollOverStep::Announce, RollOverStep::Sign, RollOverStep::Forget];
        for (number, step) in (1..).zip(steps) {
            authorities = authorities.after(step, NOW + number, Lives::DEFAULT, &mut OsRng).unwrap();
            file(&path, &master, "R").write(&authorities).unwrap();
            let found = open(&path, &master, "R").unwrap();
            let role = |of: &Authorities| of.standby.as_ref().map(|(role, _)| *role);
            assert_eq!((found.pem(), role(&found)), (authorities.pem(), role(&authorities)), "{step:?}");
        }
    }

    #[test]
    fn a_second_authority_whose_role_was_changed_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let master = key();
        let authorities = open(&path, &master, "R").unwrap();
        let authorities = authorities.after(RollOverStep::Announce, NOW, Lives::DEFAULT, &mut OsRng).unwrap();
        file(&path, &master, "R").write(&authorities).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        for changed in
            [whole.replace("next since", "previous since"), whole.replace(&format!("since {NOW}"), "since 1")]
        {
            assert_ne!(changed, whole);
            std::fs::write(&path, changed).unwrap();
            assert!(open(&path, &master, "R").is_err());
        }
    }

    #[test]
    fn the_file_follows_a_new_master_key_and_is_read_with_both_on_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let (old, new) = (key(), key());
        let both = MasterKeys::new(old.current().clone(), Some(new.current().clone()));
        file(&path, &both, "R").follow_key().unwrap();
        assert!(!path.exists(), "no file is made");
        let authorities = open(&path, &old, "R").unwrap();
        let authorities = authorities.after(RollOverStep::Announce, NOW, Lives::DEFAULT, &mut OsRng).unwrap();
        file(&path, &old, "R").write(&authorities).unwrap();
        assert_eq!(open(&path, &both, "R").unwrap().pem(), authorities.pem());
        file(&path, &both, "R").follow_key().unwrap();
        assert_eq!(open(&path, &new, "R").unwrap().pem(), authorities.pem());
        assert!(open(&path, &old, "R").is_err());
    }
}
