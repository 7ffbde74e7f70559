//! What a KDC answers: a reply or an error.

use crate::error::ClientError;
use kennel_wire::WireError;
use kennel_wire::message::{KdcRep, KrbError};

/// Identifier octets: AS-REP [APPLICATION 11], TGS-REP [APPLICATION 13], KRB-ERROR [APPLICATION 30].
const AS_REP: u8 = 0x6b;
const TGS_REP: u8 = 0x6d;
const KRB_ERROR: u8 = 0x7e;

/// An answer, decoded.
pub(crate) enum Answer {
    Reply(Box<KdcRep>),
    Error(KrbError),
}

impl Answer {
    pub(crate) fn read(bytes: &[u8]) -> Result<Answer, WireError> {
        if is_error(bytes) {
            KrbError::decode(bytes).map(Answer::Error)
        } else {
            KdcRep::decode(bytes).map(|r| Answer::Reply(Box::new(r)))
        }
    }
}

/// Whether octets can be an answer at all, by their first octet.
pub(crate) fn may_be_answer(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&(AS_REP | TGS_REP | KRB_ERROR)))
}

/// Whether an answer is an error, by its first octet.
pub(crate) fn is_error(bytes: &[u8]) -> bool {
    bytes.first() == Some(&KRB_ERROR)
}

impl From<KrbError> for ClientError {
    fn from(error: KrbError) -> Self {
        ClientError::Kdc { code: error.error_code, text: error.e_text }
    }
}
