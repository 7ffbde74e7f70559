//! What a dump is encrypted under: a key, or a passphrase.

use crate::dump::header::{Header, Protection};
use crate::error::StoreError;
use kennel_crypto::passphrase::SALT;
use kennel_crypto::{MasterKey, PassphraseCost, SecretBytes};
use rand_core::CryptoRngCore;
use std::sync::Arc;

/// A key, or a passphrase.
#[derive(Debug, Clone)]
pub enum DumpSecret {
    /// A key in the form of a master key; that of a store is as good as any other.
    Key(Arc<MasterKey>),
    /// A passphrase.
    Passphrase(SecretBytes),
}

impl DumpSecret {
    /// The header and the key of a new file.
    pub(super) fn begin(&self, rng: &mut dyn CryptoRngCore) -> Result<(Header, Arc<MasterKey>), StoreError> {
        let protection = match self {
            DumpSecret::Key(_) => Protection::Key,
            DumpSecret::Passphrase(_) => Protection::Passphrase(PassphraseCost::DEFAULT),
        };
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let header = Header { protection, salt };
        Ok((header, self.key(&header)?))
    }

    /// The key of a file with this header.
    pub(super) fn key(&self, header: &Header) -> Result<Arc<MasterKey>, StoreError> {
        match (self, header.protection) {
            (DumpSecret::Key(key), Protection::Key) => Ok(key.clone()),
            (DumpSecret::Passphrase(passphrase), Protection::Passphrase(cost)) => {
                let key = MasterKey::from_passphrase(passphrase.expose(), &header.salt, cost);
                key.map(Arc::new)
                    .map_err(|_| StoreError::Dump { reason: "its passphrase would cost too much memory or time" })
            }
            (DumpSecret::Key(_), Protection::Passphrase(_)) => {
                Err(StoreError::Dump { reason: "it is under a passphrase, and a key was given" })
            }
            (DumpSecret::Passphrase(_), Protection::Key) => {
                Err(StoreError::Dump { reason: "it is under a key, and a passphrase was given" })
            }
        }
    }
}
