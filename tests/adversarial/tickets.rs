//! Tickets that are not what they are presented as, authenticators that do not fit, and rights that would grow.

use crate::attack::{
    REALM, Scene, TRUSTED, as_body, for_service, forge, forged_part, opened, principal, session, trust_key,
};
use anyhow::Result;
use kennel_client::TgsRequest;
use kennel_client::client::system_now;
use kennel_client::dangerous::{BodyChecksum, dangerous_as_request, dangerous_enc_timestamp, dangerous_tgs_request};
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::message::{Checksum, KdcOptions, KdcReq, Principal, TicketFlags, TransitedEncoding};
use rand::rngs::OsRng;

#[test]
fn cve_2022_2031_a_service_ticket_is_no_tgt() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("alice")?;
    let service = scene.tgs(&tgt, &for_service(), |_| {})?;
    let other = TgsRequest::new(principal("HTTP/other.shop"));
    scene.tgs_refused(&service, &other, Refusal::TicketNotForUs, |_| {})?;
    // A ticket for the password service, in which it is written that it is one.
    let (key, session) = (scene.key("kadmin/changepw")?, session());
    let changepw = forge(&principal("kadmin/changepw"), &key, &forged_part(&principal("alice"), &session), &session);
    scene.tgs_refused(&changepw, &other, Refusal::TicketNotForUs, |_| {})?;
    scene.end()
}

#[test]
fn cve_2022_32744_a_ticket_under_another_key_is_not_opened_by_its_name() -> Result<()> {
    let mut scene = Scene::new()?;
    let (alice, session) = (principal("alice"), session());
    // Whoever runs a service has a key of the realm, and may call its ticket a TGT.
    for holder in ["HTTP/web.shop", "kadmin/changepw", "mallory"] {
        let tgt =
            forge(&principal("krbtgt/TEST.KENNEL"), &scene.key(holder)?, &forged_part(&alice, &session), &session);
        scene.tgs_refused(&tgt, &for_service(), Refusal::TicketIntegrity, |_| {})?;
    }
    // The key that a trusted realm shares with us is not ours.
    let tgt = forge(&principal("krbtgt/TEST.KENNEL"), &trust_key()?, &forged_part(&alice, &session), &session);
    scene.tgs_refused(&tgt, &for_service(), Refusal::TicketIntegrity, |_| {})?;
    scene.end()
}

#[test]
fn cve_2020_17049_a_flipped_bit_in_a_ticket_is_noticed() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("alice")?;
    let length = tgt.ticket.enc_part.cipher.len();
    for at in [0, 16, 20, length / 2, length - 1] {
        scene.tgs_refused(&tgt, &for_service(), Refusal::TicketIntegrity, |parts| {
            if let Some(octet) = parts.ticket.enc_part.cipher.get_mut(at) {
                *octet ^= 1;
            }
        })?;
    }
    scene.tgs_refused(&tgt, &for_service(), Refusal::TicketKeyVersion, |parts| {
        parts.ticket.enc_part.kvno = Some(9);
    })?;
    scene.tgs_refused(&tgt, &for_service(), Refusal::TicketEnctype, |parts| parts.ticket.enc_part.etype = 23)?;
    scene.end()
}

#[test]
fn cve_2018_16860_a_checksum_that_is_not_of_this_very_request_binds_nothing() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("alice")?;
    let cases = [
        (BodyChecksum::Given(None), Refusal::ChecksumMissing),
        (given(1, 4), Refusal::ChecksumType),
        (given(8, 24), Refusal::ChecksumType),
        (given(-138, 16), Refusal::ChecksumType),
        // Without a key, but collision-proof and inside the encrypted authenticator.
        (given(2, 16), Refusal::ChecksumMismatch),
        (given(7, 16), Refusal::ChecksumMismatch),
        (given(7, 0), Refusal::ChecksumMismatch),
        (given(9, 20), Refusal::ChecksumMismatch),
        (given(14, 20), Refusal::ChecksumMismatch),
        (given(20, 24), Refusal::ChecksumMismatch),
        (given(20, 0), Refusal::ChecksumMismatch),
        (BodyChecksum::Keyed(KeyUsage::AP_REQ_CHECKSUM), Refusal::ChecksumMismatch),
    ];
    for (checksum, refusal) in cases {
        scene.tgs_refused(&tgt, &for_service(), refusal, |parts| parts.body_checksum = checksum)?;
    }
    scene.end()
}

