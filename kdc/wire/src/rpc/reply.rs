//! Replies (RFC 5531, section 9).

use crate::error::WireError;
use crate::rpc::call::{OpaqueAuth, RPC_VERSION};
use crate::xdr::{XdrReader, XdrWriter};

/// `msg_type` of a reply.
const REPLY: u32 = 1;
const ACCEPTED: u32 = 0;
const DENIED: u32 = 1;
const RPC_MISMATCH: u32 = 0;
const AUTH_ERROR: u32 = 1;

/// Why a caller was not authenticated (RFC 5531, section 9; 13 and 14: RFC 2203, section 5.3.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthStatus(pub u32);

#[expect(missing_docs, reason = "the names of the RFCs say it")]
impl AuthStatus {
    pub const BAD_CREDENTIAL: AuthStatus = AuthStatus(1);
    pub const REJECTED_CREDENTIAL: AuthStatus = AuthStatus(2);
    pub const TOO_WEAK: AuthStatus = AuthStatus(5);
    pub const FAILED: AuthStatus = AuthStatus(7);
    pub const GSS_CREDENTIAL_PROBLEM: AuthStatus = AuthStatus(13);
    pub const GSS_CONTEXT_PROBLEM: AuthStatus = AuthStatus(14);
}

/// How a call ended, after its caller was authenticated, or where that was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptStatus<'a> {
    /// The results of the procedure.
    Success(&'a [u8]),
    /// The program is not served.
    ProgramUnavailable,
    /// The program is served in these versions.
    ProgramMismatch {
        /// Lowest version.
        low: u32,
        /// Highest version.
        high: u32,
    },
    /// The version of the program has no such procedure.
    ProcedureUnavailable,
    /// The arguments cannot be read.
    GarbageArguments,
    /// The server failed.
    SystemError,
}

/// What a reply says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyBody<'a> {
    /// The call was accepted.
    Accepted {
        /// The server's proof.
        verifier: OpaqueAuth<'a>,
        /// How the call ended.
        status: AcceptStatus<'a>,
    },
    /// Another version of RPC.
    VersionMismatch,
    /// The caller was not authenticated.
    NotAuthenticated(AuthStatus),
}

/// A reply to the call of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Reply<'a> {
    pub xid: u32,
    pub body: ReplyBody<'a>,
}

impl<'a> Reply<'a> {
    /// The reply as octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = XdrWriter::new();
        writer.u32(self.xid);
        writer.u32(REPLY);
        match &self.body {
            ReplyBody::Accepted { verifier, status } => {
                writer.u32(ACCEPTED);
                verifier.write(&mut writer);
                status.write(&mut writer);
            }
            ReplyBody::VersionMismatch => {
                [DENIED, RPC_MISMATCH, RPC_VERSION, RPC_VERSION].into_iter().for_each(|word| writer.u32(word));
            }
            ReplyBody::NotAuthenticated(status) => {
                [DENIED, AUTH_ERROR, status.0].into_iter().for_each(|word| writer.u32(word));
            }
        }
        writer.finish().to_vec()
    }

    /// Reads a reply.
    ///
    /// # Errors
    /// Not a reply, or torn.
    pub fn decode(message: &'a [u8]) -> Result<Reply<'a>, WireError> {
        let mut reader = XdrReader::new(message);
        let xid = reader.u32()?;
        if reader.u32()? != REPLY {
            return Err(reader.wrong("not a reply"));
        }
        let body = match (reader.u32()?, &mut reader) {
            (ACCEPTED, reader) => {
                ReplyBody::Accepted { verifier: OpaqueAuth::read(reader)?, status: AcceptStatus::read(reader)? }
            }
            (DENIED, reader) => match reader.u32()? {
                RPC_MISMATCH => ReplyBody::VersionMismatch,
                AUTH_ERROR => ReplyBody::NotAuthenticated(AuthStatus(reader.u32()?)),
                _ => return Err(reader.wrong("denied for a reason that is unknown")),
            },
            (_, reader) => return Err(reader.wrong("neither accepted nor denied")),
        };
        Ok(Reply { xid, body })
    }
}

impl<'a> AcceptStatus<'a> {
    fn write(&self, writer: &mut XdrWriter) {
        match self {
            AcceptStatus::Success(results) => {
                writer.u32(0);
                writer.raw(results);
            }
            AcceptStatus::ProgramUnavailable => writer.u32(1),
            AcceptStatus::ProgramMismatch { low, high } => {
                [2, *low, *high].into_iter().for_each(|word| writer.u32(word));
            }
            AcceptStatus::ProcedureUnavailable => writer.u32(3),
            AcceptStatus::GarbageArguments => writer.u32(4),
            AcceptStatus::SystemError => writer.u32(5),
        }
    }

    fn read(reader: &mut XdrReader<'a>) -> Result<AcceptStatus<'a>, WireError> {
        Ok(match reader.u32()? {
            0 => AcceptStatus::Success(reader.rest()),
            1 => AcceptStatus::ProgramUnavailable,
            2 => AcceptStatus::ProgramMismatch { low: reader.u32()?, high: reader.u32()? },
            3 => AcceptStatus::ProcedureUnavailable,
            4 => AcceptStatus::GarbageArguments,
            5 => AcceptStatus::SystemError,
            _ => return Err(reader.wrong("accepted with a status that is unknown")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::call::Flavor;

    #[test]
    fn every_reply_is_read_as_it_is_written() {
        let verifier = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: b"mic." };
        let accepted = [
            AcceptStatus::Success(b"results."),
            AcceptStatus::ProgramUnavailable,
            AcceptStatus::ProgramMismatch { low: 2, high: 2 },
            AcceptStatus::ProcedureUnavailable,
            AcceptStatus::GarbageArguments,
            AcceptStatus::SystemError,
        ]
        .map(|status| ReplyBody::Accepted { verifier, status });
        let denied = [ReplyBody::VersionMismatch, ReplyBody::NotAuthenticated(AuthStatus::TOO_WEAK)];
        for body in accepted.into_iter().chain(denied) {
            let octets = Reply { xid: 3, body }.encode();
            assert_eq!(Reply::decode(&octets), Ok(Reply { xid: 3, body }));
            assert!(Reply::decode(&octets[..11]).is_err());
        }
    }

    #[test]
    fn a_denied_call_is_these_octets() {
        let reply = Reply { xid: 1, body: ReplyBody::NotAuthenticated(AuthStatus::TOO_WEAK) };
        assert_eq!(reply.encode(), b"\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x05");
    }
}
