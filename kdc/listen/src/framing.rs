//! How the messages of a protocol are framed in a stream.

use crate::limits::MAX_REQUEST;
use kennel_wire::frame::{self, Prefix};
use kennel_wire::rpc::record::{self, Record};

/// The framing of a protocol over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A length of four octets (RFC 4120, section 7.2.2).
    LengthPrefix,
    /// The fragments of ONC RPC (RFC 5531, section 11).
    RecordMarking,
}

/// The length is zero, above [`MAX_REQUEST`], or reserved.
pub(crate) struct FrameRefused;

impl Framing {
    /// Returns the index of the end of the first request, once all of it is received.
    pub(crate) fn find(self, received: &[u8]) -> Option<Result<usize, FrameRefused>> {
        match self {
            Framing::LengthPrefix => {
                let length = match frame::prefix(*received.first_chunk()?, MAX_REQUEST) {
                    Prefix::Length(length) => length,
                    Prefix::Reserved | Prefix::OutOfRange => return Some(Err(FrameRefused)),
                };
                let end = frame::PREFIX.saturating_add(length);
                (received.len() >= end).then_some(Ok(end))
            }
            Framing::RecordMarking => match record::find(received, MAX_REQUEST) {
                Record::Whole { end } => Some(Ok(end)),
                Record::Incomplete => None,
                Record::Refused => Some(Err(FrameRefused)),
            },
        }
    }

    /// Takes a whole request out of its frame, in place.
    pub(crate) fn request(self, frame: &mut [u8]) -> &[u8] {
        match self {
            Framing::LengthPrefix => frame.get(frame::PREFIX..).unwrap_or_default(),
            Framing::RecordMarking => {
                let length = record::join(frame);
                frame.get(..length).unwrap_or_default()
            }
        }
    }

    /// A reply in its frame.
    pub(crate) fn encode(self, reply: &[u8]) -> Vec<u8> {
        match self {
            Framing::LengthPrefix => frame::encode(reply),
            Framing::RecordMarking => record::encode(reply),
        }
    }
}