fn given(cksumtype: i32, length: usize) -> BodyChecksum {
    BodyChecksum::Given(Some(Checksum { cksumtype, checksum: vec![0; length] }))
}

#[test]
fn a_request_that_was_changed_on_its_way_or_kept_for_later_is_refused() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("alice")?;
    let message = dangerous_tgs_request(&tgt, &for_service(), system_now(), &mut OsRng, |_| {}).1;
    let mut changed = KdcReq::decode(&message)?;
    changed.body.sname = Some(principal("HTTP/other.shop").name);
    scene.refused(&changed.encode(), Refusal::ChecksumMismatch)?;
    for seconds in [-400, 400] {
        scene.tgs_refused(&tgt, &for_service(), Refusal::AuthenticatorSkew, |parts| {
            parts.authenticator.ctime.time = parts.authenticator.ctime.time.plus(seconds);
        })?;
    }
    scene.end()
}

#[test]
fn an_authenticator_of_somebody_else_is_refused() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("alice")?;
    scene.tgs_refused(&tgt, &for_service(), Refusal::AuthenticatorMismatch, |parts| {
        parts.authenticator.cname = principal("mallory").name;
    })?;
    scene.tgs_refused(&tgt, &for_service(), Refusal::AuthenticatorMismatch, |parts| {
        parts.authenticator.crealm = TRUSTED.into();
    })?;
    scene.tgs_refused(&tgt, &for_service(), Refusal::AuthenticatorIntegrity, |parts| parts.session_key = session())?;
    scene.tgs_refused(&tgt, &for_service(), Refusal::AuthenticatorSubkey, |parts| {
        parts.subkey = Some(Key::generate(Enctype::Rc4Hmac, &mut OsRng));
    })?;
    scene.end()
}

#[test]
fn rights_that_a_ticket_does_not_have_do_not_grow_out_of_it() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("alice")?;
    let key = scene.key("HTTP/web.shop")?;
    // A ticket with no rights at all.
    let plain =
        scene.tgs(&tgt, &TgsRequest::with_flags(principal("krbtgt/TEST.KENNEL"), KdcOptions::empty()), |_| {})?;
    for (asked, refusal) in [
        (KdcOptions::FORWARDED, Refusal::TgtNotForwardable),
        (KdcOptions::PROXY, Refusal::TgtNotProxiable),
        (KdcOptions::ALLOW_POSTDATE, Refusal::TgtNotPostdatable),
        (KdcOptions::POSTDATED, Refusal::TgtNotPostdatable),
        (KdcOptions::RENEW, Refusal::TicketNotRenewable),
        (KdcOptions::VALIDATE, Refusal::TicketNotInvalid),
    ] {
        scene.tgs_refused(&plain, &TgsRequest::with_flags(principal(tgs_of(asked)), asked), refusal, |_| {})?;
    }
    // Lifetimes are cut, and flags left out, without a refusal.
    let both = TgsRequest::with_flags(principal("HTTP/web.shop"), KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE);
    let without = scene.tgs(&plain, &both, |_| {})?;
    assert!(!without.flags.intersects(TicketFlags::FORWARDABLE | TicketFlags::PROXIABLE));
    let greedy = scene.tgs(&tgt, &for_service(), |parts| {
        parts.body.options |= KdcOptions::RENEWABLE;
        parts.body.till = tgt.endtime.plus(1_000_000);
        parts.body.rtime = tgt.renew_till.map(|till| till.plus(1_000_000));
    })?;
    let part = opened(&greedy.ticket, &key)?;
    assert!(part.endtime <= tgt.endtime && part.renew_till <= tgt.renew_till);
    assert!(!part.flags.contains(TicketFlags::INITIAL));
    // Bits that have no name mean nothing.
    let odd =
        scene.tgs(&tgt, &for_service(), |parts| parts.body.options |= KdcOptions::from_bits_retain(0x0055_0084))?;
    assert_eq!(opened(&odd.ticket, &key)?.cname, principal("alice").name);
    scene.end()
}

