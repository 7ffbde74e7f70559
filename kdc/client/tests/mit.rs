//! This client against a real MIT krb5kdc: what it asks, MIT answers; what MIT writes, it reads, and the reverse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use kennel_client::client::system_now;
use kennel_client::dangerous::{BodyChecksum, dangerous_tgs_request};
use kennel_client::{
    AcceptRules, AcceptedApReq, AcceptorKeys, ApOffer, ApRequest, AsExchange, AsRequest, AsStep, Client, ClientError,
    Credential, CredentialCache, InitialTicket, Keytab, Secret, TgsRequest, TicketOptions, TimeOffset, Transport,
    TransportProtocol,
};
use kennel_crypto::{Enctype, KeyUsage};
use kennel_tests::mit_kdc::MitKdc;
use kennel_wire::message::{ErrorCode, HostAddress, KdcOptions, Principal, TicketFlags, Timestamp};
use rand::rngs::OsRng;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

const WEB: &str = "HTTP/web.shop.test";
const PASSWORD: &str = "open sesame";

/// A realm with alice and bob (by password) and a web server.
struct Realm {
    kdc: MitKdc,
    client: Client,
    alice: Principal,
}

impl Realm {
    fn start() -> Realm {
        let mut realm = Realm::make("ONE.TEST");
        realm.kdc.start().unwrap();
        realm
    }

    /// With its KDC not yet started.
    fn make(name: &str) -> Realm {
        let kdc = MitKdc::create(name).unwrap();
        kdc.kadmin(&format!("addprinc -pw \"{PASSWORD}\" alice")).unwrap();
        kdc.kadmin(&format!("addprinc -randkey {WEB}")).unwrap();
        let client = Client::new(name, [address(&kdc)]);
        let alice = client.principal("alice").unwrap();
        Realm { kdc, client, alice }
    }

    fn principal(&self, text: &str) -> Principal {
        self.client.principal(text).unwrap()
    }

    /// A keytab with the keys that `name` has.
    fn keytab(&self, name: &str) -> PathBuf {
        let path = self.kdc.config().with_file_name(format!("{}.keytab", name.replace('/', "_")));
        self.kdc.kadmin(&format!("ktadd -norandkey -k {} {name}", path.display())).unwrap();
        path
    }

    async fn ask(&self, options: &TicketOptions) -> Result<InitialTicket, ClientError> {
        self.client.initial_ticket(&self.alice, &Secret::password(PASSWORD), options).await
    }

    /// alice or somebody else, with default options.
    async fn log_in(&self, name: &str, password: &str) -> Result<InitialTicket, ClientError> {
        let secret = Secret::password(password);
        self.client.initial_ticket(&self.principal(name), &secret, &TicketOptions::default()).await
    }

    async fn tgt(&self) -> Credential {
        self.ask(&TicketOptions::default()).await.unwrap().credential
    }

    async fn tgt_with(&self, flags: KdcOptions) -> Credential {
        self.ask(&TicketOptions::with_flags(flags)).await.unwrap().credential
    }

    async fn web_ticket(&self, tgt: &Credential) -> Credential {
        self.client.service_ticket(tgt, &self.principal(WEB)).await.unwrap()
    }
}

fn address(kdc: &MitKdc) -> String {
    format!("127.0.0.1:{}", kdc.port())
}

fn loopback() -> HostAddress {
    IpAddr::from([127, 0, 0, 1]).into()
}

/// Shows a ticket to its server; both sides prove themselves.
fn show(ticket: &Credential, keys: AcceptorKeys<'_>, now: Timestamp) -> Principal {
    let offer = ApOffer { mutual: true, subkey: true, ..ApOffer::default() };
    let request = ApRequest::new(ticket, &offer, now, &mut OsRng);
    let accepted = AcceptedApReq::check(&request.message, keys, &AcceptRules::default(), now).unwrap();
    request.check_reply(&accepted.reply(None, None, &mut OsRng)).unwrap();
    accepted.client
}

#[tokio::test]
async fn a_password_gets_a_tgt_a_service_ticket_and_in_at_the_server() {
    let realm = Realm::start();
    let ticket = realm.ask(&TicketOptions::default()).await.unwrap();
    assert!(ticket.request_confirmed, "MIT confirms the request (RFC 6806, section 11)");
    assert_eq!(ticket.credential.client, realm.alice);
    let wanted = TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT;
    assert!(ticket.credential.flags.contains(wanted), "{:?}", ticket.credential.flags);

    let web = realm.web_ticket(&ticket.credential).await;
    let keytab = Keytab::read(&realm.keytab(WEB)).unwrap();
    assert_eq!(show(&web, AcceptorKeys::Keytab(&keytab), realm.client.kdc_now()), realm.alice);
}

