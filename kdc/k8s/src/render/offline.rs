//! The same rendering without a cluster: manifests in files become the events that an index takes in. What files leave out, and a
//! cluster has, is assumed, and the report says so: namespaces and accounts that are only mentioned, the realm itself.
//!
//! | module | what |
//! |---|---|
//! | here | files to objects |
//! | [`error`] | why files cannot be read |
//! | `manifest` | one object to events |
//! | `assumed` | what files only mention |

pub mod error;

mod assumed;
mod manifest;

use crate::index::Index;
use crate::index::surroundings::{KdcPods, Surroundings};
use crate::index::tables::ClusterEvent;
use crate::render::offline::assumed::Assumptions;
use crate::render::offline::error::OfflineError;
use crate::render::offline::manifest::Manifest;
use kennel_core::realm::Realm;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Deepest folder that is looked into.
const DEEPEST: usize = 16;
/// Namespace of the KDC in `deploy/base`.
const KDC_NAMESPACE: &str = "kennel-system";

/// What files hold, ready for an index.
#[derive(Debug)]
pub struct OfflineCluster {
    /// Name of the realm: `PROD.EXAMPLE`.
    pub realm: String,
    /// The objects.
    pub events: Vec<ClusterEvent>,
    /// What was read, and what was not.
    pub report: OfflineReport,
}

/// What was read, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfflineReport {
    /// Number of files.
    pub files: usize,
    /// Number of objects of kinds that decide access.
    pub objects: usize,
    /// Numbers of objects of other kinds, by kind.
    pub skipped: BTreeMap<String, usize>,
    /// What is assumed, in words.
    pub assumed: Vec<String>,
}

impl OfflineCluster {
    /// Reads every YAML file (`*.yaml`, `*.yml`) of folders and of those below them, or single files. `kustomization.yaml` gives its
    /// `namespace` to the objects of its folder, as kustomize would; nothing else of it is read. Objects without a namespace are in
    /// `default`.
    ///
    /// # Errors
    /// A file that cannot be read, or that does not hold what its kind says; files without a realm.
    pub fn read(paths: &[impl AsRef<Path>]) -> Result<OfflineCluster, OfflineError> {
        let (manifests, report) = manifests(paths)?;
        finish(&first(paths), &manifests, report)
    }

    /// Reads the objects of files alone, to be added to those of a cluster: nothing is assumed.
    ///
    /// # Errors
    /// A file that cannot be read, or that does not hold what its kind says.
    pub fn objects(paths: &[impl AsRef<Path>]) -> Result<Vec<ClusterEvent>, OfflineError> {
        let (manifests, _) = manifests(paths)?;
        let events = manifests.iter().map(Manifest::events).collect::<Result<Vec<_>, _>>()?;
        Ok(events.into_iter().flatten().collect())
    }

    /// Reads the documents of a text, for tests and for what comes over a pipe.
    ///
    /// # Errors
    /// As [`OfflineCluster::read`].
    pub fn parse(text: &str) -> Result<OfflineCluster, OfflineError> {
        let file = ManifestFile { path: PathBuf::from("-"), namespace: None };
        let mut report = OfflineReport { files: 1, ..OfflineReport::default() };
        let mut manifests = Vec::new();
        add_documents(text, &file, &mut manifests, &mut report)?;
        finish(&file.path, &manifests, report)
    }

    /// The index of a cluster with these objects. `realm`: the realm as the configuration has it, of the same name.
    #[must_use]
    pub fn index(self, realm: Realm) -> Index {
        let mut index = Index::new(realm);
        let kdc = Some(KdcPods::of_deployment(KDC_NAMESPACE));
        index.set_surroundings(Surroundings { kdc, offline: true, ..Surroundings::default() });
        self.events.into_iter().for_each(|event| index.apply(event));
        _ = index.settle();
        index
    }
}

fn first(paths: &[impl AsRef<Path>]) -> PathBuf {
    paths.first().map(|path| path.as_ref().to_owned()).unwrap_or_default()
}

