//! An attacker: a realm, a client's own material, requests made by hand, and what they are answered with.

use anyhow::{Context, Result, ensure};
use kennel_client::client::system_now;
use kennel_client::dangerous::{TgsParts, dangerous_tgs_request};
use kennel_client::{Credential, Keytab, TgsRequest};
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_tests::exchange::Actors;
use kennel_tests::peer::{Tcp, Udp};
use kennel_tests::realm::Realm;
use kennel_wire::der::writer::Writer;
use kennel_wire::message::{
    EncTicketPart, EncryptedData, EncryptionKey, ErrorCode, KdcReqBody, KerberosTime, KrbError, Principal, Ticket,
    TicketFlags, TransitedEncoding,
};
use rand::rngs::OsRng;
use serde_json::Value;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The realm of all these tests.
pub(crate) const REALM: &str = "TEST.KENNEL";
/// A realm that it trusts.
pub(crate) const TRUSTED: &str = "FAR.TEST";
/// What their keys come from.
pub(crate) const TRUST_PASSWORD: &str = "a long secret of both";
/// The service of all these tests.
pub(crate) const SERVICE: &str = "HTTP/web.shop";

/// The audit writer gathers for some milliseconds.
const AUDIT_LIMIT: Duration = Duration::from_secs(10);

const SEED: &str = r#"
    # Each request must leave its own line, whatever it is.
    [audit]
    noise_lines = 100000000
    [[principal]]
    name = "alice"
    password = "secret"
    [[principal]]
    name = "mallory"
    password = "secret"
    [[principal]]
    name = "HTTP/web.shop"
    [[principal]]
    name = "HTTP/other.shop"
    [[principal]]
    name = "kadmin/changepw"
    attributes = ["password_changing_service", "disallow_tgt_based"]
    [[trust]]
    realm = "FAR.TEST"
    password = "a long secret of both"
    kdc = "127.0.0.1:1"
"#;

/// A realm and who attacks it.
pub(crate) struct Scene {
    pub(crate) realm: Realm,
    udp: Udp,
    tcp: Tcp,
    /// Audit lines that must be there by now.
    lines: usize,
}

impl Scene {
    pub(crate) fn new() -> Result<Scene> {
        let realm = Realm::builder(REALM)?.seed(SEED).start()?;
        // `dev` has proved itself, and its lines are written.
        let lines = realm.audit()?.lines().count();
        let (udp, tcp) = (Udp::connect(realm.port())?, Tcp::new(realm.port()));
        Ok(Scene { realm, udp, tcp, lines })
    }

    /// After something else than [`Scene::ask`] made lines of its own.
    pub(crate) fn settle(&mut self) -> Result<()> {
        // The realm may have been restarted.
        self.tcp.close();
        self.lines = self.realm.audit()?.lines().count();
        Ok(())
    }

