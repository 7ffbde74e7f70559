//! A way to a server that loses replies: datagrams and connections pass through it.

use anyhow::Result;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Time after which a thread looks whether to stop.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What is lost on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drops {
    /// Nothing. The server sees the requests come from another port.
    Nothing,
    /// Connections are refused, datagrams pass.
    AllTcp,
    /// The same, and the first reply is lost.
    FirstUdpReply,
    /// Requests over TCP arrive, their replies do not; datagrams pass.
    EveryTcpReply,
}

/// A way to a server on 127.0.0.1. Ends with this value.
#[derive(Debug)]
pub struct LossyServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl LossyServer {
    /// Opens a way to this port of 127.0.0.1.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(port: u16, drops: Drops) -> Result<LossyServer> {
        LossyServer::start_at(Ipv4Addr::LOCALHOST, port, drops)
    }

    /// Opens the way at another address of this machine; the server sees the requests come from there.
    ///
    /// # Errors
    /// No port is free.
    pub fn start_at(at: Ipv4Addr, port: u16, drops: Drops) -> Result<LossyServer> {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let datagrams = UdpSocket::bind((at, 0))?;
        let address = datagrams.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        if matches!(drops, Drops::Nothing | Drops::EveryTcpReply) {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let stop = stop.clone();
            thread::spawn(move || pass_connections(&listener, server, drops, &stop));
        }
        datagrams.set_read_timeout(Some(LOOK_UP))?;
        let (stopped, requests) = (stop.clone(), Arc::new(Mutex::new(Vec::new())));
        let passed = requests.clone();
        thread::spawn(move || pass_datagrams(&datagrams, (at, server), drops, &stopped, &passed));
        Ok(LossyServer { address, stop, requests })
    }

    /// The address for clients.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The datagrams that clients have sent so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for LossyServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Passes one datagram after another, each with its reply.
fn pass_datagrams(
    clients: &UdpSocket,
    (at, server): (Ipv4Addr, SocketAddr),
    drops: Drops,
    stop: &AtomicBool,
    requests: &Mutex<Vec<Vec<u8>>>,
) {
    let mut lose = drops == Drops::FirstUdpReply;
    let mut buffer = [0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, client)) = clients.recv_from(&mut buffer) else { continue };
        let Some(request) = buffer.get(..length) else { continue };
        requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.to_vec());
        let Ok(reply) = ask(request, at, server) else { continue };
        if !std::mem::take(&mut lose) {
            let _ = clients.send_to(&reply, client);
        }
    }
}

fn ask(request: &[u8], at: Ipv4Addr, server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((at, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.send_to(request, server)?;
    let mut reply = vec![0; 65_536];
    let length = socket.recv(&mut reply)?;
    reply.truncate(length);
    Ok(reply)
}

fn pass_connections(listener: &TcpListener, server: SocketAddr, drops: Drops, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((client, _)) => _ = pass_connection(client, server, drops),
            Err(_) => thread::sleep(LOOK_UP / 10),
        }
    }
}

/// Passes one request and its reply.
fn pass_connection(mut client: TcpStream, server: SocketAddr, drops: Drops) -> std::io::Result<()> {
    client.set_nonblocking(false)?;
    let mut server = TcpStream::connect(server)?;
    let request = frame(&mut client)?;
    server.write_all(&request)?;
    let reply = frame(&mut server)?;
    if drops == Drops::Nothing {
        client.write_all(&reply)?;
    }
    client.shutdown(Shutdown::Both)
}

/// A message with its length in front.
fn frame(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut message)?;
    Ok([&length[..], &message].concat())
}
