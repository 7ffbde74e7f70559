//! An AS request whose client has proved who it is: decides the ticket and builds the reply.

use crate::access::{AccessClient, AccessPath, AccessRequest};
use crate::ap_exchange::encryption_key;
use crate::as_exchange::identified::IdentifiedAsRequest;
use crate::auth_indicator;
use crate::checks;
use crate::client_alias;
use crate::context::ErrorReply;
use crate::enctype_choice::{reply_keys, session_enctype, ticket_key};
use crate::entry::{Entry, EntryKey};
use crate::event::IssuedTicket;
use crate::kdc_verifier::Vouching;
use crate::lockout::guard::{self, LockedOut};
use crate::preauth::fast::Armor;
use crate::preauth::fast_reply::{FastReply, StrengthenedKey};
use crate::preauth::{enc_timestamp, encrypted_challenge, offer, req_enc_pa_rep};
use crate::principal::Attributes;
use crate::refusal::Refusal;
use crate::reply::{Reply, TicketSeal};
use crate::rules::{AccessGranted, Rules};
use crate::ticket_policy::{Bounds, PresentedRenewal, Times, asked_flags, start_time, times};
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{
    AuthorizationData, EncTicketPart, KerberosTime, MessageType, PaData, TicketFlags, Timestamp, TransitedEncoding,
    pa_type,
};
use rand_core::CryptoRngCore;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The client is authenticated as the realm requires, and may have the ticket.
pub(crate) struct AuthenticatedAsRequest<'a> {
    pub(crate) identified: IdentifiedAsRequest<'a>,
    /// The client's key that seals the reply.
    pub(crate) reply_key: &'a EntryKey,
    /// How the client proved that it has this key.
    proof: Option<Proof<'a>>,
    pub(crate) access: AccessGranted,
    /// The armor that the request came in.
    pub(crate) armor: Option<&'a Armor>,
}

/// What a client sends to prove that it has its key: the value of one element of padata.
#[derive(Clone, Copy)]
enum Proof<'a> {
    Timestamp(&'a [u8]),
    /// There is no challenge without armor (CVE-2021-36222).
    Challenge(&'a [u8], &'a Armor),
}

impl<'a> Proof<'a> {
    /// A hash by which a proof that is sent again is known.
    fn fingerprint(self) -> u64 {
        let (Proof::Timestamp(value) | Proof::Challenge(value, _)) = self;
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    }

    /// Inside armor a challenge proves something and a timestamp nothing (RFC 6113, section 5.4.6); without armor the reverse.
    fn find(padata: &'a [PaData], armor: Option<&'a Armor>) -> Option<Proof<'a>> {
        let value = |kind| padata.iter().find(|p| p.padata_type == kind).map(|p| &*p.value);
        match armor {
            None => value(pa_type::ENC_TIMESTAMP).map(Proof::Timestamp),
            Some(armor) => value(pa_type::ENCRYPTED_CHALLENGE).map(|challenge| Proof::Challenge(challenge, armor)),
        }
    }
}

impl<'a> AuthenticatedAsRequest<'a> {
    /// Verifies the client's proof, where the realm requires one, and asks for the access decision.
    pub(crate) fn new(
        identified: IdentifiedAsRequest<'a>,
        armor: Option<&'a Armor>,
    ) -> Result<AuthenticatedAsRequest<'a>, ErrorReply> {
        let IdentifiedAsRequest { request, rules, client, server, .. } = identified;
        let keys = reply_keys(client, &request.body.etypes, &rules.realm);
        let strongest = keys.first().copied().ok_or(Refusal::NoClientKey)?;
        let proof = Proof::find(&request.padata, armor);
        if armor.is_none() && requires_fast(&identified) {
            return Err(fast_required(proof.is_some()));
        }
        let reply_key = match proof {
            Some(proof) => verify(&identified, proof, armor.is_some(), &keys)?,
            None if requires_preauth(&identified) => {
                let methods = offer::methods(&keys, &request.body.etypes, armor.is_some());
                return Err(ErrorReply::PreauthRequired(methods));
            }
            None => strongest,
        };
        auth_indicator::check_required(&server.record, indicators(proof, rules))?;
        let access = rules.decide_access(&AccessRequest {
            client: AccessClient::Own(client),
            server,
            path: AccessPath::As,
            now: identified.now.time,
        })?;
        Ok(AuthenticatedAsRequest { identified, reply_key, proof, access, armor })
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
            authtime: checks::authentication_time([&client.record, &server.record], now.time),
            starttime: Some(times.starttime),
            endtime: times.endtime,
            renew_till: times.renew_till,
            caddr: body.addresses.clone().filter(|a| !a.is_empty()),
            authorization_data: client_alias::bind(account, client_name).map(|bound| AuthorizationData(vec![bound])),
        };
        let indicators = indicators(self.proof, rules);
        Vouching { server, server_key: ticket_key, krbtgt, pod: None, account: Some(account), indicators, realm }
            .apply(&mut ticket)?;
        let strengthened = self.armor.map(|_| StrengthenedKey::new(&self.reply_key.key, rng));
        let strengthened_rep = strengthened.as_ref().map(|key| key.reply.prepare(KeyUsage::AS_REP));
        let reply = Reply {
            answers: MessageType::AsReq,
            padata: self.padata(now, rng),
            // The name that was asked for: a keytab holds every name that its server has.
            server: request.server.clone(),
            ticket,
            session: &session,
            ticket_seal: TicketSeal::Server(ticket_key),
            key: strengthened_rep.as_ref().unwrap_or_else(|| self.reply_key.as_rep()),
            kvno: Some(self.reply_key.kvno),
            nonce: body.nonce,
            key_expiration: earliest(client.record.password_expires, client.record.expires),
            encrypted_pa_data: match &request.to_prove {
                Some(bytes) => self.prove_request(bytes, strengthened.as_ref()),
                None => Vec::new(),
            },
            referral: false,
            access: &self.access,
            fast: self.armor.zip(strengthened).map(|(armor, key)| FastReply { armor, key, now }),
        };
        Ok(reply.issue(rng)?)
    }

    /// How the key is made from the client's password, and the KDC's own challenge where the client sent one.
    fn padata(&self, now: Timestamp, rng: &mut dyn CryptoRngCore) -> Vec<PaData> {
        let key = self.reply_key;
        let salted = match key.salt {
            Some(_) => offer::key_information(&[key], &self.identified.request.body.etypes),
            None => Vec::new(),
        };
        let challenge = match self.proof {
            Some(Proof::Challenge(_, armor)) => Some(encrypted_challenge::answer(key, armor, now, rng)),
            Some(Proof::Timestamp(_)) | None => None,
        };
        salted.into_iter().chain(challenge).collect()
    }

    /// Proves under the reply key that the reply answers this request.
    fn prove_request(&self, bytes: &[u8], strengthened: Option<&StrengthenedKey>) -> Vec<PaData> {
        let checksum = match strengthened {
            Some(key) => key.reply.checksum(KeyUsage::AS_REQ, bytes),
            None => self.reply_key.as_req_checksum(bytes),
        };
        req_enc_pa_rep::answer(self.reply_key.key.enctype(), checksum)
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
        flags.set(TicketFlags::PRE_AUTHENT, self.proof.is_some());
        flags.set(TicketFlags::POSTDATED | TicketFlags::INVALID, postdated);
        flags.set(TicketFlags::ENC_PA_REP, request.to_prove.is_some());
        Ok((times, flags))
    }
}

