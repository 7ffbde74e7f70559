//! Datagrams with the local address that each arrived at: clients accept a reply only from the address that they sent to. A
//! socket that is bound to one address always sends from there. For a socket that is bound to all addresses (`0.0.0.0`, `::`),
//! each reply names its source address (`IP_PKTINFO`; RFC 3542 for IPv6).
//!
//! Under load the socket receives and sends several datagrams in one system call, since a call for each of them costs about as
//! much as deciding the request. A batch never waits to fill: it holds the datagrams that are queued at that moment.

use crate::limits::MAX_DATAGRAM;
use nix::cmsg_space;
use nix::libc::{in_pktinfo, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrLike, SockaddrStorage, recvmmsg, sendmmsg,
    sendmsg, setsockopt, sockopt,
};
use socket2::Socket;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Interval at which an idle thread checks whether to stop.
const LOOK_UP: Duration = Duration::from_millis(200);

/// A UDP socket.
pub(crate) struct DatagramSocket {
    socket: UdpSocket,
    /// Whether the socket is bound to all addresses.
    wildcard: bool,
}

/// Datagrams in a batch at most: the first reply of a batch waits until the last request is decided.
const BATCH: usize = 8;

/// Buffers for received and sent datagrams, allocated once by the thread that uses them.
pub(crate) struct Batch {
    data: [Vec<u8>; BATCH],
    arriving: MultiHeaders<SockaddrStorage>,
    leaving: MultiHeaders<SockaddrStorage>,
    /// Length and path of each datagram that arrived. A longer one than [`MAX_DATAGRAM`] has one octet more: the rest is lost.
    arrived: Vec<(usize, Path)>,
}

/// A datagram that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Datagram<'a> {
    /// All octets.
    Whole(&'a [u8]),
    /// The first [`MAX_DATAGRAM`] octets of a longer one.
    TooLong(&'a [u8]),
}

/// Sender and local address of a datagram.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub(crate) peer: SocketAddr,
    local: Local,
}

/// The local address of a datagram.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Local {
    /// The one address that the socket is bound to.
    Bound,
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

impl Batch {
    /// Allocates buffers for datagrams of up to [`MAX_DATAGRAM`] octets, and for one octet that reveals a longer one.
    pub(crate) fn new(socket: &DatagramSocket) -> Batch {
        // `sendmmsg` sends the whole control buffer, so its capacity is exactly that of the messages: none, or one.
        let control = socket.wildcard.then(|| cmsg_space!(in6_pktinfo));
        Batch {
            data: std::array::from_fn(|_| vec![0; MAX_DATAGRAM + 1]),
            arriving: MultiHeaders::preallocate(BATCH, control.clone()),
            leaving: MultiHeaders::preallocate(BATCH, control),
            arrived: Vec::with_capacity(BATCH),
        }
    }

    /// The datagrams that the last [`DatagramSocket::receive`] received.
    pub(crate) fn arrived(&self) -> impl Iterator<Item = (Datagram<'_>, Path)> {
        let data = self.data.iter().zip(&self.arrived);
        data.map(|(data, (length, path))| {
            let octets = data.get(..(*length).min(MAX_DATAGRAM)).unwrap_or_default();
            (if *length > MAX_DATAGRAM { Datagram::TooLong(octets) } else { Datagram::Whole(octets) }, *path)
        })
    }
}

impl DatagramSocket {
    /// Configures a bound socket to report local addresses and to time out after [`LOOK_UP`].
    pub(crate) fn new(socket: Socket, address: SocketAddr) -> io::Result<DatagramSocket> {
        let wildcard = address.ip().is_unspecified();
        if wildcard && address.is_ipv4() {
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        } else if wildcard {
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        }
        socket.set_read_timeout(Some(LOOK_UP))?;
        Ok(DatagramSocket { socket: socket.into(), wildcard })
    }

    /// The address that the socket is bound to.
    #[cfg(test)]
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Makes [`DatagramSocket::receive`] return `WouldBlock` at once where no datagram is queued.
    pub(crate) fn stop_waiting(&self) -> io::Result<()> {
        self.socket.set_nonblocking(true)
    }