#[tokio::test]
async fn every_aes_enctype_serves_for_key_and_session() {
    let realm = Realm::start();
    let all = Enctype::ALL.into_iter().filter(|e| *e != Enctype::Rc4Hmac);
    for enctype in all {
        let options = TicketOptions { enctypes: vec![enctype], ..TicketOptions::default() };
        let tgt = realm.ask(&options).await.unwrap().credential;
        assert_eq!(tgt.session_key.enctype(), enctype);
        let request = TgsRequest { options, ..TgsRequest::new(realm.principal(WEB)) };
        let web = realm.client.ticket(&tgt, request).await.unwrap();
        assert_eq!(web.session_key.enctype(), enctype);
    }
}

#[tokio::test]
async fn a_keytab_of_mits_proves_its_principal() {
    let realm = Realm::start();
    let keytab = Keytab::read(&realm.keytab("alice")).unwrap();
    assert_eq!(keytab.entries.len(), 4);
    let secret = Secret::from_keytab(&keytab, &realm.alice).unwrap();
    realm.client.initial_ticket(&realm.alice, &secret, &TicketOptions::default()).await.unwrap();
    let weakest = Keytab { entries: keytab.entries.into_iter().filter(|e| e.key.keytype == 17).collect() };
    let secret = Secret::from_keytab(&weakest, &realm.alice).unwrap();
    realm.client.initial_ticket(&realm.alice, &secret, &TicketOptions::default()).await.unwrap();
}

#[tokio::test]
async fn refusals_carry_their_codes() {
    let realm = Realm::start();
    let refused = realm.log_in("alice", "wrong").await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::PREAUTH_FAILED));
    let refused = realm.log_in("nobody", PASSWORD).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::C_PRINCIPAL_UNKNOWN));
    let refused = realm.client.service_ticket(&realm.tgt().await, &realm.principal("HTTP/nowhere.test")).await;
    assert_eq!(refused.unwrap_err().code(), Some(ErrorCode::S_PRINCIPAL_UNKNOWN));
}

#[tokio::test]
async fn a_principal_without_pre_authentication_gets_its_ticket_at_once() {
    let realm = Realm::start();
    realm.kdc.kadmin("modprinc -requires_preauth alice").unwrap();
    let tgt = realm.tgt().await;
    assert!(!tgt.flags.contains(TicketFlags::PRE_AUTHENT));
    realm.kdc.kadmin("addprinc -pw other -requires_preauth bob").unwrap();
    let refused = realm.log_in("bob", "wrong").await;
    assert!(matches!(refused, Err(ClientError::Reply(kennel_client::ReplyFault::ReplyKey))), "{refused:?}");
}

#[tokio::test]
async fn a_clock_an_hour_off_is_corrected_by_what_the_kdc_says() {
    let realm = Realm::start();
    let transport = Transport::new([address(&realm.kdc)]);
    for hours in [-1, 1] {
        let wrong = || TimeOffset::from_micros(hours * 3_600_000_000).apply(system_now());
        let request = AsRequest::new(realm.alice.clone());
        let secret = Secret::password(PASSWORD);
        let (mut exchange, mut message) = AsExchange::begin(request, secret, wrong(), &mut OsRng).unwrap();
        let ticket = loop {
            let answer = transport.exchange(&message).await.unwrap();
            match exchange.receive(&answer, wrong(), &mut OsRng).unwrap() {
                AsStep::Send(next) => message = next,
                AsStep::Done(ticket) => break ticket,
            }
        };
        let error = ticket.time_offset.as_micros() + hours * 3_600_000_000;
        assert!(error.abs() < 5_000_000, "{error} microseconds");
        let client = Client::new("ONE.TEST", [address(&realm.kdc)]);
        client.service_ticket(&ticket.credential, &realm.principal(WEB)).await.unwrap();
    }
}

#[tokio::test]
async fn lives_and_flags_are_as_asked_and_renewal_prolongs() {
    let realm = Realm::start();
    let flags = KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE;
    let options = TicketOptions { flags, life: Some(600), renewable_life: Some(7_200), ..TicketOptions::default() };
    let tgt = realm.ask(&options).await.unwrap().credential;
    let wanted = TicketFlags::FORWARDABLE | TicketFlags::PROXIABLE | TicketFlags::RENEWABLE;
    assert!(tgt.flags.contains(wanted), "{:?}", tgt.flags);
    assert!((595..=600).contains(&(tgt.endtime.0 - tgt.starttime.0)), "{tgt:?}");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let renewed = realm.client.renew(&tgt).await.unwrap();
    assert!(renewed.endtime > tgt.endtime);
    assert_eq!(renewed.renew_till, tgt.renew_till);
    realm.web_ticket(&renewed).await;
    let refused = realm.client.renew(&realm.tgt().await).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::BADOPTION));
}

