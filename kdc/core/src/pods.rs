//! Tickets that are bound to a pod: a ticket-granting ticket from an enrolment names its pod, and is valid only as long as
//! the pod lives. The binding is part of the ticket's authorization data, so every ticket that is derived from the first
//! (service tickets, forwarded and renewed ones) has the same binding.

use crate::authorization_data::if_relevant;
use kennel_wire::message::{AuthorizationData, AuthorizationDatum};
use std::fmt;

/// ad-type of the binding: local (RFC 4120, section 5.2.6: negative types are), always inside AD-IF-RELEVANT, so that
/// services pass over it. The data are the text `NAMESPACE/NAME UID`.
const AD_KENNEL_POD: i32 = -0x4b50;
/// Longest text of a binding, octets: Kubernetes names have 253 at most, UIDs 36.
const LONGEST: usize = 640;

/// One pod, not its name alone: a later pod of the same name has another UID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of the Kubernetes API say it")]
pub struct PodRef {
    pub namespace: String,
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
}

/// What is known of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PodState {
    /// The pod exists, and has not ended.
    Live,
    /// The pod was deleted, has ended, or was replaced by another of its name.
    Gone,
    /// Not known: no cluster was listed since the start. The KDC issues tickets, because the cluster's API may be unavailable
    /// for long.
    Unknown,
}

/// Which pods live. Synchronous and without IO: an index in memory.
pub trait Pods: Send + Sync {
    /// The state of a pod.
    fn state(&self, pod: &PodRef) -> PodState;
}

/// A realm without a cluster: nothing is known of any pod.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCluster;

impl Pods for NoCluster {
    fn state(&self, _pod: &PodRef) -> PodState {
        PodState::Unknown
    }
}

/// `NAMESPACE/NAME`.
impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl PodRef {
    /// The binding as authorization data of a ticket.
    pub(crate) fn bind(&self) -> AuthorizationData {
        let text = format!("{self} {}", self.uid);
        let binding = AuthorizationDatum { ad_type: AD_KENNEL_POD, ad_data: text.into_bytes() };
        AuthorizationData(vec![if_relevant(vec![binding])])
    }

    /// The pod that a ticket is bound to, of the elements inside AD-IF-RELEVANT; only for tickets that this KDC sealed, whose local
    /// types nobody else can set.
    ///
    /// # Errors
    /// A binding that cannot be read: such a ticket must not count as an unbound one.
    pub(crate) fn of_ticket(relevant: &[AuthorizationDatum]) -> Result<Option<PodRef>, TornBinding> {
        match relevant.iter().find(|datum| datum.ad_type == AD_KENNEL_POD) {
            Some(binding) => PodRef::parse(&binding.ad_data).map(Some).ok_or(TornBinding),
            None => Ok(None),
        }
    }

    fn parse(text: &[u8]) -> Option<PodRef> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= LONGEST)?;
        let (place, uid) = text.split_once(' ')?;
        let (namespace, name) = place.split_once('/')?;
        let parts = [namespace, name, uid];
        let plain = |part: &str| !part.is_empty() && !part.contains(['/', ' ']);
        parts.iter().all(|part| plain(part)).then(|| {
            let [namespace, name, uid] = parts.map(str::to_owned);
            PodRef { namespace, name, uid }
        })
    }
}

/// A ticket of ours with a binding that nobody can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TornBinding;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization_data::relevant;
    use kennel_wire::message::ad_type;

    fn pod() -> PodRef {
        PodRef { namespace: "shop".into(), name: "cart-5d4f-x".into(), uid: "0b7c-1".into() }
    }

    #[test]
    fn a_binding_is_read_back_wherever_it_stands() {
        let mut data = pod().bind();
        data.0.insert(0, AuthorizationDatum { ad_type: ad_type::WIN2K_PAC, ad_data: vec![1] });
        data.0.insert(0, if_relevant(vec![AuthorizationDatum { ad_type: 9, ad_data: vec![1] }]));
        assert_eq!(PodRef::of_ticket(&relevant(Some(&data))), Ok(Some(pod())));
        assert_eq!(PodRef::of_ticket(&relevant(None)), Ok(None));
    }

    #[test]
    fn a_binding_outside_if_relevant_is_none() {
        let bare = AuthorizationData(vec![AuthorizationDatum { ad_type: AD_KENNEL_POD, ad_data: b"a/b c".to_vec() }]);
        assert_eq!(PodRef::of_ticket(&relevant(Some(&bare))), Ok(None));
    }

    #[test]
    fn a_binding_of_the_longest_text_is_read_and_one_octet_more_is_not() {
        let read = |length: usize| {
            let uid = "u".repeat(length - "a/b ".len());
            let binding = PodRef { namespace: "a".into(), name: "b".into(), uid }.bind();
            PodRef::of_ticket(&relevant(Some(&binding))).map(|pod| pod.is_some())
        };
        assert_eq!(read(LONGEST), Ok(true));
        assert_eq!(read(LONGEST + 1), Err(TornBinding));
    }

    #[test]
    fn a_binding_that_cannot_be_read_is_not_taken_for_none() {
        for text in [
            &b""[..],
            b"shop/cart",
            b"shop cart uid",
            b"/cart uid",
            b"shop/ uid",
            b"shop/cart ",
            b"a/b/c d",
            b"\xff/b c",
        ] {
            let torn = AuthorizationData(vec![if_relevant(vec![AuthorizationDatum {
                ad_type: AD_KENNEL_POD,
                ad_data: text.to_vec(),
            }])]);
            assert_eq!(PodRef::of_ticket(&relevant(Some(&torn))), Err(TornBinding), "{text:?}");
        }
    }
}
