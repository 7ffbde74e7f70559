//! What stock clients put inside their armor (FAST, RFC 6113), opened by the keys of their caches: it is read, and written again octet for
//! octet. With `KENNEL_FUZZ_SEEDS=FOLDER` the tests keep it there, as seeds of the fuzz target `fast`, with times of that target.

use anyhow::{Context, Result, ensure};
use kennel_client::FastArmor;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_tests::heimdal::Heimdal;
use kennel_tests::lossy::{Drops, LossyServer};
use kennel_tests::mit::Mit;
use kennel_tests::realm::Realm;
use kennel_wire::ccache::Ccache;
use kennel_wire::message::{
    ApReq, Authenticator, EncryptionKey, KdcReq, KerberosTime, KrbFastArmoredReq, KrbFastReq, PaData, pa_type,
};
use std::path::Path;

/// The name of the realm of the fuzz targets, and an end of tickets there.
const REALM: &str = "R";
const TILL: KerberosTime = KerberosTime(1_801_036_000);

fn realm(enctypes: &str) -> Result<Realm> {
    let seed = "[[principal]]\nname = \"alice\"\npassword = \"secret\"\n[[principal]]\nname = \"HTTP/web.r\"\n";
    Realm::builder(REALM)?.seed(&format!("{enctypes}\n{seed}")).start()
}

/// A way to the KDC that remembers what passes, and the messages inside it.
struct Recorder {
    way: LossyServer,
    seen: usize,
    messages: Vec<KrbFastReq>,
}

impl Recorder {
    /// Writes the realm's krb5.conf with this way to it.
    fn new(realm: &Realm, config: &Path) -> Result<Recorder> {
        let way = LossyServer::start(realm.port(), Drops::Nothing)?;
        let text = std::fs::read_to_string(realm.config())?;
        let kdc = format!("127.0.0.1:{}", realm.port());
        ensure!(text.contains(&kdc), "{text}");
        std::fs::write(config, text.replace(&kdc, &way.address().to_string()))?;
        Ok(Recorder { way, seen: 0, messages: Vec::new() })
    }

    /// Opens what has passed since the last look, by the tickets in these caches.
    fn look(&mut self, caches: &[&Ccache]) -> Result<()> {
        let sessions = caches.iter().flat_map(|cache| &cache.credentials).filter(|credential| !credential.is_config());
        let sessions = sessions.map(|credential| key(&credential.key)).collect::<Result<Vec<_>>>()?;
        let requests = self.way.requests();
        self.messages.extend(opened(requests.get(self.seen..).unwrap_or_default(), &sessions)?);
        self.seen = requests.len();
        Ok(())
    }

    /// Whether a message of an AS or a TGS request is among them with this element of padata.
    fn has(&self, initial: bool, padata_type: i32) -> bool {
        let fits = |message: &&KrbFastReq| message.body.cname.is_some() == initial;
        let mut elements = self.messages.iter().filter(fits).flat_map(|message| &message.padata);
        elements.any(|element| element.padata_type == padata_type)
    }

    /// Keeps the messages as seeds, where that is asked for.
    fn keep(mut self, client: &str) -> Result<()> {
        let Ok(folder) = std::env::var("KENNEL_FUZZ_SEEDS") else { return Ok(()) };
        for (number, message) in self.messages.iter_mut().enumerate() {
            message.body.till = TILL;
            message.body.rtime = message.body.rtime.map(|_| TILL.plus(86_400));
            std::fs::write(Path::new(&folder).join(format!("{client}-{number}")), message.encode())?;
        }
        Ok(())
    }
}

fn read(cache: &Path) -> Result<Ccache> {
    Ok(Ccache::decode(&std::fs::read(cache)?)?)
}

fn key(key: &EncryptionKey) -> Result<Key> {
    Ok(Key::new(Enctype::from_number(key.keytype).context("an enctype")?, &key.keyvalue)?)
}