#[tokio::test]
async fn a_postdated_ticket_is_validated_once_its_time_has_come() {
    let realm = Realm::start();
    let start = system_now().time.plus(2);
    let options = TicketOptions { start: Some(start), life: Some(600), ..TicketOptions::default() };
    let ticket = realm.ask(&options).await.unwrap().credential;
    assert!(ticket.flags.contains(TicketFlags::INVALID | TicketFlags::POSTDATED), "{:?}", ticket.flags);
    assert_eq!(ticket.starttime, start);
    let refused = realm.client.service_ticket(&ticket, &realm.principal(WEB)).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AP_TKT_NYV));
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let valid = realm.client.validate(&ticket).await.unwrap();
    assert!(!valid.flags.contains(TicketFlags::INVALID));
    realm.web_ticket(&valid).await;
}

#[tokio::test]
async fn tickets_are_forwarded_and_proxied_to_other_addresses() {
    let realm = Realm::start();
    let tgt = realm.tgt_with(KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE).await;
    let forwarded = realm.client.exchange_once(&tgt, &TgsRequest::forward(&tgt, vec![loopback()])).await.unwrap();
    assert!(forwarded.flags.contains(TicketFlags::FORWARDED));
    assert_eq!(forwarded.addresses, [loopback()]);
    assert!(realm.web_ticket(&forwarded).await.flags.contains(TicketFlags::FORWARDED));

    // MIT makes a proxy of a ticket for the same server, not of a TGT.
    let proxiable = TgsRequest::with_flags(realm.principal(WEB), KdcOptions::PROXIABLE);
    let web = realm.client.ticket(&tgt, proxiable).await.unwrap();
    let proxy = TgsRequest::proxy(realm.principal(WEB), vec![loopback()]);
    let proxied = realm.client.exchange_once(&web, &proxy).await.unwrap();
    assert!(proxied.flags.contains(TicketFlags::PROXY));
    assert_eq!(proxied.addresses, [loopback()]);
    let plain = realm.web_ticket(&tgt).await;
    let refused = realm.client.exchange_once(&plain, &proxy).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::BADOPTION));
}

#[tokio::test]
async fn a_ticket_that_is_bound_to_addresses_serves_from_there_alone() {
    let realm = Realm::start();
    let bound_to = |address| TicketOptions { addresses: vec![address], ..TicketOptions::default() };
    let here = realm.ask(&bound_to(loopback())).await.unwrap().credential;
    assert_eq!(realm.web_ticket(&here).await.addresses, [loopback()]);
    let away = realm.ask(&bound_to(IpAddr::from([192, 0, 2, 1]).into())).await.unwrap().credential;
    let refused = realm.client.service_ticket(&away, &realm.principal(WEB)).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AP_BADADDR));
}

#[tokio::test]
async fn user_to_user_opens_with_the_session_key_of_the_servers_tgt() {
    let realm = Realm::start();
    realm.kdc.kadmin("addprinc -pw other bob").unwrap();
    let bob = realm.principal("bob");
    let bobs = realm.log_in("bob", "other").await.unwrap().credential;
    let ticket = realm.client.user_to_user_ticket(&realm.tgt().await, &bob, &bobs.ticket).await.unwrap();
    let client = show(&ticket, AcceptorKeys::UserToUser(&bobs.session_key), realm.client.kdc_now());
    assert_eq!(client, realm.alice);
}

#[tokio::test]
async fn tcp_alone_does() {
    let realm = Realm::start();
    let client = Client::new("ONE.TEST", [address(&realm.kdc)]).with_protocol(TransportProtocol::TcpOnly);
    let tgt = client.initial_ticket(&realm.alice, &Secret::password(PASSWORD), &TicketOptions::default()).await;
    client.service_ticket(&tgt.unwrap().credential, &realm.principal(WEB)).await.unwrap();
}

#[tokio::test]
async fn a_ticket_for_a_service_comes_straight_from_the_as() {
    let realm = Realm::start();
    let web = realm.principal(WEB);
    let options = TicketOptions::default();
    let secret = Secret::password(PASSWORD);
    let ticket = realm.client.initial_service_ticket(&realm.alice, &secret, &web.name, &options).await.unwrap();
    assert_eq!(ticket.credential.server, web);
    let keytab = Keytab::read(&realm.keytab(WEB)).unwrap();
    assert_eq!(show(&ticket.credential, AcceptorKeys::Keytab(&keytab), realm.client.kdc_now()), realm.alice);
}

