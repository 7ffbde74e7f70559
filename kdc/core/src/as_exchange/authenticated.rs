//! An AS request whose client has proved who it is: decides the ticket and builds the reply.

use crate::access::{AccessPath, AccessRequest};
use crate::as_exchange::identified::IdentifiedAsRequest;
use crate::client_alias;
use crate::context::ErrorReply;
use crate::enctype_choice::{reply_keys, session_enctype, ticket_key};
use crate::entry::{Entry, EntryKey};
use crate::event::IssuedTicket;
use crate::kdc_verifier::Vouching;
use crate::preauth::{enc_timestamp, offer, req_enc_pa_rep};
use crate::principal::Attributes;
use crate::refusal::Refusal;
use crate::reply::{Reply, TicketSeal, encryption_key};
use crate::rules::{AccessGranted, Rules};
use crate::ticket_policy::{Bounds, PresentedRenewal, Times, asked_flags, start_time, times};
use kennel_crypto::Key;
use kennel_wire::message::{
    AuthorizationData, EncTicketPart, KerberosTime, MessageType, TicketFlags, Timestamp, TransitedEncoding, pa_type,
};
use rand_core::CryptoRngCore;

/// The client is authenticated as the realm requires, and may have the ticket.
pub(crate) struct AuthenticatedAsRequest<'a> {
    pub(crate) identified: IdentifiedAsRequest<'a>,
    /// The client's key that seals the reply.
    pub(crate) reply_key: &'a EntryKey,
    /// Whether the client proved that it has this key.
    pub(crate) proved: bool,
    pub(crate) access: AccessGranted,
}

impl<'a> AuthenticatedAsRequest<'a> {
    /// Verifies the client's proof, where the realm requires one, and asks for the access decision.
    pub(crate) fn new(identified: IdentifiedAsRequest<'a>) -> Result<AuthenticatedAsRequest<'a>, ErrorReply> {
        let IdentifiedAsRequest { request, rules, client, server, .. } = identified;
        let keys = reply_keys(client, &request.body.etypes, &rules.realm);
        let strongest = keys.first().copied().ok_or(Refusal::NoClientKey)?;
        let proof = request.padata.iter().find(|p| p.padata_type == pa_type::ENC_TIMESTAMP);
        let (reply_key, proved) = match proof {
            Some(proof) => (verify(&identified, &proof.value, &keys)?, true),
            None if requires_preauth(&identified) => {
                return Err(ErrorReply::PreauthRequired(offer::methods(&keys, &request.body.etypes)));
            }
            None => (strongest, false),
        };
        let access = rules.decide_access(&AccessRequest {
            client: &client.record.principal,
            client_origin: Some(client.record.origin),
            server,
            path: AccessPath::As,
            now: identified.now.time,
        })?;
        Ok(AuthenticatedAsRequest { identified, reply_key, proved, access })
    }

    /// Decides the ticket and builds the reply. `krbtgt`: the realm's ticket-granting service, where it must vouch for the
    /// ticket.
    pub(crate) fn issue(
        self,
        krbtgt: Option<&Entry>,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Vec<u8>, IssuedTicket), ErrorReply> {
        let IdentifiedAsRequest { request, rules, client, server, .. } = &self.identified;
        let body = &request.body;
        let realm = &rules.realm;
        let (times, flags) = self.times_and_flags(now.time, rules)?;
        let ticket_key = ticket_key(server, realm)?;
        let session = Key::generate(session_enctype(server, &body.etypes, realm)?, rng);
        let account = &client.record.principal;
        let client_name = request.client_name(account);
        let mut ticket = EncTicketPart {
            flags,
            key: encryption_key(&session),
            crealm: client_name.realm.clone(),
            cname: client_name.name.clone(),
            transited: TransitedEncoding { tr_type: 1, contents: Vec::new() },
            authtime: now.time,
            starttime: Some(times.starttime),
            endtime: times.endtime,
            renew_till: times.renew_till,
            caddr: body.addresses.clone().filter(|a| !a.is_empty()),
            authorization_data: client_alias::bind(account, client_name).map(|bound| AuthorizationData(vec![bound])),
        };
        Vouching { server, server_key: ticket_key, krbtgt, pod: None, account: Some(account), realm }
            .apply(&mut ticket)?;
        let reply = Reply {
            answers: MessageType::AsReq,
            padata: if self.reply_key.salt.is_some() {
                offer::key_information(&[self.reply_key], &body.etypes)
            } else {
                Vec::new()
            },
            // The name that was asked for: a keytab holds every name that its server has.
            server: request.server.clone(),
            ticket,
            session: &session,
            ticket_seal: TicketSeal::Server(ticket_key),
            key: self.reply_key.as_rep(),
            kvno: Some(self.reply_key.kvno),
            nonce: body.nonce,
            key_expiration: earliest(client.record.password_expires, client.record.expires),
            encrypted_pa_data: match &request.to_prove {
                Some(bytes) => vec![req_enc_pa_rep::answer(bytes, self.reply_key)],
                None => Vec::new(),
            },
            referral: false,
            access: &self.access,
        };
        Ok(reply.issue(rng)?)
    }

    fn times_and_flags(&self, now: KerberosTime, rules: &Rules) -> Result<(Times, TicketFlags), Refusal> {
        let IdentifiedAsRequest { request, client, server, .. } = &self.identified;
        let bounds = Bounds {
            realm: &rules.realm,
            client: Some(&client.record),
            server: &server.record,
            presented_end: None,
            presented_renewal: PresentedRenewal::Unbounded,
            allowed_until: self.access.until,
        };
        let (starttime, postdated) = start_time(&request.body, now, &bounds)?;
        let times = times(&request.body, starttime, now, &bounds)?;
        let mut flags = asked_flags(request.body.options, &bounds) | TicketFlags::INITIAL;
        flags.set(TicketFlags::RENEWABLE, times.renew_till.is_some());
        flags.set(TicketFlags::PRE_AUTHENT, self.proved);
        flags.set(TicketFlags::POSTDATED | TicketFlags::INVALID, postdated);
        flags.set(TicketFlags::ENC_PA_REP, request.to_prove.is_some());
        Ok((times, flags))
    }
}

fn verify<'a>(
    identified: &IdentifiedAsRequest<'a>,
    value: &[u8],
    keys: &[&'a EntryKey],
) -> Result<&'a EntryKey, ErrorReply> {
    let verified = enc_timestamp::verify(value, identified.client, &identified.rules.realm, identified.now);
    verified.map_err(|refusal| match refusal {
        // The proof itself is good, and the KDC's time in the error is what the client needs.
        Refusal::PreauthSkew => refusal.into(),
        // The client may have used another salt, or have guessed an enctype before it asked: the error repeats which enctypes it has
        // keys of, and how they are made from its password.
        unusable => ErrorReply::WithMethods(unusable, offer::methods(keys, &identified.request.body.etypes)),
    })
}

fn requires_preauth(identified: &IdentifiedAsRequest<'_>) -> bool {
    let exempt = identified.client.record.attributes.contains(Attributes::NO_PREAUTH_REQUIRED);
    let by_server = identified.server.record.attributes.contains(Attributes::REQUIRE_PREAUTH_OF_CLIENTS);
    by_server || (identified.rules.realm.require_preauth && !exempt)
}

fn earliest(a: Option<KerberosTime>, b: Option<KerberosTime>) -> Option<KerberosTime> {
    a.into_iter().chain(b).min()
}
