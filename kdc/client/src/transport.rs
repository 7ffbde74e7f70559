//! Requests to KDCs over UDP and TCP (RFC 4120, section 7.2).
//!
//! KDCs are tried in order. Each request goes out on sockets of its own, connected to the KDC: datagrams of other
//! senders never arrive, nor do late answers to an earlier request. Answers are bounded; what does not begin like an
//! answer is skipped. The exchanges check the content of answers.

use crate::answer::{Answer, is_error, may_be_answer};
use crate::fault::TransportError;
use kennel_wire::frame::{self, Prefix};
use kennel_wire::message::ErrorCode;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

/// Which protocol comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransportProtocol {
    /// UDP, and TCP where the answer is too big for UDP, the request is longer than [`Transport::udp_limit`], or no
    /// KDC answers.
    #[default]
    Udp,
    /// TCP, and UDP where no KDC answers.
    Tcp,
    /// TCP alone.
    TcpOnly,
}

/// How to reach the KDCs of one realm.
#[derive(Debug, Clone)]
pub struct Transport {
    /// `host:port` each, in the order in which they are tried.
    pub kdcs: Vec<String>,
    /// Which protocol comes first.
    pub protocol: TransportProtocol,
    /// The longest request that goes over UDP first, in octets.
    pub udp_limit: usize,
    /// Wait for an answer over UDP in the first round; each further round doubles the wait.
    pub udp_timeout: Duration,
    /// Rounds over UDP; each round asks every KDC once.
    pub udp_rounds: u32,
    /// The longest that one attempt over TCP may take, from connecting to the last octet.
    pub tcp_timeout: Duration,
    /// The longest answer that is accepted, in octets.
    pub max_reply: usize,
}

/// Most addresses of one realm that are tried.
const MAX_ADDRESSES: usize = 16;

impl Transport {
    /// These KDCs (`host:port`), with libkrb5's habits: UDP first up to 1,465 octets, waits of 1, 2 and 4 seconds, 10
    /// seconds for TCP.
    pub fn new<K: ToString>(kdcs: impl IntoIterator<Item = K>) -> Transport {
        Transport {
            kdcs: kdcs.into_iter().map(|k| k.to_string()).collect(),
            protocol: TransportProtocol::default(),
            udp_limit: 1_465,
            udp_timeout: Duration::from_secs(1),
            udp_rounds: 3,
            tcp_timeout: Duration::from_secs(10),
            max_reply: 65_536,
        }
    }

    /// Sends a request; returns the first answer that is not KDC_ERR_SVC_UNAVAILABLE, or that error where no KDC sends
    /// anything else.
    ///
    /// # Errors
    /// [`TransportError`]: nobody answered.
    pub async fn exchange(&self, request: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut attempts = Attempts::default();
        let kdcs = self.resolve(&mut attempts).await;
        let udp_first = self.protocol == TransportProtocol::Udp && request.len() <= self.udp_limit;
        let answer = match self.protocol {
            TransportProtocol::TcpOnly => self.over_tcp(&kdcs, request, &mut attempts).await,
            _ if udp_first => match self.over_udp(&kdcs, request, &mut attempts).await {
                None => self.over_tcp(&kdcs, request, &mut attempts).await,
                answer => answer,
            },
            _ => match self.over_tcp(&kdcs, request, &mut attempts).await {
                None => self.over_udp(&kdcs, request, &mut attempts).await,
                answer => answer,
            },
        };
        answer.or(attempts.unavailable).ok_or(TransportError { failures: attempts.failures })
    }

