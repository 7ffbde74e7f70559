//! A request to change a password: an AP-REQ for kadmin/changepw and a KRB-PRIV with the password.

use crate::admin::caller::AdminService;
use crate::ap_exchange::{ApRules, ApUse, GenuineApReq, open_ticket};
use crate::bindings::Bindings;
use crate::checks::{names_somebody, within_skew};
use crate::entry::Entry;
use crate::kpasswd::answer::PasswordAnswer;
use crate::kpasswd::event::PasswordRefusal;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_crypto::{KeyUsage, SecretBytes};
use kennel_wire::kpasswd::{FrameFault, PasswordRequest, PasswordResult, PasswordVersion};
use kennel_wire::message::{
    ApReq, Authenticator, ChangePasswdData, EncKrbPrivPart, EncTicketPart, KerberosTime, KrbPriv, Principal,
    TicketFlags, Timestamp,
};
use zeroize::Zeroizing;

/// Whose password shall be what, proven; and the keys of the answer.
pub struct AuthenticPasswordRequest {
    /// Who asks: the account of the ticket.
    pub client: Principal,
    /// Whose password it is; `None`: the client's own.
    pub target: Option<Principal>,
    /// When the client logged in.
    pub authtime: KerberosTime,
    /// Whether the ticket comes from a login, and not from another ticket.
    pub initial: bool,
    /// The new password.
    pub password: SecretBytes,
    /// Keys and numbers of the answer.
    pub answer: PasswordAnswer,
}

/// Why a request ends before anything is asked of administration, and how it can be answered.
pub struct RefusedPasswordRequest {
    /// The reason.
    pub refusal: PasswordRefusal,
    /// Who asked, once that is proven.
    pub client: Option<Principal>,
    /// `None` where the request proves nobody: the answer is a KRB-ERROR.
    pub answer: Option<PasswordAnswer>,
}

impl From<PasswordRefusal> for RefusedPasswordRequest {
    fn from(refusal: PasswordRefusal) -> RefusedPasswordRequest {
        RefusedPasswordRequest { refusal, client: None, answer: None }
    }
}

impl From<Refusal> for RefusedPasswordRequest {
    fn from(refusal: Refusal) -> RefusedPasswordRequest {
        PasswordRefusal::Unproven(refusal).into()
    }
}

impl AuthenticPasswordRequest {
    /// Verifies a request with the keys of `kadmin/changepw`, and with no others (CVE-2022-32744).
    ///
    /// The sender's address counts neither in the ticket nor in KRB-PRIV: clients behind address translation change passwords too.
    /// The key and the sequence number tie the password to the AP-REQ.
    ///
    /// # Errors
    /// Why the request changes nothing.
    pub fn verify(
        octets: &[u8],
        service: Option<&Entry>,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<AuthenticPasswordRequest, RefusedPasswordRequest> {
        let request = PasswordRequest::decode(octets).map_err(unreadable)?;
        let Ok(ap_req) = ApReq::decode(request.ap_req) else { return Err(unreadable(FrameFault::Malformed).into()) };
        let genuine = genuine(&ap_req, service, realm, now)?;
        let account = account(&genuine.ticket)?;
        let subkey = genuine.subkey(&rules(realm))?;
        let GenuineApReq { ticket, authenticator, session } = genuine;
        let answer = PasswordAnswer { session, subkey, ctime: authenticator.ctime };
        let content = open_content(&answer, request.krb_priv, &authenticator, realm, now);
        match content.and_then(|content| Ordered::read(request.version, content, &ticket, &account, realm)) {
            Ok(Ordered { password, target }) => Ok(AuthenticPasswordRequest {
                client: account,
                target,
                authtime: ticket.authtime,
                initial: ticket.flags.contains(TicketFlags::INITIAL),
                password,
                answer,
            }),
            Err(refusal) => Err(RefusedPasswordRequest { refusal, client: Some(account), answer: Some(answer) }),
        }
    }

    /// Whose password it is.
    #[must_use]
    pub fn whose(&self) -> &Principal {
        self.target.as_ref().unwrap_or(&self.client)
    }
}

fn unreadable(fault: FrameFault) -> PasswordRefusal {
    match fault {
        FrameFault::Malformed => PasswordRefusal::Unreadable(PasswordResult::Malformed),
        FrameFault::Version => PasswordRefusal::Unreadable(PasswordResult::BadVersion),
        FrameFault::Reply => PasswordRefusal::NotARequest,
    }
}

fn rules(realm: &Realm) -> ApRules<'_> {
    ApRules {
        authenticator_usage: KeyUsage::AP_REQ_AUTHENTICATOR,
        enctypes: &realm.enctypes,
        clock_skew: realm.clock_skew,
    }
}

