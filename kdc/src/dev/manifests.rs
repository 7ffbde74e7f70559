//! `--manifests`: the objects of a cluster from files, without the cluster. They decide principals, tickets and NetworkPolicies as
//! they would there. Two things differ: accounts get keytabs, so that one can try each of them, and the policies become files.

use crate::clock;
use crate::dev::realm::{NameOutcome, PreparedName};
use anyhow::{Context, bail};
use kennel_core::access::AccessIndex;
use kennel_core::accounts::{Action, Conflict, DesiredPrincipal, reconcile, reconcile_alias};
use kennel_core::principal::{Origin, Record};
use kennel_core::realm::Realm;
use kennel_k8s::crd::realm::KerberosRealmSpec;
use kennel_k8s::index::Index;
use kennel_k8s::render::access::render;
use kennel_k8s::render::access::rendered::Rendered;
use kennel_k8s::render::offline::OfflineCluster;
use kennel_store::{Expect, PrincipalStore};
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Consecutive writes of one name at most; more mean that something else writes to the store.
const ROUNDS: usize = 8;

/// The objects of the files, and what follows from them.
pub(crate) struct Manifests {
    index: Index,
    pub(crate) rendered: Rendered,
    /// Who may call whom, for requests.
    pub(crate) access: Arc<AccessIndex>,
    /// What the files leave out and a cluster has.
    pub(crate) assumed: Vec<String>,
}

impl Manifests {
    /// Renders the files for a realm, as the configuration has it: of the same name.
    pub(crate) fn new(files: OfflineCluster, realm: Realm) -> Manifests {
        let mut assumed = files.report.assumed.clone();
        let index = files.index(realm);
        let rendered = render(&index, clock::now().time.0);
        assumed.extend(rendered.realm.assumed.iter().cloned());
        let access = Arc::new(AccessIndex::new(&rendered.access));
        Manifests { index, rendered, access, assumed }
    }

    /// The settings of the KerberosRealm.
    pub(crate) fn spec(&self) -> Option<&KerberosRealmSpec> {
        self.index.followed_realm().map(|realm| &realm.spec)
    }

    /// The principals, each with its aliases.
    pub(crate) fn principals(&self) -> impl Iterator<Item = DesiredPrincipal> {
        let with_keys = |desired: &DesiredPrincipal| DesiredPrincipal { keys: true, ..desired.clone() };
        self.index.wanted().filter_map(move |name| self.index.desired(name).map(with_keys))
    }

    /// What is wrong with the objects, a line each: which object, why, what to do.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (namespace, desire) in self.index.namespaces() {
            for (name, outcome) in &desire.outcomes {
                lines.extend(outcome.problems.iter().map(|p| format!("KerberosPrincipal {namespace}/{name}: {p}")));
            }
        }
        for ((namespace, name), outcome) in &self.rendered.accesses {
            lines.extend(outcome.problems.iter().map(|p| format!("KerberosAccess {namespace}/{name}: {p}")));
        }
        lines.extend(self.rendered.realm.problems.iter().map(|p| format!("KerberosRealm: {p}")));
        lines
    }

    /// Writes the principals into the store, and disables those that the files no longer ask for. Returns the change to each name.
    pub(crate) async fn make(&self, store: &dyn PrincipalStore, realm: &Realm) -> anyhow::Result<Vec<PreparedName>> {
        let mut prepared = Vec::new();
        for desired in self.principals() {
            let outcome = settle(store, &desired.name, Some(&desired), realm).await;
            let name = desired.name.clone();
            prepared.extend(outcome.with_context(|| name.to_string())?.map(|outcome| PreparedName { name, outcome }));
        }
        for alias in self.index.wanted_aliases() {
            settle_alias(store, alias, self.index.alias_target(alias)).await.with_context(|| alias.to_string())?;
        }
        prepared.extend(self.disable_others(store, realm).await?);
        Ok(prepared)
    }

    async fn disable_others(&self, store: &dyn PrincipalStore, realm: &Realm) -> anyhow::Result<Vec<PreparedName>> {
        let mut disabled = Vec::new();
        for found in store.list().await?.records {
            match found.record {
                Record::Principal(record) if record.origin == Origin::Kubernetes => {
                    let name = record.principal;
                    if self.index.desired(&name).is_none() {
                        let outcome = settle(store, &name, None, realm).await?;
                        disabled.extend(outcome.map(|outcome| PreparedName { name, outcome }));
                    }
                }
                Record::Alias { alias, origin: Origin::Kubernetes, .. }
                    if self.index.alias_target(&alias).is_none() =>
                {
                    settle_alias(store, &alias, None).await?;
                }
                _ => {}
            }
        }
        Ok(disabled)
    }

    /// Writes each policy to `FOLDER/NAMESPACE_NAME.yaml`, one of the whole cluster to `FOLDER/NAME.yaml`, and removes the files of policies that are gone. Returns their
    /// number.
    pub(crate) fn write_policies(&self, folder: &Path) -> anyhow::Result<usize> {
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            std::fs::remove_file(entry?.path())?;
        }
        for (key, policy) in &self.rendered.policies {
            let path = folder.join(format!("{}.yaml", key.path().replace('/', "_")));
            let text = serde_saphyr::to_string(policy).with_context(|| key.to_string())?;
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(self.rendered.policies.len())
    }
}

