//! Who may do what: the access list for everything, and what everyone may do to himself.

use crate::admin::caller::{AdminService, Caller};
use crate::admin::operation::{Operation, Rights};
use crate::admin::refusal::AdminRefusal;
use crate::admin::restrictions::Restrictions;
use crate::admin::rights::AccessList;
use crate::principal::{Attributes, PrincipalRecord};
use kennel_wire::message::{Principal, Timestamp};

/// What a decision about a permission is made from.
#[derive(Debug, Clone, Copy)]
pub struct PermissionFacts<'a> {
    /// The access list as it is now.
    pub access_list: &'a AccessList,
    /// The principal that the operation is about, under its canonical name, where it exists.
    pub subject: Option<&'a PrincipalRecord>,
}

/// Decides whether a caller may perform an operation, and returns the restrictions under which it may.
///
/// # Errors
/// [`AdminRefusal::NotPermitted`], [`AdminRefusal::TicketNotSufficient`], [`AdminRefusal::KeysLockedDown`].
pub fn permit(
    caller: &Caller,
    operation: &Operation,
    facts: PermissionFacts<'_>,
) -> Result<Option<Restrictions>, AdminRefusal> {
    let Caller::Principal { client, service, initial, .. } = caller else {
        return Ok(None);
    };
    let named = operation.subject();
    let target = facts.subject.map(|record| &record.principal).or(named);
    let is_self = target == Some(client);
    let own = match operation {
        Operation::GetPolicy(policy) => facts.subject.is_some_and(|record| record.policy.as_ref() == Some(policy)),
        Operation::GetPrivileges => true,
        operation => is_self && operation.is_everyones_own(*service),
    };
    let restrictions = match (own, service) {
        (true, _) => None,
        (false, AdminService::ChangePassword) => return Err(refused(operation, client)),
        (false, AdminService::Admin) => listed(client, operation, target, facts.access_list)?,
    };
    if is_self && operation.changes_own_key() && !initial {
        return Err(AdminRefusal::TicketNotSufficient);
    }
    if let Some(record) = facts.subject
        && record.attributes.contains(Attributes::LOCKDOWN_KEYS)
        && operation.touches_locked_keys()
    {
        return Err(AdminRefusal::KeysLockedDown(record.principal.to_string()));
    }
    Ok(restrictions)
}

fn listed(
    client: &Principal,
    operation: &Operation,
    target: Option<&Principal>,
    list: &AccessList,
) -> Result<Option<Restrictions>, AdminRefusal> {
    let target = if operation.is_about_no_principal() { None } else { target };
    let found = list.permits(client, operation.right(), target).ok_or_else(|| refused(operation, client))?;
    // What somebody adds under restrictions cannot be renamed or given another name around them.
    let second = match operation {
        Operation::RenamePrincipal { to, .. } => Some(to),
        Operation::CreateAlias { alias, .. } => Some(alias),
        _ => None,
    };
    let may_add = |name| list.permits(client, Rights::ADD, Some(name)).is_some_and(|restricted| restricted.is_none());
    if second.is_some_and(|name| !may_add(name)) {
        return Err(AdminRefusal::NotPermitted { right: Rights::ADD, caller: client.to_string() });
    }
    Ok(found.cloned())
}

fn refused(operation: &Operation, client: &Principal) -> AdminRefusal {
    AdminRefusal::NotPermitted { right: operation.right(), caller: client.to_string() }
}

impl Operation {
    /// The right that the operation needs; to rename and to give an alias need [`Rights::ADD`] on the new name too.
    #[must_use]
    pub const fn right(&self) -> Rights {
        match self {
            Operation::CreatePrincipal(_) | Operation::CreatePolicy(..) => Rights::ADD,
            Operation::DeletePrincipal(_) | Operation::DeletePolicy(_) | Operation::RenamePrincipal { .. } => {
                Rights::DELETE
            }
            Operation::ModifyPrincipal(..)
            | Operation::PurgeKeys(..)
            | Operation::SetString { .. }
            | Operation::CreateAlias { .. }
            | Operation::Unlock(_)
            | Operation::ModifyPolicy(..) => Rights::MODIFY,
            Operation::GetPrincipal(_) | Operation::GetStrings(_) | Operation::GetPolicy(_) => Rights::INQUIRE,
            Operation::ListPrincipals(_) | Operation::ListPolicies(_) => Rights::LIST,
            Operation::ChangePassword { .. } | Operation::RandomizeKeys(..) => Rights::CHANGE_PASSWORD,
            Operation::SetKeys { .. } => Rights::SET_KEYS,
            Operation::ExtractKeys { .. } => Rights::EXTRACT_KEYS,
            Operation::GetPrivileges => Rights::empty(),
        }
    }