/// Renewal and validation are for the ticket itself; the others may as well ask for a service.
fn tgs_of(asked: KdcOptions) -> &'static str {
    if asked.intersects(KdcOptions::RENEW | KdcOptions::VALIDATE) { "krbtgt/TEST.KENNEL" } else { "HTTP/web.shop" }
}

/// Whoever runs a service has its key, and may seal a renewable ticket of anybody for itself.
#[test]
fn a_service_cannot_have_a_ticket_renewed_that_it_made_or_changed_itself() -> Result<()> {
    let mut scene = Scene::new()?;
    let (service, key, session) = (principal("HTTP/web.shop"), scene.key("HTTP/web.shop")?, session());
    let mut part = forged_part(&principal("alice"), &session);
    part.flags |= TicketFlags::RENEWABLE;
    part.renew_till = Some(part.endtime.plus(86_400));
    let forged = forge(&service, &key, &part, &session);
    scene.tgs_refused(&forged, &TgsRequest::renew(&forged), Refusal::KdcVerifierMissing, |_| {})?;
    part.flags |= TicketFlags::INVALID;
    let forged = forge(&service, &key, &part, &session);
    scene.tgs_refused(&forged, &TgsRequest::validate(&forged), Refusal::KdcVerifierMissing, |_| {})?;
    // mallory's own ticket, in which the service writes alice.
    let mallory = scene.tgt("mallory")?;
    let request = TgsRequest::with_flags(service.clone(), KdcOptions::RENEWABLE);
    let genuine = scene.tgs(&mallory, &request, |parts| parts.body.rtime = mallory.renew_till)?;
    scene.tgs(&genuine, &TgsRequest::renew(&genuine), |_| {})?;
    let mut part = opened(&genuine.ticket, &key)?;
    part.cname = principal("alice").name;
    let changed = forge(&service, &key, &part, &genuine.session_key);
    scene.tgs_refused(&changed, &TgsRequest::renew(&changed), Refusal::KdcVerifierMismatch, |_| {})?;
    // And the same for another service, whose key its owner has too.
    let other = principal("HTTP/other.shop");
    let part = opened(&genuine.ticket, &key)?;
    let moved = forge(&other, &scene.key("HTTP/other.shop")?, &part, &genuine.session_key);
    scene.tgs_refused(&moved, &TgsRequest::renew(&moved), Refusal::KdcVerifierMismatch, |_| {})?;
    scene.end()
}

/// A ticket under a person's password is a dictionary attack that needs no further question.
#[test]
fn nobody_gets_a_ticket_under_the_password_of_a_person() -> Result<()> {
    let mut scene = Scene::new()?;
    let mallory = scene.tgt("mallory")?;
    for options in [KdcOptions::empty(), KdcOptions::CANONICALIZE, KdcOptions::FORWARDABLE] {
        let request = TgsRequest::with_flags(principal("alice"), options);
        scene.tgs_refused(&mallory, &request, Refusal::ServerHasPassword, |_| {})?;
    }
    let mut body = as_body();
    body.sname = Some(principal("mallory").name);
    scene.refused(&dangerous_as_request(body, Vec::new()), Refusal::ServerHasPassword)?;
    let alice = scene.tgt("alice")?;
    scene.tgs(&mallory, &TgsRequest::user_to_user(principal("alice"), alice.ticket), |_| {})?;
    scene.end()
}

#[test]
fn nothing_is_postdated_where_the_realm_does_not_allow_it() -> Result<()> {
    let mut scene = Scene::new()?;
    for (days, options) in [(1, KdcOptions::POSTDATED), (3650, KdcOptions::POSTDATED), (1, KdcOptions::empty())] {
        let mut body = as_body();
        body.options |= options;
        body.from = Some(system_now().time.plus(days * 86_400));
        let proof = dangerous_enc_timestamp(&alice_key()?, KeyUsage::PA_ENC_TIMESTAMP, system_now(), &mut OsRng);
        scene.refused(&dangerous_as_request(body, vec![proof]), Refusal::CannotPostdate)?;
    }
    scene.end()
}

