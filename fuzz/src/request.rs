//! AS and TGS requests as the fuzzer wants them: sealed and summed as they should be, unless it wants that wrong too.

use crate::realm::{self, NOW, at, principal};
use crate::ticket::{PlannedTicket, TicketPlan, address, data, enctype, pick, seal, session, to_wire};
use arbitrary::Arbitrary;
use kennel_crypto::{Key, KeyUsage, UnkeyedChecksum};
use kennel_wire::message::*;
use rand_core::CryptoRngCore;

/// A request.
#[derive(Debug, Arbitrary)]
pub enum RequestPlan {
    /// Any octets.
    Raw(Vec<u8>),
    /// AS.
    As(AsPlan, Edits),
    /// TGS.
    Tgs(Box<TgsPlan>, Edits),
}

/// Octets to change once all is encoded; mostly none.
pub type Edits = Option<Vec<(u16, u8)>>;

/// The body.
#[derive(Debug, Arbitrary)]
pub struct BodyPlan {
    options: u32,
    client: Option<u8>,
    server: Option<u8>,
    odd_server: Option<Vec<String>>,
    other_realm: bool,
    from: Option<i32>,
    till: Option<i32>,
    rtime: Option<i32>,
    nonce: u32,
    etypes: Option<Vec<i8>>,
    addresses: Option<Vec<(i8, Vec<u8>)>>,
}

/// An AS request.
#[derive(Debug, Arbitrary)]
pub struct AsPlan {
    body: BodyPlan,
    proof: Option<Proof>,
    padata: Vec<(i16, Vec<u8>)>,
}

#[derive(Debug, Arbitrary)]
struct Proof {
    kvno: u8,
    enctype: u8,
    skew: i16,
}

/// A TGS request.
#[derive(Debug, Arbitrary)]
pub struct TgsPlan {
    body: BodyPlan,
    ticket: TicketPlan,
    second: Option<TicketPlan>,
    other_client: Option<u8>,
    skew: i16,
    subkey: Option<u8>,
    checksum: Sum,
    added: Vec<(i16, Vec<u8>)>,
    padata: Vec<(i16, Vec<u8>)>,
}

/// The checksum of an authenticator over a body.
#[derive(Debug, Arbitrary)]
pub enum Sum {
    /// The right one.
    Right,
    /// None.
    Missing,
    /// One that no key made.
    Unkeyed(Vec<u8>),
    /// One over the body that no key made, and that nobody can collide with.
    CollisionProof(u8),
    /// One over something else.
    OverOther(u8),
}

/// A request, and what the fuzzer knows of it.
pub struct Planned {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// The presented ticket of a TGS request.
    pub presented: Option<PlannedTicket>,
    /// The sub-key of its authenticator.
    pub subkey: Option<Key>,
    /// Its body, where nothing was edited afterwards.
    pub body: Option<KdcReqBody>,
}

impl RequestPlan {
    /// Makes it.
    pub fn build(&self, rng: &mut dyn CryptoRngCore) -> Planned {
        let (mut planned, edits) = match self {
            RequestPlan::Raw(bytes) => {
                return Planned { bytes: bytes.clone(), presented: None, subkey: None, body: None };
            }
            RequestPlan::As(plan, edits) => (plan.build(rng), edits),
            RequestPlan::Tgs(plan, edits) => (plan.build(rng), edits),
        };
        for (place, value) in edits.iter().flatten().take(4) {
            let place = usize::from(*place) % planned.bytes.len();
            planned.bytes[place] ^= value;
            planned.body = None;
        }
        planned
    }
}

impl BodyPlan {
    /// Makes it.
    pub fn build(&self) -> KdcReqBody {
        let near = |offset: i32| KerberosTime(NOW).plus(i64::from(offset % 2_000_000));
        let odd = self.odd_server.as_ref().map(|parts| {
            PrincipalName::new(NameType::SRV_INST, parts.iter().take(4).map(|part| part.replace(char::is_control, "")))
        });
        KdcReqBody {
            options: KdcOptions::from_bits_retain(self.options),
            cname: self.client.map(|number| principal(realm::name(number)).name),
            realm: if self.other_realm { realm::TRUSTED.into() } else { realm::REALM.into() },
            sname: odd.or(self.server.map(|number| principal(realm::name(number)).name)),
            from: self.from.map(near),
            till: self.till.map_or(KerberosTime::EPOCH, near),
            rtime: self.rtime.map(near),
            nonce: self.nonce.into(),
            etypes: match &self.etypes {
                Some(list) => list.iter().take(16).map(|number| i32::from(*number)).collect(),
                None => vec![20, 19, 18, 17],
            },
            addresses: self.addresses.as_ref().map(|list| list.iter().take(8).map(address).collect()),
            enc_authorization_data: None,
            additional_tickets: Vec::new(),
        }
    }
}

