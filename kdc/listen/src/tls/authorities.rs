//! Kennel's own authorities: the one that signs, and during a roll-over a second one. The steps are those of
//! [`roll_over`](crate::tls::roll_over); this module makes them, and knows neither files nor a clock.

use crate::error::ListenError;
use crate::tls::authority::Authority;
use crate::tls::roll_over::{Lives, RollOverStep, Standby, next_step};
use rand::{CryptoRng, RngCore};
use std::sync::Arc;
use std::time::Duration;

/// The authorities of a realm. Clients are to trust all of them.
#[derive(Clone)]
pub struct Authorities {
    /// Issues the serving certificates.
    pub signing: Arc<Authority>,
    /// Will sign, or signed before.
    pub standby: Option<(Standby, Arc<Authority>)>,
}

impl Authorities {
    /// Generates the first authority of a realm.
    ///
    /// # Errors
    /// As [`Authority::generate`].
    pub fn generate(
        realm: &str,
        now: i64,
        lives: Lives,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Authorities, ListenError> {
        let signing = Arc::new(Authority::generate(realm, now, lives.authority, rng)?);
        Ok(Authorities { signing, standby: None })
    }

    /// The step that is due; see [`next_step`].
    #[must_use]
    pub fn due(&self, now: i64, published: Duration, lives: Lives) -> Option<RollOverStep> {
        let standby = self.standby.as_ref().map(|(role, authority)| (*role, authority.validity()));
        next_step(self.signing.validity(), standby, now, published, lives)
    }

    /// Returns the authorities after a step.
    ///
    /// # Errors
    /// As [`Authority::generate`].
    pub fn after(
        &self,
        step: RollOverStep,
        now: i64,
        lives: Lives,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Authorities, ListenError> {
        let signing = self.signing.clone();
        Ok(match (step, &self.standby) {
            (RollOverStep::Announce, _) => {
                let next = Authority::generate(signing.realm(), now, lives.authority, rng)?;
                Authorities { signing, standby: Some((Standby::Next { since: now }, Arc::new(next))) }
            }
            (RollOverStep::Sign, Some((_, other))) => {
                Authorities { signing: other.clone(), standby: Some((Standby::Previous { since: now }, signing)) }
            }
            (RollOverStep::Forget | RollOverStep::Sign, _) => Authorities { signing, standby: None },
        })
    }

    /// The certificates that clients are to trust, PEM: the one that signs first.
    #[must_use]
    pub fn pem(&self) -> String {
        let standby = self.standby.as_ref().map(|(_, authority)| authority.public().pem());
        [self.signing.public().pem(), standby.unwrap_or_default()].concat()
    }
}
