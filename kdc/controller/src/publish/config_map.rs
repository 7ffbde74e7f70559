//! The ConfigMap of each enrolled namespace, by which its pods find the KDC and trust its certificate.

use crate::publish::written::{Memory, is_written};
use kennel_k8s::apply::config_map::ConfigMapWriter;
use kennel_k8s::index::view::SharedIndex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// The source of the data of every ConfigMap, the same in each enrolled namespace.
#[derive(Clone)]
pub struct Published {
    data: Arc<dyn Fn() -> BTreeMap<String, String> + Send + Sync>,
    touched: Arc<Notify>,
}

impl Published {
    /// Calls `data` before each write, since settings and certificates change.
    #[must_use]
    pub fn new(data: impl Fn() -> BTreeMap<String, String> + Send + Sync + 'static) -> Published {
        Published { data: Arc::new(data), touched: Arc::default() }
    }

    /// Has the data written soon, and not only when a namespace is due or at the next resync.
    pub fn touch(&self) {
        self.touched.notify_one();
    }

    /// Completes after each [`Published::touch`].
    pub(crate) async fn touched(&self) {
        self.touched.notified().await;
    }
}

/// Writes the ConfigMaps of enrolled namespaces, and deletes those of the others.
pub(crate) struct ConfigMapPublisher {
    writer: ConfigMapWriter,
    published: Published,
    written: Memory<Written>,
}

#[derive(Default)]
struct Written {
    /// The written data by namespace; empty where the data of an existing ConfigMap is unknown.
    data: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether `data` includes the ConfigMaps of earlier processes.
    listed: bool,
}

impl ConfigMapPublisher {
    pub(crate) fn new(writer: ConfigMapWriter, published: Published) -> ConfigMapPublisher {
        ConfigMapPublisher { writer, published, written: Memory::default() }
    }

    /// Forgets written data, so that each ConfigMap is written anew when its namespace is due next.
    pub(crate) fn forget(&self) {
        self.written.lock().data.values_mut().for_each(BTreeMap::clear);
    }

    /// Lists, once, the namespaces that have a ConfigMap of Kennel. Returns those that are no longer enrolled, which are then due.
    pub(crate) async fn find_abandoned(&self, index: &SharedIndex) -> kube::Result<Vec<String>> {
        if self.written.lock().listed {
            return Ok(Vec::new());
        }
        let namespaces = self.writer.namespaces().await?;
        let mut written = self.written.lock();
        written.listed = true;
        for namespace in &namespaces {
            written.data.entry(namespace.clone()).or_default();
        }
        let index = index.read();
        let is_enrolled = |namespace: &String| index.namespace(namespace).is_some_and(|desire| desire.enrolled);
        Ok(namespaces.into_iter().filter(|namespace| !is_enrolled(namespace)).collect())
    }

    /// Publishes the ConfigMap of one namespace.
    pub(crate) async fn publish(&self, namespace: &str, enrolled: bool) -> kube::Result<()> {
        let before = self.written.lock().data.get(namespace).cloned();
        if enrolled {
            let data = (self.published.data)();
            if before.as_ref() != Some(&data) && is_written(self.writer.write(namespace, &data).await)? {
                self.written.lock().data.insert(namespace.to_owned(), data);
            }
        } else if before.is_some() {
            self.writer.delete(namespace).await?;
            self.written.lock().data.remove(namespace);
        }
        Ok(())
    }
}
