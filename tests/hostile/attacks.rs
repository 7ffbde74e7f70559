//! The attacks. Their sockets come from many addresses of 127.0.0.0/8, as one address has not enough ports.

use anyhow::{Context, Result, ensure};
use kennel_client::AsRequest;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_body, dangerous_as_request};
use kennel_tests::exchange::Actors;
use kennel_tests::peer::Udp;
use kennel_wire::frame;
use kennel_wire::message::{NameType, Principal, PrincipalName};
use rand::rngs::{OsRng, StdRng};
use rand::{Rng, SeedableRng};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// An attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// Connections that say nothing.
    Idle,
    /// Requests of one octet a second.
    Slow,
    /// Frames that promise much and send little.
    HalfOpen,
    /// Datagrams of random octets.
    Garbage,
    /// AS requests for principals that nobody knows.
    Unknown,
    /// TGS requests of one client, all of them good.
    Greedy,
    /// AS requests with names as long as a datagram can hold.
    LongNames,
    /// AS requests with the longest names that can be read.
    LongestNames,
    /// Connections that send requests ahead and read no answer.
    Unread,
    /// Short frames of garbage over TCP, each answer read.
    Frames,
    /// Connections to metrics and health that are kept open after a request.
    KeptAlive,
    /// Connections to the enrolment API that say nothing, or a part of a TLS handshake.
    Handshakes,
}

/// Connections of the attacks that hold them.
const CONNECTIONS: usize = 10_000;
const UNREAD: usize = 4_600;
const KEPT_ALIVE: usize = 700;
const HANDSHAKES: usize = 650;
/// Those of the slow ones.
const SLOW: usize = 500;

impl Attack {
    pub(crate) const ALL: [Attack; 12] = [
        Attack::Idle,
        Attack::Slow,
        Attack::HalfOpen,
        Attack::Garbage,
        Attack::Unknown,
        Attack::Greedy,
        Attack::LongNames,
        Attack::LongestNames,
        Attack::Unread,
        Attack::Frames,
        Attack::KeptAlive,
        Attack::Handshakes,
    ];

    /// Whether the attack is issued tickets, which must leave a line each.
    pub(crate) fn is_issued_tickets(self) -> bool {
        self == Attack::Greedy
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Attack::Idle => "10,000 idle connections, made anew",
            Attack::Slow => "500 senders of an octet a second",
            Attack::HalfOpen => "10,000 frames that are never finished",
            Attack::Garbage => "a flood of random datagrams",
            Attack::Unknown => "a flood for principals that are unknown",
            Attack::Greedy => "a flood of good TGS requests of one client",
            Attack::LongNames => "a flood of datagrams of 60 KB with long names",
            Attack::LongestNames => "a flood of the longest names that can be read",
            Attack::Unread => "4,600 connections with 4,000 frames sent ahead",
            Attack::Frames => "a flood of short frames of garbage over TCP",
            Attack::KeptAlive => "700 connections to health that are kept alive",
            Attack::Handshakes => "650 TLS connections that are never finished",
        }
    }
}

/// An attack that goes on in the background.
pub(crate) struct Running {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: JoinHandle<Result<()>>,
}

impl Running {
    pub(crate) fn start(attack: Attack, port: u16) -> Running {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let scene = Scene { port, stop: stop.clone(), sent: sent.clone() };
        let thread = std::thread::spawn(move || match attack {
            Attack::Idle => scene.hold(port, CONNECTIONS, b""),
            Attack::HalfOpen => scene.hold(port, CONNECTIONS, &[0, 0, 0xff, 0xff, 0x6a, 0x82]),
            Attack::Slow => scene.drip(),
            Attack::Garbage => scene.flood(|rng| (0..rng.gen_range(1..1400)).map(|_| rng.r#gen()).collect()),
            Attack::Unknown => scene.flood(unknown),
            Attack::Greedy => scene.greedy(),
            Attack::LongNames => scene.flood(|_| named(60, 1000)),
            Attack::LongestNames => scene.flood(|_| named(1, 1024)),
            Attack::Unread => scene.hold(port, UNREAD, &frame::encode(b"garbage").repeat(4_000)),
            Attack::Frames => scene.frames(),
            Attack::KeptAlive => scene.hold(port + 4, KEPT_ALIVE, b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n"),
            Attack::Handshakes => scene.hold(port + 3, HANDSHAKES, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]),
        });
        Running { stop, sent, thread }
    }

    /// Ends it; gives how many datagrams or connections there were.
    pub(crate) fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("an attack panicked")??;
        Ok(self.sent.load(Ordering::Relaxed))
    }
}

struct Scene {
    port: u16,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
}

impl Scene {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// From the nth address of 127.0.0.0/8.
    fn connect(&self, port: u16, number: usize) -> Result<TcpStream> {
        let from = Ipv4Addr::from(0x7f00_0002 + u32::try_from(number % 200)?);
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((from, 0)).into())?;
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        socket.connect_timeout(&to.into(), Duration::from_secs(2))?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(socket.into())
    }