    /// Waits up to [`LOOK_UP`] for a datagram, then receives the others that are queued.
    pub(crate) fn receive(&self, batch: &mut Batch) -> io::Result<()> {
        batch.arrived.clear();
        let mut room = batch.data.each_mut().map(|data| [IoSliceMut::new(data)]);
        let first_at_least = MsgFlags::MSG_WAITFORONE;
        let messages = recvmmsg(self.socket.as_raw_fd(), &mut batch.arriving, &mut room, first_at_least, None)?;
        for message in messages {
            // A datagram without a sender's address cannot be answered, but keeps its place in the batch.
            let peer = message.address.as_ref().and_then(peer_address).unwrap_or(NOBODY);
            let local = if self.wildcard { message.cmsgs()?.find_map(local_address) } else { None };
            batch.arrived.push((message.bytes, Path { peer, local: local.unwrap_or(Local::Bound) }));
        }
        Ok(())
    }

    /// Sends replies back along the paths of their requests. Does not repeat a reply that cannot be sent: the client asks again.
    pub(crate) fn send_all(&self, replies: &[(Vec<u8>, Path)], batch: &mut Batch) {
        for some in replies.chunks(BATCH) {
            match some {
                [(reply, path)] => self.send(reply, path),
                [(_, first), ..] if self.can_send_together(some, first.local) => {
                    self.send_together(some, first.local, batch);
                }
                _ => some.iter().for_each(|(reply, path)| self.send(reply, path)),
            }
        }
    }

    /// Whether one control message fits all replies: all leave from `local`, which a socket bound to all addresses must name.
    fn can_send_together(&self, replies: &[(Vec<u8>, Path)], local: Local) -> bool {
        self.wildcard == (local != Local::Bound) && replies.iter().all(|(_, path)| path.local == local)
    }

    /// Sends replies that leave from one address.
    fn send_together(&self, mut replies: &[(Vec<u8>, Path)], local: Local, batch: &mut Batch) {
        let control = local.control();
        let control = control.as_slice();
        while !replies.is_empty() {
            let data: Vec<_> = replies.iter().map(|(reply, _)| [IoSlice::new(reply)]).collect();
            let peers: Vec<_> = replies.iter().map(|(_, path)| Some(SockaddrStorage::from(path.peer))).collect();
            let fd = self.socket.as_raw_fd();
            let sent = match sendmmsg(fd, &mut batch.leaving, &data, &peers, control, MsgFlags::empty()) {
                Ok(sent) => sent.count(),
                Err(error) => {
                    // `sendmmsg` fails only where the first message fails.
                    unsent(replies.first().map(|(_, path)| path), error.into());
                    1
                }
            };
            replies = replies.get(sent.max(1)..).unwrap_or_default();
        }
    }

    /// Sends a reply back along the path of its request.
    pub(crate) fn send(&self, reply: &[u8], path: &Path) {
        let result = match path.local.control() {
            None => self.socket.send_to(reply, path.peer).map(|_| ()),
            Some(control) => self.send_from(reply, path.peer, control),
        };
        if let Err(error) = result {
            unsent(Some(path), error);
        }
    }

    fn send_from(&self, reply: &[u8], peer: SocketAddr, local: ControlMessage<'_>) -> io::Result<()> {
        let peer = SockaddrStorage::from(peer);
        sendmsg(self.socket.as_raw_fd(), &[IoSlice::new(reply)], &[local], MsgFlags::empty(), Some(&peer))?;
        Ok(())
    }
}

impl Local {
    /// The control message by which the kernel sends from this address.
    fn control(&self) -> Option<ControlMessage<'_>> {
        match self {
            Local::Bound => None,
            Local::V4(info) => Some(ControlMessage::Ipv4PacketInfo(info)),
            Local::V6(info) => Some(ControlMessage::Ipv6PacketInfo(info)),
        }
    }
}

/// The peer of a datagram without a sender's address. Sending to port 0 fails.
const NOBODY: SocketAddr = SocketAddr::V4(SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0));

fn unsent(path: Option<&Path>, error: io::Error) {
    tracing::debug!(peer = ?path.map(|path| path.peer), %error, "a reply could not be sent");
}

fn peer_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    if address.family()? == nix::sys::socket::AddressFamily::Inet {
        return address.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4).into());
    }
    address.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into())
}

