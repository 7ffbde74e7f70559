//! TCP as libkrb5 does it: connect, one request, its answer, close.

use super::{PATIENCE, check};
use anyhow::{Result, ensure};
use kennel_wire::frame;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A request under way.
struct Client<'a> {
    stream: TcpStream,
    begun: Instant,
    /// Sent when the connection stands.
    request: Option<&'a [u8]>,
    answer: Vec<u8>,
}

/// Sends each request once, on a connection of its own; gives how long each took, connecting included.
pub(super) fn run(server: SocketAddr, requests: &[Vec<u8>], tag: u8, under_way: usize) -> Result<Vec<Duration>> {
    let framed: Vec<Vec<u8>> = requests.iter().map(|request| frame::encode(request)).collect();
    let mut poll = Poll::new()?;
    let mut next = framed.iter();
    let mut clients: Vec<Option<Client<'_>>> = Vec::with_capacity(under_way);
    for (number, request) in next.by_ref().take(under_way).enumerate() {
        clients.push(Some(Client::begin(server, request, &poll, number)?));
    }
    let mut latencies = Vec::with_capacity(requests.len());
    let mut events = Events::with_capacity(under_way);
    while latencies.len() < requests.len() {
        poll.poll(&mut events, Some(PATIENCE))?;
        ensure!(!events.is_empty(), "no answer over TCP for {PATIENCE:?}");
        for event in &events {
            let number = event.token().0;
            let Some(place) = clients.get_mut(number) else { continue };
            let Some(client) = place else { continue };
            if client.go_on()? {
                check(client.answer.get(4..).unwrap_or_default(), tag)?;
                latencies.push(client.begun.elapsed());
                *place = match next.next() {
                    Some(request) => Some(Client::begin(server, request, &poll, number)?),
                    None => None,
                };
            }
        }
    }
    Ok(latencies)
}

impl<'a> Client<'a> {
    fn begin(server: SocketAddr, request: &'a [u8], poll: &Poll, number: usize) -> Result<Client<'a>> {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        let mut client = Client { stream, begun, request: Some(request), answer: Vec::new() };
        // On loopback the connection stands already. The answer is left for the event that tells of it.
        client.send()?;
        Ok(client)
    }

    /// Sends, once the connection stands; true: it is sent.
    fn send(&mut self) -> Result<bool> {
        let Some(request) = self.request else { return Ok(true) };
        match self.stream.write(request) {
            Ok(length) => ensure!(length == request.len(), "a request went out in pieces"),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.request = None;
        Ok(true)
    }

    /// Sends, then receives what is there; true: the answer is whole.
    fn go_on(&mut self) -> Result<bool> {
        if !self.send()? {
            return Ok(false);
        }
        let mut piece = [0; 4096];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => ensure!(self.is_whole(), "the connection ended before the answer"),
                Ok(length) => self.answer.extend_from_slice(piece.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            if self.is_whole() {
                return Ok(true);
            }
        }
    }

    fn is_whole(&self) -> bool {
        let length = |header: &[u8; 4]| u32::from_be_bytes(*header) as usize;
        self.answer.first_chunk().is_some_and(|header| self.answer.len() >= 4 + length(header))
    }
}
