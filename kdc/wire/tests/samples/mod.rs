//! One full sample of every message, for the tests that run over all of them.
#![allow(dead_code)]

use kennel_wire::der::writer::Writer;
use kennel_wire::message::*;
use std::net::IpAddr;
use zeroize::Zeroizing;

/// 2026-11-23T15:31:00Z.
pub(crate) const NOW: KerberosTime = KerberosTime(1_795_447_860);

pub(crate) fn alice() -> PrincipalName {
    PrincipalName::new(NameType::PRINCIPAL, ["alice"])
}

pub(crate) fn web() -> PrincipalName {
    PrincipalName::new(NameType::SRV_HST, ["HTTP", "web.shop.svc.cluster.local"])
}

pub(crate) fn key(first: u8) -> EncryptionKey {
    EncryptionKey { keytype: 18, keyvalue: Zeroizing::new((first..first + 32).collect()) }
}

pub(crate) fn encrypted(length: usize) -> EncryptedData {
    EncryptedData { etype: 18, kvno: Some(3), cipher: (0..length).map(|n| n as u8).collect() }
}

pub(crate) fn addresses() -> Vec<HostAddress> {
    ["127.0.0.1", "fd00::7"].map(|ip| HostAddress::from(ip.parse::<IpAddr>().unwrap())).into()
}

pub(crate) fn authorization_data() -> AuthorizationData {
    let inner = AuthorizationData(vec![AuthorizationDatum { ad_type: 128, ad_data: vec![7; 40] }]);
    AuthorizationData(vec![
        AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data: inner.encode() },
        AuthorizationDatum { ad_type: -17, ad_data: vec![] },
    ])
}

pub(crate) fn cammac() -> Cammac {
    let mac = |length| VerifierMac {
        identifier: Some(alice()),
        kvno: Some(3),
        enctype: Some(20),
        mac: Checksum { cksumtype: 20, checksum: vec![6; length] },
    };
    Cammac {
        elements: authorization_data(),
        kdc_verifier: Some(mac(24)),
        svc_verifier: Some(VerifierMac { identifier: None, kvno: None, enctype: None, ..mac(16) }),
        other_verifiers: vec![mac(12), mac(12)],
    }
}

pub(crate) fn ticket() -> Ticket {
    Ticket { realm: "DEV.KENNEL".into(), sname: PrincipalName::krbtgt("DEV.KENNEL"), enc_part: encrypted(250) }
}

/// What `kinit` sends second: with an encrypted timestamp.
pub(crate) fn as_req() -> KdcReq {
    let padata = vec![
        PaData { padata_type: pa_type::ENC_TIMESTAMP, value: PaData::encode_encrypted_data(&encrypted(57)) },
        PaData { padata_type: pa_type::REQ_ENC_PA_REP, value: vec![] },
    ];
    KdcReq {
        message_type: MessageType::AsReq,
        padata,
        body: KdcReqBody {
            options: KdcOptions::FORWARDABLE | KdcOptions::RENEWABLE_OK | KdcOptions::CANONICALIZE,
            cname: Some(alice()),
            realm: "DEV.KENNEL".into(),
            sname: Some(PrincipalName::krbtgt("DEV.KENNEL")),
            from: Some(NOW),
            till: NOW.plus(86_400),
            rtime: Some(NOW.plus(604_800)),
            nonce: 1_234_567_890u32.into(),
            etypes: vec![20, 19, 18, 17, 26, 25, 23],
            addresses: Some(addresses()),
            enc_authorization_data: None,
            additional_tickets: vec![],
        },
        body_der: 0..0,
    }
}

pub(crate) fn tgs_req() -> KdcReq {
    let mut request = as_req();
    request.message_type = MessageType::TgsReq;
    request.padata = vec![PaData { padata_type: pa_type::TGS_REQ, value: ap_req().encode() }];
    request.body.options = KdcOptions::FORWARDABLE | KdcOptions::ENC_TKT_IN_SKEY;
    request.body.cname = None;
    request.body.sname = Some(web());
    request.body.enc_authorization_data = Some(encrypted(120));
    request.body.additional_tickets = vec![ticket(), ticket()];
    request
}

pub(crate) fn ap_req() -> ApReq {
    ApReq { options: ApOptions::MUTUAL_REQUIRED, ticket: ticket(), authenticator: encrypted(140) }
}

pub(crate) fn authenticator() -> Authenticator {
    Authenticator {
        crealm: "DEV.KENNEL".into(),
        cname: alice(),
        cksum: Some(Checksum { cksumtype: -138, checksum: vec![9; 16] }),
        ctime: Timestamp { time: NOW, micros: 123_456 },
        subkey: Some(key(1)),
        seq_number: Some(77_777),
        authorization_data: Some(authorization_data()),
    }
}

/// An AS request with an armor of its own.
pub(crate) fn krb_fast_armored_req() -> KrbFastArmoredReq {
    KrbFastArmoredReq {
        armor: Some(KrbFastArmor { armor_type: KrbFastArmor::AP_REQUEST, armor_value: ap_req().encode() }),
        req_checksum: Checksum { cksumtype: 16, checksum: vec![8; 12] },
        enc_fast_req: encrypted(300),
    }
}

pub(crate) fn krb_fast_req() -> KrbFastReq {
    let KdcReq { padata, body, .. } = as_req();
    KrbFastReq { options: FastOptions::HIDE_CLIENT_NAMES, padata, body }
}

