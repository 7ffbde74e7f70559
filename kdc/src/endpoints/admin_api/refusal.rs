//! Every reason for which a request of the admin API is refused: its HTTP status, and a message that says what to do.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kennel_core::admin::refusal::AdminRefusal as OperationRefusal;
use kennel_wire::admin::{AdminError, Permission};

/// Seconds after which a request that may succeed later is repeated.
const SOON: &str = "2";

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AdminRefusal {
    /// The query or the body cannot be read.
    QueryMalformed(String),
    /// The request has no token.
    TokenMissing,
    /// The API server does not know the token.
    TokenRejected,
    /// The user lacks the permission in this namespace, or in all namespaces.
    NotPermitted { user: String, permission: Permission, namespace: Option<String> },
    /// The realm has no such principal.
    PrincipalUnknown(String),
    /// The keys of the principal never rotate, and why.
    NeverRotates { principal: String, why: String },
    /// The store does not answer, or does not take the write.
    StoreUnavailable,
    /// The audit trail cannot be written.
    TrailUnavailable,
    /// The user, or all users together, have as many streams as they may have.
    TooManyStreams,
    /// Too many other requests wait for the API server.
    ReviewsBusy,
    /// The API server does not answer.
    ReviewUnavailable,
    /// The KDC decides by no declaration, or not yet.
    AccessUnknown,
    /// Nothing says which namespace a server belongs to.
    NoCluster,
    /// The question names somebody who is not of the realm.
    NotFound(String),
    /// The master key is not rotated, as the operator has something to do first.
    MasterKeyNotRotated(String),
    /// A dump is not loaded, and nothing was changed.
    NotLoaded(String),
    /// The operation of administration is refused.
    Operation(OperationRefusal),
}

impl AdminRefusal {
    /// One of each that paths of the OpenAPI document have.
    #[cfg(test)]
    pub(crate) fn all() -> [AdminRefusal; 15] {
        use AdminRefusal as R;
        [
            R::QueryMalformed(String::new()),
            R::TokenMissing,
            R::TokenRejected,
            R::NotPermitted { user: String::new(), permission: Permission::DECISIONS, namespace: None },
            R::PrincipalUnknown(String::new()),
            R::NeverRotates { principal: "krbtgt/OTHER".into(), why: "another realm has the same key".into() },
            R::StoreUnavailable,
            R::TrailUnavailable,
            R::TooManyStreams,
            R::ReviewsBusy,
            R::ReviewUnavailable,
            R::AccessUnknown,
            R::NoCluster,
            R::NotFound("bank/web is no service of an enrolled namespace".into()),
            R::MasterKeyNotRotated("there is no next key: put one into master.key.next, or let the KDC make it".into()),
        ]
    }

