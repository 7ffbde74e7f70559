//! A client of kadmin's protocol as functions over octets: each call is a message of ONC RPC without record marking. `kennel` under the
//! name `kadmin` uses it, and the tests, for what the stock `kadmin` never sends.

use crate::credentials::Credential;
use crate::error::ClientError;
use crate::gss::Initiator;
use kennel_core::gss::context::GssContext;
use kennel_core::gss::rpc::{protect, without_sequence};
use kennel_wire::kadm5::arguments::Request;
use kennel_wire::kadm5::procedure::{PROGRAM, PROGRAM_VERSION, Procedure};
use kennel_wire::kadm5::results::Response;
use kennel_wire::message::Timestamp;
use kennel_wire::rpc::call::{self, Flavor, OpaqueAuth};
use kennel_wire::rpc::gss::{self, GssCredential, GssProcedure, GssService, InitResult};
use kennel_wire::rpc::reply::{AcceptStatus, Reply, ReplyBody};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

const NOTHING: OpaqueAuth<'static> = OpaqueAuth { flavor: Flavor::NONE, body: &[] };

/// A call that establishes a context, sent and not answered yet.
#[derive(Debug)]
pub struct KadminGreeting {
    initiator: Initiator,
    service: GssService,
}

/// An established context.
#[derive(Debug)]
pub struct KadminSession {
    context: GssContext,
    handle: Vec<u8>,
    service: GssService,
    /// Sequence number of the last call.
    sequence: u32,
}

impl KadminGreeting {
    /// Greets with a ticket for the service of administration. Returns the message to send.
    pub fn new(
        credential: &Credential,
        service: GssService,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> (KadminGreeting, Vec<u8>) {
        let (initiator, token) = Initiator::new(credential, now, rng);
        (KadminGreeting { initiator, service }, greeting(&token, service))
    }

    /// Checks the answer.
    ///
    /// # Errors
    /// The server refuses, or is not who it should be.
    pub fn finish(self, reply: &[u8]) -> Result<KadminSession, ClientError> {
        let (verifier, results) = accepted(reply)?;
        let result = InitResult::decode(results)?;
        if result.major != 0 {
            return Err(ClientError::Gss("the server refuses the context"));
        }
        let mut context = self.initiator.finish(result.token)?;
        verify(&mut context, &result.window.to_be_bytes(), verifier)?;
        Ok(KadminSession { context, handle: result.handle.to_vec(), service: self.service, sequence: 0 })
    }
}

/// A call that establishes a context with this token.
#[must_use]
pub fn greeting(token: &[u8], service: GssService) -> Vec<u8> {
    let credential = GssCredential { procedure: GssProcedure::Init, sequence: 0, service, handle: &[] }.encode();
    let credential = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: &credential };
    call::encode(&call::header(0, PROGRAM, PROGRAM_VERSION, 0, credential), NOTHING, &gss::opaque(token))
}

impl KadminSession {
    /// A call of a procedure. Returns the message to send.
    pub fn call(&mut self, request: &Request, rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        self.call_with(request.procedure().number(), &request.encode(), rng)
    }

    /// A call with any arguments.
    pub fn call_with(&mut self, procedure: u32, arguments: &[u8], rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        self.dangerous_call(GssProcedure::Data, self.sequence, procedure, arguments, rng)
    }

    /// A call with any sequence number, and of any kind.
    pub fn dangerous_call(
        &mut self,
        kind: GssProcedure,
        sequence: u32,
        procedure: u32,
        arguments: &[u8],
        rng: &mut dyn CryptoRngCore,
    ) -> Vec<u8> {
        let credential = GssCredential { procedure: kind, sequence, service: self.service, handle: &self.handle };
        let credential = credential.encode();
        let credential = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: &credential };
        let header = call::header(sequence, PROGRAM, PROGRAM_VERSION, procedure, credential);
        let mic = self.context.mic(&header);
        let verifier = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: &mic };
        let body = protect(&mut self.context, self.service, sequence, arguments, rng);
        call::encode(&header, verifier, &body)
    }

    /// Reads the reply to the last call.
    ///
    /// # Errors
    /// The server did not perform the procedure, or the reply is not of the server.
    pub fn answer(&mut self, procedure: Procedure, reply: &[u8]) -> Result<Response, ClientError> {
        Ok(Response::decode(procedure, &self.results(reply)?)?)
    }

    /// Opens the results of the last call.
    ///
    /// # Errors
    /// See [`KadminSession::answer`].
    pub fn results(&mut self, reply: &[u8]) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let (verifier, body) = accepted(reply)?;
        verify(&mut self.context, &self.sequence.to_be_bytes(), verifier)?;
        let opened = match self.service {
            GssService::None => return Ok(Zeroizing::new(body.to_vec())),
            GssService::Integrity => {
                let (data, mic) = gss::integral(body)?;
                self.context.verify_mic(data, mic).map(|()| Zeroizing::new(data.to_vec()))
            }
            GssService::Privacy => self.context.unwrap(gss::private(body)?),
        };
        let opened = opened.map_err(|_| ClientError::Gss("the results are not those of the server"))?;
        without_sequence(opened, self.sequence).ok_or(ClientError::Gss("the results are those of another call"))
    }
}

/// The verifier and the results of a reply, where the call was performed.
fn accepted(reply: &[u8]) -> Result<(OpaqueAuth<'_>, &[u8]), ClientError> {
    match Reply::decode(reply)?.body {
        ReplyBody::Accepted { verifier, status: AcceptStatus::Success(results) } => Ok((verifier, results)),
        ReplyBody::Accepted { .. } => Err(ClientError::Gss("the server did not perform the procedure")),
        ReplyBody::VersionMismatch | ReplyBody::NotAuthenticated(_) => {
            Err(ClientError::Gss("the server did not authenticate the caller"))
        }
    }
}

fn verify(context: &mut GssContext, data: &[u8], verifier: OpaqueAuth<'_>) -> Result<(), ClientError> {
    let verified = context.verify_mic(data, verifier.body);
    verified.map_err(|_| ClientError::Gss("the verifier of the reply is not that of the server"))
}
