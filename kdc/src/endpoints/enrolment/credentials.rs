//! The credentials of an entitled pod. An enrolment issues a ticket and reads keys from the store, once the store says that the pod
//! holds them. No enrolment creates or changes a key, so that concurrent enrolments get the same ones.

use crate::clock;
use kennel_controller::Live;
use kennel_core::enrolment::{
    AccountCredentials, EnrolmentRefusal, Entitlement, GrantedCredentials, HeldStatement, Review, Service,
};
use kennel_core::entry::Entry;
use kennel_core::keytab::{KeytabBuilder, KeytabFile};
use kennel_core::pods::PodRef;
use kennel_core::principal::{Origin, Owner, PrincipalRecord, Record};
use kennel_core::refusal::Refusal;
use kennel_core::rotation::holder::HolderId;
use kennel_store::holders::HolderRecords;
use kennel_store::{EntryCache, PrincipalStore, StoreError, VersionedRecord};
use kennel_wire::ccache::Ccache;
use kennel_wire::enrol::{Blob, EnrollResponse, EnrolledKeys, EnrolledKeytab, EnrolledTicket};
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use rand::rngs::OsRng;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Time after which an agent fetches again at the latest, seconds: services and keys may have changed.
const REFETCH: i64 = 3600;

/// The refusal of credentials.
#[derive(Debug)]
pub(super) struct CredentialsRefused {
    pub(super) refusal: EnrolmentRefusal,
    /// Reason of a refused ticket, where that is the cause.
    pub(super) ticket: Option<Refusal>,
}

impl From<EnrolmentRefusal> for CredentialsRefused {
    fn from(refusal: EnrolmentRefusal) -> CredentialsRefused {
        CredentialsRefused { refusal, ticket: None }
    }
}

/// The realm and the store that credentials come from.
pub(super) struct CredentialSource<'a> {
    pub(super) live: &'a Live,
    pub(super) cache: &'a EntryCache,
    pub(super) holders: &'a HolderRecords,
}

/// A pod that was admitted, and what it asks for.
pub(super) struct AdmittedPod<'a> {
    pub(super) review: &'a Review,
    pub(super) pod: &'a PodRef,
    pub(super) entitlement: &'a Entitlement,
}

impl AdmittedPod<'_> {
    /// The principals whose keys the pod may hold: the account's own, then its services.
    pub(super) fn keytab(&self) -> impl Iterator<Item = KeytabPrincipal<'_>> {
        let own = (self.entitlement.credentials != AccountCredentials::Ticket).then_some(&self.entitlement.client);
        let own = own.map(|name| KeytabPrincipal { name, service: None });
        own.into_iter().chain(
            self.entitlement
                .services
                .iter()
                .map(|service| KeytabPrincipal { name: &service.name, service: Some(service) }),
        )
    }

    /// Whether a record is the principal that the cluster asks for. An error: the record is missing or still belongs to an older
    /// object, and the controller will write it soon.
    pub(super) fn owns(&self, name: &Principal, record: Option<&PrincipalRecord>) -> Result<bool, EnrolmentRefusal> {
        let record = record.ok_or(EnrolmentRefusal::NotReady)?;
        if record.principal != *name || record.origin == Origin::Manual {
            return Ok(false);
        }
        let is_account = *name == self.entitlement.client;
        let is_of = |owner: &Owner| owner.account == self.review.account_uid && owner.object.is_none() == is_account;
        let is_ours = record.owner.as_ref().is_some_and(is_of) && record.abandoned.is_none();
        if is_ours { Ok(true) } else { Err(EnrolmentRefusal::NotReady) }
    }
}

/// A principal of a keytab.
#[derive(Clone, Copy)]
pub(super) struct KeytabPrincipal<'a> {
    pub(super) name: &'a Principal,
    /// `None` for the account's own principal.
    service: Option<&'a Service>,
}

