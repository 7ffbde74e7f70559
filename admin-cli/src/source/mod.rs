//! What a command judges: the objects of files, or those of a cluster, rendered as the KDC renders them.
//!
//! | module | what |
//! |---|---|
//! | [`cluster`] | reads the objects of a cluster with the user's own permissions |
//! | [`grants`] | the access table in the words of the admin API |
//! | [`findings`] | what is wrong with the objects |

pub(crate) mod findings;
pub(crate) mod grants;

mod cluster;

use crate::reach::args::KdcArgs;
use kennel_core::access::AccessIndex;
use kennel_core::realm::Realm;
use kennel_k8s::index::Index;
use kennel_k8s::render::access::render;
use kennel_k8s::render::access::rendered::Rendered;
use kennel_k8s::render::explain::{ExplainFacts, explain};
use kennel_k8s::render::offline::OfflineCluster;
use kennel_k8s::render::reach::PolicySet;
use kennel_wire::admin::{ExplainQuery, ExplainResponse};
use kennel_wire::message::KerberosTime;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Objects and what follows from them.
pub(crate) struct Source {
    index: Index,
    pub(crate) rendered: Rendered,
    /// Whether the policies that count are those that the cluster has, in place of those that are rendered.
    is_live: bool,
    /// What no object says and the rendering takes for granted, in words.
    pub(crate) assumed: Vec<String>,
}

impl Source {
    /// Reads the YAML files of folders, or single files.
    pub(crate) fn of_files(paths: &[PathBuf]) -> anyhow::Result<Source> {
        let files = OfflineCluster::read(paths)?;
        let assumed = files.report.assumed.clone();
        let realm = Realm::new(files.realm.clone());
        Ok(Source::new(files.index(realm), assumed, false))
    }

    /// Reads the cluster. `realm` names the KerberosRealm, where there are several.
    pub(crate) async fn of_cluster(kdc: &KdcArgs, realm: Option<&str>) -> anyhow::Result<Source> {
        Ok(Source::new(cluster::read(kdc, realm).await?.index(Vec::new()), Vec::new(), true))
    }

    /// The cluster, and the cluster once the files are applied.
    pub(crate) async fn before_and_after(
        kdc: &KdcArgs,
        realm: Option<&str>,
        paths: &[PathBuf],
    ) -> anyhow::Result<(Source, Source)> {
        let objects = OfflineCluster::objects(paths)?;
        let cluster = cluster::read(kdc, realm).await?;
        let unread: Vec<&str> = cluster.unread().iter().map(|kind| kind.name()).collect();
        if !unread.is_empty() {
            eprintln!("kennel: {} cannot be listed, so who calls pods because of them is not known", unread.join(", "));
        }
        let before = Source::new(cluster.index(Vec::new()), Vec::new(), true);
        Ok((before, Source::new(cluster.index(objects), Vec::new(), false)))
    }

    /// Whether a client reaches a server, layer by layer.
    pub(crate) fn explain(&self, query: &ExplainQuery) -> anyhow::Result<ExplainResponse> {
        let Source { index, rendered, is_live, .. } = self;
        let policies = if *is_live { PolicySet::as_applied(index) } else { PolicySet::as_rendered(index, rendered) };
        let access = AccessIndex::new(&rendered.access);
        let facts = ExplainFacts { index, rendered, access: &access, policies: &policies };
        Ok(explain(facts, query, KerberosTime(now()))?)
    }

    fn new(index: Index, mut assumed: Vec<String>, is_live: bool) -> Source {
        let rendered = render(&index, now());
        assumed.extend(rendered.realm.assumed.iter().cloned());
        Source { index, rendered, is_live, assumed }
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
