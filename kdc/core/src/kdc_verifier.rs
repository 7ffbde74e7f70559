//! The KDC's own checksum over tickets that come back to it, and over what it asserts of a client's authentication. Whoever runs a service can seal a ticket of any content under the
//! key of that service; a service ticket is therefore renewed or validated only with a checksum under a key of the KDC alone: the
//! kdc-verifier of a CAMMAC (RFC 7751). Other service tickets, and TGTs, whose key only the KDC has, carry a CAMMAC where they have
//! authentication indicators, and none otherwise.

use crate::auth_indicator;
use crate::authorization_data::{first_relevant, if_relevant};
use crate::client_alias;
use crate::enctype_choice::{permitted, ticket_key};
use crate::entry::{Entry, EntryKey};
use crate::pods::PodRef;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::der::writer::Writer;
use kennel_wire::message::{
    AuthorizationData, AuthorizationDatum, Cammac, Checksum, EncTicketPart, KdcOptions, Principal, TicketFlags,
    VerifierMac, ad_type,
};
use zeroize::Zeroizing;

/// ad-type of the server that a CAMMAC is for, since the checksum does not cover the name outside the encrypted part: local, and
/// always inside AD-IF-RELEVANT. The data are the canonical name as text.
const AD_KENNEL_SERVER: i32 = -0x4b53;

/// Options with which a client asks for a ticket that comes back.
const RETURNING: KdcOptions = KdcOptions::RENEWABLE.union(KdcOptions::RENEWABLE_OK).union(KdcOptions::POSTDATED);

/// Whether these options may lead to a ticket that comes back.
pub(crate) fn may_return(options: KdcOptions) -> bool {
    options.intersects(RETURNING)
}

/// Whether a service ticket of these flags can come back: to be renewed or validated. Forwarding and proxying begin with a TGT.
pub(crate) fn returns(flags: TicketFlags) -> bool {
    flags.intersects(TicketFlags::RENEWABLE | TicketFlags::INVALID)
}

/// What a ticket is sealed and vouched for with.
pub(crate) struct Vouching<'a> {
    /// The server of the ticket.
    pub(crate) server: &'a Entry,
    /// Its key that seals the ticket.
    pub(crate) server_key: &'a EntryKey,
    /// The realm's ticket-granting service.
    pub(crate) krbtgt: Option<&'a Entry>,
    /// The pod that the ticket is bound to.
    pub(crate) pod: Option<&'a PodRef>,
    /// The account of its client, where it is one of this realm.
    pub(crate) account: Option<&'a Principal>,
    /// How the client proved who it is.
    pub(crate) indicators: &'a [String],
    pub(crate) realm: &'a Realm,
}

impl Vouching<'_> {
    /// Adds the CAMMAC to a finished ticket of which the KDC asserts something. Any later change of the ticket makes it worthless.
    ///
    /// # Errors
    /// [`Refusal::Internal`] without the ticket-granting service, [`Refusal::NoServerKey`] without a key of it.
    pub(crate) fn apply(&self, ticket: &mut EncTicketPart) -> Result<(), Refusal> {
        let elements = self.elements(ticket);
        if elements.0.is_empty() {
            return Ok(());
        }
        let kdc_key = ticket_key(self.krbtgt.ok_or(Refusal::Internal)?, self.realm)?;
        let (covered, elements) = covered(ticket, elements);
        let cammac = Cammac {
            kdc_verifier: Some(verifier(kdc_key, &covered)),
            // RFC 7751, section 3: servers verify this one.
            svc_verifier: Some(verifier(self.server_key, &elements.encode())),
            elements,
            other_verifiers: Vec::new(),
        };
        let datum = AuthorizationDatum { ad_type: ad_type::CAMMAC, ad_data: cammac.encode() };
        ticket.authorization_data.get_or_insert_default().0.push(if_relevant(vec![datum]));
        Ok(())
    }

    /// What the KDC asserts of a ticket: of a service ticket that can come back all that the KDC believes of it then.
    fn elements(&self, ticket: &EncTicketPart) -> AuthorizationData {
        let server = &self.server.record.principal;
        let mut elements = AuthorizationData::default();
        if returns(ticket.flags) && server.name.krbtgt_realm() != Some(&self.realm.name) {
            let name = AuthorizationDatum { ad_type: AD_KENNEL_SERVER, ad_data: server.to_string().into_bytes() };
            let client = Principal::new(ticket.cname.clone(), &*ticket.crealm);
            elements.0.extend(self.pod.into_iter().flat_map(|pod| pod.bind().0));
            elements.0.extend(self.account.and_then(|account| client_alias::bind(account, &client)));
            elements.0.push(if_relevant(vec![name]));
        }
        elements.0.extend(auth_indicator::datum(self.indicators));
        elements
    }
}

/// Verifies that the KDC made a service ticket for this server; returns what the KDC asserts of it.
///
/// # Errors
/// [`Refusal::KdcVerifierMissing`], [`Refusal::KdcVerifierMismatch`].
pub(crate) fn verify(
    ticket: &mut EncTicketPart,
    server: Option<&Entry>,
    krbtgt: Option<&Entry>,
    realm: &Realm,
) -> Result<AuthorizationData, Refusal> {
    let Cammac { elements, kdc_verifier, .. } = cammac_of(ticket).ok_or(Refusal::KdcVerifierMissing)?;
    let verifier = kdc_verifier.ok_or(Refusal::KdcVerifierMissing)?;
    let (covered, elements) = covered(ticket, elements);
    let enctype = verifier.enctype.and_then(|number| permitted(number, realm));
    let keys = krbtgt.zip(enctype).into_iter().flat_map(|(krbtgt, enctype)| krbtgt.key_for(enctype, verifier.kvno));
    let Checksum { cksumtype, checksum } = &verifier.mac;
    let is_ours = keys.into_iter().any(|key| key.cammac().verify(&covered, *cksumtype, checksum).is_ok());
    let is_for_server =
        server.is_some_and(|server| server_named(&elements) == Some(server.record.principal.to_string()));
    if !is_ours || !is_for_server {
        return Err(Refusal::KdcVerifierMismatch);
    }
    Ok(elements)
}

/// The octets that the kdc-verifier covers: the ticket with `elements` as its authorization data. Returns `elements` too.
fn covered(ticket: &mut EncTicketPart, elements: AuthorizationData) -> (Zeroizing<Vec<u8>>, AuthorizationData) {
    let outer = ticket.authorization_data.replace(elements);
    let mut writer = Writer::with_capacity(512);
    ticket.write(&mut writer);
    let elements = std::mem::replace(&mut ticket.authorization_data, outer);
    (writer.into_secret(), elements.unwrap_or_default())
}

fn verifier(key: &EntryKey, data: &[u8]) -> VerifierMac {
    let enctype = key.key.enctype();
    VerifierMac {
        identifier: None,
        kvno: Some(key.kvno),
        enctype: Some(enctype.number()),
        mac: Checksum { cksumtype: enctype.checksum_type().number(), checksum: key.cammac().compute(data) },
    }
}

/// The first CAMMAC of a ticket; the KDC adds one.
fn cammac_of(ticket: &EncTicketPart) -> Option<Cammac> {
    let cammac = first_relevant(ticket.authorization_data.as_ref()?, ad_type::CAMMAC)?;
    Cammac::decode(&cammac.ad_data).ok()
}

fn server_named(elements: &AuthorizationData) -> Option<String> {
    String::from_utf8(first_relevant(elements, AD_KENNEL_SERVER)?.ad_data).ok()
}
