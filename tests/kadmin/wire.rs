//! A client of the protocol that can send what `kadmin` never sends.

use crate::setting::{KADMIN, PASSWORD, REALM, Setting};
use anyhow::{Context, Result, bail, ensure};
use kennel_client::client::system_now;
use kennel_client::kadmin::{KadminGreeting, KadminSession};
use kennel_client::{AsExchange, AsRequest, AsStep, Credential, Secret};
use kennel_tests::peer::Udp;
use kennel_wire::kadm5::arguments::{Arguments, Request};
use kennel_wire::kadm5::procedure::ApiVersion;
use kennel_wire::kadm5::results::Results;
use kennel_wire::kadm5::status::Kadm5Status;
use kennel_wire::message::Principal;
use kennel_wire::rpc::gss::GssService;
use kennel_wire::rpc::record;
use rand::rngs::OsRng;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn principal(name: &str) -> Result<Principal> {
    Ok(Principal::parse(name, REALM)?)
}

/// A ticket for a service, straight from the AS exchange.
pub(crate) fn ticket(setting: &Setting, client: &str, service: &str) -> Result<Credential> {
    let mut peer = Udp::connect(setting.port())?;
    let request = AsRequest { server: Some(principal(service)?.name), ..AsRequest::new(principal(client)?) };
    let (mut exchange, mut message) = AsExchange::begin(request, Secret::password(PASSWORD), system_now(), &mut OsRng)?;
    for _ in 0..4 {
        match exchange.receive(peer.ask(&message)?, system_now(), &mut OsRng)? {
            AsStep::Send(next) => message = next,
            AsStep::Done(ticket) => return Ok(ticket.credential),
        }
    }
    bail!("no ticket for {service}")
}

/// A connection, without a context.
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) fn connect(setting: &Setting) -> Result<Wire> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, setting.port() + KADMIN))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Wire(stream))
    }

    /// Sends octets as they are.
    pub(crate) fn send(&mut self, octets: &[u8]) -> Result<()> {
        Ok(self.0.write_all(octets)?)
    }

    /// Sends a message, and returns the reply; `None` where the server closes.
    pub(crate) fn ask(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>> {
        self.send(&record::encode(message))?;
        self.receive()
    }

    /// The next reply; `None` where the server closes.
    pub(crate) fn receive(&mut self) -> Result<Option<Vec<u8>>> {
        let mut header = [0; 4];
        match self.0.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => bail!("the server says nothing"),
            Err(_) => return Ok(None),
        }
        let header = u32::from_be_bytes(header);
        ensure!(header >> 31 == 1, "a reply is one fragment");
        let mut message = vec![0; usize::try_from(header & 0x7fff_ffff)?];
        self.0.read_exact(&mut message)?;
        Ok(Some(message))
    }
}

/// An administrator with a context.
pub(crate) struct Administrator {
    pub(crate) wire: Wire,
    pub(crate) session: KadminSession,
}

impl Administrator {
    pub(crate) fn log_in(setting: &Setting, client: &str, service: &str) -> Result<Administrator> {
        let credential = ticket(setting, client, service)?;
        let mut wire = Wire::connect(setting)?;
        let (greeting, message) = KadminGreeting::new(&credential, GssService::Privacy, system_now(), &mut OsRng);
        let reply = wire.ask(&message)?.context("the server closes")?;
        Ok(Administrator { wire, session: greeting.finish(&reply)? })
    }

    /// Calls a procedure.
    pub(crate) fn call(&mut self, arguments: Arguments) -> Result<Result<Results, Kadm5Status>> {
        let request = Request { version: ApiVersion::V4, arguments };
        let message = self.session.call(&request, &mut OsRng);
        let reply = self.wire.ask(&message)?.context("the server closes")?;
        Ok(self.session.answer(request.procedure(), &reply)?.outcome)
    }
}
