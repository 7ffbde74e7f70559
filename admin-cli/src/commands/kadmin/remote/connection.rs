//! One connection to the server of administration: a context, then calls one after the other.

use anyhow::{Context, bail};
use kennel_client::Credential;
use kennel_client::kadmin::{KadminGreeting, KadminSession};
use kennel_wire::kadm5::arguments::{Arguments, Request};
use kennel_wire::kadm5::procedure::ApiVersion;
use kennel_wire::kadm5::results::Response;
use kennel_wire::message::Timestamp;
use kennel_wire::rpc::gss::GssService;
use kennel_wire::rpc::record::{self, Record};
use rand::rngs::OsRng;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// MIT's words where the server does not answer, or refuses the ticket.
pub(crate) const NO_SERVER: &str = "Communication failure with server";

/// Longest wait for a connection, and for the answer to a call.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest reply, octets: the names of some million principals.
const LONGEST_REPLY: usize = 1 << 28;
/// Octets that are read at a time.
const CHUNK: usize = 1 << 16;

/// A connection with a context.
pub(crate) struct Connection {
    stream: TcpStream,
    session: KadminSession,
}

impl Connection {
    /// Connects to `HOST:PORT`, and proves who calls by a ticket for the service of administration.
    pub(crate) async fn open(address: &str, credential: &Credential, now: Timestamp) -> anyhow::Result<Connection> {
        let mut stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let (greeting, message) = KadminGreeting::new(credential, GssService::Privacy, now, &mut OsRng);
        let reply = exchange(&mut stream, &message).await?;
        let mut connection = Connection { stream, session: greeting.finish(&reply)? };
        match connection.call(Arguments::Init).await?.outcome {
            Ok(_) => Ok(connection),
            Err(status) => bail!("the server answers with code {}", status.0),
        }
    }

    /// Calls a procedure.
    pub(crate) async fn call(&mut self, arguments: Arguments) -> anyhow::Result<Response> {
        let request = Request { version: ApiVersion::V4, arguments };
        let message = self.session.call(&request, &mut OsRng);
        let reply = exchange(&mut self.stream, &message).await?;
        Ok(self.session.answer(request.procedure(), &reply)?)
    }
}

async fn exchange(stream: &mut TcpStream, message: &[u8]) -> anyhow::Result<Vec<u8>> {
    stream.write_all(&record::encode(message)).await?;
    timeout(PATIENCE, receive(stream)).await.context("no answer in time")?
}

/// Receives a reply, in as many fragments as the server likes.
async fn receive(stream: &mut TcpStream) -> anyhow::Result<Vec<u8>> {
    let mut received = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match record::find(&received, LONGEST_REPLY) {
            Record::Whole { end } if end == received.len() => break,
            Record::Incomplete => {}
            Record::Whole { .. } | Record::Refused => bail!("the reply cannot be read"),
        }
        match stream.read(&mut chunk).await? {
            0 => bail!("the server closes the connection"),
            count => received.extend_from_slice(chunk.get(..count).unwrap_or_default()),
        }
    }
    let length = record::join(&mut received);
    received.truncate(length);
    Ok(received)
}