#[tokio::test]
async fn mits_kvno_uses_a_cache_of_ours_and_we_use_one_of_kinits() {
    let realm = Realm::start();
    let mit = realm.kdc.mit().unwrap();
    CredentialCache::new(realm.tgt().await, TimeOffset::default()).write(mit.cache()).unwrap();
    mit.kvno(&[WEB]).unwrap().ok().unwrap();
    let filled = CredentialCache::read(mit.cache()).unwrap();
    let web = filled.find(&realm.principal(WEB)).expect("kvno added the service ticket");
    let keytab = Keytab::read(&realm.keytab(WEB)).unwrap();
    assert_eq!(show(web, AcceptorKeys::Keytab(&keytab), realm.client.kdc_now()), realm.alice);

    std::fs::remove_file(mit.cache()).unwrap();
    mit.kinit(&["alice"], PASSWORD).unwrap().ok().unwrap();
    let kinits = CredentialCache::read(mit.cache()).unwrap();
    assert_eq!(kinits.client, realm.alice);
    realm.web_ticket(kinits.find(&Principal::krbtgt("ONE.TEST", "ONE.TEST")).unwrap()).await;
}

#[tokio::test]
async fn mit_refuses_requests_that_are_wrong_on_purpose() {
    let realm = Realm::start();
    let tgt = realm.tgt().await;
    let transport = Transport::new([address(&realm.kdc)]);
    let request = TgsRequest::new(realm.principal(WEB));
    let now = realm.client.kdc_now();
    let (exchange, message) = dangerous_tgs_request(&tgt, &request, now, &mut OsRng, |_| ());
    exchange.receive(&transport.exchange(&message).await.unwrap()).unwrap();

    let (exchange, message) = dangerous_tgs_request(&tgt, &request, now, &mut OsRng, |parts| {
        parts.body_checksum = BodyChecksum::Keyed(KeyUsage::AP_REQ_CHECKSUM);
    });
    let refused = exchange.receive(&transport.exchange(&message).await.unwrap()).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AP_BAD_INTEGRITY));
    let (exchange, message) = dangerous_tgs_request(&tgt, &request, now, &mut OsRng, |parts| {
        parts.authenticator_usage = KeyUsage::AP_REQ_AUTHENTICATOR;
    });
    let refused = exchange.receive(&transport.exchange(&message).await.unwrap()).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AP_BAD_INTEGRITY));
}

/// Realms that share a key in both directions.
async fn trusting_realms() -> (Realm, Realm) {
    let (mut one, mut two) = (Realm::make("ONE.TEST"), Realm::make("TWO.TEST"));
    for kdc in [&one.kdc, &two.kdc] {
        for shared in ["krbtgt/TWO.TEST@ONE.TEST", "krbtgt/ONE.TEST@TWO.TEST"] {
            kdc.kadmin(&format!("addprinc -pw shared {shared}")).unwrap();
        }
    }
    two.kdc.kadmin("addprinc -randkey HTTP/web.two.test").unwrap();
    // krb5kdc reads there which realm a host is of, and refers those who ask.
    let mut config = std::fs::read_to_string(one.kdc.config()).unwrap();
    config.push_str("[domain_realm]\n .two.test = TWO.TEST\n");
    std::fs::write(one.kdc.config(), config).unwrap();
    one.kdc.start().unwrap();
    two.kdc.start().unwrap();
    let client = Client::new("ONE.TEST", [address(&one.kdc)]);
    one.client = client.with_realm("TWO.TEST", Transport::new([address(&two.kdc)]));
    (one, two)
}

#[tokio::test]
async fn another_realm_is_reached_by_its_name_and_by_referral() {
    let (one, two) = trusting_realms().await;
    let keytab = Keytab::read(&two.keytab("HTTP/web.two.test")).unwrap();
    let tgt = one.tgt().await;
    for name in ["HTTP/web.two.test@TWO.TEST", "HTTP/web.two.test"] {
        let ticket = one.client.service_ticket(&tgt, &one.principal(name)).await.unwrap();
        assert_eq!(ticket.server, two.principal("HTTP/web.two.test"));
        assert_eq!(show(&ticket, AcceptorKeys::Keytab(&keytab), one.client.kdc_now()), one.alice);
    }
}

#[tokio::test]
async fn a_realm_whose_kdcs_are_not_known_is_named_in_the_error() {
    let (one, two) = trusting_realms().await;
    let alone = Client::new("ONE.TEST", [address(&one.kdc)]);
    let refused = alone.service_ticket(&one.tgt().await, &two.principal("HTTP/web.two.test")).await.unwrap_err();
    assert!(matches!(&refused, ClientError::UnknownRealm(realm) if realm == "TWO.TEST"), "{refused}");
}
