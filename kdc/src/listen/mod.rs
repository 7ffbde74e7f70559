//! The sockets: bound all together before anything is served, so that a port in use is told before anything is made.
//!
//! | module | what |
//! |---|---|
//! | [`udp`] | one thread and one socket of the same port for each core |
//! | [`datagram`] | a datagram and the local address that it came to |
//! | [`tcp`] | connections: framing, timeouts |
//! | [`http`] | HTTP and HTTPS: enrolment, metrics, health |
//! | [`admission`] | how many connections, and which one goes when there are too many |

mod admission;
mod datagram;
pub(crate) mod http;
mod tcp;
mod udp;

#[cfg(test)]
mod tests;

use crate::answer::Answerer;
use crate::config::Limits;
use anyhow::{Context, anyhow};
use datagram::DatagramSocket;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Longest request, octets: what the gate in front of the decoders takes.
pub(crate) const MAX_REQUEST: usize = 64 * 1024;
/// How long a stop waits for requests that have begun.
const GRACE: Duration = Duration::from_secs(5);
/// Connections that the system may queue for us.
const BACKLOG: i32 = 1024;
/// Octets of datagrams that the system may queue for each socket; less where the system allows less. Some thousand requests:
/// what waits longer than they take is asked again by its client anyway, and only makes the next ones late.
const UDP_BUFFER: usize = 1024 * 1024;

/// Sockets that are bound and not served yet.
pub(crate) struct Bound {
    addresses: Vec<SocketAddr>,
    udp: Vec<Arc<DatagramSocket>>,
    tcp: Vec<TcpListener>,
}

/// Sockets that are served.
pub(crate) struct Served {
    stop: Arc<AtomicBool>,
    stop_tcp: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    tcp: Vec<tokio::task::JoinHandle<()>>,
}

impl Bound {
    /// Binds every address, UDP and TCP. A port 0 is chosen by the system and then the same for both.
    pub(crate) fn bind(addresses: &[SocketAddr], udp_threads: usize) -> anyhow::Result<Bound> {
        let mut bound = Bound { addresses: Vec::new(), udp: Vec::new(), tcp: Vec::new() };
        for address in addresses {
            // TCP first, and exclusively: it keeps a second server away, whose UDP sockets could otherwise join ours.
            let listener = bind_tcp(*address).map_err(|e| explain(&e, *address, "TCP"))?;
            let address = listener.local_addr()?;
            bound.tcp.push(listener);
            bound.udp.extend(bind_udp(address, udp_threads).map_err(|e| explain(&e, address, "UDP"))?);
            bound.addresses.push(address);
        }
        Ok(bound)
    }

    /// The addresses, with the ports that the system chose.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves. It must be called inside a tokio runtime.
    pub(crate) fn serve(self, answerer: &Arc<Answerer>, limits: &Limits) -> anyhow::Result<Served> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stop_tcp, stopped) = watch::channel(false);
        let mut threads = Vec::with_capacity(self.udp.len());
        for (number, socket) in self.udp.into_iter().enumerate() {
            let worker = udp::Worker::new(socket, answerer.clone(), stop.clone());
            let thread = std::thread::Builder::new().name(format!("udp-{number}")).spawn(move || worker.run());
            threads.push(thread.context("a thread for UDP cannot be started")?);
        }
        let admission = admission::Admission::new(limits.tcp_connections);
        let mut tcp = Vec::with_capacity(self.tcp.len());
        for listener in self.tcp {
            let server = tcp::Server::new(listener, answerer.clone(), admission.clone(), limits, stopped.clone())?;
            tcp.push(tokio::spawn(server.run()));
        }
        Ok(Served { stop, stop_tcp, threads, tcp })
    }
}

impl Served {
    /// Takes nothing new, finishes what has begun, at most [`GRACE`].
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.stop_tcp.send(true);
        let threads = tokio::task::spawn_blocking(move || {
            for thread in self.threads {
                if thread.join().is_err() {
                    tracing::error!("a UDP thread had died");
                }
            }
        });
        let all = async {
            for task in self.tcp {
                let _ = task.await;
            }
            let _ = threads.await;
        };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            tracing::warn!(grace = ?GRACE, "requests were still running at the end of the grace period");
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    only_v6(&socket, address)?;
    // For a restart while old connections linger; it does not let two servers listen.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// `count` sockets of one address; the system spreads clients over them by their addresses.
fn bind_udp(address: SocketAddr, count: usize) -> io::Result<Vec<Arc<DatagramSocket>>> {
    // A socket that shares nothing finds out whether another program has the port.
    drop(bind_udp_socket(address, false)?);
    (0..count).map(|_| DatagramSocket::new(bind_udp_socket(address, true)?, address).map(Arc::new)).collect()
}

fn bind_udp_socket(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    only_v6(&socket, address)?;
    socket.set_reuse_port(share)?;
    // Refused sizes are no reason not to serve.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket)
}

fn only_v6(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() { socket.set_only_v6(true) } else { Ok(()) }
}

fn explain(error: &io::Error, address: SocketAddr, protocol: &str) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!(
            "{address} ({protocol}) is in use by another program (another kennel-kdc?): stop that one, or choose another port"
        ),
        io::ErrorKind::PermissionDenied => anyhow!(
            "{address} ({protocol}) is not permitted to this user: choose a port above 1023, or give the program CAP_NET_BIND_SERVICE"
        ),
        _ => anyhow!("{address} ({protocol}) cannot be bound: {error}"),
    }
}
