//! Hundreds of thousands of mutated AS and TGS requests over the real sockets. Set `KENNEL_MUTATIONS` for more or fewer,
//! `KENNEL_MUTATION_SEED` for others: the seed is printed, the originals are fresh in each run (tickets and times).

use crate::attack::as_body;
use anyhow::{Context, Result, ensure};
use kennel_client::dangerous::dangerous_as_request;
use kennel_tests::exchange::{Actors, Originals};
use kennel_tests::mutate::mutate;
use kennel_tests::peer::{Tcp, Udp};
use kennel_tests::realm::Realm;
use kennel_wire::message::{ErrorCode, KdcRep, KdcReq, KrbError};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::time::Duration;

const MUTATIONS: u64 = 400_000;
const SEED: u64 = 20_261_123;

/// One in so many goes over TCP.
const TCP_SHARE: u64 = 10;

/// After so many, the originals are made anew (the clock skew is five minutes) and a good client must get its tickets.
const BATCH: u64 = 5_000;

const THREADS: u64 = 2;

#[test]
fn mutated_requests_are_answered_and_do_no_harm() -> Result<()> {
    let mut realm = Realm::builder("TEST.KENNEL")?
        .seed("[audit]\nnoise_lines = 100000000\n[[principal]]\nname = \"alice\"\npassword = \"secret\"\n[[principal]]\nname = \"HTTP/web.shop\"\n")
        .start()?;
    let before = realm.audit_lines()?;
    let (count, seed) = (setting("KENNEL_MUTATIONS", MUTATIONS)?, setting("KENNEL_MUTATION_SEED", SEED)?);
    let port = realm.port();
    let threads: Vec<_> = (0..THREADS)
        .map(|n| std::thread::spawn(move || Attacker::new(port, seed + n)?.attack(count / THREADS)))
        .collect();
    let mut tally = Tally::default();
    for thread in threads {
        tally.add(thread.join().ok().context("an attacking thread panicked")??);
    }
    println!("seed {seed}: {tally:#?}");

    ensure!(realm.server().is_running()?, "the server ended: {}", realm.server().said());
    ensure!(!realm.server().stderr().contains("panicked"), "a panic: {}", realm.server().stderr());
    ensure!(tally.mutations() == count / THREADS * THREADS, "sent {}, not {count}", tally.mutations());
    // If the mutations were all refused for the same reason, they would prove little.
    ensure!(tally.errors.len() >= 12, "mutations met few errors only: {tally:#?}");
    ensure!(realm.server().terminate(Duration::from_secs(10))?.success(), "the server did not stop well");
    let events = realm.audit_lines()? - before;
    ensure!(events == tally.requests, "{} requests, but {events} audit events", tally.requests);
    Ok(())
}

fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is not a number")),
        Err(_) => Ok(default),
    }
}

/// What became of the requests.
#[derive(Debug, Default)]
struct Tally {
    /// All that was sent, with those of good clients.
    requests: u64,
    /// Mutations answered with a ticket: what was changed is not protected, or was not changed in the end.
    tickets: u64,
    /// Mutations answered with an error, by code.
    errors: BTreeMap<i32, u64>,
    /// Mutations that got no answer: over UDP those that cannot be read, over TCP those that became replies or errors.
    dropped: u64,
    /// Longest error, in octets: what a sender can have sent to somebody else whose address it forges.
    longest_error: usize,
}

impl Tally {
    fn mutations(&self) -> u64 {
        self.tickets + self.errors.values().sum::<u64>() + self.dropped
    }

    fn add(&mut self, other: Tally) {
        self.requests += other.requests;
        self.tickets += other.tickets;
        self.dropped += other.dropped;
        self.longest_error = self.longest_error.max(other.longest_error);
        for (code, count) in other.errors {
            *self.errors.entry(code).or_default() += count;
        }
    }
}

/// One attacking thread.
struct Attacker {
    actors: Actors,
    udp: Udp,
    tcp: Tcp,
    rng: StdRng,
    tally: Tally,
}

impl Attacker {
    fn new(port: u16, seed: u64) -> Result<Attacker> {
        Ok(Attacker {
            actors: Actors::new("TEST.KENNEL", "alice", "secret", "HTTP/web.shop")?,
            udp: Udp::connect(port)?,
            tcp: Tcp::new(port),
            rng: StdRng::seed_from_u64(seed),
            tally: Tally::default(),
        })
    }

