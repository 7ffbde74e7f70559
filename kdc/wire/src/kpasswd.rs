//! The frame of the password protocol (RFC 3244): lengths and version around an AP-REQ and a KRB-PRIV, and around the answer.

use crate::error::WireError;

/// Octets in front of the AP message.
const HEADER: usize = 6;
/// The version that only changes one's own password, and that every answer has.
const CHANGE: u16 = 1;
/// The version that RFC 3244 added: the data are ChangePasswdData.
const SET: u16 = 0xff80;
/// The first octet of an AP-REP, in the place of which a request has an AP-REQ.
const AP_REP: u8 = 0x6f;
/// The first octet of a KRB-ERROR, which servers also send without a frame.
const KRB_ERROR: u8 = 0x7e;

/// What the data of a request are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVersion {
    /// 1: the new password alone.
    Change,
    /// 0xff80: ChangePasswdData, with a target where it is not one's own password.
    Set,
}

/// A request, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRequest<'a> {
    /// What the data are.
    pub version: PasswordVersion,
    /// DER of an AP-REQ.
    pub ap_req: &'a [u8],
    /// DER of a KRB-PRIV.
    pub krb_priv: &'a [u8],
}

/// Why a request cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameFault {
    /// Lengths that do not fit.
    Malformed,
    /// Another version.
    Version,
    /// A reply or an error of a server, which no server answers: two of them would go on for ever (CVE-2002-2443).
    Reply,
}

/// The result of a request (RFC 3244, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum PasswordResult {
    /// The password is changed.
    Success = 0,
    /// The request cannot be read.
    Malformed = 1,
    /// The server failed.
    HardError = 2,
    /// The request proves nobody.
    AuthError = 3,
    /// The password does not satisfy the rules; the text says which.
    SoftError = 4,
    /// The client may not change this password.
    AccessDenied = 5,
    /// The version is not known.
    BadVersion = 6,
    /// The ticket does not come from a login with the password.
    InitialFlagNeeded = 7,
}

impl PasswordResult {
    /// Every result.
    pub const ALL: [PasswordResult; 8] = [
        PasswordResult::Success,
        PasswordResult::Malformed,
        PasswordResult::HardError,
        PasswordResult::AuthError,
        PasswordResult::SoftError,
        PasswordResult::AccessDenied,
        PasswordResult::BadVersion,
        PasswordResult::InitialFlagNeeded,
    ];
}

impl<'a> PasswordRequest<'a> {
    /// Takes a request apart.
    ///
    /// # Errors
    /// [`FrameFault`].
    pub fn decode(octets: &'a [u8]) -> Result<PasswordRequest<'a>, FrameFault> {
        if octets.first() == Some(&KRB_ERROR) && length(octets) != Some(octets.len()) {
            return Err(FrameFault::Reply);
        }
        let ([length, version, ap_length], rest) = header(octets).ok_or(FrameFault::Malformed)?;
        if usize::from(length) != octets.len() {
            return Err(FrameFault::Malformed);
        }
        let (ap_req, krb_priv) = rest.split_at_checked(ap_length.into()).ok_or(FrameFault::Malformed)?;
        if matches!(ap_req.first(), None | Some(&AP_REP)) {
            return Err(FrameFault::Reply);
        }
        let version = match version {
            CHANGE => PasswordVersion::Change,
            SET => PasswordVersion::Set,
            _ => return Err(FrameFault::Version),
        };
        if krb_priv.is_empty() { Err(FrameFault::Malformed) } else { Ok(PasswordRequest { version, ap_req, krb_priv }) }
    }

    /// The octets of a request; `None` where it is longer than 65,535.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let version = match self.version {
            PasswordVersion::Change => CHANGE,
            PasswordVersion::Set => SET,
        };
        frame(version, self.ap_req, self.krb_priv)
    }
}

/// The octets of an answer: an AP-REP with a KRB-PRIV, or no AP-REP and a KRB-ERROR. `None` where they are longer than 65,535.
#[must_use]
pub fn encode_reply(ap_rep: &[u8], rest: &[u8]) -> Option<Vec<u8>> {
    frame(CHANGE, ap_rep, rest)
}

/// AP-REP (empty where the server sends a KRB-ERROR) and the rest of an answer.
///
/// # Errors
/// Lengths that do not fit.
pub fn decode_reply(octets: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let malformed = WireError::Message { message: "kpasswd reply", reason: "its lengths do not fit" };
    let ([length, _, ap_length], rest) = header(octets).ok_or(malformed.clone())?;
    let parts = rest.split_at_checked(ap_length.into()).filter(|_| usize::from(length) == octets.len());
    parts.ok_or(malformed)
}

/// The data of an answer: the result, then its text in UTF-8.
#[must_use]
pub fn encode_result(result: PasswordResult, text: &str) -> Vec<u8> {
    let mut octets = (result as u16).to_be_bytes().to_vec();
    octets.extend_from_slice(text.as_bytes());
    octets
}