/// The key of alice's password.
fn alice_key() -> Result<Key> {
    Ok(Key::from_password(Enctype::Aes256CtsHmacSha384, b"secret", b"TEST.KENNELalice", None)?)
}

#[test]
fn cve_2020_25719_the_additional_ticket_must_be_the_servers_own() -> Result<()> {
    let mut scene = Scene::new()?;
    let (alice, mallory) = (scene.tgt("alice")?, scene.tgt("mallory")?);
    let to = |ticket| TgsRequest::user_to_user(principal("alice"), ticket);
    scene.tgs_refused(&mallory, &to(mallory.ticket.clone()), Refusal::SecondTicketMismatch, |_| {})?;
    let service = scene.tgs(&alice, &for_service(), |_| {})?;
    scene.tgs_refused(&mallory, &to(service.ticket), Refusal::SecondTicketNotTgt, |_| {})?;
    scene.tgs_refused(&mallory, &to(alice.ticket.clone()), Refusal::SecondTicketMissing, |parts| {
        parts.body.additional_tickets.clear();
    })?;
    let session = session();
    let forged =
        forge(&principal("krbtgt/TEST.KENNEL"), &trust_key()?, &forged_part(&principal("alice"), &session), &session);
    scene.tgs_refused(&mallory, &to(forged.ticket), Refusal::TicketIntegrity, |_| {})?;
    scene.tgs(&mallory, &to(alice.ticket), |_| {})?;
    scene.end()
}

/// A TGT that the trusted realm issues for us: it may say of its own clients what it likes, and of nobody else.
#[test]
fn a_trusted_realm_cannot_speak_for_a_client_of_ours() -> Result<()> {
    let mut scene = Scene::new()?;
    let (cross, session) = (Principal::krbtgt(REALM, TRUSTED), session());
    let own = forge(&cross, &trust_key()?, &forged_part(&principal("alice@FAR.TEST"), &session), &session);
    scene.tgs(&own, &for_service(), |_| {})?;
    let ours = forge(&cross, &trust_key()?, &forged_part(&principal("alice"), &session), &session);
    scene.tgs_refused(&ours, &for_service(), Refusal::TicketSpoofsLocalClient, |_| {})?;
    scene.end()
}

#[test]
fn cve_2017_6594_a_path_of_realms_that_is_not_accepted_is_refused() -> Result<()> {
    let mut scene = Scene::new()?;
    let (cross, session) = (Principal::krbtgt(REALM, TRUSTED), session());
    let of = |client: &str, transited: TransitedEncoding| -> Result<_> {
        let mut part = forged_part(&principal(client), &session);
        part.transited = transited;
        Ok(forge(&cross, &trust_key()?, &part, &session))
    };
    let path = |contents: &[u8]| TransitedEncoding { tr_type: 1, contents: contents.to_vec() };
    for (client, transited, refusal) in [
        // A third realm's client through one that may speak for itself alone, whether it says so or keeps it back.
        ("eve@THIRD.ORG", path(b""), Refusal::TransitedPath),
        ("eve@THIRD.ORG", path(b"FAR.TEST"), Refusal::TransitedPath),
        ("alice@FAR.TEST", path(b"EVIL.ORG"), Refusal::TransitedPath),
        ("alice@FAR.TEST", path(b"EVIL.ORG,,,"), Refusal::TransitedPath),
        ("alice@FAR.TEST", TransitedEncoding { tr_type: 77, contents: vec![1] }, Refusal::TransitedType),
    ] {
        for option in [KdcOptions::empty(), KdcOptions::DISABLE_TRANSITED_CHECK] {
            let request = TgsRequest::with_flags(principal("HTTP/web.shop"), option);
            scene.tgs_refused(&of(client, transited.clone())?, &request, refusal, |_| {})?;
        }
    }
    scene.end()
}
