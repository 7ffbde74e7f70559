//! Admission: only a live pod of an enrolled namespace, with a token that only this pod can have.

use crate::enrolment::refusal::EnrolmentRefusal;
use crate::pods::PodRef;
use kennel_wire::message::Principal;

/// The API server's review of a token that it accepted for our audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Namespace of the account.
    pub namespace: String,
    /// The account's name.
    pub account: String,
    /// The account's UID at the time when the token was made.
    pub account_uid: String,
    /// Name and UID of the pod that the token is bound to.
    pub pod: Option<(String, String)>,
}

/// What is known of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The realm's selector matches the namespace, and the namespace is not being deleted.
    pub enrolled: bool,
}

/// What is known of a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `metadata.uid`.
    pub uid: String,
}

/// What is known of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// `metadata.uid`.
    pub uid: String,
    /// `spec.serviceAccountName`.
    pub account: String,
    /// The pod is being deleted, or its phase is Succeeded or Failed.
    pub ended: bool,
    /// The realm's NetworkPolicies select the pod as one of its account, or the realm manages none.
    pub selected: bool,
}

/// Which credentials an account gets for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountCredentials {
    /// A ticket-granting ticket that is bound to the pod; no key leaves the KDC.
    Ticket,
    /// The account's own key in the keytab.
    Keytab,
    /// Both.
    Both,
}

/// A service principal that a pod may hold the keys of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Canonical name.
    pub name: Principal,
    /// Other names of the service; they share its keys.
    pub aliases: Vec<Principal>,
}

/// The credentials that a pod is entitled to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The account's principal.
    pub client: Principal,
    /// Credentials of the account itself.
    pub credentials: AccountCredentials,
    /// The services whose keys the pod gets; of per-pod services only the pod's own.
    pub services: Vec<Service>,
}

/// What is known of the cluster; an index in memory, of one moment.
pub trait ClusterView {
    /// Looks up a namespace.
    fn namespace(&self, name: &str) -> Option<Namespace>;
    /// Looks up a service account.
    fn account(&self, namespace: &str, name: &str) -> Option<Account>;
    /// Looks up a pod.
    fn pod(&self, namespace: &str, name: &str) -> Option<Pod>;
    /// Returns what a pod of an account is entitled to; `None` where the account has no principal.
    fn entitlement(&self, namespace: &str, account: &str, pod: &str) -> Option<Entitlement>;
}

