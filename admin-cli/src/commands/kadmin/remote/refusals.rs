//! Codes of the protocol as refusals.

use crate::commands::kadmin::failure::Failure;
use kennel_wire::kadm5::status::Kadm5Status;

/// Codes, the reasons of the admin API for them, and MIT's words where the reason has none.
const REFUSALS: [(Kadm5Status, &str, &str); 29] = [
    (Kadm5Status::AUTH_GET, "NotPermitted", ""),
    (Kadm5Status::AUTH_ADD, "NotPermitted", ""),
    (Kadm5Status::AUTH_MODIFY, "NotPermitted", ""),
    (Kadm5Status::AUTH_DELETE, "NotPermitted", ""),
    (Kadm5Status::AUTH_LIST, "NotPermitted", ""),
    (Kadm5Status::AUTH_CHANGEPW, "NotPermitted", ""),
    (Kadm5Status::AUTH_EXTRACT, "NotPermitted", ""),
    (Kadm5Status::AUTH_INSUFFICIENT, "", "Insufficient authorization for operation"),
    (Kadm5Status::AUTH_SETKEY, "", "Operation requires ``set-key'' privilege"),
    (Kadm5Status::AUTH_INITIAL, "TicketNotSufficient", ""),
    (Kadm5Status::UNK_PRINC, "UnknownPrincipal", ""),
    (Kadm5Status::UNK_POLICY, "UnknownPolicy", ""),
    (Kadm5Status::DUP, "Exists", ""),
    (Kadm5Status::POLICY_REF, "PolicyInUse", ""),
    (Kadm5Status::PROTECT_KEYS, "KeysLockedDown", ""),
    (Kadm5Status::PASS_Q_TOOSHORT, "PasswordTooShort", ""),
    (Kadm5Status::PASS_Q_CLASS, "PasswordTooSimple", ""),
    (Kadm5Status::PASS_Q_DICT, "PasswordInDictionary", ""),
    (Kadm5Status::PASS_REUSE, "PasswordReused", ""),
    (Kadm5Status::PASS_TOOSOON, "PasswordTooYoung", ""),
    (Kadm5Status::BAD_POLICY, "", "Illegal policy name"),
    (Kadm5Status::BAD_PRINCIPAL, "", "Illegal principal name"),
    (Kadm5Status::BAD_MASK, "", "Invalid field mask for operation"),
    (Kadm5Status::BAD_KEYSALTS, "", "Invalid key/salt tuples"),
    (Kadm5Status::BAD_DB, "", "Database inconsistency detected"),
    (Kadm5Status::PROTECT_PRINCIPAL, "", "Cannot change protected principal"),
    (Kadm5Status::INVALID_ARGUMENT, "", "Invalid argument"),
    (Kadm5Status::ALIAS_REALM, "", "Alias target must be within the same realm"),
    (Kadm5Status::FAILURE, "", "Operation failed for unspecified reason"),
];

/// The refusal that a code means.
pub(crate) fn refusal(status: Kadm5Status) -> Failure {
    let (reason, message) = match REFUSALS.iter().find(|(code, ..)| *code == status) {
        Some((_, reason, words)) => ((*reason).to_owned(), (*words).to_owned()),
        None => (String::new(), format!("the server answers with code {}", status.0)),
    };
    Failure::Refused { reason, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::kadmin::failure::Right;

    #[test]
    fn every_code_has_words() {
        for (status, ..) in REFUSALS {
            assert!(!refusal(status).text(Right::Get).is_empty(), "{status:?}");
        }
        assert!(refusal(Kadm5Status(99)).text(Right::Get).contains("99"));
    }
}