fn manifests(paths: &[impl AsRef<Path>]) -> Result<(Vec<Manifest>, OfflineReport), OfflineError> {
    let mut files = Vec::new();
    for path in paths {
        collect(path.as_ref(), None, 0, &mut files)?;
    }
    let mut report = OfflineReport { files: files.len(), ..OfflineReport::default() };
    let mut manifests = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(&file.path).map_err(|error| unreadable(&file.path, error))?;
        add_documents(&text, file, &mut manifests, &mut report)?;
    }
    Ok((manifests, report))
}

fn add_documents(
    text: &str,
    file: &ManifestFile,
    manifests: &mut Vec<Manifest>,
    report: &mut OfflineReport,
) -> Result<(), OfflineError> {
    for object in parse(text, &file.path)?.into_iter().flat_map(flatten) {
        match Manifest::new(object, file.namespace.as_deref(), &file.path)? {
            Ok(manifest) => manifests.push(manifest),
            Err(kind) => *report.skipped.entry(kind).or_default() += 1,
        }
    }
    report.objects = manifests.len();
    Ok(())
}

fn finish(path: &Path, manifests: &[Manifest], mut report: OfflineReport) -> Result<OfflineCluster, OfflineError> {
    let assumptions = Assumptions::new(manifests).ok_or_else(|| OfflineError::NoRealm { path: path.to_owned() })?;
    report.assumed = assumptions.words();
    let realm = assumptions.realm_name().to_owned();
    let mut events = assumptions.events();
    for manifest in manifests {
        events.extend(manifest.events()?);
    }
    Ok(OfflineCluster { realm, events, report })
}

/// A file, with the namespace that kustomize gives its objects.
struct ManifestFile {
    path: PathBuf,
    namespace: Option<String>,
}

/// Collects the files of a folder in the order of their names.
fn collect(
    path: &Path,
    namespace: Option<&str>,
    depth: usize,
    files: &mut Vec<ManifestFile>,
) -> Result<(), OfflineError> {
    if !path.is_dir() {
        files.push(ManifestFile { path: path.to_owned(), namespace: namespace.map(str::to_owned) });
        return Ok(());
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| unreadable(path, error))?;
    let paths: BTreeSet<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    let own =
        paths.iter().find(|path| is_kustomization(path)).map(|file| kustomize_namespace(file)).transpose()?.flatten();
    let namespace = own.as_deref().or(namespace);
    for path in paths.iter().filter(|path| !is_hidden(path) && !is_kustomization(path)) {
        if path.is_dir() && depth < DEEPEST {
            collect(path, namespace, depth + 1, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            collect(path, namespace, depth, files)?;
        }
    }
    Ok(())
}

fn kustomize_namespace(path: &Path) -> Result<Option<String>, OfflineError> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    let documents = parse(&text, path)?;
    let namespace = documents.iter().find_map(|document| document.get("namespace").and_then(Value::as_str));
    Ok(namespace.map(str::to_owned))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'))
}

fn is_kustomization(path: &Path) -> bool {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    path.file_name().is_some_and(|name| names.iter().any(|known| name == *known))
}

fn unreadable(path: &Path, error: std::io::Error) -> OfflineError {
    OfflineError::Unreadable { path: path.to_owned(), error }
}

fn parse(text: &str, path: &Path) -> Result<Vec<Value>, OfflineError> {
    let documents = serde_saphyr::from_multiple::<Option<Value>>(text);
    let documents =
        documents.map_err(|error| OfflineError::NotYaml { path: path.to_owned(), error: error.to_string() })?;
    Ok(documents.into_iter().flatten().filter(Value::is_object).collect())
}

/// The objects of a document: itself, or those of a List.
fn flatten(document: Value) -> Vec<Value> {
    let is_list = document.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match document.get("items").and_then(Value::as_array).filter(|_| is_list) {
        Some(items) => items.iter().cloned().flat_map(flatten).collect(),
        None => vec![document],
    }
}