impl CredentialSource<'_> {
    /// Returns the credentials of a pod, for the answer and for the audit event. `said`: what the pod has on disk, where it says so.
    pub(super) async fn for_pod(
        &self,
        admitted: &AdmittedPod<'_>,
        enctypes: &[i32],
        said: Option<&HeldStatement>,
        krb5_conf: String,
    ) -> Result<(EnrollResponse, GrantedCredentials), CredentialsRefused> {
        let now = clock::now();
        let AdmittedPod { pod, entitlement, .. } = admitted;
        // The account's own name belongs to an administrator: the pod has no principal.
        let client = self.entry(admitted, &entitlement.client).await?.ok_or(EnrolmentRefusal::NoPrincipal)?;
        let mut granted = GrantedCredentials::default();
        let mut ticket = None;
        if entitlement.credentials != AccountCredentials::Keytab {
            let (ccache, end, issued) = self.ticket(&client, pod, enctypes, now).await?;
            granted.ticket = Some(issued);
            ticket = Some((ccache, end));
        }
        let keytab = self.keytab(admitted, said).await?;
        let half = ticket.as_ref().map_or(i64::MAX, |(_, end)| end.0.saturating_sub(now.time.0) / 2);
        let refetch = now.time.plus(REFETCH.min(half));
        granted.keytab = keytab.as_ref().map(|keytab| keytab.contents.clone()).unwrap_or_default();
        let response = EnrollResponse {
            realm: self.live.name().to_owned(),
            client: entitlement.client.to_string(),
            ticket: ticket.map(|(ccache, end)| EnrolledTicket { ccache: Blob(ccache), end_time: text(end) }),
            keytab: keytab.map(|keytab| EnrolledKeytab { entries: entries(&keytab), data: Blob(keytab.octets) }),
            krb5_conf,
            refetch_before: text(refetch),
        };
        Ok((response, granted))
    }

    /// Returns the keytab of a pod. First the store says that the pod holds these keys, then they are read: a version that the KDC
    /// begins to use in between is in the keytab, and one that is made later waits for this pod.
    async fn keytab(
        &self,
        admitted: &AdmittedPod<'_>,
        said: Option<&HeldStatement>,
    ) -> Result<Option<KeytabFile>, EnrolmentRefusal> {
        let mut principals = Vec::new();
        for principal in admitted.keytab() {
            if self.entry(admitted, principal.name).await?.is_some() {
                principals.push(principal);
            }
        }
        let names: Vec<Principal> = principals.iter().map(|principal| principal.name.clone()).collect();
        let holder = HolderId::Pod(admitted.pod.clone());
        self.holders.send(&holder, &names, said, clock::now()).await.map_err(unavailable)?;
        let mut keytab = KeytabBuilder::new(self.live.kdc().realm().cluster_domain.as_deref());
        for KeytabPrincipal { name, service } in principals {
            let record = present(self.cache, name).await?;
            let is_ours = admitted.owns(name, record.as_deref())?;
            record.filter(|_| is_ours).iter().for_each(|record| keytab.add(record, service));
        }
        Ok(keytab.finish())
    }

    /// Returns the entry of a name that the cluster asks for, or `None` where the name belongs to an administrator.
    async fn entry(
        &self,
        admitted: &AdmittedPod<'_>,
        name: &Principal,
    ) -> Result<Option<Arc<Entry>>, EnrolmentRefusal> {
        let found = match self.cache.peek(name) {
            Some(found) => found,
            None => self.cache.lookup(name).await.map_err(unavailable)?,
        };
        let is_ours = admitted.owns(name, found.as_deref().map(|entry| &entry.record))?;
        Ok(found.filter(|_| is_ours))
    }

    async fn ticket(
        &self,
        client: &Entry,
        pod: &PodRef,
        enctypes: &[i32],
        now: Timestamp,
    ) -> Result<(Zeroizing<Vec<u8>>, KerberosTime, kennel_core::event::IssuedTicket), CredentialsRefused> {
        let realm = self.live.name();
        let krbtgt = self.cache.lookup(&Principal::krbtgt(realm, realm)).await;
        let krbtgt = krbtgt.ok().flatten().ok_or(EnrolmentRefusal::StoreUnavailable)?;
        let issued = self.live.kdc().issue_to_pod(client, &krbtgt, pod, enctypes, now, &mut OsRng);
        let ticket = issued.map_err(|refusal| match refusal {
            Refusal::PodGone => CredentialsRefused::from(EnrolmentRefusal::PodEnded),
            refusal => CredentialsRefused { refusal: EnrolmentRefusal::TicketRefused, ticket: Some(refusal) },
        })?;
        let end = ticket.credential.endtime;
        let principal = client.record.principal.clone();
        let ccache = Ccache { kdc_offset: None, principal, credentials: vec![ticket.credential] };
        Ok((ccache.encode(), end, ticket.issued))
    }
}

/// Reads a principal as the store has it now; `None` where there is none of this name, or an alias.
pub(super) async fn present(
    store: &dyn PrincipalStore,
    name: &Principal,
) -> Result<Option<Box<PrincipalRecord>>, EnrolmentRefusal> {
    match store.read(name).await.map_err(unavailable)? {
        Some(VersionedRecord { record: Record::Principal(record), .. }) => Ok(Some(record)),
        _ => Ok(None),
    }
}