/// Elements of any types.
pub fn padata(plan: &[(i16, Vec<u8>)]) -> impl Iterator<Item = PaData> + '_ {
    plan.iter().take(8).map(|(kind, value)| PaData { padata_type: (*kind).into(), value: value.clone() })
}

impl AsPlan {
    fn build(&self, rng: &mut dyn CryptoRngCore) -> Planned {
        let body = self.body.build();
        let mut list: Vec<PaData> = padata(&self.padata).collect();
        if let (Some(proof), Some(client)) = (&self.proof, self.body.client) {
            list.insert(0, proof.build(realm::name(client), rng));
        }
        let bytes = KdcReq::encode_around(MessageType::AsReq, &list, &body.encode());
        Planned { bytes, presented: None, subkey: None, body: Some(body) }
    }
}

impl Proof {
    fn build(&self, client: &str, rng: &mut dyn CryptoRngCore) -> PaData {
        let client = if client == "alias" { "alice" } else { client };
        let kvno = if self.kvno.is_multiple_of(4) { 2 } else { u32::from(self.kvno % 4) };
        let key = realm::key(client, kvno, enctype(self.enctype));
        let stamp = PaEncTimestamp(at(NOW + i64::from(self.skew % 600))).encode();
        let data = seal(&key, KeyUsage::PA_ENC_TIMESTAMP, &stamp, rng);
        PaData { padata_type: pa_type::ENC_TIMESTAMP, value: PaData::encode_encrypted_data(&data) }
    }
}

impl TgsPlan {
    fn build(&self, rng: &mut dyn CryptoRngCore) -> Planned {
        let presented = self.ticket.build(rng);
        let subkey = self.subkey.map(|number| session(number.wrapping_add(1)));
        let mut body = self.body.build();
        if let Some(second) = &self.second {
            body.additional_tickets.push(second.build(rng).ticket);
        }
        if !self.added.is_empty() {
            let (key, usage) = match &subkey {
                Some(subkey) => (subkey, KeyUsage::TGS_REQ_AD_SUBKEY),
                None => (&presented.session, KeyUsage::TGS_REQ_AD_SESSION),
            };
            let added = AuthorizationData(data(&self.added)).encode();
            body.enc_authorization_data = Some(seal(key, usage, &added, rng));
        }
        let der = body.encode();
        let mut list = vec![self.ap_req(&presented, subkey.as_ref(), &der, rng)];
        list.extend(padata(&self.padata));
        let bytes = KdcReq::encode_around(MessageType::TgsReq, &list, &der);
        Planned { bytes, presented: Some(presented), subkey, body: Some(body) }
    }

    fn ap_req(
        &self,
        presented: &PlannedTicket,
        subkey: Option<&Key>,
        body: &[u8],
        rng: &mut dyn CryptoRngCore,
    ) -> PaData {
        let part = &presented.part;
        let cname = match self.other_client {
            Some(number) => principal(realm::name(number)).name,
            None => part.cname.clone(),
        };
        let authenticator = Authenticator {
            crealm: part.crealm.clone(),
            cname,
            cksum: self.checksum.build(&presented.session, body),
            ctime: at(NOW + i64::from(self.skew % 600)),
            subkey: subkey.map(to_wire),
            seq_number: None,
            authorization_data: None,
        };
        let sealed = seal(&presented.session, KeyUsage::TGS_REQ_AUTHENTICATOR, &authenticator.encode(), rng);
        let request = ApReq { options: ApOptions::empty(), ticket: presented.ticket.clone(), authenticator: sealed };
        PaData { padata_type: pa_type::TGS_REQ, value: request.encode() }
    }
}

impl Sum {
    /// Makes it.
    pub fn build(&self, session: &Key, body: &[u8]) -> Option<Checksum> {
        let keyed = |data: &[u8]| Checksum {
            cksumtype: session.enctype().checksum_type().number(),
            checksum: session.checksum(KeyUsage::TGS_REQ_CHECKSUM, data),
        };
        match self {
            Sum::Right => Some(keyed(body)),
            Sum::Missing => None,
            Sum::Unkeyed(sum) => Some(Checksum { cksumtype: 7, checksum: sum.clone() }),
            Sum::CollisionProof(number) => {
                let cksumtype = *pick(&[2, 7, 9, 14], *number);
                let kind = UnkeyedChecksum::from_number(cksumtype)?;
                Some(Checksum { cksumtype, checksum: kind.compute(body) })
            }
            Sum::OverOther(octet) => Some(keyed(&[*octet])),
        }
    }
}
