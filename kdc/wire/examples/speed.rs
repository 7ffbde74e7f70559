//! How long the hot path's bytes take: `cargo run --release -p kennel-wire --example speed`.
//!
//! Decodes an AS-REQ and a TGS-REQ as MIT clients send them, and writes a whole AS-REP with a sealing that does nothing.
//! Prints the fastest of many rounds, which other work on the machine disturbs least.
#![allow(clippy::unwrap_used)]

use kennel_wire::der::gate;
use kennel_wire::der::writer::Writer;
use kennel_wire::message::*;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const NOW: KerberosTime = KerberosTime(1_795_447_860);

fn main() {
    let as_req = as_req().encode();
    let tgs_req = tgs_req().encode();
    let reply = Reply::new();
    println!("AS-REQ of {} octets, TGS-REQ of {}, AS-REP of {}", as_req.len(), tgs_req.len(), reply.encode().len());
    measure("gate of AS-REQ", || gate::check(black_box(&as_req)).unwrap());
    measure("gate and decode of AS-REQ", || KdcReq::decode(black_box(&as_req)).unwrap());
    measure("gate of TGS-REQ", || gate::check(black_box(&tgs_req)).unwrap());
    measure("gate and decode of TGS-REQ", || KdcReq::decode(black_box(&tgs_req)).unwrap());
    let (ticket, authenticator) = (reply.ticket_der(), authenticator().encode());
    measure("gate and decode of EncTicketPart", || EncTicketPart::decode(black_box(&ticket)).unwrap());
    measure("gate and decode of Authenticator", || Authenticator::decode(black_box(&authenticator)).unwrap());
    measure("writing of AS-REP", || black_box(&reply).encode());
}

fn measure<T>(what: &str, work: impl Fn() -> T) {
    const ROUNDS: u32 = 2_000;
    let round = || {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            black_box(work());
        }
        start.elapsed()
    };
    let fastest = (0..200).map(|_| round()).min().unwrap_or(Duration::ZERO);
    println!("{what:<34} {:>6} ns", fastest.as_nanos() / u128::from(ROUNDS));
}

fn as_req() -> KdcReq {
    let encrypted = EncryptedData { etype: 18, kvno: None, cipher: vec![7; 56] };
    let padata = vec![
        PaData { padata_type: pa_type::ENC_TIMESTAMP, value: PaData::encode_encrypted_data(&encrypted) },
        PaData { padata_type: pa_type::REQ_ENC_PA_REP, value: vec![] },
    ];
    KdcReq {
        message_type: MessageType::AsReq,
        padata,
        body: KdcReqBody {
            options: KdcOptions::FORWARDABLE | KdcOptions::RENEWABLE_OK,
            cname: Some(PrincipalName::new(NameType::PRINCIPAL, ["alice"])),
            realm: "DEV.KENNEL".into(),
            sname: Some(PrincipalName::krbtgt("DEV.KENNEL")),
            from: None,
            till: NOW.plus(86_400),
            rtime: None,
            nonce: 1_234_567_890u32.into(),
            etypes: vec![18, 17, 20, 19, 16, 23, 25, 26],
            addresses: None,
            enc_authorization_data: None,
            additional_tickets: vec![],
        },
        body_der: 0..0,
    }
}

fn tgs_req() -> KdcReq {
    let ticket = Ticket {
        realm: "DEV.KENNEL".into(),
        sname: PrincipalName::krbtgt("DEV.KENNEL"),
        enc_part: EncryptedData { etype: 18, kvno: Some(1), cipher: vec![7; 220] },
    };
    let authenticator = EncryptedData { etype: 18, kvno: None, cipher: vec![7; 180] };
    let ap_req = ApReq { options: ApOptions::empty(), ticket, authenticator };
    let mut request = as_req();
    request.message_type = MessageType::TgsReq;
    request.padata = vec![PaData { padata_type: pa_type::TGS_REQ, value: ap_req.encode() }];
    request.body.cname = None;
    request.body.sname = Some(PrincipalName::new(NameType::SRV_HST, ["HTTP", "web.shop.svc.cluster.local"]));
    request
}

fn authenticator() -> Authenticator {
    Authenticator {
        crealm: "DEV.KENNEL".into(),
        cname: PrincipalName::new(NameType::PRINCIPAL, ["alice"]),
        cksum: Some(Checksum { cksumtype: 16, checksum: vec![7; 12] }),
        ctime: Timestamp { time: NOW, micros: 123_456 },
        subkey: Some(key()),
        seq_number: Some(77_777),
        authorization_data: None,
    }
}

fn key() -> EncryptionKey {
    EncryptionKey { keytype: 18, keyvalue: Zeroizing::new(vec![7; 32]) }
}

/// Parts of an AS-REP, as the KDC has them before it writes the reply.
struct Reply {
    ticket: EncTicketPart,
    part: EncKdcRepPart,
    padata: Vec<PaData>,
}

impl Reply {
    fn new() -> Reply {
        let ticket = EncTicketPart {
            flags: TicketFlags::FORWARDABLE | TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT,
            key: key(),
            crealm: "DEV.KENNEL".into(),
            cname: PrincipalName::new(NameType::PRINCIPAL, ["alice"]),
            transited: TransitedEncoding { tr_type: 1, contents: vec![] },
            authtime: NOW,
            starttime: Some(NOW),
            endtime: NOW.plus(36_000),
            renew_till: None,
            caddr: None,
            authorization_data: None,
        };
        let part = EncKdcRepPart {
            key: key(),
            last_req: vec![],
            nonce: 1_234_567_890u32.into(),
            key_expiration: None,
            flags: ticket.flags,
            authtime: NOW,
            starttime: Some(NOW),
            endtime: NOW.plus(36_000),
            renew_till: None,
            srealm: "DEV.KENNEL".into(),
            sname: PrincipalName::krbtgt("DEV.KENNEL"),
            caddr: None,
            encrypted_pa_data: vec![],
        };
        let entry = EtypeInfo2Entry { etype: 18, salt: Some("DEV.KENNELalice".into()), s2kparams: None };
        let info = EtypeInfo2Entry::encode_all(&[entry]);
        Reply { ticket, part, padata: vec![PaData { padata_type: pa_type::ETYPE_INFO2, value: info }] }
    }

    fn ticket_der(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.ticket.write(&mut writer);
        writer.into_vec()
    }

    fn encode(&self) -> Vec<u8> {
        let EncTicketPart { crealm, cname, .. } = &self.ticket;
        let EncKdcRepPart { srealm, sname, .. } = &self.part;
        let mut writer = Writer::with_capacity(1024);
        let unsealed = |_: &mut [u8]| Ok::<(), Infallible>(());
        let Ok(()) = KdcRep::write(
            &mut writer,
            MessageType::AsReq,
            &self.padata,
            crealm,
            cname,
            |w| {
                Ticket::write(w, srealm, sname, |w| {
                    w.encrypted_data(18, Some(1), 16, 12, |w| self.ticket.write(w), unsealed)
                })
            },
            |w| w.encrypted_data(18, Some(1), 16, 12, |w| self.part.write(MessageType::AsReq, w), unsealed),
        );
        writer.into_vec()
    }
}
