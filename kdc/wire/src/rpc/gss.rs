//! RPCSEC_GSS, version 1 (RFC 2203): the credential of a call, the establishment of a context, and the envelopes of arguments and
//! results.

use crate::error::WireError;
use crate::rpc::call::MAX_AUTH;
use crate::xdr::{XdrReader, XdrWriter};

/// The version of RPCSEC_GSS.
pub const VERSION: u32 = 1;
/// The highest sequence number of a call (RFC 2203, section 5.3.3.1).
pub const MAX_SEQUENCE: u32 = 0x8000_0000;
/// Longest token of GSS-API in the establishment of a context, octets. A ticket with a large PAC takes some 16,000.
pub const MAX_TOKEN: usize = 65_536;
/// Longest handle of a context that is read, octets.
const MAX_HANDLE: usize = MAX_AUTH;

/// What a call of RPCSEC_GSS is for (RFC 2203, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the RFC say it")]
pub enum GssProcedure {
    Data,
    Init,
    ContinueInit,
    Destroy,
}

/// How arguments and results are protected (RFC 2203, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of the RFC say it")]
pub enum GssService {
    None,
    Integrity,
    Privacy,
}

/// The credential of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GssCredential<'a> {
    /// What the call is for.
    pub procedure: GssProcedure,
    /// Sequence number of the call in its context.
    pub sequence: u32,
    /// Protection of arguments and results.
    pub service: GssService,
    /// The server's name for the context; empty in the first call.
    pub handle: &'a [u8],
}

impl<'a> GssCredential<'a> {
    /// Reads the body of a credential.
    ///
    /// # Errors
    /// Torn, of another version, or with an unknown procedure or service.
    pub fn decode(body: &'a [u8]) -> Result<GssCredential<'a>, WireError> {
        let mut reader = XdrReader::new(body);
        if reader.u32()? != VERSION {
            return Err(reader.wrong("another version of RPCSEC_GSS"));
        }
        let procedure = match reader.u32()? {
            0 => GssProcedure::Data,
            1 => GssProcedure::Init,
            2 => GssProcedure::ContinueInit,
            3 => GssProcedure::Destroy,
            _ => return Err(reader.wrong("an unknown procedure of RPCSEC_GSS")),
        };
        let sequence = reader.u32()?;
        let service = match reader.u32()? {
            1 => GssService::None,
            2 => GssService::Integrity,
            3 => GssService::Privacy,
            _ => return Err(reader.wrong("an unknown service of RPCSEC_GSS")),
        };
        let handle = reader.opaque(MAX_HANDLE)?;
        reader.finish()?;
        Ok(GssCredential { procedure, sequence, service, handle })
    }

    /// The body of a credential.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let procedure = match self.procedure {
            GssProcedure::Data => 0,
            GssProcedure::Init => 1,
            GssProcedure::ContinueInit => 2,
            GssProcedure::Destroy => 3,
        };
        let service = match self.service {
            GssService::None => 1,
            GssService::Integrity => 2,
            GssService::Privacy => 3,
        };
        let mut writer = XdrWriter::new();
        [VERSION, procedure, self.sequence, service].into_iter().for_each(|word| writer.u32(word));
        writer.opaque(self.handle);
        writer.finish().to_vec()
    }
}

/// Results of a call that establishes a context (RFC 2203, section 5.2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitResult<'a> {
    /// Handle of the context; empty where it failed.
    pub handle: &'a [u8],
    /// Major status of GSS-API: 0 where the context is complete.
    pub major: u32,
    /// Minor status.
    pub minor: u32,
    /// Sequence numbers that the server accepts at a time.
    pub window: u32,
    /// The acceptor's token.
    pub token: &'a [u8],
}

impl<'a> InitResult<'a> {
    /// Reads the results.
    ///
    /// # Errors
    /// Torn, or a handle or token that is too long.
    pub fn decode(results: &'a [u8]) -> Result<InitResult<'a>, WireError> {
        let mut reader = XdrReader::new(results);
        let read = InitResult {
            handle: reader.opaque(MAX_HANDLE)?,
            major: reader.u32()?,
            minor: reader.u32()?,
            window: reader.u32()?,
            token: reader.opaque(MAX_TOKEN)?,
        };
        reader.finish()?;
        Ok(read)
    }

    /// The results as octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = XdrWriter::new();
        writer.opaque(self.handle);
        [self.major, self.minor, self.window].into_iter().for_each(|word| writer.u32(word));
        writer.opaque(self.token);
        writer.finish().to_vec()
    }
}

/// Reads the arguments of a call that establishes a context: the initiator's token.
///
/// # Errors
/// Torn, longer than [`MAX_TOKEN`], or with octets behind.
pub fn init_token(arguments: &[u8]) -> Result<&[u8], WireError> {
    one_opaque(arguments)
}

/// Reads arguments or results under privacy (RFC 2203, section 5.3.2.3): a Wrap token.
///
/// # Errors
/// Torn, or with octets behind.
pub fn private(body: &[u8]) -> Result<&[u8], WireError> {
    one_opaque(body)
}

/// Reads arguments or results under integrity (RFC 2203, section 5.3.2.2): the octets, and the MIC token over them.
///
/// # Errors
/// Torn, or with octets behind.
pub fn integral(body: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let mut reader = XdrReader::new(body);
    let (data, mic) = (reader.opaque(body.len())?, reader.opaque(MAX_AUTH)?);
    reader.finish()?;
    Ok((data, mic))
}

/// Octets as one field behind their count: a token in its place.
#[must_use]
pub fn opaque(octets: &[u8]) -> Vec<u8> {
    let mut writer = XdrWriter::new();
    writer.opaque(octets);
    writer.finish().to_vec()
}

fn one_opaque(body: &[u8]) -> Result<&[u8], WireError> {
    let mut reader = XdrReader::new(body);
    let octets = reader.opaque(body.len().max(MAX_TOKEN))?;
    reader.finish()?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_read_as_it_is_written() {
        let credential =
            GssCredential { procedure: GssProcedure::Data, sequence: 5, service: GssService::Privacy, handle: b"xxxx" };
        let octets = credential.encode();
        assert_eq!(octets, b"\0\0\0\x01\0\0\0\0\0\0\0\x05\0\0\0\x03\0\0\0\x04xxxx");
        assert_eq!(GssCredential::decode(&octets), Ok(credential));
        for (at, wrong) in [(3, 2), (7, 4), (15, 0), (15, 4), (19, 5)] {
            let mut other = octets.clone();
            other[at] = wrong;
            assert!(GssCredential::decode(&other).is_err(), "octet {at}");
        }
        assert!(GssCredential::decode(&[&octets[..], b"more"].concat()).is_err());
    }

    #[test]
    fn the_results_of_an_establishment_are_read_as_they_are_written() {
        let result = InitResult { handle: b"abcd", major: 0, minor: 1, window: 128, token: b"token" };
        assert_eq!(InitResult::decode(&result.encode()), Ok(result));
    }

    #[test]
    fn envelopes_have_nothing_behind_their_end() {
        assert_eq!(private(&opaque(b"wrapped.")), Ok(&b"wrapped."[..]));
        let body = [opaque(b"data"), opaque(b"mic.")].concat();
        assert_eq!(integral(&body), Ok((&b"data"[..], &b"mic."[..])));
        for body in [[&opaque(b"data")[..], b"more"].concat(), b"\0\0\0\x09torn".to_vec()] {
            assert!(private(&body).is_err() && integral(&body).is_err());
        }
    }
}
