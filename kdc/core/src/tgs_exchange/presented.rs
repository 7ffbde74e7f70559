//! The AP-REQ of a TGS request: a ticket that we can open, an authenticator that fits it, and a checksum that binds both
//! to the request (RFC 4120, sections 3.2.3 and 3.3.3).

use crate::ap_exchange::{ApRules, ApUse, GenuineApReq, open_ticket};
use crate::context::Context;
use crate::enterprise::{self, ClientName};
use crate::entry::Entry;
use crate::kdc_verifier;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::tgs_exchange::request::TgsRequest;
use crate::tgs_exchange::ticket::{Bindings, TicketKind, lives};
use crate::ticket_policy::PresentedRenewal;
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{AuthorizationData, EncTicketPart, KdcOptions, KerberosTime, Principal, TicketFlags};

/// A verified AP-REQ.
pub(crate) struct PresentedTicket {
    pub(crate) kind: TicketKind,
    pub(crate) part: EncTicketPart,
    /// The account of the client, where the ticket bears another name of it.
    bound_account: Option<Principal>,
    pub(crate) session: Key,
    pub(crate) subkey: Option<Key>,
}

impl PresentedTicket {
    /// Verifies everything about the AP-REQ that does not depend on what is asked for.
    pub(crate) fn verify(
        request: &TgsRequest,
        server: Option<&Entry>,
        krbtgt: Option<&Entry>,
        rules: &Rules,
        context: &mut Context,
    ) -> Result<PresentedTicket, Refusal> {
        let realm = &rules.realm;
        let ap_rules = ApRules {
            authenticator_usage: KeyUsage::TGS_REQ_AUTHENTICATOR,
            enctypes: &realm.enctypes,
            clock_skew: realm.clock_skew,
        };
        let ticket = open_ticket(&request.ap.ticket.enc_part, server, realm)?;
        let mut genuine = GenuineApReq::open(ticket, &request.ap.authenticator, &ap_rules)?;
        genuine.verify_checksum(KeyUsage::TGS_REQ_CHECKSUM, &request.body_der)?;
        let bound = match request.kind {
            TicketKind::OwnTgt => Bindings::read(genuine.ticket.authorization_data.as_ref()),
            TicketKind::OwnService => {
                let vouched = vouched_for(&mut genuine.ticket, request.body.options, server, krbtgt, realm)?;
                Bindings::read(Some(&vouched))
            }
            TicketKind::ForeignTgt(_) => Ok(Bindings::default()),
        };
        // Only after these checks is the request known to come from the client that the ticket names.
        context.client = Some(client_of(&genuine.ticket));
        let Bindings { pod, account: bound_account } = bound?;
        if bound_account.is_some() {
            context.client.clone_from(&bound_account);
        }
        context.pod = pod;
        lives(context.pod.as_ref(), rules)?;
        let validating = request.body.options.contains(KdcOptions::VALIDATE);
        genuine.check_in_force(&ap_rules, ApUse { now: context.now, peer: Some(context.peer.ip()), validating })?;
        let foreign = matches!(request.kind, TicketKind::ForeignTgt(_));
        if foreign && genuine.ticket.crealm == realm.name {
            return Err(Refusal::TicketSpoofsLocalClient);
        }
        let subkey = genuine.subkey(&ap_rules)?;
        let (kind, session) = (request.kind.clone(), genuine.session);
        Ok(PresentedTicket { kind, part: genuine.ticket, bound_account, session, subkey })
    }

    /// The client that the ticket names.
    pub(crate) fn client(&self) -> Principal {
        client_of(&self.part)
    }

    /// The account of the client: its own name, unless the ticket bears another one.
    pub(crate) fn account(&self) -> Principal {
        self.bound_account.clone().unwrap_or_else(|| self.client())
    }

    /// Whether the ticket is of this account.
    pub(crate) fn is_of(&self, account: &Principal) -> bool {
        match &self.bound_account {
            Some(bound) => bound == account,
            None => self.part.cname == account.name && self.part.crealm == account.realm,
        }
    }

    /// Whether the ticket bears another name than its account's own.
    pub(crate) fn has_alias(&self) -> bool {
        self.bound_account.is_some()
    }

    /// That other name, as the store knows it.
    pub(crate) fn alias(&self, realm: &Realm) -> Option<Principal> {
        match enterprise::resolve(&self.client(), realm) {
            ClientName::Local(name) => Some(name),
            ClientName::Elsewhere(_) | ClientName::Unknown => None,
        }
    }

    pub(crate) fn has(&self, flag: TicketFlags) -> bool {
        self.part.flags.contains(flag)
    }

    pub(crate) fn renewal(&self) -> PresentedRenewal {
        match self.part.renew_till {
            Some(till) if self.has(TicketFlags::RENEWABLE) => PresentedRenewal::Until(till),
            _ => PresentedRenewal::NotRenewable,
        }
    }

    pub(crate) fn starttime(&self) -> KerberosTime {
        self.part.starttime.unwrap_or(self.part.authtime)
    }
}

/// Checks that the KDC made a service ticket, which its service could have made as well; returns what the KDC asserts of it. Only a
/// ticket that can come back has the KDC's checksum.
fn vouched_for(
    ticket: &mut EncTicketPart,
    options: KdcOptions,
    server: Option<&Entry>,
    krbtgt: Option<&Entry>,
    realm: &Realm,
) -> Result<AuthorizationData, Refusal> {
    if kdc_verifier::returns(ticket.flags) {
        return kdc_verifier::verify(ticket, server, krbtgt, realm);
    }
    let validating = options.contains(KdcOptions::VALIDATE);
    Err(if validating { Refusal::TicketNotInvalid } else { Refusal::TicketNotRenewable })
}

fn client_of(ticket: &EncTicketPart) -> Principal {
    Principal::new(ticket.cname.clone(), &*ticket.crealm)
}
