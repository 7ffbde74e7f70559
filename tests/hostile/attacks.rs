//! The attacks. Their sockets come from many addresses of 127.0.0.0/8, as one address has not enough ports.

use anyhow::{Context, Result, ensure};
use kennel_client::AsRequest;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_body, dangerous_as_request};
use kennel_tests::exchange::Actors;
use kennel_tests::peer::Udp;
use kennel_wire::frame;
use kennel_wire::message::Principal;
use rand::rngs::{OsRng, StdRng};
use rand::{Rng, SeedableRng};
use socket2::{Domain, Socket, Type};
use std::io::Write;
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
}

/// Connections of the attacks that hold them.
const CONNECTIONS: usize = 10_000;
/// Those of the slow ones.
const SLOW: usize = 500;

impl Attack {
    pub(crate) const ALL: [Attack; 6] =
        [Attack::Idle, Attack::Slow, Attack::HalfOpen, Attack::Garbage, Attack::Unknown, Attack::Greedy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Attack::Idle => "10,000 idle connections, made anew",
            Attack::Slow => "500 senders of an octet a second",
            Attack::HalfOpen => "10,000 frames that are never finished",
            Attack::Garbage => "a flood of random datagrams",
            Attack::Unknown => "a flood for principals that are unknown",
            Attack::Greedy => "a flood of good TGS requests of one client",
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
            Attack::Idle => scene.hold(CONNECTIONS, b""),
            Attack::HalfOpen => scene.hold(CONNECTIONS, &[0, 0, 0xff, 0xff, 0x6a, 0x82]),
            Attack::Slow => scene.drip(),
            Attack::Garbage => scene.flood(|rng| (0..rng.gen_range(1..1400)).map(|_| rng.r#gen()).collect()),
            Attack::Unknown => scene.flood(unknown),
            Attack::Greedy => scene.greedy(),
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
    fn connect(&self, number: usize) -> Result<TcpStream> {
        let from = Ipv4Addr::from(0x7f00_0002 + u32::try_from(number % 200)?);
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((from, 0)).into())?;
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        socket.connect_timeout(&to.into(), Duration::from_secs(2))?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(socket.into())
    }

    /// Holds so many connections that sent this and nothing more, the oldest replaced by a new one all the time.
    fn hold(&self, count: usize, begin: &[u8]) -> Result<()> {
        let mut held = std::collections::VecDeque::with_capacity(count);
        let mut number = 0;
        while self.goes_on() {
            // The server closes those that wait longest: what fails here is an attack that fails.
            if let Ok(mut stream) = self.connect(number) {
                let _ = stream.write_all(begin);
                held.push_back(stream);
            }
            if held.len() > count {
                held.pop_front();
            }
            number += 1;
        }
        ensure!(number > 1000, "only {number} connections: raise the limit of open files (ulimit -n)");
        Ok(())
    }

    fn drip(&self) -> Result<()> {
        let request = frame::encode(&unknown(&mut StdRng::from_entropy()));
        let mut senders: Vec<_> = (0..SLOW).filter_map(|number| self.connect(number).ok().map(|s| (s, 0))).collect();
        while self.goes_on() {
            for (number, (stream, at)) in senders.iter_mut().enumerate() {
                let octet = request.get(*at..=*at).unwrap_or(&[0]);
                *at += 1;
                if stream.write_all(octet).is_err()
                    && let Ok(again) = self.connect(number)
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