fn verify<'a>(
    identified: &IdentifiedAsRequest<'a>,
    proof: Proof<'a>,
    armored: bool,
    keys: &[&'a EntryKey],
) -> Result<&'a EntryKey, ErrorReply> {
    let IdentifiedAsRequest { request, rules, client, now, .. } = *identified;
    let verified = match proof {
        Proof::Timestamp(value) => enc_timestamp::verify(value, client, &rules.realm, now),
        Proof::Challenge(value, armor) => {
            encrypted_challenge::verify(value, client, armor, &request.body.etypes, &rules.realm, now)
        }
    };
    settle(identified, proof, verified.as_ref().err().copied())?;
    verified.map_err(|refusal| match refusal {
        // The proof itself is good, and the KDC's time in the error is what the client needs.
        Refusal::PreauthSkew => refusal.into(),
        // The client may have used another salt, or have guessed an enctype before it asked: the error repeats which enctypes it has
        // keys of, and how they are made from its password.
        unusable => ErrorReply::WithMethods(unusable, offer::methods(keys, &request.body.etypes, armored)),
    })
}

/// Has an attempt counted, where a policy limits attempts.
///
/// # Errors
/// [`Refusal::ClientLockedOut`], whatever the proof was worth.
fn settle(identified: &IdentifiedAsRequest<'_>, proof: Proof<'_>, refusal: Option<Refusal>) -> Result<(), Refusal> {
    let Some(attempt) = identified.attempt() else { return Ok(()) };
    let verified = match refusal {
        None => guard::Proof::Good,
        Some(Refusal::PreauthSkew) => guard::Proof::Old,
        Some(Refusal::PreauthFailed) => guard::Proof::Wrong { fingerprint: proof.fingerprint() },
        // Nothing that a password could be guessed with.
        Some(_) => return Ok(()),
    };
    identified.rules.logins.settle(&attempt, verified).map_err(|LockedOut| Refusal::ClientLockedOut)
}

/// How a client proved who it is, where the realm has a name for that.
fn indicators<'a>(proof: Option<Proof<'_>>, rules: &'a Rules) -> &'a [String] {
    match proof {
        Some(Proof::Challenge(..)) => rules.realm.encrypted_challenge_indicator.as_slice(),
        Some(Proof::Timestamp(_)) | None => &[],
    }
}

fn requires_preauth(identified: &IdentifiedAsRequest<'_>) -> bool {
    let exempt = identified.client.record.attributes.contains(Attributes::NO_PREAUTH_REQUIRED);
    let by_server = identified.server.record.attributes.contains(Attributes::REQUIRE_PREAUTH_OF_CLIENTS);
    by_server || (identified.rules.realm.require_preauth && !exempt)
}

/// Whether the client gets initial tickets by FAST alone: a reply in clear text lets whoever listens try passwords on it.
fn requires_fast(identified: &IdentifiedAsRequest<'_>) -> bool {
    let record = &identified.client.record;
    let by_realm = identified.rules.realm.require_fast && record.keys.password_set().is_some();
    by_realm || record.attributes.contains(Attributes::REQUIRE_FAST)
}

/// A client that only asks is offered FAST and nothing else; one that sends a proof in clear text is refused.
fn fast_required(proves: bool) -> ErrorReply {
    let methods = vec![offer::fast()];
    match proves {
        true => ErrorReply::WithMethods(Refusal::FastRequired, methods),
        false => ErrorReply::PreauthRequired(methods),
    }
}

fn earliest(a: Option<KerberosTime>, b: Option<KerberosTime>) -> Option<KerberosTime> {
    a.into_iter().chain(b).min()
}
