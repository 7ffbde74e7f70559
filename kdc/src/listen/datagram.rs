//! A datagram and the local address that it came to: a reply must leave from there, or the client does not take it. A
//! socket that is bound to one address has no choice; one that is bound to all of them (`0.0.0.0`, `::`) has to be told
//! with each datagram (`IP_PKTINFO`; RFC 3542 for IPv6).

use nix::cmsg_space;
use nix::libc::{in_pktinfo, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrLike, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};
use socket2::Socket;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// How often an idle thread looks whether it should stop.
const LOOK_UP: Duration = Duration::from_millis(200);

/// A UDP socket.
pub(super) struct DatagramSocket {
    socket: UdpSocket,
    /// Bound to all addresses.
    wildcard: bool,
}

/// Room for what arrives; made once for each thread.
pub(super) struct Buffer {
    data: Vec<u8>,
    control: Vec<u8>,
}

/// Where a datagram came from, and to.
#[derive(Clone, Copy)]
pub(super) struct Path {
    /// The sender.
    pub(super) peer: SocketAddr,
    local: Local,
}

/// The local address of a datagram.
#[derive(Clone, Copy)]
enum Local {
    /// The one that the socket is bound to.
    Bound,
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

impl Buffer {
    /// For datagrams of any length.
    pub(super) fn new() -> Buffer {
        Buffer { data: vec![0; super::MAX_REQUEST], control: cmsg_space!(in_pktinfo, in6_pktinfo) }
    }

    /// The first octets.
    pub(super) fn data(&self, length: usize) -> &[u8] {
        self.data.get(..length).unwrap_or_default()
    }
}

impl DatagramSocket {
    /// Takes over a bound socket.
    pub(super) fn new(socket: Socket, address: SocketAddr) -> io::Result<DatagramSocket> {
        let wildcard = address.ip().is_unspecified();
        if wildcard && address.is_ipv4() {
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        } else if wildcard {
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        }
        socket.set_read_timeout(Some(LOOK_UP))?;
        Ok(DatagramSocket { socket: socket.into(), wildcard })
    }

    /// The address that it is bound to.
    #[cfg(test)]
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// From now on, [`DatagramSocket::receive`] gives `WouldBlock` at once where nothing is there.
    pub(super) fn stop_waiting(&self) -> io::Result<()> {
        self.socket.set_nonblocking(true)
    }

    /// Waits for a datagram, [`LOOK_UP`] at most; gives its length and its path.
    pub(super) fn receive(&self, buffer: &mut Buffer) -> io::Result<(usize, Path)> {
        if !self.wildcard {
            let (length, peer) = self.socket.recv_from(&mut buffer.data)?;
            return Ok((length, Path { peer, local: Local::Bound }));
        }
        let mut parts = [IoSliceMut::new(&mut buffer.data)];
        let fd = self.socket.as_raw_fd();
        let message = recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut buffer.control), MsgFlags::empty())?;
        let peer = message.address.as_ref().and_then(peer_address).ok_or(io::ErrorKind::InvalidData)?;
        let local = message.cmsgs()?.find_map(local_address).unwrap_or(Local::Bound);
        Ok((message.bytes, Path { peer, local }))
    }

    /// Sends a reply back along the path of its request.
    pub(super) fn send(&self, reply: &[u8], path: &Path) -> io::Result<()> {
        match &path.local {
            Local::Bound => self.socket.send_to(reply, path.peer).map(|_| ()),
            Local::V4(info) => self.send_from(reply, path.peer, ControlMessage::Ipv4PacketInfo(info)),
            Local::V6(info) => self.send_from(reply, path.peer, ControlMessage::Ipv6PacketInfo(info)),
        }
    }

    fn send_from(&self, reply: &[u8], peer: SocketAddr, local: ControlMessage<'_>) -> io::Result<()> {
        let peer = SockaddrStorage::from(peer);
        sendmsg(self.socket.as_raw_fd(), &[IoSlice::new(reply)], &[local], MsgFlags::empty(), Some(&peer))?;
        Ok(())
    }
}

fn peer_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    if address.family()? == nix::sys::socket::AddressFamily::Inet {
        return address.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4).into());
    }
    address.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into())
}

fn local_address(message: ControlMessageOwned) -> Option<Local> {
    match message {
        // The interface is left to the routes: only the address matters to the client.
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(Local::V4(in_pktinfo { ipi_ifindex: 0, ..info })),
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(Local::V6(info)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(listen: &str, to: &str, client: &str) {
        let server = super::super::bind_udp(listen.parse().unwrap(), 1).unwrap().pop().unwrap();
        let port = server.local_addr().unwrap().port();
        let client = UdpSocket::bind(client).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let asked: SocketAddr = format!("{to}:{port}").parse().unwrap();
        client.send_to(b"request", asked).unwrap();
        let mut buffer = Buffer::new();
        let (length, path) = server.receive(&mut buffer).unwrap();
        assert_eq!(buffer.data(length), b"request");
        assert_eq!(path.peer, client.local_addr().unwrap());
        server.send(b"reply", &path).unwrap();
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
    fn an_idle_socket_gives_the_thread_a_chance_to_stop() {
        let server = super::super::bind_udp("127.0.0.1:0".parse().unwrap(), 1).unwrap().pop().unwrap();
        let error = server.receive(&mut Buffer::new()).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
