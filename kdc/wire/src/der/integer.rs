//! INTEGERs that are not in their shortest form. Some senders write a number as it lies in their memory (sspi-rs the microseconds of a
//! timestamp in four octets) or with an octet of sign too many (pyasn1 -128); MIT's decoder reads both, and the number is the same.

use crate::der::header::{self, Header, tag};
use crate::der::writer::Writer;
use crate::error::WireError;
use zeroize::Zeroizing;

/// Most octets of an INTEGER: as many as MIT's decoder reads.
pub(super) const MAX_OCTETS: usize = 8;

/// The shortest form of the contents of an INTEGER: without octets that repeat the sign.
pub(crate) fn shortest(contents: &[u8]) -> &[u8] {
    let repeats = |pair: &&[u8]| {
        matches!(pair, [0, next] if next & 0x80 == 0) || matches!(pair, [0xff, next] if next & 0x80 != 0)
    };
    let redundant = contents.windows(2).take_while(repeats).count();
    contents.get(redundant..).unwrap_or_default()
}

/// Whether decoders of 32 bits take the contents for too long although the number fits.
pub(super) fn is_long(contents: &[u8]) -> bool {
    contents.len() > 4 && shortest(contents).len() < contents.len()
}

/// The DER of a value that has passed the gate, with every INTEGER in its shortest form.
///
/// # Errors
/// None for a value that has passed the gate.
pub(super) fn shortened(value: &[u8]) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let mut writer = Writer::with_capacity(value.len());
    write(&mut writer, value, header::read(value, 0, value.len())?)?;
    Ok(writer.into_secret())
}

fn write(w: &mut Writer, bytes: &[u8], outer: Header) -> Result<(), WireError> {
    let contents = bytes.get(outer.start..outer.end).unwrap_or_default();
    w.try_tagged(outer.tag, |w| match outer.tag {
        tag::INTEGER => {
            w.bytes(shortest(contents));
            Ok(())
        }
        constructed if constructed & 0x20 != 0 => {
            let mut inner = Vec::new();
            let mut at = outer.start;
            while at < outer.end {
                let value = header::read(bytes, at, outer.end)?;
                at = value.end;
                inner.push(value);
            }
            inner.into_iter().rev().try_for_each(|value| write(w, bytes, value))
        }
        _ => {
            w.bytes(contents);
            Ok(())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_that_repeat_the_sign_are_dropped_and_no_others() {
        for (contents, short) in [
            (&[0x00][..], &[0x00][..]),
            (&[0x00, 0x00], &[0x00]),
            (&[0xff, 0xff, 0xff], &[0xff]),
            (&[0x00, 0x7f], &[0x7f]),
            (&[0x00, 0x80], &[0x00, 0x80]),
            (&[0xff, 0x80], &[0x80]),
            (&[0xff, 0x7f], &[0xff, 0x7f]),
            (&[0, 0, 0, 0, 0, 0, 1, 0], &[1, 0]),
        ] {
            assert_eq!(shortest(contents), short, "{contents:02x?}");
        }
        assert!(is_long(&[0, 0, 0, 0, 5]) && !is_long(&[0, 0, 0, 5]) && !is_long(&[0, 0x80, 0, 0, 0]));
    }

    #[test]
    fn a_tree_is_written_again_with_every_integer_shortened_and_nothing_else_changed() {
        let long = [0x30, 0x0f, 0xa0, 0x07, 0x02, 0x05, 0, 0, 0, 0, 5, 0x04, 0x04, 0x02, 0x02, 0x00, 0x05];
        let short = [0x30, 0x0b, 0xa0, 0x03, 0x02, 0x01, 5, 0x04, 0x04, 0x02, 0x02, 0x00, 0x05];
        assert_eq!(*shortened(&long).unwrap(), short);
        assert_eq!(*shortened(&short).unwrap(), short);
    }
}
