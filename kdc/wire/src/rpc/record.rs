//! Record marking (RFC 5531, section 11): a message is one or more fragments, each behind a header of four octets whose highest bit
//! marks the last fragment.

/// Octets of a fragment's header.
pub const HEADER: usize = 4;

/// Most fragments of a message. Clients send one for each few thousand octets.
const MAX_FRAGMENTS: usize = 64;

const LAST: u32 = 1 << 31;

/// What is at the front of the received octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A whole message, headers included, ends here.
    Whole {
        /// Index of the octet behind the message.
        end: usize,
    },
    /// More octets must come.
    Incomplete,
    /// The message is empty, longer than the limit, or in too many fragments: the stream cannot be followed any further.
    Refused,
}

/// Looks for a message of at most `limit` octets without its headers. Reads headers alone: what a client sends slowly is looked at
/// again only by as many headers as there are.
#[must_use]
pub fn find(received: &[u8], limit: usize) -> Record {
    let (mut at, mut length) = (0_usize, 0_usize);
    for _ in 0..MAX_FRAGMENTS {
        let Some(header) = received.get(at..).and_then(<[u8]>::first_chunk) else { return Record::Incomplete };
        let header = u32::from_be_bytes(*header);
        let fragment = (header & !LAST) as usize;
        length = length.saturating_add(fragment);
        at = at.saturating_add(HEADER).saturating_add(fragment);
        let is_last = header & LAST != 0;
        if length > limit || is_last && length == 0 {
            return Record::Refused;
        }
        if at > received.len() {
            return Record::Incomplete;
        }
        if is_last {
            return Record::Whole { end: at };
        }
    }
    Record::Refused
}

/// Takes the headers out of a whole message, in place, and returns its length without them. `record` ends where [`find`] says.
pub fn join(record: &mut [u8]) -> usize {
    let (mut from, mut to) = (0_usize, 0_usize);
    while let Some(header) = record.get(from..).and_then(<[u8]>::first_chunk) {
        let length = (u32::from_be_bytes(*header) & !LAST) as usize;
        let (start, end) = (from.saturating_add(HEADER), from.saturating_add(HEADER).saturating_add(length));
        if end > record.len() {
            break;
        }
        record.copy_within(start..end, to);
        (from, to) = (end, to.saturating_add(length));
    }
    to
}

/// A message as one fragment.
#[must_use]
pub fn encode(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX) | LAST;
    let mut record = Vec::with_capacity(HEADER.saturating_add(message.len()));
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(message);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_fragment_that_is_marked_as_the_last() {
        let mut record = encode(b"abc");
        assert_eq!(record, b"\x80\0\0\x03abc");
        assert_eq!(find(&record, 100), Record::Whole { end: 7 });
        let length = join(&mut record);
        assert_eq!(&record[..length], b"abc");
    }

    #[test]
    fn fragments_are_joined_and_the_next_message_is_left_alone() {
        let mut stream = b"\0\0\0\x02ab\0\0\0\0\x80\0\0\x01c\x80\0\0\x01next".to_vec();
        let Record::Whole { end } = find(&stream, 100) else { panic!() };
        assert_eq!(end, 15);
        for short in 0..end {
            assert_eq!(find(&stream[..short], 100), Record::Incomplete, "{short}");
        }
        let length = join(&mut stream[..end]);
        assert_eq!(&stream[..length], b"abc");
    }

    #[test]
    fn a_message_above_the_limit_is_refused_by_its_first_header() {
        assert_eq!(find(b"\xff\xff\xff\xff", 65_536), Record::Refused);
        assert_eq!(find(b"\x7f\xff\xff\xff", 65_536), Record::Refused);
        assert_eq!(find(b"\x80\0\0\0", 65_536), Record::Refused, "an empty one");
        assert_eq!(find(b"\x80\0\0\x04ab", 4), Record::Incomplete);
        assert_eq!(find(b"\x80\0\0\x05ab", 4), Record::Refused);
    }

    #[test]
    fn fragments_are_limited_in_number() {
        assert_eq!(find(&[0; 4 * MAX_FRAGMENTS], 100), Record::Refused);
        assert_eq!(find(&[0; 4 * MAX_FRAGMENTS - 4], 100), Record::Incomplete);
    }
}
