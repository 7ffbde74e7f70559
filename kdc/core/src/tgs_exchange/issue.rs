//! The ticket of a TGS request, and the reply with it.

use crate::ap_exchange::encryption_key;
use crate::authorization_data::{Source, acceptable, without_cammacs};
use crate::client_alias;
use crate::context::Context;
use crate::enctype_choice::{permitted, session_enctype, ticket_key};
use crate::entry::EntryKey;
use crate::event::IssuedTicket;
use crate::kdc_verifier::Vouching;
use crate::pods::PodRef;
use crate::preauth::fast_reply::{FastReply, StrengthenedKey};
use crate::refusal::Refusal;
use crate::reply::{Reply, TicketSeal};
use crate::rules::AccessGranted;
use crate::tgs_exchange::identified::IdentifiedTgsRequest;
use crate::tgs_exchange::presented::PresentedTicket;
use crate::tgs_exchange::request::TgsRequest;
use crate::tgs_exchange::ticket::TicketKind;
use crate::tgs_exchange::verified::ServerMatch;
use crate::ticket_policy::{
    Bounds, PresentedRenewal, Times, asked_flags, renewed_times, start_time, times, validated_times,
};
use crate::transited;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::message::{
    AuthorizationData, AuthorizationDatum, EncTicketPart, HostAddress, KdcOptions, KerberosTime, MessageType,
    Principal, TicketFlags, TransitedEncoding,
};
use rand_core::CryptoRngCore;

