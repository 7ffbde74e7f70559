//! The credentials of an entitled pod. An enrolment issues a ticket and reads keys from the store. No enrolment creates or
//! changes a key, so that concurrent enrolments get the same ones.

use crate::clock;
use kennel_controller::Live;
use kennel_core::enrolment::{AccountCredentials, EnrolmentRefusal, Entitlement, GrantedCredentials, Review};
use kennel_core::entry::Entry;
use kennel_core::keytab::{KeytabBuilder, KeytabFile};
use kennel_core::pods::PodRef;
use kennel_core::principal::{Origin, Owner};
use kennel_core::refusal::Refusal;
use kennel_store::EntryCache;
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
}

impl CredentialSource<'_> {
    /// Returns the credentials of a pod, for the answer and for the audit event.
    pub(super) async fn for_pod(
        &self,
        review: &Review,
        pod: &PodRef,
        entitlement: &Entitlement,
        enctypes: &[i32],
        krb5_conf: String,
    ) -> Result<(EnrollResponse, GrantedCredentials), CredentialsRefused> {
        let now = clock::now();
        let client = self
            .made(&entitlement.client, |owner| owner.account == review.account_uid && owner.object.is_none())
            .await?;
        // The account's own name belongs to an administrator: the pod has no principal.
        let client = client.ok_or(EnrolmentRefusal::NoPrincipal)?;
        let mut granted = GrantedCredentials::default();
        let mut ticket = None;
        if entitlement.credentials != AccountCredentials::Keytab {
            let (ccache, end, issued) = self.ticket(&client, pod, enctypes, now).await?;
            granted.ticket = Some(issued);
            ticket = Some((ccache, end));
        }
        let mut keytab = KeytabBuilder::new(self.live.kdc().realm().cluster_domain.as_deref());
        if entitlement.credentials != AccountCredentials::Ticket {
            keytab.add(&client.record, None);
        }
        let of_account = |owner: &Owner| owner.account == review.account_uid && owner.object.is_some();
        for service in &entitlement.services {
            if let Some(entry) = self.made(&service.name, of_account).await? {
                keytab.add(&entry.record, Some(service));
            }
        }
        let keytab = keytab.finish();
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

    /// Returns the entry of a name that the cluster asks for, or `None` where the name belongs to an administrator.
    async fn made(
        &self,
        name: &Principal,
        is_of: impl Fn(&Owner) -> bool,
    ) -> Result<Option<Arc<Entry>>, CredentialsRefused> {
        let found = match self.cache.peek(name) {
            Some(found) => found,
            None => self.cache.lookup(name).await.map_err(|error| {
                tracing::error!(%error, "the store did not answer");
                EnrolmentRefusal::StoreUnavailable
            })?,
        };
        // The entry is missing or still belongs to an older object: the controller will write it soon.
        let entry = found.ok_or(EnrolmentRefusal::NotReady)?;
        let record = &entry.record;
        if record.principal != *name || record.origin == Origin::Manual {
            return Ok(None);
        }
        let is_ours = record.owner.as_ref().is_some_and(is_of) && record.abandoned.is_none();
        if is_ours { Ok(Some(entry)) } else { Err(EnrolmentRefusal::NotReady.into()) }
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
