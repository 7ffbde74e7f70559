//! Every message is written as kerberos_asn1 writes the same content, octet for octet.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod samples;

use kennel_wire::message::*;
use kerberos_asn1 as reference;
use kerberos_asn1::Asn1Object;
use samples::*;

fn time(time: KerberosTime) -> reference::KerberosTime {
    chrono::DateTime::from_timestamp(time.0, 0).unwrap().into()
}

fn name(name: &PrincipalName) -> reference::PrincipalName {
    reference::PrincipalName { name_type: name.name_type.0, name_string: name.components.clone() }
}

fn data(data: &EncryptedData) -> reference::EncryptedData {
    reference::EncryptedData { etype: data.etype, kvno: data.kvno, cipher: data.cipher.clone() }
}

fn ref_key(key: &EncryptionKey) -> reference::EncryptionKey {
    reference::EncryptionKey { keytype: key.keytype, keyvalue: key.keyvalue.to_vec() }
}

fn ref_ticket(ticket: &Ticket) -> reference::Ticket {
    reference::Ticket::new(ticket.realm.clone(), name(&ticket.sname), data(&ticket.enc_part))
}

fn padata(elements: &[PaData]) -> Option<Vec<reference::PaData>> {
    let element = |one: &PaData| reference::PaData::new(one.padata_type, one.value.clone());
    (!elements.is_empty()).then(|| elements.iter().map(element).collect())
}

fn ref_addresses(addresses: &Option<Vec<HostAddress>>) -> Option<reference::HostAddresses> {
    let address = |one: &HostAddress| reference::HostAddress::new(one.addr_type, one.address.clone());
    addresses.as_ref().map(|list| list.iter().map(address).collect())
}

fn ref_authorization_data(data: &Option<AuthorizationData>) -> Option<reference::AuthorizationData> {
    let datum = |one: &AuthorizationDatum| reference::AuthorizationDataEntry {
        ad_type: one.ad_type,
        ad_data: one.ad_data.clone(),
    };
    data.as_ref().map(|data| data.0.iter().map(datum).collect())
}

fn body(body: &KdcReqBody) -> reference::KdcReqBody {
    let tickets = &body.additional_tickets;
    reference::KdcReqBody {
        kdc_options: body.options.bits().into(),
        cname: body.cname.as_ref().map(name),
        realm: body.realm.clone(),
        sname: body.sname.as_ref().map(name),
        from: body.from.map(time),
        till: time(body.till),
        rtime: body.rtime.map(time),
        nonce: body.nonce.value(),
        etypes: body.etypes.clone(),
        addresses: ref_addresses(&body.addresses),
        enc_authorization_data: body.enc_authorization_data.as_ref().map(data),
        additional_tickets: (!tickets.is_empty()).then(|| tickets.iter().map(ref_ticket).collect()),
    }
}

#[test]
fn requests_are_written_alike() {
    let request = as_req();
    let expected =
        reference::AsReq { pvno: 5, msg_type: 10, padata: padata(&request.padata), req_body: body(&request.body) };
    assert_eq!(request.encode(), expected.build());
    let request = tgs_req();
    let expected =
        reference::TgsReq { pvno: 5, msg_type: 12, padata: padata(&request.padata), req_body: body(&request.body) };
    assert_eq!(request.encode(), expected.build());
    assert_eq!(request.body.encode(), body(&request.body).build());
}

#[test]
fn replies_are_written_alike() {
    let mut reply = kdc_rep();
    let expected = reference::AsRep {
        pvno: 5,
        msg_type: 11,
        padata: padata(&reply.padata),
        crealm: reply.crealm.clone(),
        cname: name(&reply.cname),
        ticket: ref_ticket(&reply.ticket),
        enc_part: data(&reply.enc_part),
    };
    assert_eq!(kdc_rep_der(&reply), expected.build());
    reply.answers = MessageType::TgsReq;
    reply.padata.clear();
    let expected = reference::TgsRep {
        pvno: 5,
        msg_type: 13,
        padata: None,
        crealm: reply.crealm.clone(),
        cname: name(&reply.cname),
        ticket: ref_ticket(&reply.ticket),
        enc_part: data(&reply.enc_part),
    };
    assert_eq!(kdc_rep_der(&reply), expected.build());
}

#[test]
fn encrypted_parts_of_replies_are_written_alike() {
    let part = enc_kdc_rep_part();
    let expected = reference::EncKdcRepPart {
        key: ref_key(&part.key),
        last_req: part.last_req.iter().map(|e| reference::LastReqEntry::new(e.lr_type, time(e.value))).collect(),
        nonce: part.nonce.value(),
        key_expiration: part.key_expiration.map(time),
        flags: part.flags.bits().into(),
        authtime: time(part.authtime),
        starttime: part.starttime.map(time),
        endtime: time(part.endtime),
        renew_till: part.renew_till.map(time),
        srealm: part.srealm.clone(),
        sname: name(&part.sname),
        caddr: ref_addresses(&part.caddr),
        encrypted_pa_data: padata(&part.encrypted_pa_data),
    };
    let written_for = |answers| written(|w| part.write(answers, w));
    assert_eq!(written_for(MessageType::AsReq), reference::EncAsRepPart::from(expected.clone()).build());
    assert_eq!(written_for(MessageType::TgsReq), reference::EncTgsRepPart::from(expected).build());
}

