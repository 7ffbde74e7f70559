//! A client on a plain socket: sends one request and receives one answer.

use anyhow::{Result, bail};
use kennel_wire::frame::{self, Prefix};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// Far more than a working server needs.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Longest answer that is read, octets.
const LONGEST: usize = 64 * 1024;

/// A UDP socket connected to a KDC on 127.0.0.1.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    buffer: Vec<u8>,
}

impl Udp {
    /// Opens a socket.
    ///
    /// # Errors
    /// The socket cannot be opened.
    pub fn connect(port: u16) -> Result<Udp> {
        Udp::with_patience(port, ANSWER_LIMIT)
    }

    /// Opens a socket that waits at most `patience` for an answer.
    ///
    /// # Errors
    /// The socket cannot be opened.
    pub fn with_patience(port: u16, patience: Duration) -> Result<Udp> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(patience))?;
        Ok(Udp { socket, buffer: vec![0; LONGEST] })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// No answer arrives in time.
    pub fn ask(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.socket.send(request)?;
        match self.socket.recv(&mut self.buffer) {
            Ok(length) => Ok(self.buffer.get(..length).unwrap_or_default()),
            Err(error) => bail!("no answer over UDP: {error}"),
        }
    }

    /// Sends a datagram, and waits for nothing.
    ///
    /// # Errors
    /// The socket fails.
    pub fn send(&self, datagram: &[u8]) -> Result<()> {
        self.socket.send(datagram)?;
        Ok(())
    }

    /// Sends a datagram that must not be answered, and waits for `patience`. Returns true where no answer arrives.
    ///
    /// # Errors
    /// The socket fails.
    pub fn is_silent_about(&mut self, datagram: &[u8], patience: Duration) -> Result<bool> {
        self.socket.send(datagram)?;
        self.socket.set_read_timeout(Some(patience))?;
        let answer = self.socket.recv(&mut self.buffer);
        self.socket.set_read_timeout(Some(ANSWER_LIMIT))?;
        match answer {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(true),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(false),
        }
    }
}

/// A TCP connection to a KDC on 127.0.0.1. After a connection has ended, the next request opens another.
#[derive(Debug)]
pub struct Tcp {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Tcp {
    /// Creates a client that connects to this port at its first request.
    #[must_use]
    pub fn new(port: u16) -> Tcp {
        Tcp { address: (Ipv4Addr::LOCALHOST, port).into(), stream: None }
    }

    /// Ends the connection, so that the next request opens a new one.
    pub fn close(&mut self) {
        self.stream = None;
    }

    /// Sends a request in its frame. Returns the answer, or `None` where the server closes the connection instead.
    ///
    /// # Errors
    /// Neither happens in time, or the answer's frame is invalid.
    pub fn ask(&mut self, request: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address)?,
        };
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let sent = stream.write_all(&frame::encode(request));
        let answer = sent.and_then(|()| read_frame(&mut stream));
        match answer {
            Ok(answer) => {
                self.stream = Some(stream);
                Ok(Some(answer))
            }
            Err(error) if is_closed(error.kind()) => Ok(None),
            Err(error) => bail!("no answer over TCP: {error}"),
        }
    }
}

fn read_frame(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header)?;
    let Prefix::Length(length) = frame::prefix(header, LONGEST) else {
        return Err(ErrorKind::InvalidData.into());
    };
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn is_closed(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}