/// Settles one principal; returns the change, `None` where an abandoned one stays as it is.
async fn settle(
    store: &dyn PrincipalStore,
    name: &Principal,
    desired: Option<&DesiredPrincipal>,
    realm: &Realm,
) -> anyhow::Result<Option<NameOutcome>> {
    let mut outcome = desired.map(|_| NameOutcome::Kept);
    for _ in 0..ROUNDS {
        let found = store.read(name).await?;
        let stored = found.as_ref().map(|found| &found.record);
        match reconcile(desired, stored, realm, clock::now(), &mut OsRng) {
            Action::Keep => return Ok(outcome),
            // Only an abandoned principal waits without being asked for: until its last ticket has ended.
            Action::Wait(_) if desired.is_none() => return Ok(outcome),
            Action::Wait(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            Action::Refuse(conflict) => bail!("{}", refusal(conflict)),
            Action::Put(record) => {
                outcome = Some(match (desired, &found) {
                    (None, _) => NameOutcome::Disabled,
                    (Some(_), None) => NameOutcome::Created,
                    (Some(_), Some(_)) => NameOutcome::Changed,
                });
                store.put(&record, found.map_or(Expect::Absent, |found| Expect::Revision(found.revision))).await?;
            }
            Action::Delete => {
                if let Some(found) = found {
                    store.delete(name, found.revision).await?;
                }
            }
        }
    }
    bail!("the principal changes while dev starts: is another process writing to this folder?")
}

async fn settle_alias(store: &dyn PrincipalStore, alias: &Principal, target: Option<&Principal>) -> anyhow::Result<()> {
    let found = store.read(alias).await?;
    match reconcile_alias(alias, target, found.as_ref().map(|found| &found.record)) {
        Action::Put(record) => {
            store.put(&record, found.map_or(Expect::Absent, |found| Expect::Revision(found.revision))).await?;
        }
        Action::Delete => {
            if let Some(found) = found {
                store.delete(alias, found.revision).await?;
            }
        }
        Action::Refuse(conflict) => bail!("{}", refusal(conflict)),
        Action::Keep | Action::Wait(_) => {}
    }
    Ok(())
}

fn refusal(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::Manual => {
            "the store holds this name from a seed or a flag: choose another one there, or another folder (--dir)"
        }
        Conflict::Alias => "the store holds this name as an alias: choose another folder (--dir)",
        Conflict::Principal => "the store holds this alias as a principal: choose another folder (--dir)",
    }
}
