//! Whether a client reaches a server: the ticket by the decision that is in force, the packets by the policies of the cluster.

use crate::endpoints::admin_api::refusal::AdminRefusal;
use kennel_controller::{Live, Programmed};
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::render::explain::{ExplainFacts, explain};
use kennel_k8s::render::reach::PolicySet;
use kennel_wire::admin::{ExplainLayer, ExplainQuery, ExplainResponse};
use kennel_wire::message::{KerberosTime, Principal};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Explanations at a time: each looks at all policies of the cluster, and what changes the index waits for it.
const AT_A_TIME: usize = 1;

/// The cluster that questions are about.
pub(crate) struct ExplainedCluster {
    index: SharedIndex,
    programmed: Programmed,
    turns: Arc<Semaphore>,
}

impl ExplainedCluster {
    pub(crate) fn new(index: SharedIndex, programmed: Programmed) -> ExplainedCluster {
        ExplainedCluster { index, programmed, turns: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// The namespace of a server, where its name tells it: `NAMESPACE/ACCOUNT`, or a principal of an account.
    pub(super) fn namespace_of(&self, server: &str, realm: &str) -> Option<String> {
        let index = self.index.read();
        let of_principal = Principal::parse(server, realm).ok().and_then(|name| {
            let (namespace, _) = index.account_of(&name)?;
            Some(namespace.to_owned())
        });
        let of_account = server.split_once('/').map(|(namespace, _)| namespace);
        let is_enrolled = |namespace: &&str| index.namespace(namespace).is_some_and(|desire| desire.enrolled);
        of_principal.or_else(|| of_account.filter(is_enrolled).map(str::to_owned))
    }

    /// Answers a question, on a thread that may take its time.
    pub(super) async fn explain(
        &self,
        live: &Live,
        query: ExplainQuery,
        now: KerberosTime,
    ) -> Result<ExplainResponse, AdminRefusal> {
        let rendered = self.programmed.rendered().ok_or(AdminRefusal::AccessUnknown)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| AdminRefusal::AccessUnknown)?;
        let (index, kdc) = (self.index.clone(), live.kdc());
        let answer = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let access = kdc.access().index().ok_or(AdminRefusal::AccessUnknown)?;
            let index = index.read();
            let policies = PolicySet::as_applied(&index);
            let facts = ExplainFacts { index: &index, rendered: &rendered, access, policies: &policies };
            explain(facts, &query, now).map_err(|error| AdminRefusal::NotFound(error.to_string()))
        });
        answer.await.unwrap_or(Err(AdminRefusal::AccessUnknown))
    }
}

/// Leaves out what the policies of the client's namespace say, for a user who may not see that namespace.
pub(super) fn hide_egress(response: &mut ExplainResponse) {
    for layer in response.layers.iter_mut().filter(|layer| layer.layer == ExplainLayer::Egress) {
        layer.objects.clear();
        "NetworkPolicies of the client's namespace decide, which you may not see".clone_into(&mut layer.sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::admin::{ExplainVerdict, ExplainedLayer};

    #[test]
    fn who_may_not_see_the_namespace_of_the_client_sees_the_verdict_alone() {
        let layer = |layer| ExplainedLayer {
            layer,
            verdict: ExplainVerdict::Denied,
            objects: vec!["NetworkPolicy bank/secret".into()],
            sentence: "NetworkPolicy bank/secret denies".into(),
        };
        let layers = vec![layer(ExplainLayer::Egress), layer(ExplainLayer::Ingress)];
        let (client, server) = ("cart.bank@R".into(), "shop/web".into());
        let mut response = ExplainResponse { client, server, reachable: false, layers };
        hide_egress(&mut response);
        let [egress, ingress] = &response.layers[..] else { panic!("{response:?}") };
        assert!(egress.objects.is_empty() && !egress.sentence.contains("secret"), "{egress:?}");
        assert_eq!((egress.verdict, &*ingress.sentence), (ExplainVerdict::Denied, "NetworkPolicy bank/secret denies"));
    }
}
