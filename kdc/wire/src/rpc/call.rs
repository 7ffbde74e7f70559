//! The header of a call (RFC 5531, section 9).

use crate::error::WireError;
use crate::xdr::{XdrReader, XdrWriter};

/// Longest credential or verifier, octets (RFC 5531, section 8.2).
pub const MAX_AUTH: usize = 400;
/// The version of RPC.
pub const RPC_VERSION: u32 = 2;

/// `msg_type` of a call.
const CALL: u32 = 0;

/// How a caller proves its identity (RFC 5531, section 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flavor(pub u32);

impl Flavor {
    /// Not at all.
    pub const NONE: Flavor = Flavor(0);
    /// RPCSEC_GSS.
    pub const RPCSEC_GSS: Flavor = Flavor(6);
}

/// A credential or a verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpaqueAuth<'a> {
    /// Its flavor, by which the body is read.
    pub flavor: Flavor,
    /// At most [`MAX_AUTH`] octets.
    pub body: &'a [u8],
}

/// A call: its header, and the octets of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// Number of the call, which the reply repeats.
    pub xid: u32,
    /// [`RPC_VERSION`], or the call cannot be read further: program to verifier are then meaningless.
    pub rpc_version: u32,
    /// Program.
    pub program: u32,
    /// Version of the program.
    pub version: u32,
    /// Procedure of that version.
    pub procedure: u32,
    /// The caller's credential.
    pub credential: OpaqueAuth<'a>,
    /// The caller's verifier.
    pub verifier: OpaqueAuth<'a>,
    /// The octets from the number of the call to the end of the credential, which a verifier of RPCSEC_GSS covers.
    pub covered: &'a [u8],
    /// The arguments.
    pub arguments: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads a call. One of another version of RPC has no credential and no arguments.
    ///
    /// # Errors
    /// Not a call, or torn.
    pub fn decode(message: &'a [u8]) -> Result<Call<'a>, WireError> {
        let mut reader = XdrReader::new(message);
        let xid = reader.u32()?;
        if reader.u32()? != CALL {
            return Err(reader.wrong("not a call"));
        }
        let rpc_version = reader.u32()?;
        let nothing = OpaqueAuth { flavor: Flavor::NONE, body: &[] };
        let mut call = Call {
            xid,
            rpc_version,
            program: 0,
            version: 0,
            procedure: 0,
            credential: nothing,
            verifier: nothing,
            covered: &[],
            arguments: &[],
        };
        if rpc_version == RPC_VERSION {
            (call.program, call.version, call.procedure) = (reader.u32()?, reader.u32()?, reader.u32()?);
            call.credential = OpaqueAuth::read(&mut reader)?;
            call.covered = message.get(..reader.offset()).unwrap_or_default();
            call.verifier = OpaqueAuth::read(&mut reader)?;
            call.arguments = reader.rest();
        }
        Ok(call)
    }
}

impl<'a> OpaqueAuth<'a> {
    pub(crate) fn read(reader: &mut XdrReader<'a>) -> Result<OpaqueAuth<'a>, WireError> {
        Ok(OpaqueAuth { flavor: Flavor(reader.u32()?), body: reader.opaque(MAX_AUTH)? })
    }

    pub(crate) fn write(&self, writer: &mut XdrWriter) {
        writer.u32(self.flavor.0);
        writer.opaque(self.body);
    }
}

/// The beginning of a call up to and including its credential: what a verifier covers. The verifier and the arguments follow.
#[must_use]
pub fn header(xid: u32, program: u32, version: u32, procedure: u32, credential: OpaqueAuth<'_>) -> Vec<u8> {
    let mut writer = XdrWriter::new();
    for word in [xid, CALL, RPC_VERSION, program, version, procedure] {
        writer.u32(word);
    }
    credential.write(&mut writer);
    writer.finish().to_vec()
}

/// A whole call from its [`header`], its verifier and its arguments.
#[must_use]
pub fn encode(header: &[u8], verifier: OpaqueAuth<'_>, arguments: &[u8]) -> Vec<u8> {
    let mut writer = XdrWriter::new();
    writer.raw(header);
    verifier.write(&mut writer);
    writer.raw(arguments);
    writer.finish().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: OpaqueAuth<'static> = OpaqueAuth { flavor: Flavor::NONE, body: &[] };

    #[test]
    fn a_call_is_read_as_it_is_written() {
        let credential = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: b"cred" };
        let header = header(9, 2112, 2, 13, credential);
        assert_eq!(header[..16], *b"\0\0\0\x09\0\0\0\0\0\0\0\x02\0\0\x08\x40");
        let message = encode(&header, NONE, b"arguments...");
        let call = Call::decode(&message).unwrap();
        assert_eq!((call.xid, call.program, call.version, call.procedure), (9, 2112, 2, 13));
        assert_eq!((call.credential, call.verifier), (credential, NONE));
        assert_eq!((call.covered, call.arguments), (&header[..], &b"arguments..."[..]));
    }

    #[test]
    fn a_credential_is_at_most_400_octets_long() {
        for (length, is_read) in [(400, true), (401, false)] {
            let credential = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: &vec![1; length] };
            let message = encode(&header(1, 2112, 2, 0, credential), NONE, b"");
            assert_eq!(Call::decode(&message).is_ok(), is_read, "{length}");
        }
    }

    #[test]
    fn a_reply_is_no_call_and_another_version_is_read_to_its_number() {
        assert!(Call::decode(b"\0\0\0\x01\0\0\0\x01\0\0\0\0").is_err());
        let call = Call::decode(b"\0\0\0\x01\0\0\0\0\0\0\0\x03").unwrap();
        assert_eq!((call.xid, call.rpc_version), (1, 3));
        let whole = encode(&header(1, 2112, 2, 0, NONE), NONE, b"");
        for end in 0..whole.len() {
            assert!(Call::decode(&whole[..end]).is_err(), "{end}");
        }
    }
}