impl IdentifiedTgsRequest<'_> {
    /// Decides the ticket and builds the reply.
    pub(crate) fn issue(
        &self,
        access: &AccessGranted,
        context: &Context,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Vec<u8>, IssuedTicket), Refusal> {
        let (request, presented) = (&self.verified.request, &self.verified.presented);
        let (times, flags) = self.times_and_flags(context.now.time, access.until)?;
        let ticket_seal = self.ticket_seal()?;
        let session = Key::generate(self.session_enctype()?, rng);
        let mut ticket = EncTicketPart {
            flags,
            key: encryption_key(&session),
            crealm: presented.part.crealm.clone(),
            cname: presented.part.cname.clone(),
            transited: self.transited()?,
            authtime: presented.part.authtime,
            starttime: Some(times.starttime),
            endtime: times.endtime,
            renew_till: times.renew_till,
            caddr: self.addresses(),
            authorization_data: self.authorization_data(context.pod.as_ref())?,
        };
        if let TicketSeal::Server(server_key) = &ticket_seal {
            self.vouching(server_key, context.pod.as_ref()).apply(&mut ticket)?;
        }
        let (key, usage) = match &presented.subkey {
            Some(subkey) => (subkey, KeyUsage::TGS_REP_SUBKEY),
            None => (&presented.session, KeyUsage::TGS_REP_SESSION),
        };
        let fast = context.armor.as_deref().map(|armor| FastReply {
            armor,
            key: StrengthenedKey::new(key, rng),
            now: context.now,
        });
        let reply_key = fast.as_ref().map_or(key, |fast| &fast.key.reply).prepare(usage);
        let reply = Reply {
            answers: MessageType::TgsReq,
            padata: Vec::new(),
            server: self.server_name(),
            ticket,
            session: &session,
            ticket_seal,
            key: &reply_key,
            kvno: None,
            nonce: request.body.nonce,
            key_expiration: None,
            encrypted_pa_data: Vec::new(),
            referral: self.matched == ServerMatch::Referral,
            access,
            fast,
        };
        reply.issue(rng)
    }

    fn times_and_flags(
        &self,
        now: KerberosTime,
        allowed_until: Option<KerberosTime>,
    ) -> Result<(Times, TicketFlags), Refusal> {
        let (request, presented) = (&self.verified.request, &self.verified.presented);
        let bounds = Bounds {
            realm: &self.rules.realm,
            client: self.client.map(|c| &c.record),
            server: &self.server.record,
            presented_end: None,
            presented_renewal: PresentedRenewal::Unbounded,
            allowed_until,
        };
        let options = request.body.options;
        let (times, mut flags) = if options.contains(KdcOptions::RENEW) {
            (renewed(presented, now, &bounds)?, presented.part.flags)
        } else if options.contains(KdcOptions::VALIDATE) {
            (validated(presented, now, &bounds)?, presented.part.flags)
        } else {
            self.fresh(now, bounds)?
        };
        // A TGT that is renewed or validated stays an initial one, as from MIT krb5kdc. A ticket for a service does not: whoever asks
        // for an initial ticket there (to change a password) wants a client that has just proved who it is.
        if presented.kind != TicketKind::OwnTgt {
            flags.remove(TicketFlags::INITIAL);
        }
        if options.contains(KdcOptions::VALIDATE) {
            flags.remove(TicketFlags::INVALID);
        }
        flags.insert(TicketFlags::TRANSITED_POLICY_CHECKED);
        Ok((times, flags))
    }

    fn ticket_seal(&self) -> Result<TicketSeal<'_>, Refusal> {
        match &self.verified.second {
            Some(second) => Ok(TicketSeal::Session(Box::new(second.session.prepare(KeyUsage::TICKET)))),
            None => Ok(TicketSeal::Server(ticket_key(self.server, &self.rules.realm)?)),
        }
    }

    fn vouching<'a>(&'a self, server_key: &'a EntryKey, pod: Option<&'a PodRef>) -> Vouching<'a> {
        let (server, krbtgt) = (self.server, self.verified.krbtgt());
        let account = self.client.map(|client| &client.record.principal);
        let indicators = &self.verified.presented.indicators;
        Vouching { server, server_key, krbtgt, pod, account, indicators, realm: &self.rules.realm }
    }

    fn session_enctype(&self) -> Result<Enctype, Refusal> {
        let (offered, realm) = (&self.verified.request.body.etypes, &self.rules.realm);
        match &self.verified.second {
            // The server of a user-to-user ticket is a client: it understands what the realm permits.
            Some(_) => offered.iter().find_map(|n| permitted(*n, realm)).ok_or(Refusal::NoSessionEnctype),
            None => session_enctype(self.server, offered, realm),
        }
    }

    /// Returns the realms that the client came by, with the issuer of the presented ticket. Refuses a path that is not
    /// accepted, even where the client asks to skip the check.
    fn transited(&self) -> Result<TransitedEncoding, Refusal> {
        let (part, realm) = (&self.verified.presented.part, &self.rules.realm);
        let mut path = transited::realms(&part.transited, &part.crealm, &realm.name)?;
        let mut field = part.transited.clone();
        match &self.verified.presented.kind {
            TicketKind::ForeignTgt(issuer) if *issuer != part.crealm => {
                field = transited::append(&path, issuer);
                path.push(issuer.clone());
            }
            _ => {}
        }
        if transited::accepted(&path, &part.crealm, realm) { Ok(field) } else { Err(Refusal::TransitedPath) }
    }

    fn addresses(&self) -> Option<Vec<HostAddress>> {
        let request = &self.verified.request;
        let chosen = if request.body.options.intersects(KdcOptions::FORWARDED | KdcOptions::PROXY) {
            request.body.addresses.clone()
        } else {
            self.verified.presented.part.caddr.clone()
        };
        chosen.filter(|a| !a.is_empty())
    }

    /// Combines the data of the presented ticket with those that the client adds. The pod of a service ticket is bound anew, since
    /// the KDC believes the ticket's CAMMAC alone.
    fn authorization_data(&self, pod: Option<&PodRef>) -> Result<Option<AuthorizationData>, Refusal> {
        let presented = &self.verified.presented;
        let (source, bound, alias) = match presented.kind {
            TicketKind::OwnTgt => (Source::OwnTgt, None, None),
            TicketKind::OwnService => {
                (Source::Others, pod, client_alias::bind(&presented.account(), &presented.client()))
            }
            TicketKind::ForeignTgt(_) => (Source::Others, None, None),
        };
        let mut data: Vec<AuthorizationDatum> = match &presented.part.authorization_data {
            Some(carried) => acceptable(carried.clone(), source)?,
            None => Vec::new(),
        };
        if !presented.indicators.is_empty() {
            // They come in a CAMMAC of the new ticket.
            data = without_cammacs(data);
        }
        data.extend(bound.into_iter().flat_map(|pod| pod.bind().0).chain(alias));
        if let Some(added) = open_authorization_data(&self.verified.request, presented)? {
            data.extend(acceptable(added, Source::Others)?);
        }
        Ok((!data.is_empty()).then_some(AuthorizationData(data)))
    }

    /// The server's name in the ticket: the one that was asked for (its keytab holds every name that it has), the canonical one
    /// of a short name where the client accepts that, or the ticket-granting service that the client is referred to.
    fn server_name(&self) -> Principal {
        match self.matched {
            ServerMatch::Asked => self.verified.request.server.clone(),
            ServerMatch::ShortName if self.keeps_short_name() => self.verified.request.server.clone(),
            ServerMatch::ShortName | ServerMatch::Referral => self.server.record.principal.clone(),
        }
    }

    /// Whether the ticket bears a name that only the client's namespace explains. The KDC, which learns the client from the
    /// opened ticket, cannot find the key of such a ticket when it comes back.
    fn keeps_short_name(&self) -> bool {
        let canonicalize = self.verified.request.body.options.contains(KdcOptions::CANONICALIZE);
        self.matched == ServerMatch::ShortName && !canonicalize
    }

    /// Times and flags of a ticket that is neither renewed nor validated, within those of the presented one.
    fn fresh(&self, now: KerberosTime, mut bounds: Bounds<'_>) -> Result<(Times, TicketFlags), Refusal> {
        const KEPT: TicketFlags = TicketFlags::FORWARDED.union(TicketFlags::PRE_AUTHENT).union(TicketFlags::HW_AUTHENT);
        const INHERITED: TicketFlags = TicketFlags::FORWARDABLE.union(TicketFlags::PROXIABLE);
        let (request, presented) = (&self.verified.request, &self.verified.presented);
        bounds.presented_end = Some(presented.part.endtime);
        bounds.presented_renewal =
            if self.keeps_short_name() { PresentedRenewal::NotRenewable } else { presented.renewal() };
        if presented.part.endtime <= now {
            return Err(Refusal::TicketExpired);
        }
        let options = request.body.options;
        let (starttime, postdated) = start_time(&request.body, now, &bounds)?;
        if postdated && self.keeps_short_name() {
            return Err(Refusal::CannotPostdate);
        }
        let times = times(&request.body, starttime, now, &bounds)?;
        let mut flags = asked_flags(options, &bounds);
        // What the presented ticket does not permit is left out, as MIT krb5kdc does it: clients ask for what their configuration says.
        flags &= presented.part.flags | !INHERITED;
        flags |= presented.part.flags & KEPT;
        flags.set(TicketFlags::RENEWABLE, times.renew_till.is_some());
        flags.set(TicketFlags::POSTDATED | TicketFlags::INVALID, postdated);
        if options.contains(KdcOptions::FORWARDED) {
            flags.insert(TicketFlags::FORWARDED);
        }
        if options.contains(KdcOptions::PROXY) {
            flags.insert(TicketFlags::PROXY);
        }
        Ok((times, flags))
    }
}