/// Admits a pod; returns the pod with its entitlement.
///
/// # Errors
/// The first reason to refuse that applies.
pub fn admit(review: &Review, cluster: &dyn ClusterView) -> Result<(PodRef, Entitlement), EnrolmentRefusal> {
    let (name, uid) = review.pod.as_ref().ok_or(EnrolmentRefusal::TokenUnbound)?;
    let namespace = &*review.namespace;
    if !cluster.namespace(namespace).is_some_and(|namespace| namespace.enrolled) {
        return Err(EnrolmentRefusal::NamespaceNotEnrolled);
    }
    let account = cluster.account(namespace, &review.account).ok_or(EnrolmentRefusal::AccountUnknown)?;
    if account.uid != review.account_uid {
        return Err(EnrolmentRefusal::AccountReplaced);
    }
    let pod = cluster.pod(namespace, name).ok_or(EnrolmentRefusal::PodUnknown)?;
    if pod.uid != *uid {
        return Err(EnrolmentRefusal::PodReplaced);
    }
    if pod.account != review.account {
        return Err(EnrolmentRefusal::PodOfOtherAccount);
    }
    if pod.ended {
        return Err(EnrolmentRefusal::PodEnded);
    }
    // Credentials without the policies would be one layer of two.
    if !pod.selected {
        return Err(EnrolmentRefusal::PodUnlabelled);
    }
    let entitlement = cluster.entitlement(namespace, &review.account, name).ok_or(EnrolmentRefusal::NoPrincipal)?;
    Ok((PodRef { namespace: namespace.to_owned(), name: name.clone(), uid: uid.clone() }, entitlement))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The namespace `shop` with the account `cart` and its pod `cart-1`.
    #[derive(Clone)]
    struct Shop {
        enrolled: bool,
        account: Option<Account>,
        pod: Option<Pod>,
        principal: bool,
    }

    impl ClusterView for Shop {
        fn namespace(&self, name: &str) -> Option<Namespace> {
            (name == "shop").then_some(Namespace { enrolled: self.enrolled })
        }
        fn account(&self, namespace: &str, name: &str) -> Option<Account> {
            self.account.clone().filter(|_| (namespace, name) == ("shop", "cart"))
        }
        fn pod(&self, namespace: &str, name: &str) -> Option<Pod> {
            self.pod.clone().filter(|_| (namespace, name) == ("shop", "cart-1"))
        }
        fn entitlement(&self, _: &str, _: &str, _: &str) -> Option<Entitlement> {
            let client = Principal::parse("cart.shop", "R").ok()?;
            let entitlement = Entitlement { client, credentials: AccountCredentials::Ticket, services: Vec::new() };
            self.principal.then_some(entitlement)
        }
    }

    fn shop() -> Shop {
        let pod = Pod { uid: "pod-uid".into(), account: "cart".into(), ended: false, selected: true };
        Shop { enrolled: true, account: Some(Account { uid: "sa-uid".into() }), pod: Some(pod), principal: true }
    }

    fn review() -> Review {
        Review {
            namespace: "shop".into(),
            account: "cart".into(),
            account_uid: "sa-uid".into(),
            pod: Some(("cart-1".into(), "pod-uid".into())),
        }
    }

    #[test]
    fn a_live_pod_of_an_enrolled_namespace_is_let_in_under_its_own_uid() {
        let (pod, entitlement) = admit(&review(), &shop()).unwrap();
        assert_eq!((pod.to_string(), &*pod.uid), ("shop/cart-1".to_owned(), "pod-uid"));
        assert_eq!(entitlement.client.to_string(), "cart.shop@R");
    }

    #[test]
    fn each_thing_that_is_wrong_has_its_own_reason() {
        type Spoil = fn(&mut Review, &mut Shop);
        let cases: [(Spoil, EnrolmentRefusal); 10] = [
            (|r, _| r.pod = None, EnrolmentRefusal::TokenUnbound),
            (|_, s| s.enrolled = false, EnrolmentRefusal::NamespaceNotEnrolled),
            (|r, _| r.namespace = "elsewhere".into(), EnrolmentRefusal::NamespaceNotEnrolled),
            (|_, s| s.account = None, EnrolmentRefusal::AccountUnknown),
            (|r, _| r.account_uid = "older".into(), EnrolmentRefusal::AccountReplaced),
            (|_, s| s.pod = None, EnrolmentRefusal::PodUnknown),
            (|r, _| r.pod = Some(("cart-1".into(), "older".into())), EnrolmentRefusal::PodReplaced),
            (|_, s| s.pod.as_mut().unwrap().account = "web".into(), EnrolmentRefusal::PodOfOtherAccount),
            (|_, s| s.pod.as_mut().unwrap().ended = true, EnrolmentRefusal::PodEnded),
            (|_, s| s.pod.as_mut().unwrap().selected = false, EnrolmentRefusal::PodUnlabelled),
        ];
        for (spoil, refusal) in cases {
            let (mut review, mut shop) = (review(), shop());
            spoil(&mut review, &mut shop);
            assert_eq!(admit(&review, &shop), Err(refusal));
        }
    }

    #[test]
    fn an_account_without_a_principal_is_told_to_look_at_the_conditions() {
        assert_eq!(admit(&review(), &Shop { principal: false, ..shop() }), Err(EnrolmentRefusal::NoPrincipal));
    }
}