    fn attack(mut self, count: u64) -> Result<Tally> {
        let mut left = count;
        while left > 0 {
            let originals = self.behave().context("a good client gets no tickets any more")?;
            let batch = left.min(BATCH);
            // The server ends a connection after a thousand requests.
            self.tcp.close();
            for n in 0..batch {
                self.misbehave(&originals, n % TCP_SHARE == 0)?;
            }
            left -= batch;
        }
        self.behave().context("a good client gets no tickets any more")?;
        Ok(self.tally)
    }

    /// What every good client does: a TGT, then a service ticket.
    fn behave(&mut self) -> Result<Vec<Vec<u8>>> {
        let (tgt, sent) = self.actors.log_in(&mut self.udp)?;
        self.actors.ticket(&tgt, &mut self.udp)?;
        let Originals { initial, granting } = self.actors.originals(&mut self.udp)?;
        self.tally.requests += sent.len() as u64 + 1 + initial.len() as u64;
        Ok([initial, granting].concat())
    }

    fn misbehave(&mut self, originals: &[Vec<u8>], over_tcp: bool) -> Result<()> {
        let request = mutate(originals, &mut self.rng);
        let answer = if over_tcp {
            let answer = self.tcp.ask(&request);
            if request.is_empty() {
                // The answer is the last on this connection: what follows a wrong frame cannot be made out.
                self.tcp.close();
            }
            answer
        } else if KdcReq::decode(&request).is_err() {
            return self.misbehave_in_vain(&request);
        } else {
            self.udp.ask(&request).map(|answer| Some(answer.to_vec()))
        };
        let answer = answer.with_context(|| format!("to {}", hex(&request)))?;
        self.tally.requests += 1;
        match answer {
            None => {
                ensure!(is_answer(&request), "the connection was closed without an answer to {}", hex(&request));
                self.tally.dropped += 1;
            }
            Some(answer) => self.judge(&request, originals, &answer)?,
        }
        Ok(())
    }

    /// Sends a datagram that must not be answered, and a request that must: what comes back first is the answer to the request.
    fn misbehave_in_vain(&mut self, datagram: &[u8]) -> Result<()> {
        self.udp.send(datagram)?;
        let answer = self.udp.ask(&dangerous_as_request(as_body(), Vec::new()))?;
        let code = KrbError::decode(answer).map(|error| error.error_code);
        ensure!(
            code == Ok(ErrorCode::PREAUTH_REQUIRED),
            "{code:?}, an answer to what is no request: {}",
            hex(datagram)
        );
        self.tally.requests += 2;
        self.tally.dropped += 1;
        Ok(())
    }

    fn judge(&mut self, request: &[u8], originals: &[Vec<u8>], answer: &[u8]) -> Result<()> {
        if let Ok(error) = KrbError::decode(answer) {
            self.tally.longest_error = self.tally.longest_error.max(answer.len());
            *self.tally.errors.entry(error.error_code.0).or_default() += 1;
            return Ok(());
        }
        ensure!(KdcRep::decode(answer).is_ok(), "neither reply nor error: {} to {}", hex(answer), hex(request));
        ensure_protected(request, originals)?;
        self.tally.tickets += 1;
        Ok(())
    }
}

/// A TGS request is checksummed by its client: a ticket must never be given to one whose body no client made.
fn ensure_protected(request: &[u8], originals: &[Vec<u8>]) -> Result<()> {
    let body = |bytes: &[u8]| -> Result<Vec<u8>> {
        let range = KdcReq::decode(bytes)?.body_der;
        Ok(bytes.get(range).unwrap_or_default().to_vec())
    };
    const TGS_REQ: Option<&u8> = Some(&0x6c);
    if request.first() == TGS_REQ {
        let changed = body(request)?;
        let made = originals.iter().any(|original| body(original).is_ok_and(|made| made == changed));
        ensure!(made, "a ticket for a changed TGS request: {}", hex(request));
    }
    Ok(())
}

/// Whether the first octet is the tag of a reply or an error (RFC 4120, section 5.10).
fn is_answer(message: &[u8]) -> bool {
    const ANSWERS: [u8; 4] = [0x6b, 0x6d, 0x6f, 0x7e];
    message.first().is_some_and(|tag| ANSWERS.contains(tag))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|octet| format!("{octet:02x}")).collect()
}