    /// Whether a principal may do this to itself without a line in the access list.
    const fn is_everyones_own(&self, service: AdminService) -> bool {
        match self {
            Operation::ChangePassword { .. } | Operation::RandomizeKeys(..) | Operation::GetPrincipal(_) => true,
            Operation::PurgeKeys(..) | Operation::GetStrings(_) => matches!(service, AdminService::Admin),
            _ => false,
        }
    }

    /// Whether a principal needs an initial ticket to do this to itself: whoever finds an open session does not keep it.
    const fn changes_own_key(&self) -> bool {
        matches!(self, Operation::ChangePassword { .. } | Operation::RandomizeKeys(..))
    }

    /// What nobody does over the network to a principal whose keys are locked down. To make new random keys is permitted: nobody
    /// receives them.
    fn touches_locked_keys(&self) -> bool {
        match self {
            Operation::ModifyPrincipal(_, changes) => changes.clear.contains(Attributes::LOCKDOWN_KEYS),
            Operation::DeletePrincipal(_)
            | Operation::RenamePrincipal { .. }
            | Operation::ChangePassword { .. }
            | Operation::SetKeys { .. }
            | Operation::ExtractKeys { .. } => true,
            _ => false,
        }
    }

    /// Lines of the access list that name a target say nothing about these.
    const fn is_about_no_principal(&self) -> bool {
        matches!(
            self,
            Operation::ListPrincipals(_)
                | Operation::CreatePolicy(..)
                | Operation::ModifyPolicy(..)
                | Operation::DeletePolicy(_)
                | Operation::GetPolicy(_)
                | Operation::ListPolicies(_)
                | Operation::GetPrivileges
        )
    }

    /// The principal that the operation is about, as it is named; that of the caller where it asks for a policy is found by the shell.
    #[must_use]
    pub fn subject(&self) -> Option<&Principal> {
        match self {
            Operation::CreatePrincipal(new) => Some(&new.name),
            Operation::RenamePrincipal { from: name, .. }
            | Operation::CreateAlias { target: name, .. }
            | Operation::DeletePrincipal(name)
            | Operation::ModifyPrincipal(name, _)
            | Operation::GetPrincipal(name)
            | Operation::ChangePassword { name, .. }
            | Operation::RandomizeKeys(name, _)
            | Operation::SetKeys { name, .. }
            | Operation::ExtractKeys { name, .. }
            | Operation::PurgeKeys(name, _)
            | Operation::GetStrings(name)
            | Operation::SetString { name, .. }
            | Operation::Unlock(name) => Some(name),
            Operation::ListPrincipals(_)
            | Operation::CreatePolicy(..)
            | Operation::ModifyPolicy(..)
            | Operation::DeletePolicy(_)
            | Operation::GetPolicy(_)
            | Operation::ListPolicies(_)
            | Operation::GetPrivileges => None,
        }
    }

    /// The policy that the operation is about.
    #[must_use]
    pub fn policy_name(&self) -> Option<&str> {
        match self {
            Operation::CreatePolicy(name, _)
            | Operation::ModifyPolicy(name, _)
            | Operation::DeletePolicy(name)
            | Operation::GetPolicy(name) => Some(name),
            _ => None,
        }
    }

    /// Whether failed logins of the principal are forgotten.
    #[must_use]
    pub fn unlocks(&self) -> bool {
        match self {
            // A new password is not the one that was tried.
            Operation::Unlock(_) | Operation::ChangePassword { .. } => true,
            Operation::ModifyPrincipal(_, changes) => changes.unlock,
            _ => false,
        }
    }

