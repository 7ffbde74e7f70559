//! What files only mention and a cluster has: namespaces that objects are in, accounts that pods run as and clients are named by,
//! and the realm, where a label names it.

use crate::index::facts::{AccountFact, Fact, ObjectKey, OwnFact};
use crate::index::table::ObjectChange;
use crate::index::tables::ClusterEvent;
use crate::labels::REALM;
use crate::render::offline::manifest::{Kind, Manifest, namespace};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is assumed beside the objects of the files.
pub(super) struct Assumptions {
    realm_name: String,
    /// The KerberosRealm, where no file has one.
    realm: Option<Value>,
    /// Labels that enrol a namespace.
    enrolling: BTreeMap<String, String>,
    /// Namespaces, and whether they are assumed to be enrolled.
    namespaces: BTreeMap<String, bool>,
    accounts: BTreeSet<ObjectKey>,
    /// Accounts that Kubernetes makes in every namespace.
    defaults: BTreeSet<ObjectKey>,
}

impl Assumptions {
    /// Looks for what the objects mention; `None` where nothing says which realm they are for.
    pub(super) fn new(manifests: &[Manifest]) -> Option<Assumptions> {
        let given =
            manifests.iter().find(|manifest| manifest.kind == Kind::Realm).map(|manifest| manifest.object.clone());
        let by_label = || {
            let labels = manifests.iter().filter(|manifest| manifest.kind == Kind::Namespace).map(Manifest::labels);
            labels.filter_map(|mut labels| labels.remove(REALM)).next()
        };
        let realm = match given {
            Some(_) => None,
            None => Some(realm(&by_label()?)),
        };
        let object = given.as_ref().or(realm.as_ref())?;
        let realm_name = object.pointer("/spec/realmName")?.as_str()?.to_owned();
        let name = object.pointer("/metadata/name")?.as_str()?.to_owned();
        let selector = object.pointer("/spec/namespaceSelector/matchLabels").cloned();
        let selector = selector.and_then(|labels| serde_json::from_value(labels).ok());
        let has_own = object.pointer("/spec/namespaceSelector").is_some();
        let enrolling = if has_own { selector.unwrap_or_default() } else { [(REALM.to_owned(), name)].into() };
        let mut assumed = Assumptions {
            realm_name,
            realm,
            enrolling,
            namespaces: BTreeMap::new(),
            accounts: BTreeSet::new(),
            defaults: BTreeSet::new(),
        };
        manifests.iter().for_each(|manifest| assumed.look_at(manifest));
        assumed.forget_given(manifests);
        Some(assumed)
    }

    fn look_at(&mut self, manifest: &Manifest) {
        let of_ours = matches!(manifest.kind, Kind::Principal | Kind::Access);
        match manifest.kind {
            Kind::Namespace => self.mention_namespace(&manifest.name, false),
            Kind::Realm => {}
            _ => self.mention_namespace(&manifest.namespace, of_ours),
        }
        if let Some(template) = manifest.template() {
            let account = template.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default");
            self.accounts.insert((manifest.namespace.clone(), account.to_owned()));
        }
        let spec = manifest.object.get("spec").cloned().unwrap_or_default();
        match manifest.kind {
            Kind::Principal => {
                if let Some(account) = spec.get("serviceAccountName").and_then(Value::as_str) {
                    self.accounts.insert((manifest.namespace.clone(), account.to_owned()));
                }
            }
            Kind::Access => {
                let rules = spec.get("allow").and_then(Value::as_array).cloned().unwrap_or_default();
                let peers = rules.iter().filter_map(|rule| rule.get("from").and_then(Value::as_array)).flatten();
                peers.for_each(|peer| self.look_at_peer(peer, &manifest.namespace));
            }
            _ => {}
        }
    }

    fn look_at_peer(&mut self, peer: &Value, own: &str) {
        let text = |pointer: &str| peer.pointer(pointer).and_then(Value::as_str);
        if let Some(name) = text("/serviceAccount/name") {
            let namespace = text("/serviceAccount/namespace").unwrap_or(own);
            self.mention_namespace(namespace, true);
            self.accounts.insert((namespace.to_owned(), name.to_owned()));
        }
        if let Some(namespace) = text("/namespace/name") {
            self.mention_namespace(namespace, true);
        }
    }

    fn mention_namespace(&mut self, name: &str, enrolled: bool) {
        *self.namespaces.entry(name.to_owned()).or_default() |= enrolled;
        self.defaults.insert((name.to_owned(), "default".to_owned()));
    }

    fn forget_given(&mut self, manifests: &[Manifest]) {
        for manifest in manifests {
            match manifest.kind {
                Kind::Namespace => _ = self.namespaces.remove(&manifest.name),
                Kind::ServiceAccount => {
                    self.accounts.remove(&manifest.key());
                    self.defaults.remove(&manifest.key());
                }
                _ => {}
            }
        }
        self.accounts.retain(|key| !self.defaults.contains(key));
    }

    /// The realm's name.
    pub(super) fn realm_name(&self) -> &str {
        &self.realm_name
    }

    /// The assumptions in words.
    pub(super) fn words(&self) -> Vec<String> {
        let realm = self.realm.iter().map(|_| format!("KerberosRealm for {} with default settings", self.realm_name));
        let namespaces = self.namespaces.iter().map(|(name, enrolled)| {
            format!("Namespace {name}, {}", if *enrolled { "enrolled" } else { "not enrolled" })
        });
        let accounts = self.accounts.iter().map(|(namespace, name)| format!("ServiceAccount {namespace}/{name}"));
        realm.chain(namespaces).chain(accounts).collect()
    }

    /// The assumed objects.
    pub(super) fn events(&self) -> Vec<ClusterEvent> {
        let realm = self.realm.clone().and_then(|object| {
            let object = serde_json::from_value(object).ok()?;
            let (key, fact) = OwnFact::from_object(object)?;
            Some(ClusterEvent::realm(ObjectChange::Put(key, fact)))
        });
        let namespaces = self.namespaces.iter().filter_map(|(name, enrolled)| {
            namespace(name, if *enrolled { self.enrolling.clone() } else { BTreeMap::new() })
        });
        let account = |key: &ObjectKey| {
            let fact = AccountFact { uid: format!("offline:ServiceAccount:{}:{}", key.0, key.1), created: i64::MAX };
            ClusterEvent::Account(ObjectChange::Put(key.clone(), fact))
        };
        let accounts = self.accounts.iter().chain(&self.defaults).map(account);
        realm.into_iter().chain(namespaces).chain(accounts).collect()
    }
}

/// A KerberosRealm of default settings, by the name in the label `kennel.dev/realm`.
fn realm(name: &str) -> Value {
    json!({
        "apiVersion": "kennel.dev/v1alpha1",
        "kind": "KerberosRealm",
        "metadata": { "name": name },
        "spec": { "realmName": name.to_uppercase() },
    })
}
