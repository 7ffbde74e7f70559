//! The AP-REQ of a TGS request: a ticket that we can open, an authenticator that fits it, and a checksum that binds both
//! to the request (RFC 4120, sections 3.2.3 and 3.3.3).

use crate::ap_exchange::{ApUse, GenuineApReq, open_ticket};
use crate::auth_indicator;
use crate::authorization_data::holds;
use crate::bindings::{Bindings, pod_lives};
use crate::context::Context;
use crate::enterprise::{self, ClientName};
use crate::entry::Entry;
use crate::kdc_verifier;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::tgs_exchange::received::{Asked, ReceivedTgsRequest};
use crate::tgs_exchange::request::TgsRequest;
use crate::tgs_exchange::ticket::{TicketKind, ap_rules};
use crate::ticket_policy::PresentedRenewal;
use crate::wants::{Found, Want, Wants};
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{
    AuthorizationData, EncTicketPart, KdcOptions, KerberosTime, Principal, TicketFlags, ad_type,
};
use std::sync::Arc;

/// A TGS request that the client of its ticket made.
pub(crate) struct PresentedTgsRequest {
    pub(crate) request: TgsRequest,
    pub(crate) presented: PresentedTicket,
    /// The server of the presented ticket.
    pub(crate) ticket_server: Option<Arc<Entry>>,
    /// The realm's ticket-granting service, where the presented ticket is not its own and a ticket may come back.
    pub(crate) other_krbtgt: Option<Arc<Entry>>,
}

/// A verified AP-REQ.
pub(crate) struct PresentedTicket {
    pub(crate) kind: TicketKind,
    pub(crate) part: EncTicketPart,
    /// The account of the client, where the ticket bears another name of it.
    bound_account: Option<Principal>,
    /// How the client proved who it is, as this KDC vouches for it.
    pub(crate) indicators: Vec<String>,
    pub(crate) session: Key,
    pub(crate) subkey: Option<Key>,
}

impl PresentedTgsRequest {
    /// Verifies the AP-REQ and opens an armored request; returns the principals that are needed next, of an armored request those
    /// that the request inside names.
    pub(crate) fn new(
        received: ReceivedTgsRequest,
        found: &mut Found,
        rules: &Rules,
        context: &mut Context,
    ) -> Result<(PresentedTgsRequest, Wants), Refusal> {
        let (ticket_server, other_krbtgt) = (found.take(Want::TicketServer), found.take(Want::TicketGrantingService));
        let genuine = genuine(&received, ticket_server.as_deref(), &rules.realm)?;
        let ReceivedTgsRequest { kind, asked, .. } = received;
        check_fast_markers(&genuine, matches!(asked, Asked::Armored(_)))?;
        let (request, wants) = match asked {
            Asked::Openly(request) => (request, Wants::default()),
            Asked::Armored(armored) => {
                let armor_server = found.take(Want::ArmorTicketServer);
                let request = armored.open(&genuine, &kind, armor_server.as_deref(), rules, context)?;
                let wants = request.wants().into_iter().flatten().collect();
                (request, wants)
            }
        };
        let keepers = (ticket_server.as_deref(), other_krbtgt.as_deref());
        let presented = PresentedTicket::judge(genuine, kind, request.body.options, keepers, rules, context)?;
        Ok((PresentedTgsRequest { request, presented, ticket_server, other_krbtgt }, wants))
    }
}

/// Opens the presented ticket and its authenticator, and verifies that both belong to the body as it was sent.
fn genuine(request: &ReceivedTgsRequest, server: Option<&Entry>, realm: &Realm) -> Result<GenuineApReq, Refusal> {
    let ticket = open_ticket(&request.ap.ticket.enc_part, server, realm)?;
    let genuine = GenuineApReq::open(ticket, &request.ap.authenticator, &ap_rules(realm))?;
    genuine.verify_checksum(KeyUsage::TGS_REQ_CHECKSUM, &request.body_der)?;
    Ok(genuine)
}

/// Checks what ticket and authenticator say of FAST (RFC 6113, sections 5.4.1.1 and 5.4.2): what is armor alone buys no ticket, and
/// nobody between takes the armor away from a client that says that it uses one.
fn check_fast_markers(genuine: &GenuineApReq, armored: bool) -> Result<(), Refusal> {
    let (ticket, authenticator) = (&genuine.ticket.authorization_data, &genuine.authenticator.authorization_data);
    let has = |data: &Option<AuthorizationData>, wanted| data.as_ref().is_some_and(|data| holds(data, wanted));
    if has(ticket, ad_type::FX_FAST_ARMOR) || has(authenticator, ad_type::FX_FAST_ARMOR) {
        return Err(Refusal::FastArmorOnly);
    }
    if !armored && has(authenticator, ad_type::FX_FAST_USED) {
        return Err(Refusal::FastStripped);
    }
    Ok(())
}

impl PresentedTicket {
    /// Judges whether a genuine AP-REQ may be used now and from here. `options` are those of its request.
    fn judge(
        mut genuine: GenuineApReq,
        kind: TicketKind,
        options: KdcOptions,
        (server, krbtgt): (Option<&Entry>, Option<&Entry>),
        rules: &Rules,
        context: &mut Context,
    ) -> Result<PresentedTicket, Refusal> {
        let realm = &rules.realm;
        let bound = match kind {
            TicketKind::OwnTgt => Bindings::read(genuine.ticket.authorization_data.as_ref()),
            TicketKind::OwnService => {
                let vouched = vouched_for(&mut genuine.ticket, options, server, krbtgt, realm)?;
                let indicators = auth_indicator::of_elements(&vouched);
                Bindings::read(Some(&vouched)).map(|bound| Bindings { indicators, ..bound })
            }
            TicketKind::ForeignTgt(_) => Ok(Bindings::default()),
        };
        // Only after these checks is the request known to come from the client that the ticket names.
        context.client = Some(client_of(&genuine.ticket));
        let Bindings { pod, account: bound_account, indicators } = bound?;
        if bound_account.is_some() {
            context.client.clone_from(&bound_account);
        }
        context.pod = pod;
        pod_lives(context.pod.as_ref(), rules)?;
        let validating = options.contains(KdcOptions::VALIDATE);
        let at = ApUse { now: context.now, peer: Some(context.peer.ip()), validating };
        genuine.check_in_force(&ap_rules(realm), at)?;
        if matches!(kind, TicketKind::ForeignTgt(_)) && genuine.ticket.crealm == realm.name {
            return Err(Refusal::TicketSpoofsLocalClient);
        }
        let subkey = genuine.subkey(&ap_rules(realm))?;
        let (part, session) = (genuine.ticket, genuine.session);
        Ok(PresentedTicket { kind, part, bound_account, indicators, session, subkey })
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
