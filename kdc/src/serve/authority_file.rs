//! The file of Kennel's own certificate authority, in the same folder as the store. The file is created once, with the key wrapped
//! by the master key. Every agent trusts exactly this certificate, so a new authority never replaces a file that cannot be read.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kennel_crypto::MasterKey;
use kennel_listen::Authority;
use rand::{CryptoRng, RngCore};
use sha2::{Digest, Sha256};
use std::path::Path;

const KEY_BEGIN: &str = "-----BEGIN KENNEL WRAPPED KEY-----";
const KEY_END: &str = "-----END KENNEL WRAPPED KEY-----";

/// Reads the authority's file, or generates an authority where there is none. `now`: seconds since the epoch.
pub(crate) fn open_or_create(
    path: &Path,
    master: &MasterKey,
    realm: &str,
    now: i64,
    rng: &mut (impl RngCore + CryptoRng),
) -> anyhow::Result<Authority> {
    match std::fs::read_to_string(path) {
        Ok(text) => decode(&text, master, realm).with_context(|| {
            format!(
                "{} cannot be read: put a copy back. (Without a copy, remove the file: the next start creates a new authority, \
                 which agents trust once the ConfigMap kennel-krb5 has reached their pods, within minutes.)",
                path.display()
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let authority = Authority::generate(realm, now, rng)?;
            kennel_store::files::write_new(path, encode(&authority, master, realm, rng)?.as_bytes())
                .with_context(|| format!("{} cannot be written", path.display()))?;
            Ok(authority)
        }
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn encode(
    authority: &Authority,
    master: &MasterKey,
    realm: &str,
    rng: &mut (impl RngCore + CryptoRng),
) -> anyhow::Result<String> {
    let pem = authority.pem();
    let wrapped = STANDARD.encode(master.wrap(associated(realm, pem).as_bytes(), &authority.key()?, rng));
    Ok(format!(
        "The certificate authority of realm {realm}: the key is wrapped by the master key.\n{KEY_BEGIN}\n{wrapped}\n{KEY_END}\n{pem}"
    ))
}

fn decode(text: &str, master: &MasterKey, realm: &str) -> anyhow::Result<Authority> {
    let (_, rest) = text.split_once(KEY_BEGIN).context("the file contains no wrapped key")?;
    let (wrapped, pem) = rest.split_once(KEY_END).context("the wrapped key has no end")?;
    let wrapped = STANDARD.decode(wrapped.trim()).ok().context("the wrapped key is not base64")?;
    let pem = pem.trim_start();
    let plain = master.unwrap(associated(realm, pem).as_bytes(), &wrapped);
    let plain = plain.ok().context("the key was wrapped by another master key, or for another realm or certificate")?;
    Ok(Authority::from_parts(realm, pem, &plain)?)
}

/// Returns the associated data that binds the wrapped key to its realm and certificate, so that a changed file is noticed.
fn associated(realm: &str, pem: &str) -> String {
    format!("certificate authority of {realm}: {}", STANDARD.encode(Sha256::digest(pem.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::OsRng;

    fn open(path: &Path, master: &MasterKey, realm: &str) -> anyhow::Result<Authority> {
        open_or_create(path, master, realm, 1_795_449_600, &mut OsRng)
    }

    #[test]
    fn the_authority_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let master = MasterKey::generate(&mut OsRng);
        let first = open(&path, &master, "R").unwrap().pem().to_owned();
        assert_eq!(open(&path, &master, "R").unwrap().pem(), first);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("PRIVATE KEY"), "the key is wrapped");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let master = MasterKey::generate(&mut OsRng);
        open(&path, &master, "R").unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        let wrong: [(&str, String, MasterKey); 4] = [
            ("R", whole.replace("MII", "MIJ"), MasterKey::from_text(&master.expose_text()).unwrap()),
            ("R", whole.clone(), MasterKey::generate(&mut OsRng)),
            ("OTHER", whole.clone(), MasterKey::from_text(&master.expose_text()).unwrap()),
            ("R", whole[..whole.len() / 2].to_owned(), MasterKey::from_text(&master.expose_text()).unwrap()),
        ];
        for (realm, text, master) in wrong {
            std::fs::write(&path, &text).unwrap();
            let error = format!("{:#}", open(&path, &master, realm).map(|_| ()).unwrap_err());
            assert!(error.contains("put a copy back"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
