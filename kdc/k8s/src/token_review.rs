//! Asking the API server whose a token is.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use kennel_core::enrolment::{EnrolmentRefusal, Review};
use kube::api::PostParams;
use kube::{Api, Client};
use std::time::Duration;

/// A review takes milliseconds; an API server that takes longer is not there.
const PATIENCE: Duration = Duration::from_secs(5);

const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";

/// What became of a token.
#[derive(Debug)]
pub struct Reviewed {
    /// The account as the API server names it, where it knows the token.
    pub username: Option<String>,
    /// Who it is, or why the token is of no use.
    pub review: Result<Review, EnrolmentRefusal>,
}

/// Reviews a token for an audience. Nothing of the token is in what comes back.
pub async fn review(client: &Client, token: &str, audience: &str) -> Reviewed {
    let spec = TokenReviewSpec { token: token.to_owned(), audiences: Some(vec![audience.to_owned()]) };
    let request = TokenReview { spec, ..TokenReview::default() };
    let api = Api::<TokenReview>::all(client.clone());
    let params = PostParams::default();
    let status = match tokio::time::timeout(PATIENCE, api.create(&params, &request)).await {
        Ok(Ok(answer)) => answer.status.unwrap_or_default(),
        Ok(Err(error)) => return unavailable(&error.to_string()),
        Err(_) => return unavailable("no answer in time"),
    };
    let for_us = status.audiences.as_ref().is_some_and(|audiences| audiences.iter().any(|a| a == audience));
    if status.authenticated != Some(true) || !for_us {
        return Reviewed { username: None, review: Err(EnrolmentRefusal::TokenRejected) };
    }
    let user = status.user.unwrap_or_default();
    Reviewed { username: user.username.clone(), review: account(user) }
}

fn unavailable(error: &str) -> Reviewed {
    tracing::warn!(error, "the API server does not review tokens: enrolments are answered with 503");
    Reviewed { username: None, review: Err(EnrolmentRefusal::ReviewUnavailable) }
}

/// `system:serviceaccount:NAMESPACE:NAME` and the claims of the pod.
fn account(user: UserInfo) -> Result<Review, EnrolmentRefusal> {
    let name = user.username.as_deref().and_then(|name| name.strip_prefix("system:serviceaccount:"));
    let (namespace, account) = name.and_then(|name| name.split_once(':')).ok_or(EnrolmentRefusal::TokenNotOfAccount)?;
    let account_uid = user.uid.ok_or(EnrolmentRefusal::TokenNotOfAccount)?;
    let mut extra = user.extra.unwrap_or_default();
    let mut only = |key| extra.remove(key).filter(|values| values.len() == 1)?.pop();
    let pod = only(POD_NAME).zip(only(POD_UID));
    Ok(Review { namespace: namespace.to_owned(), account: account.to_owned(), account_uid, pod })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, extra: &[(&str, &[&str])]) -> UserInfo {
        let values = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        let extra = extra.iter().map(|(key, v)| ((*key).to_owned(), values(v))).collect();
        UserInfo { username: Some(name.into()), uid: Some("u".into()), extra: Some(extra), groups: None }
    }

    #[test]
    fn a_bound_token_names_account_and_pod() {
        let review =
            account(user("system:serviceaccount:shop:web.v2", &[(POD_NAME, &["p"]), (POD_UID, &["1"])])).unwrap();
        assert_eq!((&*review.namespace, &*review.account), ("shop", "web.v2"));
        assert_eq!(review.pod, Some(("p".into(), "1".into())));
    }

    #[test]
    fn a_token_without_both_claims_is_bound_to_no_pod() {
        let cases: [&[(&str, &[&str])]; 3] =
            [&[], &[(POD_NAME, &["p"])], &[(POD_NAME, &["p", "q"]), (POD_UID, &["1"])]];
        for extra in cases {
            assert_eq!(account(user("system:serviceaccount:shop:web", extra)).unwrap().pod, None, "{extra:?}");
        }
    }

    #[test]
    fn a_token_of_a_person_is_none_of_an_account() {
        for name in ["admin", "system:node:n1", "system:serviceaccount:shop"] {
            assert_eq!(account(user(name, &[])), Err(EnrolmentRefusal::TokenNotOfAccount), "{name}");
        }
    }
}