fn genuine(ap_req: &ApReq, service: Option<&Entry>, realm: &Realm, now: Timestamp) -> Result<GenuineApReq, Refusal> {
    let changepw = AdminService::ChangePassword.principal(&realm.name);
    if ap_req.ticket.sname != changepw.name || ap_req.ticket.realm != changepw.realm {
        return Err(Refusal::TicketNotForUs);
    }
    let service = service.filter(|entry| entry.record.principal == changepw);
    let ticket = open_ticket(&ap_req.ticket.enc_part, service, realm)?;
    let genuine = GenuineApReq::open(ticket, &ap_req.authenticator, &rules(realm))?;
    genuine.check_in_force(&rules(realm), ApUse { now, peer: None, validating: false })?;
    Ok(genuine)
}

/// The account of a ticket for a service of the KDC itself, which nobody else seals tickets for.
fn account(ticket: &EncTicketPart) -> Result<Principal, Refusal> {
    let bound = Bindings::read(ticket.authorization_data.as_ref())?.account;
    Ok(bound.unwrap_or_else(|| Principal::new(ticket.cname.clone(), &*ticket.crealm)))
}

/// Opens KRB-PRIV, which is tied to the AP-REQ by the key, and by number or time (RFC 4120, section 3.5).
fn open_content(
    answer: &PasswordAnswer,
    krb_priv: &[u8],
    authenticator: &Authenticator,
    realm: &Realm,
    now: Timestamp,
) -> Result<Zeroizing<Vec<u8>>, PasswordRefusal> {
    let refused = |refusal| Err(PasswordRefusal::Content(refusal));
    let Ok(found) = KrbPriv::decode(krb_priv) else { return refused(Refusal::Malformed) };
    if found.enc_part.etype != answer.key().enctype().number() {
        return refused(Refusal::AuthenticatorIntegrity);
    }
    let plaintext = answer.key().prepare(KeyUsage::KRB_PRIV).open(&found.enc_part.cipher);
    let Some(part) = plaintext.ok().and_then(|plaintext| EncKrbPrivPart::decode(&plaintext).ok()) else {
        return refused(Refusal::AuthenticatorIntegrity);
    };
    let numbered = part.seq_number.map(|number| number == authenticator.seq_number.unwrap_or(0));
    let timed = part.timestamp.map(|time| within_skew(time, now, realm.clock_skew));
    match (numbered, timed) {
        (None, None) | (Some(false), _) => refused(Refusal::AuthenticatorMismatch),
        (_, Some(false)) => refused(Refusal::AuthenticatorSkew),
        _ => Ok(part.user_data),
    }
}

/// What the content of a request asks for.
struct Ordered {
    password: SecretBytes,
    /// `None`: the client itself.
    target: Option<Principal>,
}

impl Ordered {
    fn read(
        version: PasswordVersion,
        content: Zeroizing<Vec<u8>>,
        ticket: &EncTicketPart,
        account: &Principal,
        realm: &Realm,
    ) -> Result<Ordered, PasswordRefusal> {
        let (password, target) = match version {
            PasswordVersion::Change => (content, None),
            PasswordVersion::Set => {
                let data = ChangePasswdData::decode(&content);
                let data = data.map_err(|_| PasswordRefusal::Content(Refusal::Malformed))?;
                (data.new_password, data.target)
            }
        };
        // The client may name itself, also by the name that it logged in by.
        let itself =
            |target: &Principal| target == account || (target.name == ticket.cname && target.realm == ticket.crealm);
        let target = target.filter(|target| !itself(target));
        let of_realm = |principal: &Principal| principal.realm == realm.name && names_somebody(&principal.name);
        if !of_realm(account) || target.as_ref().is_some_and(|target| !of_realm(target)) {
            return Err(PasswordRefusal::OfAnotherRealm);
        }
        if target.is_none() && !ticket.flags.contains(TicketFlags::INITIAL) {
            return Err(PasswordRefusal::NotInitial);
        }
        Ok(Ordered { password: SecretBytes::new(password.to_vec()), target })
    }
}
