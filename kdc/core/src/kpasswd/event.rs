//! The event of a request to change a password, and every reason for which a password stays.

use crate::admin::refusal::AdminRefusal;
use crate::refusal::Refusal;
use kennel_wire::kpasswd::PasswordResult;
use kennel_wire::message::{Principal, Timestamp};
use std::net::SocketAddr;

/// The event of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordEvent {
    /// Time of the decision.
    pub time: Timestamp,
    /// Source address of the request.
    pub peer: SocketAddr,
    /// Who asked, once that is proven.
    pub client: Option<Principal>,
    /// Whose password it is, where it is not the client's own.
    pub target: Option<Principal>,
    /// How it ended.
    pub outcome: PasswordOutcome,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordOutcome {
    /// The password is changed.
    Changed,
    /// The password was that one already: the request came twice.
    Repeated,
    /// The password is as before.
    Refused(PasswordRefusal),
}

/// Why a password is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordRefusal {
    /// A reply or an error of another server. It gets no answer.
    NotARequest,
    /// The request cannot be read, or is of another version.
    Unreadable(PasswordResult),
    /// The request proves nobody, or somebody who may not take part.
    Unproven(Refusal),
    /// The ticket does not come from a login with the password.
    NotInitial,
    /// The client or the principal is of another realm.
    OfAnotherRealm,
    /// What was sent with a valid ticket does not belong to it, or cannot be read.
    Content(Refusal),
    /// Administration refuses the change: by the rules of passwords, or by who asks.
    Admin(AdminRefusal),
    /// The server is too busy.
    Busy,
}

impl PasswordOutcome {
    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            PasswordOutcome::Changed => "changed",
            PasswordOutcome::Repeated => "repeated",
            PasswordOutcome::Refused(_) => "refused",
        }
    }

    /// Name of the reason of a refusal; empty otherwise.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            PasswordOutcome::Changed | PasswordOutcome::Repeated => "",
            PasswordOutcome::Refused(refusal) => refusal.name(),
        }
    }

    /// The result on the wire.
    #[must_use]
    pub fn result(&self) -> PasswordResult {
        match self {
            PasswordOutcome::Changed | PasswordOutcome::Repeated => PasswordResult::Success,
            PasswordOutcome::Refused(refusal) => refusal.result(),
        }
    }

    /// The words that the client shows to the person.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            PasswordOutcome::Changed | PasswordOutcome::Repeated => String::new(),
            PasswordOutcome::Refused(refusal) => refusal.text(),
        }
    }
}

impl PasswordRefusal {
    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            PasswordRefusal::NotARequest => "NotARequest",
            PasswordRefusal::Unreadable(_) => "Malformed",
            PasswordRefusal::Unproven(refusal) | PasswordRefusal::Content(refusal) => refusal.name(),
            PasswordRefusal::NotInitial => "TicketNotInitial",
            PasswordRefusal::OfAnotherRealm => "WrongRealm",
            PasswordRefusal::Admin(refusal) => refusal.name(),
            PasswordRefusal::Busy => "Busy",
        }
    }

    fn result(&self) -> PasswordResult {
        match self {
            PasswordRefusal::Unreadable(result) => *result,
            PasswordRefusal::NotARequest | PasswordRefusal::Content(Refusal::Malformed) => PasswordResult::Malformed,
            PasswordRefusal::Unproven(Refusal::StoreUnavailable | Refusal::TrailUnavailable) => {
                PasswordResult::HardError
            }
            PasswordRefusal::Unproven(_) | PasswordRefusal::Content(_) => PasswordResult::AuthError,
            PasswordRefusal::NotInitial => PasswordResult::InitialFlagNeeded,
            PasswordRefusal::OfAnotherRealm => PasswordResult::AccessDenied,
            PasswordRefusal::Admin(refusal) => result_of(refusal),
            PasswordRefusal::Busy => PasswordResult::HardError,
        }
    }

    fn text(&self) -> String {
        match self {
            PasswordRefusal::NotARequest | PasswordRefusal::Unreadable(_) => "The request cannot be read.".into(),
            PasswordRefusal::Unproven(refusal) | PasswordRefusal::Content(refusal) => {
                format!("Log in again, and change the password then: {refusal}.")
            }
            PasswordRefusal::NotInitial => "Log in with the password that you have, and change it then.".into(),
            PasswordRefusal::OfAnotherRealm => {
                "Only passwords of this realm can be changed here: ask a server of the other realm.".into()
            }
            PasswordRefusal::Admin(refusal) => sentence(&refusal.to_string()),
            PasswordRefusal::Busy => "The server is too busy at the moment: try again.".into(),
        }
    }
}

fn result_of(refusal: &AdminRefusal) -> PasswordResult {
    use AdminRefusal as R;
    match refusal {
        R::PasswordTooShort(_)
        | R::PasswordTooSimple(_)
        | R::PasswordInDictionary
        | R::PasswordReused
        | R::PasswordTooYoung(_)
        | R::BadValue(_) => PasswordResult::SoftError,
        R::TicketNotSufficient => PasswordResult::InitialFlagNeeded,
        R::NotPermitted { .. } | R::OwnedByKubernetes { .. } | R::KeysLockedDown(_) => PasswordResult::AccessDenied,
        _ => PasswordResult::HardError,
    }
}

/// A capital letter at the beginning, a full stop at the end: clients show the text by itself.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(characters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_to_change_in_a_whole_sentence() {
        let text = |refusal| PasswordOutcome::Refused(PasswordRefusal::Admin(refusal)).text();
        let short = text(AdminRefusal::PasswordTooShort(8));
        assert!(short.starts_with("The password is too short") && short.ends_with("8 characters."), "{short}");
        assert!(text(AdminRefusal::PasswordReused).ends_with("choose another one."));
        assert_eq!(PasswordOutcome::Changed.text(), "");
    }

    #[test]
    fn what_the_person_can_mend_is_a_soft_error_and_what_it_may_not_is_denied() {
        let result = |refusal| PasswordOutcome::Refused(refusal).result();
        for refusal in [AdminRefusal::PasswordTooShort(8), AdminRefusal::PasswordReused] {
            assert_eq!(result(PasswordRefusal::Admin(refusal)), PasswordResult::SoftError);
        }
        let owned = AdminRefusal::OwnedByKubernetes { name: "web.shop@R".into(), object: "a".into() };
        assert_eq!(result(PasswordRefusal::Admin(owned)), PasswordResult::AccessDenied);
        assert_eq!(result(PasswordRefusal::Admin(AdminRefusal::StoreUnavailable)), PasswordResult::HardError);
        assert_eq!(result(PasswordRefusal::Unproven(Refusal::TicketExpired)), PasswordResult::AuthError);
        assert_eq!(result(PasswordRefusal::NotInitial), PasswordResult::InitialFlagNeeded);
    }
}
