//! The convenient front: a realm, its KDCs, and tickets.

use crate::as_exchange::{AsExchange, AsRequest, AsStep, InitialTicket};
use crate::credentials::Credential;
use crate::error::ClientError;
use crate::options::TicketOptions;
use crate::secret::Secret;
use crate::tgs_exchange::{TgsExchange, TgsRequest};
use crate::ticket_walk::{TicketWalk, WalkStep};
use crate::time::TimeOffset;
use crate::transport::{Transport, TransportProtocol};
use kennel_wire::message::{KdcOptions, KerberosTime, Principal, PrincipalName, Ticket, Timestamp};
use rand::rngs::OsRng;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A client of a realm and of those realms whose KDCs it knows. Takes the time from the system, corrected by what the
/// KDC's replies say of theirs, and randomness from the operating system.
#[derive(Debug)]
pub struct Client {
    realm: String,
    transports: BTreeMap<String, Transport>,
    time_offset_micros: AtomicI64,
}

impl Client {
    /// A client of `realm` that asks `kdcs` (`host:port` each) in order.
    pub fn new<K: ToString>(realm: impl Into<String>, kdcs: impl IntoIterator<Item = K>) -> Client {
        let realm = realm.into();
        let client =
            Client { realm: realm.clone(), transports: BTreeMap::new(), time_offset_micros: AtomicI64::new(0) };
        client.with_realm(realm, Transport::new(kdcs))
    }

    /// Sets how to reach a realm: another one for referrals, or the client's own in another way.
    #[must_use]
    pub fn with_realm(mut self, realm: impl Into<String>, transport: Transport) -> Client {
        self.transports.insert(realm.into(), transport);
        self
    }

    /// Sets which protocol comes first, for all realms that were added so far.
    #[must_use]
    pub fn with_protocol(mut self, protocol: TransportProtocol) -> Client {
        self.transports.values_mut().for_each(|t| t.protocol = protocol);
        self
    }

    /// Starts from an offset that is already known, such as a credential cache's.
    #[must_use]
    pub fn with_time_offset(self, offset: TimeOffset) -> Client {
        self.time_offset_micros.store(offset.as_micros(), Ordering::Relaxed);
        self
    }

    /// The client's realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// A principal by its text form; without `@` it is of the client's realm.
    ///
    /// # Errors
    /// [`ClientError::Wire`].
    pub fn principal(&self, text: &str) -> Result<Principal, ClientError> {
        Ok(Principal::parse(text, &self.realm)?)
    }

    /// Offset of the KDC's clock, as the last initial ticket proved it.
    #[must_use]
    pub fn time_offset(&self) -> TimeOffset {
        TimeOffset::from_micros(self.time_offset_micros.load(Ordering::Relaxed))
    }

    /// The KDC's time now: for AP-REQs.
    #[must_use]
    pub fn kdc_now(&self) -> Timestamp {
        self.time_offset().apply(system_now())
    }

    /// A TGT for `client` (like `kinit`).
    ///
    /// # Errors
    /// [`ClientError::Kdc`] where the KDC refuses; see [`ClientError`] for the rest.
    pub async fn initial_ticket(
        &self,
        client: &Principal,
        secret: &Secret,
        options: &TicketOptions,
    ) -> Result<InitialTicket, ClientError> {
        let request = AsRequest { client: client.clone(), server: None, options: options.clone() };
        self.authenticate(request, secret).await
    }

    /// A ticket for one server straight from the AS (like `kinit -S`).
    ///
    /// # Errors
    /// As [`Client::initial_ticket`].
    pub async fn initial_service_ticket(
        &self,
        client: &Principal,
        secret: &Secret,
        server: &PrincipalName,
        options: &TicketOptions,
    ) -> Result<InitialTicket, ClientError> {
        let request = AsRequest { client: client.clone(), server: Some(server.clone()), options: options.clone() };
        self.authenticate(request, secret).await
    }

