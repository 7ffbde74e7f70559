//! Servers that send back what comes and do nothing else: what the sockets alone cost. Each is this program again, in a
//! process of its own: one thread, one request after the other, blocking calls.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};

use crate::load::Transport;

/// Set, to the transport, for the copy of this program that echoes.
const ECHO: &str = "KENNEL_BENCH_ECHO";

/// A process that echoes; ended when dropped.
pub(crate) struct Bare {
    child: Child,
    port: u16,
}

impl Bare {
    /// This program again, as the echo.
    pub(crate) fn start(transport: Transport) -> Result<Bare> {
        let word = match transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        };
        let mut child = Command::new(std::env::current_exe()?).env(ECHO, word).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the echo has no output")?).read_line(&mut line)?;
        Ok(Bare { child, port: line.trim().parse().context("the echo names no port")? })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // Ended already: nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Echoes for ever where this process is such a copy.
pub(crate) fn echo_if_asked() -> Result<()> {
    match std::env::var(ECHO).as_deref() {
        Ok("udp") => udp(),
        Ok("tcp") => tcp(),
        Ok(other) => bail!("{ECHO} is {other}"),
        Err(_) => Ok(()),
    }
}

fn udp() -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", socket.local_addr()?.port());
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(buffer.get(..length).unwrap_or_default(), peer)?;
    }
}

fn tcp() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    let mut buffer = vec![0; 65_536];
    loop {
        let (stream, _) = listener.accept()?;
        // A client that goes away is its own matter.
        let _ = answer(stream, &mut buffer);
    }
}

/// One request, which comes in one piece on loopback; then the client closes, as it does with a KDC.
fn answer(mut stream: TcpStream, buffer: &mut [u8]) -> Result<()> {
    stream.set_nodelay(true)?;
    let length = stream.read(buffer)?;
    stream.write_all(buffer.get(..length).unwrap_or_default())?;
    while stream.read(buffer)? > 0 {}
    Ok(())
}