    /// Holds so many connections that sent this and nothing more, the oldest replaced by a new one all the time.
    fn hold(&self, port: u16, count: usize, begin: &[u8]) -> Result<()> {
        let mut held = std::collections::VecDeque::with_capacity(count);
        let mut number = 0;
        while self.goes_on() {
            // The server closes those that wait longest: what fails here is an attack that fails.
            if let Ok(mut stream) = self.connect(port, number) {
                // Whoever reads nothing must not be blocked by its own writes.
                stream.set_write_timeout(Some(Duration::from_millis(1)))?;
                let _ = stream.write_all(begin);
                held.push_back(stream);
            }
            if held.len() > count {
                held.pop_front();
            }
            number += 1;
        }
        ensure!(number > 300, "only {number} connections: raise the limit of open files (ulimit -n)");
        Ok(())
    }

    fn drip(&self) -> Result<()> {
        let request = frame::encode(&unknown(&mut StdRng::from_entropy()));
        let mut senders: Vec<_> =
            (0..SLOW).filter_map(|number| self.connect(self.port, number).ok().map(|s| (s, 0))).collect();
        while self.goes_on() {
            for (number, (stream, at)) in senders.iter_mut().enumerate() {
                let octet = request.get(*at..=*at).unwrap_or(&[0]);
                *at += 1;
                if stream.write_all(octet).is_err()
                    && let Ok(again) = self.connect(self.port, number)
                {
                    (*stream, *at) = (again, 0);
                }
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        Ok(())
    }

    /// As fast as one thread sends, from many sockets, without waiting for answers.
    fn flood(&self, make: impl Fn(&mut StdRng) -> Vec<u8>) -> Result<()> {
        let mut rng = StdRng::from_entropy();
        let datagrams: Vec<Vec<u8>> = (0..5000).map(|_| make(&mut rng)).collect();
        let sockets = (0..50)
            .map(|number| UdpSocket::bind((Ipv4Addr::from(0x7f00_0002 + number), 0)))
            .collect::<std::io::Result<Vec<_>>>()?;
        let to = (Ipv4Addr::LOCALHOST, self.port);
        for (datagram, socket) in datagrams.iter().zip(&sockets).cycle() {
            if !self.goes_on() {
                break;
            }
            // A full queue refuses: the next one may get in.
            if socket.send_to(datagram, to).is_ok() {
                self.sent.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// As fast as one thread sends and reads.
    fn frames(&self) -> Result<()> {
        let mut number = 0;
        while self.goes_on() {
            let mut tcp = self.connect(self.port, number)?;
            tcp.set_read_timeout(Some(Duration::from_secs(2)))?;
            let (garbage, mut answer) = (frame::encode(b"\x30\x03not"), [0; 4096]);
            // The server ends the connection after some requests.
            while self.goes_on() && tcp.write_all(&garbage).is_ok() && tcp.read(&mut answer).is_ok_and(|n| n > 0) {
                self.sent.fetch_add(1, Ordering::Relaxed);
            }
            number += 1;
        }
        Ok(())
    }

    fn greedy(&self) -> Result<()> {
        let actors = Actors::new("TEST.KENNEL", "alice", "secret", "HTTP/web.shop")?;
        let mut udp = Udp::connect(self.port)?;
        let granting = actors.originals(&mut udp)?.granting;
        let next = std::cell::Cell::new(0);
        self.flood(|_| {
            next.set(next.get() + 1);
            granting.get(next.get() % 2).cloned().unwrap_or_default()
        })
    }
}

/// An AS request for a principal that nobody knows, another each time.
fn unknown(rng: &mut StdRng) -> Vec<u8> {
    let name = format!("nobody{}", rng.r#gen::<u64>());
    let client = Principal::parse(&name, "TEST.KENNEL").unwrap_or_else(|_| Principal::krbtgt("TEST.KENNEL", "X"));
    dangerous_as_request(dangerous_as_body(&AsRequest::new(client), system_now(), &mut OsRng), Vec::new())
}

/// An AS request whose client and server have names of so many components of so many octets.
fn named(components: usize, octets: usize) -> Vec<u8> {
    let mut body = dangerous_as_body(&AsRequest::new(Principal::krbtgt("TEST.KENNEL", "X")), system_now(), &mut OsRng);
    let name = || PrincipalName::new(NameType::PRINCIPAL, std::iter::repeat_n("\\".repeat(octets), components / 2 + 1));
    (body.cname, body.sname) = (Some(name()), Some(name()));
    dangerous_as_request(body, Vec::new())
}