    /// The operation under the restrictions of a line of the access list.
    #[must_use]
    pub fn restricted(mut self, restrictions: &Restrictions, now: Timestamp) -> Operation {
        match &mut self {
            Operation::CreatePrincipal(new) => restrictions.impose(&mut new.changes, now),
            Operation::ModifyPrincipal(_, changes) => restrictions.impose(changes, now),
            _ => {}
        }
        self
    }

    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Operation::CreatePrincipal(_) => "create-principal",
            Operation::DeletePrincipal(_) => "delete-principal",
            Operation::ModifyPrincipal(..) => "modify-principal",
            Operation::RenamePrincipal { .. } => "rename-principal",
            Operation::GetPrincipal(_) => "get-principal",
            Operation::ListPrincipals(_) => "list-principals",
            Operation::ChangePassword { .. } => "change-password",
            Operation::RandomizeKeys(..) => "randomize-keys",
            Operation::SetKeys { .. } => "set-keys",
            Operation::ExtractKeys { .. } => "extract-keys",
            Operation::PurgeKeys(..) => "purge-keys",
            Operation::GetStrings(_) => "get-strings",
            Operation::SetString { .. } => "set-string",
            Operation::CreateAlias { .. } => "create-alias",
            Operation::Unlock(_) => "unlock",
            Operation::CreatePolicy(..) => "create-policy",
            Operation::ModifyPolicy(..) => "modify-policy",
            Operation::DeletePolicy(_) => "delete-policy",
            Operation::GetPolicy(_) => "get-policy",
            Operation::ListPolicies(_) => "list-policies",
            Operation::GetPrivileges => "get-privileges",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::operation::{KeyChange, NewKey, PrincipalChanges, Purge};
    use crate::testing::record;
    use kennel_crypto::SecretBytes;
    use std::net::{IpAddr, Ipv4Addr};

    fn by(client: &str, service: AdminService, initial: bool) -> Caller {
        let client = record(client).principal;
        Caller::Principal { client, service, initial, peer: IpAddr::V4(Ipv4Addr::LOCALHOST) }
    }

    fn cpw(name: &str) -> Operation {
        let name = record(name).principal;
        Operation::ChangePassword { name, password: SecretBytes::new(vec![b'x']), rules: KeyChange::default() }
    }

    fn check(list: &str, caller: &Caller, operation: &Operation) -> Result<(), AdminRefusal> {
        let subject = operation.subject().map(|name| PrincipalRecord { principal: name.clone(), ..record("x") });
        let access_list = &AccessList::parse(list, "R").unwrap();
        permit(caller, operation, PermissionFacts { access_list, subject: subject.as_ref() }).map(|_| ())
    }

    #[test]
    fn each_letter_permits_its_operations_and_nothing_else() {
        let name = |text: &str| record(text).principal;
        let of: Vec<(char, Operation)> = vec![
            ('d', Operation::DeletePrincipal(name("bob"))),
            ('m', Operation::ModifyPrincipal(name("bob"), Box::default())),
            ('m', Operation::PurgeKeys(name("bob"), Purge::Old)),
            ('m', Operation::SetString { name: name("bob"), key: "k".into(), value: None }),
            ('c', cpw("bob")),
            ('c', Operation::RandomizeKeys(name("bob"), KeyChange::default())),
            ('i', Operation::GetPrincipal(name("bob"))),
            ('i', Operation::GetStrings(name("bob"))),
            ('i', Operation::GetPolicy("p".into())),
            ('l', Operation::ListPrincipals(None)),
            ('l', Operation::ListPolicies(None)),
            ('s', Operation::SetKeys { name: name("bob"), keys: Vec::<NewKey>::new(), kvno: None, keep_old: false }),
            ('e', Operation::ExtractKeys { name: name("bob"), kvno: None }),
            ('a', Operation::CreatePolicy("p".into(), Box::default())),
            ('m', Operation::ModifyPolicy("p".into(), Box::default())),
            ('d', Operation::DeletePolicy("p".into())),
        ];
        let admin = by("admin", AdminService::Admin, false);
        for (letter, operation) in &of {
            for asked in "admcilse".chars() {
                let permitted = check(&format!("admin {asked}"), &admin, operation).is_ok();
                assert_eq!(permitted, asked == *letter, "{asked} {}", operation.name());
            }
        }
        assert!(check("admin *", &admin, &of[12].1).is_err(), "to extract keys is no part of *");
    }

