//! A TGS request whose AP-REQ can be read, before its ticket is opened. What it asks for is in its body, or in the body inside
//! its armor (FAST, RFC 6113, section 5.4.2), which only the ticket opens.

use crate::ap_exchange::{ApUse, GenuineApReq};
use crate::checks::names_somebody;
use crate::context::{Context, ErrorReply};
use crate::entry::Entry;
use crate::kdc_verifier;
use crate::preauth::fast::{ArmorKey, FastRequest};
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::tgs_exchange::request::{TgsRequest, server_of};
use crate::tgs_exchange::ticket::{TicketKind, ap_rules};
use crate::wants::{Want, Wants};
use kennel_wire::message::{ApReq, KdcReq, KdcReqBody, PaData, Principal, pa_type};

/// A TGS request with a readable AP-REQ.
pub(crate) struct ReceivedTgsRequest {
    pub(crate) ap: ApReq,
    pub(crate) kind: TicketKind,
    /// The body as it came: what the authenticator's checksum covers.
    pub(crate) body_der: Vec<u8>,
    pub(crate) asked: Asked,
}

/// Where a request says what it asks for.
pub(crate) enum Asked {
    /// In its body.
    Openly(TgsRequest),
    /// Inside its armor.
    Armored(ArmoredTgsRequest),
}

/// The armor of a request.
pub(crate) struct ArmoredTgsRequest {
    fast: FastRequest,
    /// The AP-REQ as it came, which the checksum of the FAST request covers.
    ap_der: Vec<u8>,
}

impl ReceivedTgsRequest {
    /// Checks what can be checked without keys.
    pub(crate) fn new(
        request: KdcReq,
        bytes: &[u8],
        rules: &Rules,
        context: &mut Context,
    ) -> Result<ReceivedTgsRequest, ErrorReply> {
        let body_der = bytes.get(request.body_der.clone()).unwrap_or_default().to_vec();
        let KdcReq { padata, mut body, .. } = request;
        let realm = &rules.realm;
        name_server(&mut body, context);
        let fast = FastRequest::find(&padata, realm)?;
        if let Some(fast) = fast {
            let (ap_der, ap, kind) = ap_req(padata, realm)?;
            return Ok(ReceivedTgsRequest {
                ap,
                kind,
                body_der,
                asked: Asked::Armored(ArmoredTgsRequest { fast, ap_der }),
            });
        }
        let server = TgsRequest::server(&body, realm, context)?;
        let (_, ap, kind) = ap_req(padata, realm)?;
        let asked = Asked::Openly(TgsRequest::new(body, server, &kind)?);
        Ok(ReceivedTgsRequest { ap, kind, body_der, asked })
    }

    /// The principals that are needed: the presented ticket's server, those of the request where it is open, the server of an
    /// armor ticket and, where the presented ticket is no TGT of ours and a ticket may come back, the ticket-granting service.
    pub(crate) fn wants(&self, realm: &Realm) -> Wants {
        let first = (Want::TicketServer, server_of(&self.ap.ticket));
        let (asked, may_return) = match &self.asked {
            Asked::Openly(request) => (request.wants(), kdc_verifier::may_return(request.body.options)),
            Asked::Armored(armored) => (armored.wants(), true),
        };
        let vouching = match self.kind {
            TicketKind::OwnTgt => false,
            TicketKind::OwnService => true,
            TicketKind::ForeignTgt(_) => may_return,
        };
        let krbtgt = vouching.then(|| (Want::TicketGrantingService, Principal::krbtgt(&realm.name, &realm.name)));
        std::iter::once(first).chain(asked.into_iter().flatten()).chain(krbtgt).collect()
    }
}

impl ArmoredTgsRequest {
    fn wants(&self) -> [Option<(Want, Principal)>; 2] {
        [self.fast.armor_server().map(|server| (Want::ArmorTicketServer, server)), None]
    }

    /// Opens the request inside. Its armor key comes from the presented ticket and the sub-key of its authenticator, or from an
    /// armor of its own and that sub-key (RFC 6113, section 5.4.1.1).
    pub(crate) fn open(
        self,
        genuine: &GenuineApReq,
        kind: &TicketKind,
        armor_server: Option<&Entry>,
        rules: &Rules,
        context: &mut Context,
    ) -> Result<TgsRequest, Refusal> {
        let realm = &rules.realm;
        let ap_rules = ap_rules(realm);
        let key = if self.fast.has_armor() {
            let at = ApUse { now: context.now, peer: Some(context.peer.ip()), validating: false };
            self.fast.armor_key(armor_server, rules, at)?.with_subkey_of(genuine, &ap_rules)?
        } else {
            ArmorKey::of(genuine, &ap_rules)?
        };
        let inner = self.fast.open(key, &self.ap_der, &mut context.armor)?;
        let mut body = inner.body;
        context.asks(&body);
        name_server(&mut body, context);
        let server = TgsRequest::server(&body, realm, context)?;
        TgsRequest::new(body, server, kind)
    }
}

/// The AP-REQ of PA-TGS-REQ, as it came and decoded, and the kind of its ticket.
fn ap_req(padata: Vec<PaData>, realm: &Realm) -> Result<(Vec<u8>, ApReq, TicketKind), Refusal> {
    let element = padata.into_iter().find(|p| p.padata_type == pa_type::TGS_REQ).ok_or(Refusal::NoTgsReq)?;
    let ap = ApReq::decode(&element.value).map_err(|_| Refusal::TgsReqMalformed)?;
    let kind = TicketKind::new(&ap.ticket, &realm.name).ok_or(Refusal::TicketNotForUs)?;
    Ok((element.value, ap, kind))
}

/// Moves the name of the server from a body to the context.
fn name_server(body: &mut KdcReqBody, context: &mut Context) {
    let sname = body.sname.take().filter(names_somebody);
    context.server = sname.map(|name| Principal::new(name, &*body.realm));
}