pub(crate) fn krb_fast_response() -> KrbFastResponse {
    KrbFastResponse {
        padata: etype_info_padata(),
        strengthen_key: Some(key(4)),
        finished: Some(KrbFastFinished {
            timestamp: Timestamp { time: NOW, micros: 654_321 },
            crealm: "DEV.KENNEL".into(),
            cname: alice(),
            ticket_checksum: Checksum { cksumtype: 16, checksum: vec![5; 12] },
        }),
        nonce: 1_234_567_890u32.into(),
    }
}

pub(crate) fn ap_rep() -> ApRep {
    ApRep { enc_part: encrypted(80) }
}

pub(crate) fn enc_ap_rep_part() -> EncApRepPart {
    let ctime = Timestamp { time: NOW, micros: 123_456 };
    EncApRepPart { ctime, subkey: Some(key(2)), seq_number: Some(5) }
}

pub(crate) fn enc_ticket_part() -> EncTicketPart {
    EncTicketPart {
        flags: TicketFlags::FORWARDABLE | TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT,
        key: key(3),
        crealm: "DEV.KENNEL".into(),
        cname: alice(),
        transited: TransitedEncoding { tr_type: 1, contents: b"OTHER.REALM".to_vec() },
        authtime: NOW,
        starttime: Some(NOW.plus(1)),
        endtime: NOW.plus(36_000),
        renew_till: Some(NOW.plus(604_800)),
        caddr: Some(addresses()),
        authorization_data: Some(authorization_data()),
    }
}

pub(crate) fn enc_kdc_rep_part() -> EncKdcRepPart {
    EncKdcRepPart {
        key: key(3),
        last_req: vec![LastReq { lr_type: 0, value: NOW }, LastReq { lr_type: 6, value: NOW.plus(5) }],
        nonce: 1_234_567_890u32.into(),
        key_expiration: Some(NOW.plus(99)),
        flags: TicketFlags::FORWARDABLE | TicketFlags::ENC_PA_REP,
        authtime: NOW,
        starttime: Some(NOW.plus(1)),
        endtime: NOW.plus(36_000),
        renew_till: Some(NOW.plus(604_800)),
        srealm: "DEV.KENNEL".into(),
        sname: PrincipalName::krbtgt("DEV.KENNEL"),
        caddr: Some(addresses()),
        encrypted_pa_data: vec![PaData { padata_type: pa_type::REQ_ENC_PA_REP, value: vec![4; 30] }],
    }
}

pub(crate) fn kdc_rep() -> KdcRep {
    KdcRep {
        answers: MessageType::AsReq,
        padata: etype_info_padata(),
        crealm: "DEV.KENNEL".into(),
        cname: alice(),
        ticket: ticket(),
        enc_part: EncryptedData { etype: 17, kvno: None, cipher: vec![3; 300] },
    }
}

pub(crate) fn krb_error() -> KrbError {
    KrbError {
        ctime: Some(Timestamp { time: NOW, micros: 7 }),
        stime: Timestamp { time: NOW.plus(1), micros: 999_999 },
        error_code: ErrorCode::PREAUTH_REQUIRED,
        crealm: Some("DEV.KENNEL".into()),
        cname: Some(alice()),
        realm: "DEV.KENNEL".into(),
        sname: PrincipalName::krbtgt("DEV.KENNEL"),
        e_text: Some("more is needed".into()),
        e_data: Some(PaData::encode_all(&etype_info_padata())),
    }
}

pub(crate) fn old_etype_info() -> Vec<EtypeInfoEntry> {
    vec![EtypeInfoEntry { etype: 23, salt: Some(b"DEV.KENNELalice".to_vec()) }, EtypeInfoEntry { etype: 3, salt: None }]
}

pub(crate) fn etype_info() -> Vec<EtypeInfo2Entry> {
    vec![
        EtypeInfo2Entry { etype: 20, salt: Some("DEV.KENNELalice".into()), s2kparams: Some(vec![0, 0, 128, 0]) },
        EtypeInfo2Entry { etype: 23, salt: None, s2kparams: None },
    ]
}

pub(crate) fn etype_info_padata() -> Vec<PaData> {
    vec![
        PaData { padata_type: pa_type::ETYPE_INFO2, value: EtypeInfo2Entry::encode_all(&etype_info()) },
        PaData { padata_type: pa_type::ENC_TIMESTAMP, value: vec![] },
    ]
}

pub(crate) fn pa_enc_timestamp() -> PaEncTimestamp {
    PaEncTimestamp(Timestamp { time: NOW, micros: 654_321 })
}

pub(crate) fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    write(&mut writer);
    writer.into_vec()
}

/// DER of a reply, with the encrypted parts as `reply` has them.
pub(crate) fn kdc_rep_der(reply: &KdcRep) -> Vec<u8> {
    let data = |w: &mut Writer, data: &EncryptedData| -> Result<(), ()> {
        w.encrypted_data(data.etype, data.kvno, 0, 0, |w| w.bytes(&data.cipher), |_| Ok(()))
    };
    written(|w| {
        let KdcRep { answers, padata, crealm, cname, ticket, enc_part } = reply;
        let ticket = |w: &mut Writer| Ticket::write(w, &ticket.realm, &ticket.sname, |w| data(w, &ticket.enc_part));
        KdcRep::write(w, *answers, padata, crealm, cname, ticket, |w| data(w, enc_part)).unwrap();
    })
}