    #[test]
    fn to_rename_needs_to_delete_the_one_and_to_add_the_other_without_restrictions() {
        let admin = by("admin", AdminService::Admin, false);
        let rename = Operation::RenamePrincipal { from: record("a").principal, to: record("b").principal };
        for (list, permitted) in [
            ("admin ad", true),
            ("admin d", false),
            ("admin a", false),
            ("admin d a\nadmin a b", true),
            ("admin d a\nadmin a b -maxlife 1h", false),
        ] {
            assert_eq!(check(list, &admin, &rename).is_ok(), permitted, "{list}");
        }
    }

    #[test]
    fn everyone_changes_himself_by_an_initial_ticket_and_looks_at_himself() {
        let own = |operation: &Operation, initial| check("", &by("bob", AdminService::Admin, initial), operation);
        assert_eq!(own(&cpw("bob"), true), Ok(()));
        assert_eq!(own(&cpw("bob"), false), Err(AdminRefusal::TicketNotSufficient));
        assert!(matches!(own(&cpw("alice"), true), Err(AdminRefusal::NotPermitted { .. })));
        let name = || record("bob").principal;
        for operation in [
            Operation::GetPrincipal(name()),
            Operation::GetStrings(name()),
            Operation::PurgeKeys(name(), Purge::Old),
            Operation::GetPrivileges,
        ] {
            assert_eq!(own(&operation, false), Ok(()), "{}", operation.name());
        }
        assert!(own(&Operation::ModifyPrincipal(name(), Box::default()), true).is_err());
        let listed = check("bob c", &by("bob", AdminService::Admin, false), &cpw("bob"));
        assert_eq!(listed, Err(AdminRefusal::TicketNotSufficient), "the list does not stand in for the ticket");
    }

    #[test]
    fn a_ticket_for_changepw_is_for_oneself_whatever_the_list_says() {
        // CVE-2014-9422: a ticket for another service than kadmin/admin.
        let caller = by("bob", AdminService::ChangePassword, true);
        let check = |operation: &Operation| check("* *e", &caller, operation).is_ok();
        assert!(check(&cpw("bob")) && check(&Operation::GetPrincipal(record("bob").principal)));
        assert!(!check(&cpw("alice")));
        assert!(!check(&Operation::GetPrincipal(record("alice").principal)));
        assert!(!check(&Operation::GetStrings(record("bob").principal)));
        assert!(!check(&Operation::ListPrincipals(None)));
        assert!(!check(&Operation::ExtractKeys { name: record("bob").principal, kvno: None }));
    }

    #[test]
    fn an_alias_is_judged_by_the_principal_that_it_stands_for() {
        // CVE-2016-2400: the list named the alias.
        let admin = by("admin", AdminService::Admin, false);
        let access_list = &AccessList::parse("admin * alias", "R").unwrap();
        let subject = record("root");
        let operation = Operation::DeletePrincipal(record("alias").principal);
        let facts = PermissionFacts { access_list, subject: Some(&subject) };
        assert!(permit(&admin, &operation, facts).is_err());
    }

    #[test]
    fn keys_that_are_locked_down_are_so_for_everybody_but_the_owner_of_the_process() {
        let mut locked = record("locked");
        locked.attributes = Attributes::LOCKDOWN_KEYS;
        let name = || record("locked").principal;
        let clear = PrincipalChanges { clear: Attributes::LOCKDOWN_KEYS, ..PrincipalChanges::default() };
        let access_list = &AccessList::parse("admin *e", "R").unwrap();
        let facts = PermissionFacts { access_list, subject: Some(&locked) };
        let admin = by("admin", AdminService::Admin, true);
        for operation in [
            Operation::DeletePrincipal(name()),
            Operation::ModifyPrincipal(name(), Box::new(clear)),
            Operation::ExtractKeys { name: name(), kvno: None },
            cpw("locked"),
        ] {
            let refused = permit(&admin, &operation, facts);
            assert!(matches!(refused, Err(AdminRefusal::KeysLockedDown(_))), "{}", operation.name());
            assert!(permit(&Caller::Local, &operation, facts).is_ok());
        }
        assert!(permit(&admin, &Operation::RandomizeKeys(name(), KeyChange::default()), facts).is_ok());
        assert!(permit(&admin, &Operation::ModifyPrincipal(name(), Box::default()), facts).is_ok());
    }
}