/// The result and its text. Octets of the text that are no UTF-8 are replaced.
///
/// # Errors
/// Less than two octets, or a number that is no result.
pub fn decode_result(octets: &[u8]) -> Result<(PasswordResult, String), WireError> {
    let malformed = WireError::Message { message: "kpasswd result", reason: "it is no result" };
    let (number, text) = octets.split_first_chunk().ok_or(malformed.clone())?;
    let result = PasswordResult::ALL.into_iter().find(|result| *result as u16 == u16::from_be_bytes(*number));
    Ok((result.ok_or(malformed)?, String::from_utf8_lossy(text).into_owned()))
}

fn length(octets: &[u8]) -> Option<usize> {
    octets.first_chunk().map(|length| u16::from_be_bytes(*length).into())
}

fn header(octets: &[u8]) -> Option<([u16; 3], &[u8])> {
    let (head, rest) = octets.split_first_chunk::<HEADER>()?;
    let [a, b, c, d, e, f] = *head;
    Some(([[a, b], [c, d], [e, f]].map(u16::from_be_bytes), rest))
}

fn frame(version: u16, ap: &[u8], rest: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(HEADER + ap.len() + rest.len()).ok()?;
    let ap_length = u16::try_from(ap.len()).ok()?;
    let mut octets = Vec::with_capacity(length.into());
    for number in [length, version, ap_length] {
        octets.extend_from_slice(&number.to_be_bytes());
    }
    octets.extend_from_slice(ap);
    octets.extend_from_slice(rest);
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written_in_both_versions() {
        for version in [PasswordVersion::Change, PasswordVersion::Set] {
            let request = PasswordRequest { version, ap_req: b"ap", krb_priv: b"priv" };
            let octets = request.encode().unwrap();
            assert_eq!(PasswordRequest::decode(&octets), Ok(request));
        }
        let change = PasswordRequest { version: PasswordVersion::Change, ap_req: b"a", krb_priv: b"b" };
        assert_eq!(change.encode().unwrap(), b"\0\x08\0\x01\0\x01ab");
    }

    #[test]
    fn lengths_that_do_not_fit_and_other_versions_are_refused() {
        let good = b"\0\x08\0\x01\0\x01ab";
        for cut in 0..good.len() {
            assert_eq!(PasswordRequest::decode(&good[..cut]), Err(FrameFault::Malformed), "{cut}");
        }
        let refused = |octets: &[u8]| PasswordRequest::decode(octets).unwrap_err();
        assert_eq!(refused(b"\0\x08\0\x01\0\x02ab"), FrameFault::Malformed, "no KRB-PRIV");
        assert_eq!(refused(b"\0\x08\0\x01\xff\xffab"), FrameFault::Malformed);
        assert_eq!(refused(b"\0\x09\0\x01\0\x01ab"), FrameFault::Malformed);
        assert_eq!(refused(b"\0\x08\0\x02\0\x01ab"), FrameFault::Version);
        assert_eq!(
            PasswordRequest { version: PasswordVersion::Set, ap_req: &[0; 65_535], krb_priv: b"x" }.encode(),
            None
        );
    }

    #[test]
    fn replies_and_errors_are_no_requests_in_any_form_that_servers_send() {
        // CVE-2002-2443: a forged sender lets two servers answer each other.
        let refused = |octets: &[u8]| PasswordRequest::decode(octets).unwrap_err();
        for error in [&b"\x7e\x03\x30\x01\x00"[..], b"\x7e"] {
            assert_eq!(refused(error), FrameFault::Reply, "KRB-ERROR alone");
            assert_eq!(refused(&encode_reply(b"", error).unwrap()), FrameFault::Reply, "KRB-ERROR in a frame");
        }
        assert_eq!(refused(&encode_reply(b"\x6f\x00", b"priv").unwrap()), FrameFault::Reply, "AP-REP and KRB-PRIV");
        let mut set = encode_reply(b"\x6f\x00", b"priv").unwrap();
        set[2..4].copy_from_slice(&SET.to_be_bytes());
        assert_eq!(refused(&set), FrameFault::Reply, "in the other version");
    }

    #[test]
    fn an_answer_has_an_ap_rep_or_none_and_a_result_with_its_text() {
        let octets = encode_reply(b"", b"error").unwrap();
        assert_eq!(decode_reply(&octets), Ok((&b""[..], &b"error"[..])));
        assert_eq!(decode_reply(&encode_reply(b"rep", b"priv").unwrap()), Ok((&b"rep"[..], &b"priv"[..])));
        assert!(decode_reply(&octets[..octets.len() - 1]).is_err() && decode_reply(b"\0").is_err());
        assert_eq!(encode_result(PasswordResult::SoftError, "too short"), b"\0\x04too short");
        for (number, result) in PasswordResult::ALL.into_iter().enumerate() {
            assert_eq!(result as usize, number);
            assert_eq!(decode_result(&encode_result(result, "why")), Ok((result, "why".to_owned())));
        }
        assert!(decode_result(b"\0").is_err() && decode_result(b"\0\x08").is_err());
    }
}