    /// One of each that an operation of administration may end with, for the OpenAPI document.
    #[cfg(test)]
    pub(crate) fn of_operations() -> Vec<AdminRefusal> {
        use OperationRefusal as R;
        use kennel_core::admin::operation::Rights;
        let name = String::new;
        let refusals = [
            R::NotPermitted { right: Rights::ADD, caller: name() },
            R::TicketNotSufficient,
            R::UnknownPrincipal(name()),
            R::UnknownPolicy(name()),
            R::Exists(name()),
            R::BadName { name: name(), reason: "" },
            R::OwnedByKubernetes { name: name(), object: name() },
            R::Protected(name()),
            R::PolicyInUse(name()),
            R::KeysLockedDown(name()),
            R::PasswordTooShort(1),
            R::PasswordTooSimple(1),
            R::PasswordInDictionary,
            R::PasswordReused,
            R::EnctypeNotAllowed(kennel_crypto::Enctype::Rc4Hmac),
            R::PasswordTooYoung(kennel_wire::message::KerberosTime(0)),
            R::BadValue(""),
            R::NotSupported(""),
            R::StoreUnavailable,
        ];
        refusals.into_iter().map(AdminRefusal::Operation).collect()
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            AdminRefusal::QueryMalformed(_) => StatusCode::BAD_REQUEST,
            AdminRefusal::TokenMissing | AdminRefusal::TokenRejected => StatusCode::UNAUTHORIZED,
            AdminRefusal::NotPermitted { .. } => StatusCode::FORBIDDEN,
            AdminRefusal::NoCluster | AdminRefusal::NotFound(_) | AdminRefusal::PrincipalUnknown(_) => {
                StatusCode::NOT_FOUND
            }
            AdminRefusal::NeverRotates { .. } | AdminRefusal::MasterKeyNotRotated(_) | AdminRefusal::NotLoaded(_) => {
                StatusCode::CONFLICT
            }
            AdminRefusal::TooManyStreams => StatusCode::TOO_MANY_REQUESTS,
            AdminRefusal::ReviewsBusy
            | AdminRefusal::ReviewUnavailable
            | AdminRefusal::AccessUnknown
            | AdminRefusal::StoreUnavailable
            | AdminRefusal::TrailUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            AdminRefusal::Operation(refusal) => operation_status(refusal),
        }
    }

    /// A stable name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            AdminRefusal::QueryMalformed(_) => "QueryMalformed",
            AdminRefusal::TokenMissing => "TokenMissing",
            AdminRefusal::TokenRejected => "TokenRejected",
            AdminRefusal::NotPermitted { .. } => "NotPermitted",
            AdminRefusal::PrincipalUnknown(_) => "PrincipalUnknown",
            AdminRefusal::NeverRotates { .. } => "NeverRotates",
            AdminRefusal::StoreUnavailable => "StoreUnavailable",
            AdminRefusal::TrailUnavailable => "TrailUnavailable",
            AdminRefusal::TooManyStreams => "TooManyStreams",
            AdminRefusal::ReviewsBusy => "ReviewsBusy",
            AdminRefusal::ReviewUnavailable => "ReviewUnavailable",
            AdminRefusal::AccessUnknown => "AccessUnknown",
            AdminRefusal::NoCluster => "NoCluster",
            AdminRefusal::NotFound(_) => "NotFound",
            AdminRefusal::MasterKeyNotRotated(_) => "MasterKeyNotRotated",
            AdminRefusal::NotLoaded(_) => "NotLoaded",
            AdminRefusal::Operation(refusal) => refusal.name(),
        }
    }

    /// What is wrong, and what to do.
    fn message(&self) -> String {
        match self {
            AdminRefusal::QueryMalformed(error) => {
                format!("the request cannot be read: {error}; see the OpenAPI document at /v1/openapi.json")
            }
            AdminRefusal::TokenMissing => {
                "the request has no bearer token: send a Kubernetes token for the API server's own audience, such as one of \
                 kubectl create token, in the Authorization header"
                    .into()
            }
            AdminRefusal::TokenRejected => {
                "the API server does not accept the token: send one that has not expired and is for the API server's own \
                 audience (a token for kennel://REALM enrols pods and is of no use here)"
                    .into()
            }
            AdminRefusal::NotPermitted { user, permission, namespace } => {
                let Permission { resource, subresource, verb } = permission;
                let group = Permission::GROUP;
                let whole = match namespace {
                    Some(namespace) => format!("in namespace {namespace}: bind a Role with it there"),
                    None if *resource == "kerberosrealms" => {
                        "in the whole cluster: bind a ClusterRole with it by a ClusterRoleBinding".into()
                    }
                    None => "in all namespaces: name a namespace, or bind a ClusterRole with it in the whole cluster".into(),
                };
                format!("{user} lacks the permission to {verb} {resource}/{subresource}.{group} {whole}")
            }
            AdminRefusal::PrincipalUnknown(name) => format!(
                "the realm has no principal {name}: give a name as klist shows it, or NAMESPACE/ACCOUNT for a service account"
            ),
            AdminRefusal::NeverRotates { principal, why } => {
                format!("the keys of {principal} cannot be rotated here: {why}")
            }
            AdminRefusal::StoreUnavailable => {
                "the store of the KDC does not answer, or does not take the write: repeat the request after Retry-After".into()
            }
            AdminRefusal::TrailUnavailable => {
                "the audit trail of the KDC cannot be written, so that nothing is done: repeat the request after Retry-After"
                    .into()
            }
            AdminRefusal::TooManyStreams => "too many streams of decisions are open: end one, and repeat the request".into(),
            AdminRefusal::ReviewsBusy => {
                "too many other requests wait for the API server: repeat the request after Retry-After".into()
            }
            AdminRefusal::ReviewUnavailable => {
                "the API server does not say what the token permits: repeat the request after Retry-After".into()
            }
            AdminRefusal::NotFound(what) => format!("the question cannot be answered: {what}"),
            AdminRefusal::NoCluster => {
                "the realm has no cluster, so that its servers belong to no namespace: read the audit trail instead".into()
            }
            AdminRefusal::AccessUnknown => {
                "the KDC has not read the KerberosAccesses of the cluster yet: repeat the request after Retry-After".into()
            }
            AdminRefusal::MasterKeyNotRotated(reason) => reason.clone(),
            AdminRefusal::NotLoaded(reason) => format!("{reason} (nothing was changed)"),
            AdminRefusal::Operation(refusal) => refusal.to_string(),
        }
    }
}

