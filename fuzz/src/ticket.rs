//! Tickets of any content, sealed under a key that the KDC knows: what a client may present after all that it went through.

use crate::realm::{self, NAMES, NOW, principal};
use arbitrary::Arbitrary;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::der::writer::Writer;
use kennel_wire::message::*;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// A ticket as the fuzzer wants it.
#[derive(Debug, Clone, Arbitrary)]
pub struct TicketPlan {
    server: u8,
    kvno: u8,
    enctype: u8,
    /// The kvno that stands outside; the right one where false.
    hide_kvno: bool,
    client: u8,
    foreign_client: bool,
    flags: u32,
    session: u8,
    authtime: i32,
    starttime: Option<i32>,
    life: i32,
    renew: Option<i32>,
    transited: Option<(u8, Vec<u8>)>,
    addresses: Option<Vec<(i8, Vec<u8>)>>,
    data: Vec<(i16, Vec<u8>)>,
    wrapped: Vec<(i16, Vec<u8>)>,
    pod: Option<u8>,
}

/// A ticket and what is in it.
pub struct PlannedTicket {
    /// As it is presented.
    pub ticket: Ticket,
    /// What it says.
    pub part: EncTicketPart,
    /// Its session key.
    pub session: Key,
    /// It is bound to a pod that is gone, or in a way that cannot be read.
    pub dead: bool,
}

/// ad-type of a binding to a pod (kennel-core, `pods`), and bindings: to a live one, to one of which nothing is known, to
/// one that is gone, and torn.
const POD: i16 = -0x4b50;
const BINDINGS: [&[u8]; 4] = [b"shop/cart live", b"shop/cart somewhere", b"shop/cart gone", b"shop"];

/// One of a list.
pub fn pick<T>(list: &[T], number: u8) -> &T {
    &list[usize::from(number) % list.len()]
}

/// A known enctype.
pub fn enctype(number: u8) -> Enctype {
    *pick(&Enctype::ALL, number)
}

/// A session key of an enctype; sessions of one number have one key.
pub fn session(number: u8) -> Key {
    realm::key("session", u32::from(number), enctype(number))
}

/// A key as messages carry it.
pub fn to_wire(key: &Key) -> EncryptionKey {
    EncryptionKey { keytype: key.enctype().number(), keyvalue: Zeroizing::new(key.expose().to_vec()) }
}

/// Ciphertext of a plaintext.
pub fn seal(key: &Key, usage: KeyUsage, plaintext: &[u8], rng: &mut dyn CryptoRngCore) -> EncryptedData {
    EncryptedData { etype: key.enctype().number(), kvno: None, cipher: key.prepare(usage).seal(plaintext, rng) }
}

/// Most tickets are TGTs of the realm, and in force.
fn near(offset: i32) -> KerberosTime {
    KerberosTime(NOW).plus(i64::from(offset % 2_000_000))
}

impl TicketPlan {
    /// A ticket-granting ticket of one of [`NAMES`], as the KDC issues it.
    pub fn good(client: &str) -> TicketPlan {
        let number = NAMES.iter().position(|name| *name == client).expect("one of the names");
        TicketPlan {
            server: 0,
            kvno: 0,
            enctype: 0,
            hide_kvno: false,
            client: u8::try_from(number).expect("there are few names"),
            foreign_client: false,
            flags: (TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT | TicketFlags::FORWARDABLE).bits(),
            session: 0,
            authtime: 0,
            starttime: None,
            life: 36_000,
            renew: None,
            transited: None,
            addresses: None,
            data: Vec::new(),
            wrapped: Vec::new(),
            pod: None,
        }
    }

    /// Makes it.
    pub fn build(&self, rng: &mut dyn CryptoRngCore) -> PlannedTicket {
        // Every other number is the realm's own TGS.
        let server = if self.server.is_multiple_of(2) { "krbtgt/R" } else { realm::name(self.server / 2) };
        let kvno = if self.kvno.is_multiple_of(4) { 2 } else { u32::from(self.kvno % 5) };
        let key = realm::key(server, kvno, enctype(self.enctype));
        let session = session(self.session);
        let part = self.part(&session);
        let mut writer = Writer::with_capacity(512);
        part.write(&mut writer);
        let mut enc_part = seal(&key, KeyUsage::TICKET, &writer.into_vec(), rng);
        enc_part.kvno = (!self.hide_kvno).then_some(kvno);
        let server = principal(server);
        let dead = self.pod.is_some_and(|number| number % 4 > 1);
        PlannedTicket { ticket: Ticket { realm: server.realm, sname: server.name, enc_part }, part, session, dead }
    }

    fn part(&self, session: &Key) -> EncTicketPart {
        let client = principal(realm::name(self.client));
        let authtime = near(self.authtime % 100_000);
        let endtime = near(self.life);
        EncTicketPart {
            flags: TicketFlags::from_bits_retain(self.flags),
            key: to_wire(session),
            crealm: if self.foreign_client { realm::TRUSTED.into() } else { client.realm },
            cname: client.name,
            transited: match &self.transited {
                Some((kind, contents)) => {
                    TransitedEncoding { tr_type: i32::from(*kind % 3), contents: contents.clone() }
                }
                None => TransitedEncoding { tr_type: 1, contents: Vec::new() },
            },
            authtime,
            starttime: self.starttime.map(near),
            endtime,
            renew_till: self.renew.map(near),
            caddr: self.addresses.as_ref().map(|list| list.iter().take(8).map(address).collect()),
            authorization_data: self.authorization_data(),
        }
    }

    fn authorization_data(&self) -> Option<AuthorizationData> {
        let mut data = data(&self.data);
        // In front: what the fuzzer wraps itself may be a binding too, and the first one counts.
        if let Some(number) = self.pod {
            let binding = vec![(POD, pick(&BINDINGS, number).to_vec())];
            let ad_data = AuthorizationData(self::data(&binding)).encode();
            data.insert(0, AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data });
        }
        if !self.wrapped.is_empty() {
            let ad_data = AuthorizationData(self::data(&self.wrapped)).encode();
            data.push(AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data });
        }
        (!data.is_empty()).then_some(AuthorizationData(data))
    }
}

/// Authorization data of any types.
pub fn data(plan: &[(i16, Vec<u8>)]) -> Vec<AuthorizationDatum> {
    let datum =
        |(kind, octets): &(i16, Vec<u8>)| AuthorizationDatum { ad_type: (*kind).into(), ad_data: octets.clone() };
    plan.iter().take(8).map(datum).collect()
}

/// An address: often the peer's own.
pub fn address((kind, octets): &(i8, Vec<u8>)) -> HostAddress {
    match kind {
        0..40 => HostAddress { addr_type: 2, address: vec![127, 0, 0, 1] },
        _ => HostAddress { addr_type: (*kind).into(), address: octets.clone() },
    }
}
