//! The sockets of one protocol. All of them are bound before anything is served, so that a port in use is reported before
//! any file is created.

use crate::admission::Admission;
use crate::datagram::DatagramSocket;
use crate::error::ListenError;
use crate::framing::Framing;
use crate::limits::{GRACE, ListenLimits, SEND_BUFFER};
use crate::respond::Respond;
use crate::tcp::TcpServer;
use crate::udp::Worker;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// Connections that the system may queue before they are accepted, or less where the system allows less. Where the queue is full, a
/// good client's connection is dropped too, and asked for again after a second.
const BACKLOG: i32 = 4096;
/// Octets of datagrams that the system may queue per socket, or less where the system allows less. That is some thousand
/// requests: a longer queue would delay each request until its client asks again anyway.
const UDP_BUFFER: usize = 1024 * 1024;

/// Bound sockets, not served yet.
pub struct BoundSockets {
    addresses: Vec<SocketAddr>,
    pub(crate) udp: Vec<Arc<DatagramSocket>>,
    tcp: Vec<TcpListener>,
    framing: Framing,
}

/// Sockets that are being served.
pub struct RunningSockets {
    stop: Arc<AtomicBool>,
    stop_tcp: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    tcp: Vec<tokio::task::JoinHandle<()>>,
}

impl BoundSockets {
    /// Binds every address, UDP and TCP. For port 0 the system chooses one port for both. Leaves out IPv6 addresses where the system
    /// has no IPv6, as long as another address is left.
    ///
    /// # Errors
    /// [`ListenError`] of the first address that cannot be bound.
    pub fn bind(addresses: &[SocketAddr], udp_threads: usize) -> Result<BoundSockets, ListenError> {
        let mut bound = BoundSockets::none(Framing::LengthPrefix);
        // TCP first, and exclusively: the UDP sockets of a second server could otherwise share the port with ours.
        for listener in bind_each(addresses, "TCP", bind_tcp)? {
            let address = listener.local_addr()?;
            bound.tcp.push(listener);
            bound.udp.extend(bind_udp(address, udp_threads).map_err(|e| explain(e, address, "UDP"))?);
            bound.addresses.push(address);
        }
        Ok(bound)
    }

    /// Binds every address over TCP alone, as [`BoundSockets::bind`] does.
    ///
    /// # Errors
    /// [`ListenError`] of the first address that cannot be bound.
    pub fn bind_tcp(addresses: &[SocketAddr], framing: Framing) -> Result<BoundSockets, ListenError> {
        let mut bound = BoundSockets::none(framing);
        for listener in bind_each(addresses, "TCP", bind_tcp)? {
            bound.addresses.push(listener.local_addr()?);
            bound.tcp.push(listener);
        }
        Ok(bound)
    }

    fn none(framing: Framing) -> BoundSockets {
        BoundSockets { addresses: Vec::new(), udp: Vec::new(), tcp: Vec::new(), framing }
    }

    /// The addresses, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until [`RunningSockets::stop`]. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ListenError::Serve`] where the system refuses a thread.
    pub fn serve(self, responder: &Arc<impl Respond>, limits: &ListenLimits) -> Result<RunningSockets, ListenError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stop_tcp, stopped) = watch::channel(false);
        let mut threads = Vec::with_capacity(self.udp.len());
        for (number, socket) in self.udp.into_iter().enumerate() {
            let worker = Worker::new(socket, responder.clone(), stop.clone());
            let thread = std::thread::Builder::new().name(format!("udp-{number}")).spawn(move || worker.run());
            threads.push(thread?);
        }
        let admission = Admission::new(limits.tcp_connections);
        let mut tcp = Vec::with_capacity(self.tcp.len());
        for listener in self.tcp {
            let (responder, admission) = (responder.clone(), admission.clone());
            let server = TcpServer::new(listener, responder, admission, limits, self.framing, stopped.clone())?;
            tcp.push(tokio::spawn(server.run()));
        }
        Ok(RunningSockets { stop, stop_tcp, threads, tcp })
    }
}