#[test]
fn tickets_are_written_alike() {
    assert_eq!(ticket().encode(), ref_ticket(&ticket()).build());
    let part = enc_ticket_part();
    let expected = reference::EncTicketPart {
        flags: part.flags.bits().into(),
        key: ref_key(&part.key),
        crealm: part.crealm.clone(),
        cname: name(&part.cname),
        transited: reference::TransitedEncoding {
            tr_type: part.transited.tr_type,
            contents: part.transited.contents.clone(),
        },
        authtime: time(part.authtime),
        starttime: part.starttime.map(time),
        endtime: time(part.endtime),
        renew_till: part.renew_till.map(time),
        caddr: ref_addresses(&part.caddr),
        authorization_data: ref_authorization_data(&part.authorization_data),
    };
    assert_eq!(written(|w| part.write(w)), expected.build());
}

#[test]
fn ap_messages_are_written_alike() {
    let request = ap_req();
    let expected = reference::ApReq {
        pvno: 5,
        msg_type: 14,
        ap_options: request.options.bits().into(),
        ticket: ref_ticket(&request.ticket),
        authenticator: data(&request.authenticator),
    };
    assert_eq!(request.encode(), expected.build());
    let expected = reference::ApRep { pvno: 5, msg_type: 15, enc_part: data(&ap_rep().enc_part) };
    assert_eq!(ap_rep().encode(), expected.build());
    let part = enc_ap_rep_part();
    let expected = reference::EncApRepPart {
        ctime: time(part.ctime.time),
        cusec: part.ctime.micros as i32,
        subkey: part.subkey.as_ref().map(ref_key).unwrap(),
        seq_number: part.seq_number.unwrap(),
    };
    assert_eq!(*part.encode(), expected.build());
}

#[test]
fn authenticators_are_written_alike() {
    let authenticator = authenticator();
    let checksum = authenticator.cksum.clone().unwrap();
    let checksum = reference::Checksum { cksumtype: checksum.cksumtype, checksum: checksum.checksum };
    assert_eq!(authenticator.cksum.as_ref().unwrap().encode(), checksum.build());
    let expected = reference::Authenticator {
        authenticator_vno: 5,
        crealm: authenticator.crealm.clone(),
        cname: name(&authenticator.cname),
        cksum: Some(checksum),
        cusec: authenticator.ctime.micros as i32,
        ctime: time(authenticator.ctime.time),
        subkey: authenticator.subkey.as_ref().map(ref_key),
        seq_number: authenticator.seq_number,
        authorization_data: ref_authorization_data(&authenticator.authorization_data),
    };
    assert_eq!(*authenticator.encode(), expected.build());
}

#[test]
fn errors_are_written_alike() {
    let error = krb_error();
    let expected = reference::KrbError {
        pvno: 5,
        msg_type: 30,
        ctime: error.ctime.map(|at| time(at.time)),
        cusec: error.ctime.map(|at| at.micros as i32),
        stime: time(error.stime.time),
        susec: error.stime.micros as i32,
        error_code: error.error_code.0,
        crealm: error.crealm.clone(),
        cname: error.cname.as_ref().map(name),
        realm: error.realm.clone(),
        sname: name(&error.sname),
        e_text: error.e_text.clone(),
        e_data: error.e_data.clone(),
    };
    assert_eq!(error.encode(), expected.build());
}

#[test]
fn padata_is_written_alike() {
    let entry = |e: &EtypeInfo2Entry| reference::EtypeInfo2Entry::new(e.etype, e.salt.clone(), e.s2kparams.clone());
    let expected: reference::EtypeInfo2 = etype_info().iter().map(entry).collect();
    assert_eq!(EtypeInfo2Entry::encode_all(&etype_info()), expected.build());
    let entry = |e: &EtypeInfoEntry| reference::EtypeInfoEntry { etype: e.etype, salt: e.salt.clone() };
    let expected: reference::EtypeInfo = old_etype_info().iter().map(entry).collect();
    assert_eq!(EtypeInfoEntry::encode_all(&old_etype_info()), expected.build());
    assert_eq!(PaData::encode_all(&etype_info_padata()), padata(&etype_info_padata()).unwrap().build());
    assert_eq!(PaData::encode_encrypted_data(&encrypted(57)), data(&encrypted(57)).build());
    let PaEncTimestamp(at) = pa_enc_timestamp();
    let expected = reference::PaEncTsEnc::new(time(at.time), Some(at.micros as i32));
    assert_eq!(pa_enc_timestamp().encode(), expected.build());
    let expected = ref_authorization_data(&Some(authorization_data())).unwrap();
    assert_eq!(authorization_data().encode(), expected.build());
}
