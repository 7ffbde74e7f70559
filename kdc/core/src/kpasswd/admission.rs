//! Whether the client of a proven request may still act by its ticket, and whether the request has been fulfilled already.

use crate::checks;
use crate::kpasswd::event::PasswordRefusal;
use crate::kpasswd::request::AuthenticPasswordRequest;
use crate::principal::PrincipalRecord;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::Timestamp;
use std::hash::{DefaultHasher, Hash, Hasher};

impl AuthenticPasswordRequest {
    /// Checks that the account of the ticket is there, may take part, and has the password still that it logged in with.
    ///
    /// # Errors
    /// [`PasswordRefusal::Unproven`].
    pub fn check_client(
        &self,
        client: Option<&PrincipalRecord>,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<(), PasswordRefusal> {
        self.judge_client(client, realm, now).map_err(PasswordRefusal::Unproven)
    }

    fn judge_client(&self, client: Option<&PrincipalRecord>, realm: &Realm, now: Timestamp) -> Result<(), Refusal> {
        let client = client.filter(|record| record.principal == self.client).ok_or(Refusal::ClientUnknown)?;
        checks::client(client, now.time)?;
        checks::authenticated_since(client, self.authtime, realm)?;
        // Also where tickets survive a change of the password: else whoever knew an old one could set the next one.
        match client.keys.password_set() {
            Some(set) if self.authtime < set.time => Err(Refusal::TicketBeforePasswordChange),
            _ => Ok(()),
        }
    }

    /// Whether the password of `target` was set after the client of the request had logged in and only a moment ago, so that the
    /// request may have done that: then [`AuthenticPasswordRequest::is_in_force`] says whether it did.
    #[must_use]
    pub fn may_be_repeated(&self, target: &PrincipalRecord, realm: &Realm, now: Timestamp) -> bool {
        let recent = |set: Timestamp| self.authtime <= set.time && set.time.plus(realm.clock_skew.into()) > now.time;
        target.keys.password_set().is_some_and(recent)
    }

    /// A hash by which a request for the same password is known.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.password.expose().hash(&mut hasher);
        hasher.finish()
    }

    /// Whether the password of the request is the one that is in force. Derives a key, which takes some time.
    #[must_use]
    pub fn is_in_force(&self, target: &PrincipalRecord) -> bool {
        target.keys.active_version().is_some_and(|version| version.is_from_password(self.password.expose()))
    }
}