    async fn resolve(&self, attempts: &mut Attempts) -> Vec<SocketAddr> {
        let mut addresses = Vec::new();
        for kdc in &self.kdcs {
            match within(self.tcp_timeout, lookup_host(kdc)).await {
                Ok(found) => {
                    for address in found {
                        if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
                            addresses.push(address);
                        }
                    }
                }
                Err(error) => attempts.failed(format!("{kdc} (name)"), &error),
            }
        }
        addresses
    }

    /// Rounds over all KDCs. Every KDC keeps its socket, so that an answer which is late for its round is still taken
    /// in the next one.
    async fn over_udp(&self, kdcs: &[SocketAddr], request: &[u8], attempts: &mut Attempts) -> Option<Vec<u8>> {
        let mut sockets: Vec<Option<UdpSocket>> = kdcs.iter().map(|_| None).collect();
        let mut wait = self.udp_timeout;
        for _ in 0..self.udp_rounds {
            for (kdc, socket) in kdcs.iter().zip(&mut sockets) {
                let asked = within(wait, ask_udp(socket, *kdc, request, self.max_reply)).await;
                let answer = match asked {
                    Ok(answer) if error_code(&answer) == Some(ErrorCode::RESPONSE_TOO_BIG) => {
                        within(self.tcp_timeout, ask_tcp(*kdc, request, self.max_reply)).await
                    }
                    asked => asked,
                };
                if let Some(answer) = attempts.take(format!("{kdc} (UDP)"), answer) {
                    return Some(answer);
                }
            }
            wait = wait.saturating_mul(2);
        }
        None
    }

    async fn over_tcp(&self, kdcs: &[SocketAddr], request: &[u8], attempts: &mut Attempts) -> Option<Vec<u8>> {
        for kdc in kdcs {
            let answer = within(self.tcp_timeout, ask_tcp(*kdc, request, self.max_reply)).await;
            if let Some(answer) = attempts.take(format!("{kdc} (TCP)"), answer) {
                return Some(answer);
            }
        }
        None
    }
}

/// Results of the attempts so far.
#[derive(Default)]
struct Attempts {
    /// The last failure of each KDC and protocol.
    failures: Vec<(String, String)>,
    /// An answer that only says KDC_ERR_SVC_UNAVAILABLE.
    unavailable: Option<Vec<u8>>,
}

impl Attempts {
    /// Returns an answer that ends the search; else notes the failure.
    fn take(&mut self, whom: String, answer: io::Result<Vec<u8>>) -> Option<Vec<u8>> {
        match answer {
            Ok(answer) if error_code(&answer) == Some(ErrorCode::SVC_UNAVAILABLE) => self.unavailable = Some(answer),
            Ok(answer) => return Some(answer),
            Err(error) => self.failed(whom, &error),
        }
        None
    }

    fn failed(&mut self, whom: String, error: &io::Error) {
        self.failures.retain(|(who, _)| *who != whom);
        self.failures.push((whom, error.to_string()));
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")))
}

/// Sends once and waits for something that begins like an answer.
async fn ask_udp(
    socket: &mut Option<UdpSocket>,
    kdc: SocketAddr,
    request: &[u8],
    max_reply: usize,
) -> io::Result<Vec<u8>> {
    let socket = match socket {
        Some(open) => open,
        None => socket.insert(connected_udp(kdc).await?),
    };
    socket.send(request).await?;
    // One octet more than is accepted, so that a datagram that is too long shows.
    let mut buffer = vec![0; max_reply.saturating_add(1)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let datagram = buffer.get(..length).unwrap_or_default();
        if length <= max_reply && may_be_answer(datagram) {
            return Ok(datagram.to_vec());
        }
    }
}

async fn connected_udp(kdc: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match kdc {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(kdc).await?;
    Ok(socket)
}

async fn ask_tcp(kdc: SocketAddr, request: &[u8], max_reply: usize) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(kdc).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&frame::encode(request)).await?;
    let mut header = [0; 4];
    stream.read_exact(&mut header).await?;
    let Prefix::Length(length) = frame::prefix(header, max_reply) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the length of the answer is out of range"));
    };
    // Grows with what arrives, whatever the prefix announces.
    let mut answer = Vec::new();
    (&mut stream).take(length as u64).read_to_end(&mut answer).await?;
    if answer.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if !may_be_answer(&answer) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not an answer of a KDC"));
    }
    Ok(answer)
}

fn error_code(answer: &[u8]) -> Option<ErrorCode> {
    match is_error(answer).then(|| Answer::read(answer)) {
        Some(Ok(Answer::Error(error))) => Some(error.error_code),
        _ => None,
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