fn local_address(message: ControlMessageOwned) -> Option<Local> {
    match message {
        // Routes choose the interface: only the address matters to the client.
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(Local::V4(in_pktinfo { ipi_ifindex: 0, ..info })),
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(Local::V6(info)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::bind_udp;

    fn whole(datagram: Datagram<'_>) -> &[u8] {
        let Datagram::Whole(octets) = datagram else { panic!("too long") };
        octets
    }

    #[test]
    fn a_datagram_of_the_longest_size_is_whole_and_one_octet_more_is_too_long() {
        let server = bind_udp("127.0.0.1:0".parse().unwrap(), 1).unwrap().pop().unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut batch = Batch::new(&server);
        for (length, too_long) in [(MAX_DATAGRAM, false), (MAX_DATAGRAM + 1, true), (60_000, true)] {
            client.send_to(&vec![7; length], server.local_addr().unwrap()).unwrap();
            server.receive(&mut batch).unwrap();
            let (datagram, _) = batch.arrived().next().unwrap();
            let expected = [7; MAX_DATAGRAM];
            let expected = if too_long { Datagram::TooLong(&expected) } else { Datagram::Whole(&expected) };
            assert_eq!(datagram, expected, "{length}");
        }
    }

    fn echo(listen: &str, to: &str, client: &str) {
        let server = bind_udp(listen.parse().unwrap(), 1).unwrap().pop().unwrap();
        let port = server.local_addr().unwrap().port();
        let client = UdpSocket::bind(client).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let asked: SocketAddr = format!("{to}:{port}").parse().unwrap();
        client.send_to(b"request", asked).unwrap();
        let mut batch = Batch::new(&server);
        server.receive(&mut batch).unwrap();
        let (request, path) = batch.arrived().next().unwrap();
        assert_eq!(request, Datagram::Whole(b"request"));
        assert_eq!(path.peer, client.local_addr().unwrap());
        server.send(b"reply", &path);
        let mut reply = [0; 16];
        let (length, from) = client.recv_from(&mut reply).unwrap();
        assert_eq!(&reply[..length], b"reply");
        assert_eq!(from, asked, "the reply comes from the address that was asked");
    }

    #[test]
    fn a_reply_leaves_from_the_address_that_was_asked() {
        echo("127.0.0.1:0", "127.0.0.1", "127.0.0.1:0");
        // Any 127/8 address is local, and the routes alone would answer from 127.0.0.1.
        echo("0.0.0.0:0", "127.0.0.2", "127.0.0.1:0");
        echo("[::]:0", "[::1]", "[::1]:0");
    }

    #[test]
    fn what_is_there_is_taken_and_answered_together() {
        for (listen, to) in [("127.0.0.1:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.3"), ("[::]:0", "[::1]")] {
            let server = bind_udp(listen.parse().unwrap(), 1).unwrap().pop().unwrap();
            let asked: SocketAddr = format!("{to}:{}", server.local_addr().unwrap().port()).parse().unwrap();
            let any: SocketAddr = if asked.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }.parse().unwrap();
            let clients: Vec<_> = (0..BATCH * 2).map(|_| UdpSocket::bind(any).unwrap()).collect();
            let mut batch = Batch::new(&server);
            // Twice, so that the second round reuses the headers of the first.
            for round in 0..2_u8 {
                for (number, client) in clients.iter().enumerate() {
                    client.send_to(&[round, number as u8], asked).unwrap();
                }
                for _ in 0..2 {
                    server.receive(&mut batch).unwrap();
                    let replies: Vec<_> = batch.arrived().map(|(data, path)| (whole(data).to_vec(), path)).collect();
                    assert_eq!(replies.len(), BATCH, "{listen}");
                    server.send_all(&replies, &mut batch);
                }
                for (number, client) in clients.iter().enumerate() {
                    let mut reply = [0; 16];
                    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                    let (length, from) = client.recv_from(&mut reply).unwrap();
                    assert_eq!((&reply[..length], from), (&[round, number as u8][..], asked));
                }
            }
        }
    }

    #[test]
    fn one_that_cannot_be_sent_does_not_keep_the_others_back() {
        let server = bind_udp("127.0.0.1:0".parse().unwrap(), 1).unwrap().pop().unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let path = |peer| Path { peer, local: Local::Bound };
        let there = client.local_addr().unwrap();
        let replies =
            [(vec![1], path(there)), (vec![2], path(NOBODY)), (vec![0; 65_535], path(there)), (vec![3], path(there))];
        server.send_all(&replies, &mut Batch::new(&server));
        let mut reply = [0; 16];
        let got: Vec<_> = (0..2).map(|_| client.recv(&mut reply).map(|_| reply[0]).unwrap()).collect();
        assert_eq!(got, [1, 3]);
    }

    #[test]
    fn an_idle_socket_gives_the_thread_a_chance_to_stop() {
        let server = bind_udp("127.0.0.1:0".parse().unwrap(), 1).unwrap().pop().unwrap();
        let error = server.receive(&mut Batch::new(&server)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
