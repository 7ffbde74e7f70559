//! The workloads of the cluster that ask for credentials: some of them may call a server once a month, and nobody has seen them yet.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kennel_k8s::labels::INJECT;
use kennel_wire::admin::AccountRef;
use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A workload whose pods ask for credentials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Workload {
    /// `CronJob shop/report`.
    pub(super) name: String,
    /// The service account of its pods.
    pub(super) account: AccountRef,
}

/// The workloads that could be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Workloads {
    pub(super) known: Vec<Workload>,
    /// Kinds that could not be listed, with the reason.
    pub(super) unknown: Vec<String>,
}

impl Workloads {
    /// No kind can be listed.
    pub(super) fn unknown(why: &str) -> Workloads {
        Workloads { known: Vec::new(), unknown: vec![format!("workloads: {why}")] }
    }

    fn add<K: Resource<DynamicType = ()>>(&mut self, listed: kube::Result<Vec<(K, PodTemplateSpec)>>) {
        let kind = K::kind(&());
        match listed {
            Ok(objects) => {
                self.known.extend(objects.iter().filter_map(|(object, template)| workload(object, template)))
            }
            Err(error) => self.unknown.push(format!("{kind}s: {error}")),
        }
    }
}

/// Lists the workloads of a namespace, or of all.
pub(super) async fn list(client: &Client, namespace: Option<&str>) -> Workloads {
    let mut all = Workloads::default();
    all.add(of_kind(client, namespace, |set: &Deployment| Some(set.spec.as_ref()?.template.clone())).await);
    all.add(of_kind(client, namespace, |set: &StatefulSet| Some(set.spec.as_ref()?.template.clone())).await);
    all.add(of_kind(client, namespace, |set: &DaemonSet| Some(set.spec.as_ref()?.template.clone())).await);
    all.add(
        of_kind(client, namespace, |job: &CronJob| job.spec.job_template.spec.as_ref().map(|s| s.template.clone()))
            .await,
    );
    // The Jobs of CronJobs are named by these.
    let own = |job: &Job| job.metadata.owner_references.as_ref().is_none_or(Vec::is_empty);
    all.add(
        of_kind(client, namespace, |job: &Job| own(job).then(|| job.spec.as_ref().map(|s| s.template.clone()))?).await,
    );
    all.known.sort();
    all
}

async fn of_kind<K>(
    client: &Client,
    namespace: Option<&str>,
    template: impl Fn(&K) -> Option<PodTemplateSpec>,
) -> kube::Result<Vec<(K, PodTemplateSpec)>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let listed = api.list(&ListParams::default()).await?;
    Ok(listed.items.into_iter().filter_map(|object| template(&object).map(|template| (object, template))).collect())
}

/// `None` where its pods ask for no credentials.
fn workload<K: Resource<DynamicType = ()>>(object: &K, template: &PodTemplateSpec) -> Option<Workload> {
    let labels = template.metadata.as_ref()?.labels.as_ref()?;
    if labels.get(INJECT.key).map(String::as_str) != Some(INJECT.value) {
        return None;
    }
    let namespace = object.namespace()?;
    let account = template.spec.as_ref().and_then(|spec| spec.service_account_name.clone());
    Some(Workload {
        name: format!("{} {namespace}/{}", K::kind(&()), object.name_any()),
        account: AccountRef { namespace, name: account.unwrap_or_else(|| "default".to_owned()) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cron_job_that_asks_for_credentials_is_a_workload_and_others_are_none() {
        let job = |label: &str| -> CronJob {
            let template = json!({ "metadata": { "labels": { "kennel.dev/inject": label } }, "spec": { "serviceAccountName": "report", "containers": [] } });
            let spec = json!({ "schedule": "@monthly", "jobTemplate": { "spec": { "template": template } } });
            serde_json::from_value(json!({ "metadata": { "name": "report", "namespace": "shop" }, "spec": spec }))
                .unwrap()
        };
        let template = |job: &CronJob| job.spec.job_template.spec.as_ref().unwrap().template.clone();
        let found = workload(&job("enabled"), &template(&job("enabled"))).unwrap();
        assert_eq!((&*found.name, found.account.to_string()), ("CronJob shop/report", "shop/report".to_owned()));
        assert_eq!(workload(&job("no"), &template(&job("no"))), None);
    }
}