impl RunningSockets {
    /// Accepts nothing new and finishes the requests that have begun, within 5 seconds.
    pub async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.stop_tcp.send(true);
        let threads = tokio::task::spawn_blocking(move || {
            for thread in self.threads {
                if thread.join().is_err() {
                    tracing::error!("a UDP thread ended with a panic: this is a bug, please report it");
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

/// Binds each address. An IPv6 address is left out with a line in the log where the system has no IPv6: one configuration serves
/// clusters of either family and of both.
///
/// # Errors
/// [`ListenError`] of the first address that cannot be bound, and of an address that is left out where no other is left.
pub(crate) fn bind_each<T>(
    addresses: &[SocketAddr],
    protocol: &'static str,
    bind: impl Fn(SocketAddr) -> io::Result<T>,
) -> Result<Vec<T>, ListenError> {
    let mut bound = Vec::with_capacity(addresses.len());
    let mut left_out = None;
    for address in addresses.iter().copied() {
        match bind(address) {
            Ok(socket) => bound.push(socket),
            Err(error) if lacks_ipv6(&error, address) => {
                tracing::warn!(%address, protocol, %error, "this system has no IPv6: the address is not served");
                left_out = Some(explain(error, address, protocol));
            }
            Err(error) => return Err(explain(error, address, protocol)),
        }
    }
    match left_out {
        Some(error) if bound.is_empty() => Err(error),
        _ => Ok(bound),
    }
}

/// Whether binding failed because the system has no IPv6: the kernel lacks the family, or no interface has an address of it.
fn lacks_ipv6(error: &io::Error, address: SocketAddr) -> bool {
    let lacks_family = error.raw_os_error() == Some(nix::errno::Errno::EAFNOSUPPORT as i32);
    let lacks_addresses = error.kind() == io::ErrorKind::AddrNotAvailable && address.ip().is_unspecified();
    address.is_ipv6() && (lacks_family || lacks_addresses)
}

pub(crate) fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    only_v6(&socket, address)?;
    // Permits a restart while old connections linger, but not two servers on one port.
    socket.set_reuse_address(true)?;
    // Accepted connections inherit the size; the system's own does too.
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// `count` sockets of one address; the system spreads clients over them by their addresses.
pub(crate) fn bind_udp(address: SocketAddr, count: usize) -> io::Result<Vec<Arc<DatagramSocket>>> {
    // Binding without port sharing fails where another program uses the port.
    drop(bind_udp_socket(address, false)?);
    (0..count).map(|_| DatagramSocket::new(bind_udp_socket(address, true)?, address).map(Arc::new)).collect()
}

pub(crate) fn bind_udp_socket(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    only_v6(&socket, address)?;
    socket.set_reuse_port(share)?;
    // The system's own size does too.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket)
}

fn only_v6(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() { socket.set_only_v6(true) } else { Ok(()) }
}

/// The error of an address that cannot be bound.
pub(crate) fn explain(error: io::Error, address: SocketAddr, protocol: &'static str) -> ListenError {
    match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse { address, protocol },
        io::ErrorKind::PermissionDenied => ListenError::NotPermitted { address, protocol },
        _ => ListenError::Bind { address, protocol, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    const V4: &str = "0.0.0.0:88";
    const V6: &str = "[::]:88";

    /// Binds these addresses on a system whose IPv6 sockets fail with this error.
    fn bind(addresses: &[&str], fault: Errno) -> Result<Vec<SocketAddr>, String> {
        let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let bind = |address: SocketAddr| {
            if address.is_ipv6() { Err(io::Error::from_raw_os_error(fault as i32)) } else { Ok(address) }
        };
        bind_each(&addresses, "TCP", bind).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_of_ipv6_is_left_out_where_the_system_has_no_ipv6() {
        let v4 = [V4.parse().unwrap()];
        for fault in [Errno::EAFNOSUPPORT, Errno::EADDRNOTAVAIL] {
            assert_eq!(bind(&[V4, V6], fault).unwrap(), v4);
            assert_eq!(bind(&[V6, V4], fault).unwrap(), v4);
        }
    }

    #[test]
    fn a_server_without_any_address_does_not_start() {
        assert!(bind(&[V6], Errno::EAFNOSUPPORT).unwrap_err().contains(V6));
        assert_eq!(bind(&[], Errno::EAFNOSUPPORT).unwrap(), []);
    }

    #[test]
    fn an_address_that_is_wrong_or_taken_is_an_error_whatever_its_family() {
        assert!(bind(&[V4, V6], Errno::EADDRINUSE).unwrap_err().contains("in use"));
        assert!(bind(&[V4, "[2001:db8::1]:88"], Errno::EADDRNOTAVAIL).unwrap_err().contains("[2001:db8::1]:88"));
    }
}
