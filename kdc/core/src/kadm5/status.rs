//! The code of each refusal. Clients show MIT's text for it, which tools read.

use crate::admin::operation::Rights;
use crate::admin::refusal::AdminRefusal;
use kennel_wire::kadm5::procedure::{Procedure, UnservedVersion};
use kennel_wire::kadm5::status::Kadm5Status;

/// The code of a refusal of this procedure.
pub(crate) fn status(refusal: &AdminRefusal, procedure: Procedure) -> Kadm5Status {
    match refusal {
        // Needs two rights, and MIT names neither.
        AdminRefusal::NotPermitted { .. } if procedure == Procedure::RenamePrincipal => Kadm5Status::AUTH_INSUFFICIENT,
        AdminRefusal::NotPermitted { right, .. } => right_lacks(*right),
        AdminRefusal::TicketNotSufficient => Kadm5Status::AUTH_INITIAL,
        AdminRefusal::UnknownPrincipal(_) => Kadm5Status::UNK_PRINC,
        AdminRefusal::UnknownPolicy(_) => Kadm5Status::UNK_POLICY,
        AdminRefusal::Exists(_) => Kadm5Status::DUP,
        AdminRefusal::BadName { .. } if is_of_policies(procedure) => Kadm5Status::BAD_POLICY,
        AdminRefusal::BadName { .. } => Kadm5Status::BAD_PRINCIPAL,
        AdminRefusal::OwnedByKubernetes { .. } | AdminRefusal::Protected(_) => Kadm5Status::PROTECT_PRINCIPAL,
        AdminRefusal::EnctypeNotAllowed(_) => Kadm5Status::BAD_KEYSALTS,
        AdminRefusal::PolicyInUse(_) => Kadm5Status::POLICY_REF,
        AdminRefusal::KeysLockedDown(_) => Kadm5Status::PROTECT_KEYS,
        AdminRefusal::PasswordTooShort(_) => Kadm5Status::PASS_Q_TOOSHORT,
        AdminRefusal::PasswordTooSimple(_) => Kadm5Status::PASS_Q_CLASS,
        AdminRefusal::PasswordInDictionary => Kadm5Status::PASS_Q_DICT,
        AdminRefusal::PasswordReused => Kadm5Status::PASS_REUSE,
        AdminRefusal::PasswordTooYoung(_) => Kadm5Status::PASS_TOOSOON,
        AdminRefusal::BadValue(_) => Kadm5Status::INVALID_ARGUMENT,
        AdminRefusal::NotSupported(_) => Kadm5Status::FAILURE,
        AdminRefusal::StoreUnavailable => Kadm5Status::BAD_DB,
    }
}

/// Refuses what a ticket for kadmin/changepw does not permit to anyone. What it permits concerns the client itself, which the operation
/// checks.
///
/// # Errors
/// The code that MIT's server answers with.
pub(crate) fn not_by_change_password(procedure: Procedure) -> Result<(), Kadm5Status> {
    Err(match procedure {
        Procedure::Init
        | Procedure::GetPrivileges
        | Procedure::GetPrincipal
        | Procedure::GetPolicy
        | Procedure::ChangePassword
        | Procedure::ChangePassword3
        | Procedure::RandomizeKeys
        | Procedure::RandomizeKeys3 => return Ok(()),
        Procedure::CreatePrincipal | Procedure::CreatePrincipal3 | Procedure::CreatePolicy => Kadm5Status::AUTH_ADD,
        Procedure::DeletePrincipal | Procedure::DeletePolicy => Kadm5Status::AUTH_DELETE,
        Procedure::ModifyPrincipal | Procedure::ModifyPolicy | Procedure::PurgeKeys | Procedure::SetString => {
            Kadm5Status::AUTH_MODIFY
        }
        Procedure::RenamePrincipal | Procedure::CreateAlias => Kadm5Status::AUTH_INSUFFICIENT,
        Procedure::GetPrincipals | Procedure::GetPolicies => Kadm5Status::AUTH_LIST,
        Procedure::GetStrings => Kadm5Status::AUTH_GET,
        Procedure::SetKey | Procedure::SetKey3 | Procedure::SetKey4 => Kadm5Status::AUTH_SETKEY,
        Procedure::ExtractKeys => Kadm5Status::AUTH_EXTRACT,
    })
}

/// The code for an API version. Clients of newer versions try older ones after `NEW_SERVER_API_VERSION`.
pub(crate) fn unserved(reason: UnservedVersion) -> Kadm5Status {
    match reason {
        UnservedVersion::Bad => Kadm5Status::BAD_API_VERSION,
        UnservedVersion::Old => Kadm5Status::OLD_SERVER_API_VERSION,
        UnservedVersion::New => Kadm5Status::NEW_SERVER_API_VERSION,
    }
}

fn right_lacks(right: Rights) -> Kadm5Status {
    const CODES: [(Rights, Kadm5Status); 8] = [
        (Rights::ADD, Kadm5Status::AUTH_ADD),
        (Rights::DELETE, Kadm5Status::AUTH_DELETE),
        (Rights::MODIFY, Kadm5Status::AUTH_MODIFY),
        (Rights::CHANGE_PASSWORD, Kadm5Status::AUTH_CHANGEPW),
        (Rights::INQUIRE, Kadm5Status::AUTH_GET),
        (Rights::LIST, Kadm5Status::AUTH_LIST),
        (Rights::SET_KEYS, Kadm5Status::AUTH_SETKEY),
        (Rights::EXTRACT_KEYS, Kadm5Status::AUTH_EXTRACT),
    ];
    CODES.into_iter().find(|(code, _)| *code == right).map_or(Kadm5Status::AUTH_INSUFFICIENT, |(_, code)| code)
}

fn is_of_policies(procedure: Procedure) -> bool {
    matches!(
        procedure,
        Procedure::CreatePolicy | Procedure::ModifyPolicy | Procedure::DeletePolicy | Procedure::GetPolicy
    )
}
