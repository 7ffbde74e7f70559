//! A master key from a passphrase: Argon2id (RFC 9106), which needs memory for each guess.

use crate::error::CryptoError;
use crate::wrap::MasterKey;
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// Octets of a salt.
pub const SALT: usize = 16;

/// What one guess costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory, KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes, which may be computed side by side.
    pub lanes: u32,
}

impl PassphraseCost {
    /// The second recommendation of RFC 9106, section 4: 64 MiB, a third of a second.
    pub const DEFAULT: PassphraseCost = PassphraseCost { memory: 64 * 1024, passes: 3, lanes: 4 };
    /// The most that a file may ask for: who made the file chose it.
    pub const MOST: PassphraseCost = PassphraseCost { memory: 1024 * 1024, passes: 16, lanes: 16 };

    fn is_acceptable(self) -> bool {
        let PassphraseCost { memory, passes, lanes } = PassphraseCost::MOST;
        self.memory <= memory && self.passes <= passes && self.lanes <= lanes
    }
}

impl MasterKey {
    /// Derives a key from a passphrase.
    ///
    /// # Errors
    /// [`CryptoError::PassphraseCost`] for a cost above [`PassphraseCost::MOST`], or below what Argon2 can do.
    pub fn from_passphrase(
        passphrase: &[u8],
        salt: &[u8; SALT],
        cost: PassphraseCost,
    ) -> Result<MasterKey, CryptoError> {
        if !cost.is_acceptable() {
            return Err(CryptoError::PassphraseCost);
        }
        let mut bytes = Zeroizing::new([0; 32]);
        let parameters = Params::new(cost.memory, cost.passes, cost.lanes, Some(bytes.len()))
            .map_err(|_| CryptoError::PassphraseCost)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(passphrase, salt, bytes.as_mut_slice())
            .map_err(|_| CryptoError::PassphraseCost)?;
        Ok(MasterKey::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: PassphraseCost = PassphraseCost { memory: 32, passes: 1, lanes: 1 };

    fn id(passphrase: &str, salt: u8, cost: PassphraseCost) -> String {
        MasterKey::from_passphrase(passphrase.as_bytes(), &[salt; SALT], cost).unwrap().id().to_owned()
    }

    #[test]
    fn the_key_depends_on_passphrase_salt_and_cost() {
        assert_eq!(id("secret", 1, SMALL), id("secret", 1, SMALL));
        let other_cost = PassphraseCost { passes: 2, ..SMALL };
        for other in [id("other", 1, SMALL), id("secret", 2, SMALL), id("secret", 1, other_cost)] {
            assert_ne!(other, id("secret", 1, SMALL));
        }
    }

    #[test]
    fn a_cost_that_would_exhaust_the_machine_or_protect_nothing_is_refused() {
        let most = PassphraseCost::MOST;
        for cost in [
            PassphraseCost { memory: most.memory + 1, ..SMALL },
            PassphraseCost { passes: most.passes + 1, ..SMALL },
            PassphraseCost { lanes: most.lanes + 1, memory: 4096, ..SMALL },
            PassphraseCost { memory: 0, ..SMALL },
            PassphraseCost { passes: 0, ..SMALL },
            PassphraseCost { lanes: 0, ..SMALL },
        ] {
            let refused = MasterKey::from_passphrase(b"x", &[0; SALT], cost).map(|_| ());
            assert_eq!(refused, Err(CryptoError::PassphraseCost), "{cost:?}");
        }
    }
}
