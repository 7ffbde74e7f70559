//! Asks the API server whose token a request of the admin API carries, and whether that user has a permission (TokenReview,
//! SubjectAccessReview). Users are people and accounts of the cluster; their tokens are for the API server's own audience.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kennel_wire::admin::Permission;
use kube::api::PostParams;
use kube::{Api, Client};
use std::time::Duration;

/// Time limit of a review: it takes milliseconds, so an API server that needs longer counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// The API server does not answer a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the API server does not answer a review")]
pub struct ReviewFailed;

/// A user of the cluster, as the API server knows it by a token.
#[derive(Debug, Clone, PartialEq)]
pub struct User(UserInfo);

impl User {
    /// The name, such as `system:serviceaccount:shop:robot`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.username.as_deref().unwrap_or_default()
    }
}

/// Asks whose token this is; `None` where the API server does not accept it for its own audience.
///
/// # Errors
/// [`ReviewFailed`] where the API server does not answer.
pub async fn authenticate(client: &Client, token: &str) -> Result<Option<User>, ReviewFailed> {
    let spec = TokenReviewSpec { token: token.to_owned(), audiences: None };
    let request = TokenReview { spec, ..TokenReview::default() };
    let api = Api::<TokenReview>::all(client.clone());
    let answer = in_time(api.create(&PostParams::default(), &request)).await?;
    let status = answer.status.unwrap_or_default();
    // A user without a name would be asked about as nobody.
    let user = status.user.filter(|user| user.username.as_ref().is_some_and(|name| !name.is_empty()));
    Ok(user.filter(|_| status.authenticated == Some(true)).map(User))
}

/// Asks whether a user has a permission in a namespace; without a namespace, in all namespaces.
///
/// # Errors
/// [`ReviewFailed`] where the API server does not answer.
pub async fn has_permission(
    client: &Client,
    user: &User,
    permission: Permission,
    namespace: Option<&str>,
) -> Result<bool, ReviewFailed> {
    let api = Api::<SubjectAccessReview>::all(client.clone());
    let answer = in_time(api.create(&PostParams::default(), &question(user, permission, namespace))).await?;
    let status = answer.status.unwrap_or_default();
    Ok(status.allowed && status.denied != Some(true))
}

fn question(User(user): &User, permission: Permission, namespace: Option<&str>) -> SubjectAccessReview {
    let text = |text: &str| Some(text.to_owned());
    let attributes = ResourceAttributes {
        group: text(Permission::GROUP),
        resource: text(permission.resource),
        subresource: text(permission.subresource),
        verb: text(permission.verb),
        // Empty: all namespaces.
        namespace: text(namespace.unwrap_or_default()),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        user: user.username.clone(),
        groups: user.groups.clone(),
        uid: user.uid.clone(),
        extra: user.extra.clone(),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

async fn in_time<T>(review: impl Future<Output = kube::Result<T>>) -> Result<T, ReviewFailed> {
    let error = match tokio::time::timeout(PATIENCE, review).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::warn!(error, "the API server does not review users of the admin API: they are answered with 503");
    Err(ReviewFailed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::master_key;

    #[test]
    fn a_question_names_the_whole_user_and_the_virtual_resource() {
        let extra = [("authentication.kubernetes.io/pod-name".to_owned(), vec!["p".to_owned()])];
        let user = User(UserInfo {
            username: Some("alice".into()),
            uid: Some("u".into()),
            groups: Some(vec!["team".into()]),
            extra: Some(extra.into()),
        });
        let spec = question(&user, Permission::DECISIONS, Some("shop")).spec;
        assert_eq!((spec.user.as_deref(), spec.uid.as_deref()), (Some("alice"), Some("u")));
        assert_eq!((spec.groups.map(|groups| groups.len()), spec.extra.map(|extra| extra.len())), (Some(1), Some(1)));
        let asked = spec.resource_attributes.unwrap();
        assert_eq!(asked.namespace.as_deref(), Some("shop"));
        let resource = (asked.group.as_deref(), asked.resource.as_deref(), asked.subresource.as_deref());
        assert_eq!(resource, (Some("kennel.dev"), Some("kerberosaccesses"), Some("decisions")));
        assert_eq!(asked.verb.as_deref(), Some("get"));
        let everywhere = question(&user, Permission::ROTATE, None).spec.resource_attributes.unwrap();
        assert_eq!(everywhere.namespace.as_deref(), Some(""), "an empty namespace means all of them");
        let asked = [everywhere.verb, everywhere.resource, everywhere.subresource].map(Option::unwrap);
        assert_eq!(asked, ["update", "kerberosprincipals", "rotation"]);
        let asked = question(&user, master_key::permission::ROTATE, None).spec.resource_attributes.unwrap();
        let asked = [asked.verb, asked.resource, asked.subresource].map(Option::unwrap);
        assert_eq!(asked, ["update", "kerberosrealms", "master-key"]);
    }
}
