//! Events for tests.

use kennel_core::event::{Decision, Event, Exchange, IssuedTicket};
use kennel_core::refusal::Refusal;
use kennel_crypto::Enctype;
use kennel_wire::message::{KdcOptions, KerberosTime, NameType, Principal, PrincipalName, TicketFlags, Timestamp};

const AT: KerberosTime = KerberosTime(1_795_449_600);

/// The time at which the events of tests happen.
pub(crate) fn clock() -> Timestamp {
    Timestamp { time: AT, micros: 7 }
}

/// A refusal for a client of this name.
pub(crate) fn refused(client: &str) -> Event {
    let refusal = Refusal::StoreUnavailable;
    Event {
        time: clock(),
        peer: "127.0.0.1:4711".parse().unwrap(),
        exchange: Exchange::As,
        client: Some(Principal::new(PrincipalName::new(NameType::PRINCIPAL, [client]), "R")),
        server: Some(Principal::krbtgt("R", "R")),
        pod: None,
        options: KdcOptions::FORWARDABLE | KdcOptions::RENEWABLE_OK,
        offered: vec![20, 18, -128],
        armor: None,
        outcome: Decision::refused(refusal),
    }
}

/// A ticket issued to alice.
pub(crate) fn issued() -> Event {
    Event {
        exchange: Exchange::Tgs,
        outcome: Decision::Issued(IssuedTicket {
            ticket_flags: TicketFlags::FORWARDABLE | TicketFlags::PRE_AUTHENT,
            ticket_enctype: Enctype::Aes256CtsHmacSha384,
            session_enctype: Enctype::Aes256CtsHmacSha1,
            reply_enctype: Enctype::Aes128CtsHmacSha256,
            kvno: Some(3),
            authtime: AT,
            starttime: AT,
            endtime: AT.plus(36_000),
            renew_till: None,
            referral: false,
            user_to_user: true,
            allowed_by: Some("shop/web".into()),
            would_deny: None,
        }),
        ..refused("alice")
    }
}