fn operation_status(refusal: &OperationRefusal) -> StatusCode {
    use OperationRefusal as R;
    match refusal {
        R::NotPermitted { .. } | R::TicketNotSufficient | R::KeysLockedDown(_) => StatusCode::FORBIDDEN,
        R::UnknownPrincipal(_) | R::UnknownPolicy(_) => StatusCode::NOT_FOUND,
        R::Exists(_) | R::OwnedByKubernetes { .. } | R::Protected(_) | R::PolicyInUse(_) => StatusCode::CONFLICT,
        R::BadName { .. } | R::BadValue(_) => StatusCode::BAD_REQUEST,
        R::PasswordTooShort(_)
        | R::PasswordTooSimple(_)
        | R::PasswordInDictionary
        | R::PasswordReused
        | R::PasswordTooYoung(_)
        | R::EnctypeNotAllowed(_) => StatusCode::UNPROCESSABLE_ENTITY,
        R::NotSupported(_) => StatusCode::NOT_IMPLEMENTED,
        R::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl From<OperationRefusal> for AdminRefusal {
    fn from(refusal: OperationRefusal) -> AdminRefusal {
        AdminRefusal::Operation(refusal)
    }
}

impl IntoResponse for AdminRefusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let retryable = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let body = AdminError { reason: self.name().to_owned(), message: self.message(), retryable };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"kubernetes\""));
        }
        if retryable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(SOON));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_is_named_with_user_and_namespace() {
        let refusal = |namespace| AdminRefusal::NotPermitted {
            user: "alice".into(),
            permission: Permission::DECISIONS,
            namespace,
        };
        let message = refusal(Some("shop".to_owned())).message();
        assert!(message.starts_with("alice lacks"), "{message}");
        assert!(message.contains("get kerberosaccesses/decisions.kennel.dev in namespace shop"), "{message}");
        assert!(refusal(None).message().contains("in all namespaces"));
        let permission = kennel_wire::master_key::permission::ROTATE;
        let message = AdminRefusal::NotPermitted { user: "alice".into(), permission, namespace: None }.message();
        assert!(message.contains("update kerberosrealms/master-key.kennel.dev in the whole cluster"), "{message}");
    }

    #[test]
    fn every_refusal_says_what_to_do_and_who_is_unknown_learns_how_to_be_known() {
        for refusal in AdminRefusal::all() {
            assert!(refusal.message().len() > 50, "{refusal:?}");
            let response = refusal.into_response();
            let is_unknown = response.status() == StatusCode::UNAUTHORIZED;
            assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), is_unknown);
            assert_eq!(response.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        }
    }
}
