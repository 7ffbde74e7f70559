//! The permissions that the admin API asks of users of the cluster.

/// A permission that the API asks of its callers. The sub-resource is virtual: no object of it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission {
    /// Resource of the API group [`Permission::GROUP`].
    pub resource: &'static str,
    /// Sub-resource.
    pub subresource: &'static str,
    /// Verb.
    pub verb: &'static str,
}

impl Permission {
    /// API group of every resource.
    pub const GROUP: &'static str = "kennel.dev";
    /// To see decisions, who asked for whom, and who may have tickets for whom.
    pub const DECISIONS: Permission =
        Permission { resource: "kerberosaccesses", subresource: "decisions", verb: "get" };
    /// To see versions and holders of keys. (The sub-resource `keys` is the keys themselves.)
    pub const KEYS: Permission = Permission { resource: "kerberosprincipals", subresource: "keyversions", verb: "get" };
    /// To rotate and revoke keys.
    pub const ROTATE: Permission =
        Permission { resource: "kerberosprincipals", subresource: "rotation", verb: "update" };
    /// To see a principal and its string attributes.
    pub const GET_PRINCIPAL: Permission = principal_record("get");
    /// To list the names of principals.
    pub const LIST_PRINCIPALS: Permission = principal_record("list");
    /// To create a principal or an alias.
    pub const CREATE_PRINCIPAL: Permission = principal_record("create");
    /// To modify a principal, its string attributes and the age of its oldest key.
    pub const MODIFY_PRINCIPAL: Permission = principal_record("update");
    /// To delete a principal or an alias. To rename one needs this, and to create the other.
    pub const DELETE_PRINCIPAL: Permission = principal_record("delete");
    /// To change a password, and to forget failed logins.
    pub const CHANGE_PASSWORD: Permission =
        Permission { resource: "kerberosprincipals", subresource: "password", verb: "update" };
    /// To receive the keys of a principal as they are.
    pub const EXTRACT_KEYS: Permission = principal_keys("get");
    /// To make random keys and receive them.
    pub const RANDOMIZE_KEYS: Permission = principal_keys("create");
    /// To bring keys.
    pub const SET_KEYS: Permission = principal_keys("update");
    /// To see a policy.
    pub const GET_POLICY: Permission = policy("get");
    /// To list the names of policies.
    pub const LIST_POLICIES: Permission = policy("list");
    /// To create a policy.
    pub const CREATE_POLICY: Permission = policy("create");
    /// To modify a policy.
    pub const MODIFY_POLICY: Permission = policy("update");
    /// To delete a policy.
    pub const DELETE_POLICY: Permission = policy("delete");
}

const fn principal_record(verb: &'static str) -> Permission {
    Permission { resource: "kerberosprincipals", subresource: "records", verb }
}

const fn principal_keys(verb: &'static str) -> Permission {
    Permission { resource: "kerberosprincipals", subresource: "keys", verb }
}

/// Policies belong to the realm, not to a namespace.
const fn policy(verb: &'static str) -> Permission {
    Permission { resource: "kerberosrealms", subresource: "policies", verb }
}
