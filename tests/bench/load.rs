//! Requests made in advance, and a run of them against a server.

use crate::cpu;
use anyhow::{Context, Result, ensure};
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_body, dangerous_as_request, dangerous_enc_timestamp};
use kennel_client::{AsRequest, TgsExchange, TgsRequest};
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_tests::exchange::Actors;
use kennel_tests::peer::Udp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

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
}

impl Exchange {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Exchange::As => "AS",
            Exchange::Tgs => "TGS",
        }
    }

    /// First octet of the reply that carries a ticket.
    pub(crate) fn reply_tag(self) -> u8 {
        match self {
            Exchange::As => 0x6b,
            Exchange::Tgs => 0x6d,
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
        Exchange::As => {
            let mut request = AsRequest::new(user.actors.user.clone());
            request.options.enctypes = vec![enctype];
            Box::new(move |rng| initial(&request, &user.key, rng))
        }
        Exchange::Tgs => {
            let (tgt, _) = user.actors.log_in(&mut Udp::connect(port)?)?;
            let mut request = TgsRequest::new(user.actors.service.clone());
            request.options.enctypes = vec![enctype];
            Box::new(move |rng| TgsExchange::begin(&tgt, &request, system_now(), rng).1)
        }
    })
}

fn initial(request: &AsRequest, key: &Key, rng: &mut StdRng) -> Vec<u8> {
    let now = system_now();
    let body = dangerous_as_body(request, now, rng);
    let proof = dangerous_enc_timestamp(key, KeyUsage::PA_ENC_TIMESTAMP, now, rng);
    dangerous_as_request(body, vec![proof])
}

/// What a run showed.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) requests: usize,
    pub(crate) elapsed: Duration,
    /// Of the server, all threads.
    pub(crate) cpu: Duration,
    /// Each request's.
    pub(crate) latencies: Vec<Duration>,
}

/// Sends the requests over so many sockets, on each one after the other's answer. Every answer must begin with
/// `reply_tag`: a server that refuses quickly is not fast.
pub(crate) fn run(port: u16, process: u32, requests: &[Vec<u8>], reply_tag: u8, sockets: usize) -> Result<Measured> {
    let share = requests.len().div_ceil(sockets).max(1);
    let cpu_before = cpu::time(process)?;
    let start = Instant::now();
    let latencies = std::thread::scope(|scope| {
        let threads: Vec<_> =
            requests.chunks(share).map(|chunk| scope.spawn(move || one_by_one(port, chunk, reply_tag))).collect();
        let mut all = Vec::with_capacity(requests.len());
        for thread in threads {
            all.extend(thread.join().ok().context("a thread of the load panicked")??);
        }
        anyhow::Ok(all)
    })?;
    let elapsed = start.elapsed();
    let cpu = cpu::time(process)?.saturating_sub(cpu_before);
    Ok(Measured { requests: requests.len(), elapsed, cpu, latencies })
}

fn one_by_one(port: u16, requests: &[Vec<u8>], reply_tag: u8) -> Result<Vec<Duration>> {
    let mut peer = Udp::connect(port)?;
    let mut latencies = Vec::with_capacity(requests.len());
    for request in requests {
        let sent = Instant::now();
        let answer = peer.ask(request)?;
        latencies.push(sent.elapsed());
        ensure!(answer.first() == Some(&reply_tag), "an answer that is no ticket: {answer:02x?}");
    }
    Ok(latencies)
}

/// A user's key, as a KDC makes it from the password with the default salt.
pub(crate) fn key(enctype: Enctype, actors: &Actors, password: &str) -> Result<Key> {
    let salt: String = std::iter::once(&actors.user.realm).chain(&actors.user.name.components).cloned().collect();
    Ok(Key::from_password(enctype, password.as_bytes(), salt.as_bytes(), None)?)
}