    /// Runs an AS exchange. Remembers the KDC's time.
    ///
    /// # Errors
    /// As [`Client::initial_ticket`].
    pub async fn authenticate(&self, request: AsRequest, secret: &Secret) -> Result<InitialTicket, ClientError> {
        let transport = self.transport(&request.client.realm)?;
        let (mut exchange, mut message) = AsExchange::begin(request, secret.clone(), system_now(), &mut OsRng)?;
        loop {
            let answer = transport.exchange(&message).await?;
            match exchange.receive(&answer, system_now(), &mut OsRng)? {
                AsStep::Send(next) => message = next,
                AsStep::Done(ticket) => {
                    self.time_offset_micros.store(ticket.time_offset.as_micros(), Ordering::Relaxed);
                    return Ok(*ticket);
                }
            }
        }
    }

    /// A ticket for `server` (like `kvno`): names may be canonicalized, referrals are followed to every realm whose
    /// KDCs are known.
    ///
    /// # Errors
    /// As [`Client::initial_ticket`], and [`ClientError::Walk`].
    pub async fn service_ticket(&self, tgt: &Credential, server: &Principal) -> Result<Credential, ClientError> {
        self.ticket(tgt, TgsRequest::with_flags(server.clone(), KdcOptions::CANONICALIZE)).await
    }

    /// A user-to-user ticket for the owner of `server_tgt` (like `kvno --u2u`).
    ///
    /// # Errors
    /// As [`Client::service_ticket`].
    pub async fn user_to_user_ticket(
        &self,
        tgt: &Credential,
        server: &Principal,
        server_tgt: &Ticket,
    ) -> Result<Credential, ClientError> {
        self.ticket(tgt, TgsRequest::user_to_user(server.clone(), server_tgt.clone())).await
    }

    /// A ticket as `request` says, across realms where that is needed.
    ///
    /// # Errors
    /// As [`Client::service_ticket`].
    pub async fn ticket(&self, tgt: &Credential, request: TgsRequest) -> Result<Credential, ClientError> {
        let (mut walk, mut step) = TicketWalk::begin(tgt, request, self.kdc_now(), &mut OsRng)?;
        loop {
            match step {
                WalkStep::Done(credential) => return Ok(*credential),
                WalkStep::Send { realm, request } => {
                    let answer = self.transport(&realm)?.exchange(&request).await?;
                    step = walk.receive(&answer, self.kdc_now(), &mut OsRng)?;
                }
            }
        }
    }

    /// The same ticket for longer (like `kinit -R`).
    ///
    /// # Errors
    /// As [`Client::initial_ticket`].
    pub async fn renew(&self, credential: &Credential) -> Result<Credential, ClientError> {
        self.exchange_once(credential, &TgsRequest::renew(credential)).await
    }

    /// The same ticket, now valid (like `kinit -v`).
    ///
    /// # Errors
    /// As [`Client::initial_ticket`].
    pub async fn validate(&self, credential: &Credential) -> Result<Credential, ClientError> {
        self.exchange_once(credential, &TgsRequest::validate(credential)).await
    }

    /// One TGS exchange with the realm of `request.server`, in which `credential` (a TGT or not) is presented.
    ///
    /// # Errors
    /// As [`Client::initial_ticket`].
    pub async fn exchange_once(
        &self,
        credential: &Credential,
        request: &TgsRequest,
    ) -> Result<Credential, ClientError> {
        let transport = self.transport(&request.server.realm)?;
        let (exchange, message) = TgsExchange::begin(credential, request, self.kdc_now(), &mut OsRng);
        exchange.receive(&transport.exchange(&message).await?)
    }

    fn transport(&self, realm: &str) -> Result<&Transport, ClientError> {
        self.transports.get(realm).ok_or_else(|| ClientError::UnknownRealm(realm.to_owned()))
    }
}

/// The system's time. Before 1970 it counts as the epoch, which every KDC refuses for its skew.
#[must_use]
pub fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamp { time: KerberosTime(seconds), micros: since.subsec_micros() }
}