    /// Sends a request over TCP, where everything but a reply is answered; gives the answer and the one audit line of it.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<(Vec<u8>, Value)> {
        let answer = self.tcp.ask(request)?.context("the connection was closed without an answer")?;
        Ok((answer, self.next_line()?))
    }

    /// Sends a request over UDP; gives the answer and the one audit line of it.
    pub(crate) fn ask_over_udp(&mut self, request: &[u8]) -> Result<(Vec<u8>, Value)> {
        let answer = self.udp.ask(request)?.to_vec();
        Ok((answer, self.next_line()?))
    }

    /// Sends what must not be answered; gives the one audit line of it.
    pub(crate) fn ask_in_vain(&mut self, datagram: &[u8]) -> Result<Value> {
        ensure!(self.udp.is_silent_about(datagram, Duration::from_millis(300))?, "it was answered");
        self.next_line()
    }

    /// Sends a request that must be refused for this reason: its code on the wire, its name in the audit.
    pub(crate) fn refused(&mut self, request: &[u8], refusal: Refusal) -> Result<KrbError> {
        let (answer, line) = self.ask(request)?;
        let error = KrbError::decode(&answer).with_context(|| format!("no KRB-ERROR: {line}"))?;
        ensure!(error.error_code == refusal.code(), "{:?} in place of {refusal:?}: {line}", error.error_code);
        ensure!(says(&line, "reason") == refusal.name(), "another reason than {refusal:?}: {line}");
        ensure!(says(&line, "outcome") == "refused", "{line}");
        Ok(error)
    }

    /// Sends an AS request that must be answered with KDC_ERR_PREAUTH_REQUIRED.
    pub(crate) fn preauth_required(&mut self, request: &[u8]) -> Result<KrbError> {
        let (answer, line) = self.ask(request)?;
        let error = KrbError::decode(&answer).with_context(|| format!("no KRB-ERROR: {line}"))?;
        ensure!(error.error_code == ErrorCode::PREAUTH_REQUIRED, "{:?}: {line}", error.error_code);
        Ok(error)
    }

    /// Sends a TGS request of this TGT whose parts were altered, which must be refused.
    pub(crate) fn tgs_refused(
        &mut self,
        tgt: &Credential,
        request: &TgsRequest,
        refusal: Refusal,
        alter: impl FnOnce(&mut TgsParts),
    ) -> Result<()> {
        let message = dangerous_tgs_request(tgt, request, system_now(), &mut OsRng, alter).1;
        self.refused(&message, refusal).map(|_| ())
    }

    /// Sends a TGS request that must be answered with a ticket; gives it.
    pub(crate) fn tgs(
        &mut self,
        tgt: &Credential,
        request: &TgsRequest,
        alter: impl FnOnce(&mut TgsParts),
    ) -> Result<Credential> {
        let (exchange, message) = dangerous_tgs_request(tgt, request, system_now(), &mut OsRng, alter);
        let (answer, line) = self.ask(&message)?;
        ensure!(says(&line, "outcome") == "issued", "{line}");
        Ok(exchange.receive(&answer)?)
    }

    /// A TGT of a user, which is forwardable, proxiable and renewable.
    pub(crate) fn tgt(&mut self, user: &str) -> Result<Credential> {
        let (tgt, sent) = Actors::new(REALM, user, "secret", SERVICE)?.log_in(&mut self.udp)?;
        self.await_lines(sent.len())?;
        Ok(tgt)
    }

    /// The strongest key of a principal's keytab.
    pub(crate) fn key(&self, name: &str) -> Result<Key> {
        let keytab = Keytab::read(&self.realm.keytab(name))?;
        keytab.newest_keys(&principal(name)).into_iter().next().context("an empty keytab")
    }

    /// Nothing was audited beside what was asked, and the server lives.
    pub(crate) fn end(mut self) -> Result<()> {
        let found = self.realm.audit()?.lines().count();
        ensure!(found == self.lines, "{found} audit lines, not {}", self.lines);
        ensure!(self.realm.server().is_running()?, "the server ended: {}", self.realm.server().said());
        ensure!(!self.realm.server().stderr().contains("panicked"), "{}", self.realm.server().stderr());
        Ok(())
    }

    fn next_line(&mut self) -> Result<Value> {
        let line = self.await_lines(1)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Waits for so many lines more, and no others; gives the last.
    fn await_lines(&mut self, count: usize) -> Result<String> {
        let deadline = Instant::now() + AUDIT_LIMIT;
        self.lines += count;
        loop {
            let mut lines = audit(&self.realm)?;
            ensure!(lines.len() <= self.lines, "{} audit lines, not {}", lines.len(), self.lines);
            match lines.pop() {
                Some(last) if lines.len() + 1 == self.lines => return Ok(last),
                _ => ensure!(Instant::now() < deadline, "no audit line within {AUDIT_LIMIT:?}"),
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The whole lines of the audit log.
fn audit(realm: &Realm) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(realm.folder().join("audit.log"))?;
    let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap_or_default());
    Ok(whole.lines().map(str::to_owned).collect())
}

/// A principal of the realm.
pub(crate) fn principal(text: &str) -> Principal {
    Principal::parse(text, REALM).unwrap_or_else(|_| Principal::krbtgt(REALM, REALM))
}

/// The usual request.
pub(crate) fn for_service() -> TgsRequest {
    TgsRequest::new(principal(SERVICE))
}

/// The body of an AS request of alice for a TGT.
pub(crate) fn as_body() -> KdcReqBody {
    let request = kennel_client::AsRequest::new(principal("alice"));
    kennel_client::dangerous::dangerous_as_body(&request, system_now(), &mut OsRng)
}

/// The key of `krbtgt/REALM@FAR.TEST`: what a KDC of the trusted realm has.
pub(crate) fn trust_key() -> Result<Key> {
    let name = Principal::krbtgt(REALM, TRUSTED);
    let salt: String = std::iter::once(&name.realm).chain(&name.name.components).cloned().collect();
    Ok(Key::from_password(Enctype::Aes256CtsHmacSha384, TRUST_PASSWORD.as_bytes(), salt.as_bytes(), None)?)
}

/// What stands in a forged ticket: a forwardable one of `client`, in force for an hour.
pub(crate) fn forged_part(client: &Principal, session: &Key) -> EncTicketPart {
    let now = system_now().time;
    EncTicketPart {
        flags: TicketFlags::FORWARDABLE | TicketFlags::PRE_AUTHENT,
        key: EncryptionKey { keytype: session.enctype().number(), keyvalue: Zeroizing::new(session.expose().to_vec()) },
        crealm: client.realm.clone(),
        cname: client.name.clone(),
        transited: TransitedEncoding { tr_type: 1, contents: Vec::new() },
        authtime: now,
        starttime: Some(now),
        endtime: now.plus(3600),
        renew_till: None,
        caddr: None,
        authorization_data: None,
    }
}

/// A ticket of any content for any server under any key, with the credential to use it.
pub(crate) fn forge(server: &Principal, key: &Key, part: &EncTicketPart, session: &Key) -> Credential {
    let mut writer = Writer::with_capacity(512);
    part.write(&mut writer);
    let cipher = key.prepare(KeyUsage::TICKET).seal(&writer.into_vec(), &mut OsRng);
    let enc_part = EncryptedData { etype: key.enctype().number(), kvno: Some(1), cipher };
    Credential {
        client: Principal::new(part.cname.clone(), &*part.crealm),
        server: server.clone(),
        ticket: Ticket { realm: server.realm.clone(), sname: server.name.clone(), enc_part },
        session_key: session.clone(),
        flags: part.flags,
        authtime: part.authtime,
        starttime: part.starttime.unwrap_or(part.authtime),
        endtime: part.endtime,
        renew_till: part.renew_till.filter(|time| *time > KerberosTime::EPOCH),
        addresses: Vec::new(),
        second_ticket: None,
        authdata: Vec::new(),
    }
}

/// A fresh session key.
pub(crate) fn session() -> Key {
    Key::generate(Enctype::Aes256CtsHmacSha384, &mut OsRng)
}

/// What a service finds in a ticket for it.
pub(crate) fn opened(ticket: &Ticket, key: &Key) -> Result<EncTicketPart> {
    let plain = key.prepare(KeyUsage::TICKET).open(&ticket.enc_part.cipher)?;
    Ok(EncTicketPart::decode(&plain)?)
}

/// The text of a field of an audit line; empty where there is none.
fn says<'a>(line: &'a Value, field: &str) -> &'a str {
    line.get(field).and_then(Value::as_str).unwrap_or_default()
}
