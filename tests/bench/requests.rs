//! Requests made in advance.

use anyhow::Result;
use kennel_client::client::system_now;
use kennel_client::dangerous::{
    dangerous_as_body, dangerous_as_request, dangerous_enc_timestamp, dangerous_tgs_request,
};
use kennel_client::{AsRequest, Credential, FastArmor, TgsExchange, TgsRequest};
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_tests::exchange::Actors;
use kennel_tests::peer::Udp;
use kennel_wire::message::{FastOptions, KrbFastReq};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// A user and its key.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) actors: Actors,
    pub(crate) key: Key,
}

/// Which exchange is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// AS with PA-ENC-TIMESTAMP.
    As,
    /// TGS for a service.
    Tgs,
    /// AS inside armor, with an encrypted challenge.
    FastAs,
    /// TGS for a service, inside the armor of its own ticket, as libkrb5 asks.
    FastTgs,
    /// AS with a timestamp under a wrong key.
    BadPreauth,
}

impl Exchange {
    /// All of them, in the order of the report.
    pub(crate) const ALL: [Exchange; 5] =
        [Exchange::As, Exchange::Tgs, Exchange::FastAs, Exchange::FastTgs, Exchange::BadPreauth];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Exchange::As => "AS",
            Exchange::Tgs => "TGS",
            Exchange::FastAs => "AS FAST",
            Exchange::FastTgs => "TGS FAST",
            Exchange::BadPreauth => "bad key",
        }
    }

    /// First octet of the right reply: one with a ticket, or a KRB-ERROR.
    pub(crate) fn reply_tag(self) -> u8 {
        match self {
            Exchange::As | Exchange::FastAs => 0x6b,
            Exchange::Tgs | Exchange::FastTgs => 0x6d,
            Exchange::BadPreauth => 0x7e,
        }
    }
}

/// Requests for one run.
pub(crate) struct Requests {
    pub(crate) messages: Vec<Vec<u8>>,
}

impl Requests {
    /// `count` requests of the users in turn, no two alike.
    pub(crate) fn make(exchange: Exchange, users: &[User], port: u16, count: usize) -> Result<Requests> {
        let mut rng = StdRng::from_entropy();
        let makers: Vec<_> = users.iter().map(|user| maker(exchange, user, port)).collect::<Result<_>>()?;
        let messages = makers.iter().cycle().take(count).map(|make| make(&mut rng)).collect();
        Ok(Requests { messages })
    }
}

type Maker<'a> = Box<dyn Fn(&mut StdRng) -> Vec<u8> + 'a>;

fn maker(exchange: Exchange, user: &User, port: u16) -> Result<Maker<'_>> {
    let enctype = user.key.enctype();
    Ok(match exchange {
        Exchange::As | Exchange::BadPreauth => {
            let key = match exchange {
                Exchange::BadPreauth => Key::generate(enctype, &mut StdRng::from_entropy()),
                _ => user.key.clone(),
            };
            let mut request = AsRequest::new(user.actors.user.clone());
            request.options.enctypes = vec![enctype];
            Box::new(move |rng| initial(&request, &key, rng))
        }
        Exchange::Tgs => {
            let (tgt, _) = user.actors.log_in(&mut Udp::connect(port)?)?;
            let mut request = TgsRequest::new(user.actors.service.clone());
            request.options.enctypes = vec![enctype];
            Box::new(move |rng| TgsExchange::begin(&tgt, &request, system_now(), rng).1)
        }
        Exchange::FastAs => {
            let (tgt, _) = user.actors.log_in(&mut Udp::connect(port)?)?;
            let mut request = AsRequest::new(user.actors.user.clone());
            request.options.enctypes = vec![enctype];
            let key = user.key.clone();
            Box::new(move |rng| armored_initial(&request, &key, &tgt, rng))
        }
        Exchange::FastTgs => {
            let (tgt, _) = user.actors.log_in(&mut Udp::connect(port)?)?;
            let mut request = TgsRequest::new(user.actors.service.clone());
            request.options.enctypes = vec![enctype];
            Box::new(move |rng| armored_tgs(&request, &tgt, rng))
        }
    })
}

fn armored_initial(request: &AsRequest, key: &Key, tgt: &Credential, rng: &mut StdRng) -> Vec<u8> {
    let now = system_now();
    let armor = FastArmor::of_ticket(tgt, now, rng, |_| {});
    let (body, proof) = (dangerous_as_body(request, now, rng), armor.challenge(key, now, rng));
    let inner = KrbFastReq { options: FastOptions::empty(), padata: vec![proof], body: body.clone() };
    let fast = armor.wrap(&inner, &body.encode(), rng);
    dangerous_as_request(body, vec![fast])
}

fn armored_tgs(request: &TgsRequest, tgt: &Credential, rng: &mut StdRng) -> Vec<u8> {
    let mut made = None;
    let (_, message) = dangerous_tgs_request(tgt, request, system_now(), rng, |parts| {
        made = parts.subkey.clone().map(|subkey| (subkey, parts.body.clone()));
    });
    // A request without a sub-key has no armor; the client always makes one.
    let Some((subkey, body)) = made else { return message };
    let inner = KrbFastReq { options: FastOptions::empty(), padata: Vec::new(), body };
    let armor = FastArmor::of_request(&tgt.session_key, &subkey);
    armor.wrap_tgs(&message, &inner, rng).unwrap_or(message)
}

fn initial(request: &AsRequest, key: &Key, rng: &mut StdRng) -> Vec<u8> {
    let now = system_now();
    let body = dangerous_as_body(request, now, rng);
    let proof = dangerous_enc_timestamp(key, KeyUsage::PA_ENC_TIMESTAMP, now, rng);
    dangerous_as_request(body, vec![proof])
}

/// A user's key, as a KDC makes it from the password with the default salt.
pub(crate) fn key(enctype: Enctype, actors: &Actors, password: &str) -> Result<Key> {
    let salt: String = std::iter::once(&actors.user.realm).chain(&actors.user.name.components).cloned().collect();
    Ok(Key::from_password(enctype, password.as_bytes(), salt.as_bytes(), None)?)
}
