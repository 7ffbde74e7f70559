//! What the KDC is asked for: the operations of its admin API, one question each, whatever carries them there.

use crate::api::{AdminApi, Refused};
use crate::commands::kadmin::failure::Failure;
use crate::commands::kadmin::remote::remote_administrator::RemoteAdministrator;
use kennel_wire::admin::PolicyOperation;
use kennel_wire::admin::path;
use kennel_wire::admin::{AdminAnswer, AdminKeyVersion, PolicyInfo, PrincipalInfo, RealmInfo};
use kennel_wire::admin::{ForceQuery, PrincipalOperation};
use kennel_wire::message::Principal;
use serde::Serialize;
use std::collections::BTreeMap;

/// Whoever carries out operations.
pub(crate) enum Administrator {
    /// A KDC behind its admin API.
    Api(AdminApi),
    /// A server of kadmin's protocol.
    Remote(Box<RemoteAdministrator>),
}

impl Administrator {
    pub(crate) fn new(api: AdminApi) -> Administrator {
        Administrator::Api(api)
    }

    /// Whether the protocol of port 749 carries the operations.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self, Administrator::Remote(_))
    }

    /// The caller's rights, in the letters of an access list.
    pub(crate) async fn privileges(&self) -> Result<String, Failure> {
        match self.principals(PrincipalOperation::GetPrivileges).await? {
            AdminAnswer::Rights { rights } => Ok(rights),
            other => Err(unexpected(&other)),
        }
    }

    /// Carries out a change of a principal.
    pub(crate) async fn order(&self, operation: PrincipalOperation) -> Result<(), Failure> {
        match self {
            Administrator::Api(api) => ask(api, path::PRINCIPALS, false, &operation).await.map(drop),
            Administrator::Remote(remote) => remote.change_principal(operation).await,
        }
    }

    /// Carries out a change although the cluster's objects say something else.
    pub(crate) async fn order_by_force(&self, operation: PrincipalOperation) -> Result<(), Failure> {
        match self {
            Administrator::Api(api) => ask(api, path::PRINCIPALS, true, &operation).await.map(drop),
            Administrator::Remote(_) => Err(Failure::Unanswered(anyhow::anyhow!(
                "the admin protocol has no force: use kennel or kadmin.local, which reach the admin API"
            ))),
        }
    }

    /// A principal, also by an alias.
    pub(crate) async fn principal(&self, name: &Principal) -> Result<Box<PrincipalInfo>, Failure> {
        match self.principals(PrincipalOperation::Get { principal: name.to_string() }).await? {
            AdminAnswer::Principal(found) => Ok(found),
            other => Err(unexpected(&other)),
        }
    }

    /// Names of principals, with their realm.
    pub(crate) async fn list_principals(&self, pattern: Option<String>) -> Result<Vec<String>, Failure> {
        match self.principals(PrincipalOperation::List { pattern }).await? {
            AdminAnswer::Names { names } => Ok(names),
            other => Err(unexpected(&other)),
        }
    }

    /// The keys that an operation makes or hands out, newest version first.
    pub(crate) async fn keys(&self, operation: PrincipalOperation) -> Result<Vec<AdminKeyVersion>, Failure> {
        match self.principals(operation).await? {
            AdminAnswer::Keys { versions, .. } => Ok(versions),
            other => Err(unexpected(&other)),
        }
    }

    /// String attributes.
    pub(crate) async fn strings(&self, name: &Principal) -> Result<BTreeMap<String, String>, Failure> {
        match self.principals(PrincipalOperation::GetStrings { principal: name.to_string() }).await? {
            AdminAnswer::Strings { strings } => Ok(strings),
            other => Err(unexpected(&other)),
        }
    }

    /// A policy.
    pub(crate) async fn policy(&self, name: &str) -> Result<PolicyInfo, Failure> {
        match self.policies(PolicyOperation::Get { policy: name.to_owned() }).await? {
            AdminAnswer::Policy(policy) => Ok(policy),
            other => Err(unexpected(&other)),
        }
    }

    /// Names of policies.
    pub(crate) async fn list_policies(&self, pattern: Option<String>) -> Result<Vec<String>, Failure> {
        match self.policies(PolicyOperation::List { pattern }).await? {
            AdminAnswer::Policies { policies } => Ok(policies),
            other => Err(unexpected(&other)),
        }
    }

    /// Carries out a change of a policy.
    pub(crate) async fn order_policy(&self, operation: PolicyOperation) -> Result<(), Failure> {
        self.policies(operation).await.map(drop)
    }

    /// Deletes a policy although principals have it.
    pub(crate) async fn order_policy_by_force(&self, operation: PolicyOperation) -> Result<(), Failure> {
        match self {
            Administrator::Api(api) => ask(api, path::POLICIES, true, &operation).await.map(drop),
            // There, -force means that nobody is asked whether he is sure.
            Administrator::Remote(remote) => remote.about_policies(operation).await.map(drop),
        }
    }

    async fn principals(&self, operation: PrincipalOperation) -> Result<AdminAnswer, Failure> {
        match self {
            Administrator::Api(api) => ask(api, path::PRINCIPALS, false, &operation).await,
            Administrator::Remote(remote) => remote.about_principals(operation).await,
        }
    }

    async fn policies(&self, operation: PolicyOperation) -> Result<AdminAnswer, Failure> {
        match self {
            Administrator::Api(api) => ask(api, path::POLICIES, false, &operation).await,
            Administrator::Remote(remote) => remote.about_policies(operation).await,
        }
    }
}

/// The realm of the KDC; `None`: an older one, which does not say.
pub(crate) async fn served_realm(api: &AdminApi) -> Result<Option<String>, Failure> {
    match api.get::<RealmInfo>(path::REALM, &()).await {
        Ok(RealmInfo { realm }) => Ok(Some(realm)),
        Err(error) if error.downcast_ref().is_some_and(Refused::is_of_no_path) => Ok(None),
        Err(error) => Err(Failure::Unanswered(error)),
    }
}

async fn ask(api: &AdminApi, path: &str, force: bool, operation: &impl Serialize) -> Result<AdminAnswer, Failure> {
    let answer = match force {
        true => api.post_with_query(path, &ForceQuery { force }, operation).await,
        false => api.post(path, operation).await,
    };
    answer.map_err(|error| match error.downcast::<Refused>() {
        Ok(Refused { reason: Some(reason), message, .. }) => Failure::Refused { reason, message },
        Ok(refused) => Failure::Unanswered(refused.into()),
        Err(error) => Failure::Unanswered(error),
    })
}

fn unexpected(answer: &AdminAnswer) -> Failure {
    // Debug shows no key.
    Failure::Unanswered(anyhow::anyhow!("the KDC answers another question: {answer:?}"))
}