pub(super) fn unavailable(error: StoreError) -> EnrolmentRefusal {
    tracing::error!(%error, "the store did not answer");
    EnrolmentRefusal::StoreUnavailable
}

/// Describes the keytab in the answer: principals and their aliases.
fn entries(keytab: &KeytabFile) -> Vec<EnrolledKeys> {
    let mut all = Vec::new();
    for contents in &keytab.contents {
        let entry = |principal: &Principal, alias_of: Option<String>| EnrolledKeys {
            principal: principal.to_string(),
            kvnos: contents.kvnos.clone(),
            alias_of,
        };
        all.push(entry(&contents.principal, None));
        let aliases = keytab.aliases.iter().filter(|(_, canonical)| *canonical == contents.principal);
        all.extend(aliases.map(|(alias, canonical)| entry(alias, Some(canonical.to_string()))));
    }
    all
}

fn text(time: KerberosTime) -> String {
    time.to_rfc3339().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use kennel_core::access::AllowAll;
    use kennel_core::key_set::{KeySet, KeyState};
    use kennel_core::pods::NoCluster;
    use kennel_core::realm::Realm;
    use kennel_store::{Expect, Listing, MemoryStore, Revision, Watch};

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    /// A store in which the next key of `HTTP/web` is made in the moment in which a holder is recorded.
    struct RotatesMeanwhile(Arc<MemoryStore>);

    impl RotatesMeanwhile {
        async fn stage(&self) {
            let VersionedRecord { record, revision } = self.0.read(&name("HTTP/web")).await.unwrap().unwrap();
            let Record::Principal(mut record) = record else { panic!("an alias") };
            let enctypes = [kennel_crypto::Enctype::Aes256CtsHmacSha384];
            let mut next = KeySet::random(&enctypes, 2, clock::now(), &mut OsRng);
            next.versions[0].state = KeyState::Staged;
            record.keys.versions.splice(0..0, next.versions);
            self.0.put(&Record::Principal(record), Expect::Revision(revision)).await.unwrap();
        }
    }

    #[async_trait]
    impl PrincipalStore for RotatesMeanwhile {
        async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
            self.0.read(name).await
        }

        async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
            let written = self.0.put(record, expect).await?;
            self.stage().await;
            Ok(written)
        }

        async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
            self.0.delete(name, expect).await
        }

        async fn list(&self) -> Result<Listing, StoreError> {
            self.0.list().await
        }

        async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError> {
            self.0.watch(since).await
        }
    }

    /// A keytab from an older look, or from before the record, would lack the key, and the rotation would not wait for its pod.
    #[tokio::test]
    async fn a_key_that_is_made_while_the_holder_is_recorded_is_in_its_keytab() {
        let store = Arc::new(MemoryStore::new());
        let (realm, now) = (Realm::new("R"), clock::now());
        for (text, owner) in [("web.shop", Owner::account("sa")), ("HTTP/web", Owner::object("sa", "kp"))] {
            let keys = KeySet::random(&realm.enctypes, 1, now, &mut OsRng);
            let record = PrincipalRecord::new(name(text), Origin::Kubernetes, keys, now, "test");
            let record = PrincipalRecord { owner: Some(owner), ..record };
            store.put(&Record::Principal(Box::new(record)), Expect::Absent).await.unwrap();
        }
        let live = Live::new(realm, Arc::new(AllowAll), Arc::new(NoCluster));
        let cache = EntryCache::open(store.clone(), 10).await.unwrap();
        let holders = HolderRecords::new(Arc::new(RotatesMeanwhile(store)), "R");
        let source = CredentialSource { live: &live, cache: &cache, holders: &holders };
        let pod = PodRef { namespace: "shop".into(), name: "web-1".into(), uid: "u".into() };
        let review = Review {
            namespace: "shop".into(),
            account: "web".into(),
            account_uid: "sa".into(),
            pod: Some(("web-1".into(), "u".into())),
        };
        let service = Service { name: name("HTTP/web"), aliases: Vec::new() };
        let entitlement =
            Entitlement { client: name("web.shop"), credentials: AccountCredentials::Ticket, services: vec![service] };
        let admitted = AdmittedPod { review: &review, pod: &pod, entitlement: &entitlement };
        let keytab = source.keytab(&admitted, None).await.unwrap().unwrap();
        assert_eq!(keytab.contents[0].kvnos, [2, 1]);
    }
}
