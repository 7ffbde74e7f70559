//! The principals that a request names, and the namespace whose permission it needs.

use crate::endpoints::admin_api::refusal::AdminRefusal;
use kennel_core::principal::Record;
use kennel_k8s::index::Index;
use kennel_k8s::index::view::SharedIndex;
use kennel_store::{PrincipalStore, StoreError};
use kennel_wire::message::Principal;

/// Longest name of a principal in a request, octets.
const LONGEST: usize = 1024;

/// The principals of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NamedPrincipals {
    /// The namespace that they belong to; `None`: the permission in all namespaces is needed.
    pub(super) namespace: Option<String>,
    /// Canonical names. Whether the store has them is not known yet: nobody may learn that without the permission.
    pub(super) names: Vec<Principal>,
}

/// Finds the principals that a text names: `NAMESPACE/ACCOUNT` where the realm has that account, else one principal.
pub(super) async fn resolve(
    text: &str,
    realm: &str,
    index: Option<&SharedIndex>,
    store: &dyn PrincipalStore,
) -> Result<NamedPrincipals, AdminRefusal> {
    if text.len() > LONGEST {
        return Err(AdminRefusal::QueryMalformed("principal is too long for a name".into()));
    }
    if let Some(named) = index.and_then(|index| of_account(text, &index.read())) {
        return Ok(named);
    }
    let name = Principal::parse(text, realm)
        .map_err(|error| AdminRefusal::QueryMalformed(format!("principal {text:?} is no name: {error}")))?;
    find(name, index, store).await
}

/// Finds the principal of a name or alias.
pub(super) async fn find(
    name: Principal,
    index: Option<&SharedIndex>,
    store: &dyn PrincipalStore,
) -> Result<NamedPrincipals, AdminRefusal> {
    let found = store.read(&name).await.map_err(AdminRefusal::from)?;
    let (name, kept) = match found.map(|versioned| versioned.record) {
        Some(Record::Alias { target, .. }) => (target, None),
        Some(Record::Principal(record)) => (name, record.namespace),
        Some(Record::Holder(_) | Record::Policy(_)) | None => (name, None),
    };
    let wanted_by = index.and_then(|index| index.read().wanted_by(&name).map(str::to_owned));
    let namespace = wanted_by.or(kept);
    Ok(NamedPrincipals { namespace, names: vec![name] })
}

fn of_account(text: &str, index: &Index) -> Option<NamedPrincipals> {
    let (namespace, account) = text.split_once('/').filter(|(_, account)| !account.contains(['/', '@']))?;
    let desire = index.namespace(namespace)?;
    let is_of_account = |name: &&Principal| index.account_of(name).is_some_and(|(_, of)| of == account);
    let names: Vec<Principal> = desire.principals.keys().filter(is_of_account).cloned().collect();
    (!names.is_empty()).then(|| NamedPrincipals { namespace: Some(namespace.to_owned()), names })
}

impl From<StoreError> for AdminRefusal {
    fn from(error: StoreError) -> AdminRefusal {
        tracing::error!(%error, "the store did not answer the admin API");
        AdminRefusal::StoreUnavailable
    }
}