fn renewed(presented: &PresentedTicket, now: KerberosTime, bounds: &Bounds<'_>) -> Result<Times, Refusal> {
    let renew_till = presented.part.renew_till.ok_or(Refusal::TicketNotRenewable)?;
    renewed_times(presented.starttime(), presented.part.endtime, renew_till, now, bounds)
}

/// The times of a validated ticket are those of the postdated one, once its start has passed.
fn validated(presented: &PresentedTicket, now: KerberosTime, bounds: &Bounds<'_>) -> Result<Times, Refusal> {
    validated_times(presented.starttime(), presented.part.endtime, presented.part.renew_till, now, bounds)
}

/// The client's authorization data: under the sub-key where there is one, else under the session key.
fn open_authorization_data(
    request: &TgsRequest,
    presented: &PresentedTicket,
) -> Result<Option<AuthorizationData>, Refusal> {
    let Some(data) = &request.body.enc_authorization_data else { return Ok(None) };
    let (key, usage) = match &presented.subkey {
        Some(subkey) => (subkey, KeyUsage::TGS_REQ_AD_SUBKEY),
        None => (&presented.session, KeyUsage::TGS_REQ_AD_SESSION),
    };
    if data.etype != key.enctype().number() {
        return Err(Refusal::AuthorizationDataIntegrity);
    }
    let plaintext = key.prepare(usage).open(&data.cipher).map_err(|_| Refusal::AuthorizationDataIntegrity)?;
    let decoded = AuthorizationData::decode(&plaintext).map_err(|_| Refusal::AuthorizationDataIntegrity)?;
    Ok(Some(decoded))
}
