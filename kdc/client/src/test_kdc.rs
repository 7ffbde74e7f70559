//! A KDC for unit tests: answers honestly unless a test changes the answer first.

use crate::credentials::Credential;
use crate::sealing::{key_to_wire, seal};
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::der::writer::Writer;
use kennel_wire::message::{
    EncKdcRepPart, EncTicketPart, EncryptedData, ErrorCode, EtypeInfo2Entry, KdcRep, KdcReq, KerberosTime, KrbError,
    LastReq, MessageType, PaData, Principal, PrincipalName, Ticket, TicketFlags, Timestamp, TransitedEncoding, pa_type,
};
use rand::rngs::OsRng;

pub(crate) const REALM: &str = "DEV.KENNEL";
pub(crate) const NOW: Timestamp = Timestamp { time: KerberosTime(1_800_000_000), micros: 250_000 };
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const AES256: Enctype = Enctype::Aes256CtsHmacSha384;

pub(crate) fn principal(text: &str) -> Principal {
    Principal::parse(text, REALM).unwrap()
}

pub(crate) fn random_key() -> Key {
    Key::generate(AES256, &mut OsRng)
}

/// alice's TGT of [`REALM`], valid at [`NOW`].
pub(crate) fn credential() -> Credential {
    tgt_for(REALM, REALM)
}

/// alice's TGT `krbtgt/realm@issuer`.
pub(crate) fn tgt_for(realm: &str, issuer: &str) -> Credential {
    let server = Principal::krbtgt(realm, issuer);
    Credential {
        client: principal("alice"),
        ticket: opaque_ticket(&server),
        server,
        session_key: random_key(),
        flags: TicketFlags::INITIAL | TicketFlags::RENEWABLE,
        authtime: NOW.time,
        starttime: NOW.time,
        endtime: NOW.time.plus(HOUR),
        renew_till: Some(NOW.time.plus(2 * HOUR)),
        addresses: Vec::new(),
        second_ticket: None,
        authdata: Vec::new(),
    }
}

fn opaque_ticket(server: &Principal) -> Ticket {
    let enc_part = EncryptedData { etype: AES256.number(), kvno: Some(1), cipher: vec![0x5a; 64] };
    Ticket { realm: server.realm.clone(), sname: server.name.clone(), enc_part }
}

/// A ticket that its server can open.
pub(crate) fn sealed_ticket(part: &EncTicketPart, server: &Principal, key: &Key, kvno: Option<u32>) -> Ticket {
    let mut plain = Writer::with_capacity(512);
    part.write(&mut plain);
    let enc_part = EncryptedData { kvno, ..seal(key, KeyUsage::TICKET, plain.as_slice(), &mut OsRng) };
    Ticket { realm: server.realm.clone(), sname: server.name.clone(), enc_part }
}

/// What is in a ticket of alice's that is valid at [`NOW`].
pub(crate) fn ticket_part(session_key: &Key) -> EncTicketPart {
    let alice = principal("alice");
    EncTicketPart {
        flags: TicketFlags::PRE_AUTHENT,
        key: key_to_wire(session_key),
        crealm: alice.realm,
        cname: alice.name,
        transited: TransitedEncoding { tr_type: 1, contents: Vec::new() },
        authtime: NOW.time,
        starttime: None,
        endtime: NOW.time.plus(HOUR),
        renew_till: None,
        caddr: None,
        authorization_data: None,
    }
}

/// A reply before it is sealed.
pub(crate) struct Reply {
    pub(crate) answers: MessageType,
    pub(crate) padata: Vec<PaData>,
    pub(crate) client: Principal,
    pub(crate) ticket: Ticket,
    pub(crate) part: EncKdcRepPart,
}

impl Reply {
    /// The honest answer to a request of `client`'s.
    pub(crate) fn to(request: &[u8], client: &Principal) -> Reply {
        let KdcReq { message_type, body, .. } = KdcReq::decode(request).unwrap();
        let server = Principal::new(body.sname.clone().unwrap(), body.realm.clone());
        let endtime = if body.till == KerberosTime::EPOCH { NOW.time.plus(HOUR) } else { body.till };
        let part = EncKdcRepPart {
            key: key_to_wire(&random_key()),
            last_req: vec![LastReq { lr_type: 0, value: NOW.time }],
            nonce: body.nonce,
            key_expiration: None,
            flags: TicketFlags::empty(),
            authtime: NOW.time,
            starttime: body.from,
            endtime,
            renew_till: body.rtime,
            srealm: server.realm.clone(),
            sname: server.name.clone(),
            caddr: body.addresses.clone(),
            encrypted_pa_data: Vec::new(),
        };
        let ticket = opaque_ticket(&server);
        Reply { answers: message_type, padata: Vec::new(), client: client.clone(), ticket, part }
    }

    /// Names another server, in ticket and encrypted part.
    pub(crate) fn serve(&mut self, server: PrincipalName) {
        self.ticket.sname = server.clone();
        self.part.sname = server;
    }

    pub(crate) fn seal(&self, key: &Key, usage: KeyUsage) -> Vec<u8> {
        let mut plain = Writer::with_capacity(512);
        self.part.write(self.answers, &mut plain);
        let sealed = seal(key, usage, plain.as_slice(), &mut OsRng);
        let mut reply = Writer::with_capacity(1_024);
        KdcRep::write(
            &mut reply,
            self.answers,
            &self.padata,
            &self.client.realm,
            &self.client.name,
            |w| {
                w.bytes(&self.ticket.encode());
                Ok::<_, ()>(())
            },
            |w| w.encrypted_data(sealed.etype, None, 0, 0, |w| w.bytes(&sealed.cipher), |_| Ok(())),
        )
        .unwrap();
        reply.into_vec()
    }
}

pub(crate) fn krb_error(code: ErrorCode, stime: Timestamp, e_data: Option<Vec<u8>>) -> Vec<u8> {
    KrbError {
        ctime: None,
        stime,
        error_code: code,
        crealm: None,
        cname: None,
        realm: REALM.to_owned(),
        sname: PrincipalName::krbtgt(REALM),
        e_text: Some("says the test".to_owned()),
        e_data,
    }
    .encode()
}

pub(crate) fn etype_info2(entries: &[EtypeInfo2Entry]) -> PaData {
    PaData { padata_type: pa_type::ETYPE_INFO2, value: EtypeInfo2Entry::encode_all(entries) }
}

/// PREAUTH_REQUIRED with this METHOD-DATA.
pub(crate) fn preauth_required(padata: &[PaData]) -> Vec<u8> {
    krb_error(ErrorCode::PREAUTH_REQUIRED, NOW, Some(PaData::encode_all(padata)))
}
