//! Asks the API server which account and pod a token belongs to.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus, UserInfo};
use kennel_core::enrolment::{EnrolmentRefusal, Review};
use kube::api::PostParams;
use kube::{Api, Client};
use std::time::Duration;

/// Time limit of a review: it takes milliseconds, so an API server that needs longer counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";

/// The result of a review.
#[derive(Debug)]
pub struct TokenReviewResult {
    /// The account as the API server names it, where the token is known.
    pub username: Option<String>,
    /// Account and pod of the token, or why the token is refused.
    pub review: Result<Review, EnrolmentRefusal>,
}

/// Reviews a token for an audience. The result holds no part of the token.
pub async fn review_token(client: &Client, token: &str, audience: &str) -> TokenReviewResult {
    let spec = TokenReviewSpec { token: token.to_owned(), audiences: Some(vec![audience.to_owned()]) };
    let request = TokenReview { spec, ..TokenReview::default() };
    let api = Api::<TokenReview>::all(client.clone());
    let params = PostParams::default();
    match tokio::time::timeout(PATIENCE, api.create(&params, &request)).await {
        Ok(Ok(answer)) => judge(answer.status.unwrap_or_default(), audience),
        Ok(Err(error)) => unavailable(&error.to_string()),
        Err(_) => unavailable("no answer in time"),
    }
}

/// Accepts a token that the API server authenticates for our audience.
fn judge(status: TokenReviewStatus, audience: &str) -> TokenReviewResult {
    let for_us = status.audiences.as_ref().is_some_and(|audiences| audiences.iter().any(|a| a == audience));
    if status.authenticated != Some(true) || !for_us {
        return TokenReviewResult { username: None, review: Err(EnrolmentRefusal::TokenRejected) };
    }
    let user = status.user.unwrap_or_default();
    TokenReviewResult { username: user.username.clone(), review: account(user) }
}

fn unavailable(error: &str) -> TokenReviewResult {
    tracing::warn!(error, "the API server does not review tokens: enrolments are answered with 503");
    TokenReviewResult { username: None, review: Err(EnrolmentRefusal::ReviewUnavailable) }
}

/// Reads `system:serviceaccount:NAMESPACE:NAME` and the claims of the pod.
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
    fn a_token_counts_that_is_authenticated_for_our_audience_and_no_other() {
        let status = |authenticated, audiences: &[&str]| TokenReviewStatus {
            authenticated,
            audiences: Some(audiences.iter().map(|audience| (*audience).to_owned()).collect()),
            user: Some(user("system:serviceaccount:shop:web", &[])),
            error: None,
        };
        let good = judge(status(Some(true), &["other", "ours"]), "ours");
        assert_eq!(good.username.as_deref(), Some("system:serviceaccount:shop:web"));
        assert_eq!(good.review.unwrap().account, "web");
        for bad in [
            status(Some(true), &["other"]),
            status(Some(true), &[]),
            status(Some(false), &["ours"]),
            status(None, &["ours"]),
            TokenReviewStatus { audiences: None, ..status(Some(true), &[]) },
        ] {
            let refused = judge(bad, "ours");
            assert_eq!((refused.username, refused.review.err()), (None, Some(EnrolmentRefusal::TokenRejected)));
        }
    }

    #[test]
    fn a_token_of_a_person_is_none_of_an_account() {
        for name in ["admin", "system:node:n1", "system:serviceaccount:shop"] {
            assert_eq!(account(user(name, &[])), Err(EnrolmentRefusal::TokenNotOfAccount), "{name}");
        }
    }
}