/// The armor key of an AP-REQ under one of these session keys.
fn armor_key(ap_req: &[u8], usage: KeyUsage, sessions: &[Key]) -> Result<Key> {
    let sealed = ApReq::decode(ap_req)?.authenticator;
    let opened = sessions.iter().find_map(|session| {
        let same = session.enctype().number() == sealed.etype;
        Some((session, session.prepare(usage).open(&sealed.cipher).ok().filter(|_| same)?))
    });
    let (session, plain) = opened.context("no session key opens the authenticator")?;
    let subkey = Authenticator::decode(&plain)?.subkey.context("no sub-key")?;
    Ok(FastArmor::of_request(session, &key(&subkey)?).key)
}

/// What is inside the armored requests among these.
fn opened(requests: &[Vec<u8>], sessions: &[Key]) -> Result<Vec<KrbFastReq>> {
    let mut found = Vec::new();
    for request in requests {
        let request = KdcReq::decode(request)?;
        let of = |kind: i32| request.padata.iter().find(|p: &&PaData| p.padata_type == kind);
        let Some(fast) = of(pa_type::FX_FAST).filter(|fast| !fast.value.is_empty()) else { continue };
        let armored = KrbFastArmoredReq::decode(&fast.value)?;
        let armor = match (&armored.armor, of(pa_type::TGS_REQ)) {
            (Some(armor), _) => armor_key(&armor.armor_value, KeyUsage::AP_REQ_AUTHENTICATOR, sessions)?,
            (None, Some(ap_req)) => armor_key(&ap_req.value, KeyUsage::TGS_REQ_AUTHENTICATOR, sessions)?,
            (None, None) => anyhow::bail!("no armor"),
        };
        let plain = armor.prepare(KeyUsage::FAST_REQ).open(&armored.enc_fast_req.cipher)?;
        let message = KrbFastReq::decode(&plain)?;
        ensure!(message.encode() == *plain, "it is not written as it was read: {message:?}");
        found.push(message);
    }
    Ok(found)
}

#[test]
fn what_mit_s_clients_say_inside_their_armor_is_read() -> Result<()> {
    let realm = realm("")?;
    let host = realm.mit()?;
    host.kinit_with_keytab(&realm.keytab("HTTP/web.r"), &["HTTP/web.r"])?.ok()?;
    let (armor, option) = (read(host.cache())?, format!("FILE:{}", host.cache().display()));
    let config = host.file("by.conf");
    let mut recorder = Recorder::new(&realm, &config)?;
    let user = Mit::new(&config)?;
    for arguments in [&["-S", "HTTP/web.r"][..], &["-C", "-a"], &["-E"], &["-r", "1d", "-f", "-p"]] {
        user.kinit(&[&["-T", &option], arguments, &["alice"]].concat(), "secret")?.ok()?;
        recorder.look(&[&armor, &read(user.cache())?])?;
    }
    user.kvno(&["HTTP/web.r"])?.ok()?;
    let before = read(user.cache())?;
    recorder.look(&[&before])?;
    user.run("kinit", &["-R"], "")?.ok()?;
    recorder.look(&[&before])?;
    ensure!(recorder.has(true, pa_type::ENCRYPTED_CHALLENGE) && recorder.has(true, pa_type::FX_COOKIE));
    ensure!(recorder.messages.iter().any(|message| message.body.cname.is_none()), "no TGS request");
    recorder.keep("mit")
}

#[test]
fn what_heimdal_says_inside_its_armor_is_read() -> Result<()> {
    // It knows no enctypes of RFC 8009.
    let realm = realm("[realm]\nenctypes = [\"aes256-cts-hmac-sha1-96\", \"aes128-cts-hmac-sha1-96\"]")?;
    let host = Heimdal::new(&realm.config(), "")?;
    let keytab = format!("FILE:{}", realm.keytab("HTTP/web.r").display());
    host.run("kinit.heimdal", &["-k", "-t", &keytab, "HTTP/web.r"])?.ok()?;
    let config = host.file("by.conf");
    let mut recorder = Recorder::new(&realm, &config)?;
    let user = Heimdal::new(&config, "")?;
    let option = format!("--fast-armor-cache=FILE:{}", host.file("ccache").display());
    // It makes no use of the strengthening key, and logs in at no KDC that sends one.
    ensure!(!user.kinit(&[&option, "alice"], "secret")?.status.success());
    recorder.look(&[&read(&host.file("ccache"))?])?;
    ensure!(!recorder.messages.is_empty(), "nothing passed");
    recorder.keep("heimdal")
}
