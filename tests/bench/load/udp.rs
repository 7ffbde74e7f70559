//! Datagrams: a socket for each request under way.

use super::{PATIENCE, check};
use anyhow::{Result, ensure};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// A socket and when its request was sent.
struct Client {
    socket: UdpSocket,
    sent: Option<Instant>,
}

/// Sends each request once; gives how long each took.
pub(super) fn run(server: SocketAddr, requests: &[Vec<u8>], tag: u8, under_way: usize) -> Result<Vec<Duration>> {
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(under_way);
    for number in 0..under_way {
        let mut socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        socket.connect(server)?;
        poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
        clients.push(Client { socket, sent: None });
    }
    let mut next = requests.iter();
    for client in &mut clients {
        client.send(next.next())?;
    }
    let mut latencies = Vec::with_capacity(requests.len());
    let (mut events, mut buffer) = (Events::with_capacity(under_way), vec![0; 65_536]);
    while clients.iter().any(|client| client.sent.is_some()) {
        poll.poll(&mut events, Some(PATIENCE))?;
        ensure!(!events.is_empty(), "no answer over UDP for {PATIENCE:?}");
        for event in &events {
            let Some(client) = clients.get_mut(event.token().0) else { continue };
            while let Some(took) = client.receive(&mut buffer, tag)? {
                latencies.push(took);
                client.send(next.next())?;
            }
        }
    }
    Ok(latencies)
}

impl Client {
    fn send(&mut self, request: Option<&Vec<u8>>) -> Result<()> {
        if let Some(request) = request {
            self.socket.send(request)?;
            self.sent = Some(Instant::now());
        }
        Ok(())
    }

    /// The answer, if it is there.
    fn receive(&mut self, buffer: &mut [u8], tag: u8) -> Result<Option<Duration>> {
        if self.sent.is_none() {
            return Ok(None);
        }
        match self.socket.recv(buffer) {
            Ok(length) => check(buffer.get(..length).unwrap_or_default(), tag)?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        Ok(self.sent.take().map(|sent| sent.elapsed()))
    }
}
