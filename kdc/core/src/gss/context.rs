//! An established context: both sides have the same sub-key of the acceptor, and each has sequence numbers of its own.

use crate::gss::sequence::SequenceWindow;
use kennel_crypto::{Enctype, Key, KeyUsage, PreparedChecksum, PreparedKey};
use kennel_wire::gss::token::{HEADER, MicHeader, TokenFlags, WrapHeader};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// The side of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of RFC 2743 say it")]
pub enum Role {
    Initiator,
    Acceptor,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// Torn, changed, of the wrong side, not encrypted, or under another key.
    Defective,
    /// Genuine, and seen before or too old.
    Repeated,
}

/// One side of a context.
#[derive(Debug)]
pub struct GssContext {
    role: Role,
    enctype: Enctype,
    sign: PreparedChecksum,
    verify: PreparedChecksum,
    seal: Box<PreparedKey>,
    open: Box<PreparedKey>,
    /// Number of the next token of this side.
    next: u64,
    received: SequenceWindow,
}

impl GssContext {
    /// A context under the sub-key that the acceptor chose, with the first sequence number of this and of the other side. `None` for
    /// RC4, whose tokens have another form.
    #[must_use]
    pub fn new(role: Role, subkey: &Key, own_first: u32, their_first: u32) -> Option<GssContext> {
        const INITIATOR: [KeyUsage; 2] = [KeyUsage::GSS_INITIATOR_SIGN, KeyUsage::GSS_INITIATOR_SEAL];
        const ACCEPTOR: [KeyUsage; 2] = [KeyUsage::GSS_ACCEPTOR_SIGN, KeyUsage::GSS_ACCEPTOR_SEAL];
        if subkey.enctype() == Enctype::Rc4Hmac {
            return None;
        }
        let ([sign, seal], [verify, open]) = match role {
            Role::Initiator => (INITIATOR, ACCEPTOR),
            Role::Acceptor => (ACCEPTOR, INITIATOR),
        };
        Some(GssContext {
            role,
            enctype: subkey.enctype(),
            sign: subkey.prepare_checksum(sign),
            verify: subkey.prepare_checksum(verify),
            seal: Box::new(subkey.prepare(seal)),
            open: Box::new(subkey.prepare(open)),
            next: own_first.into(),
            received: SequenceWindow::new(their_first.into()),
        })
    }

    /// A MIC token over `data`.
    pub fn mic(&mut self, data: &[u8]) -> Vec<u8> {
        let header = MicHeader { flags: self.flags(self.role), sequence: self.take_number() }.octets();
        let mut token = header.to_vec();
        token.extend_from_slice(&self.sign.compute(&[data, &header].concat()));
        token
    }

    /// Verifies a MIC token of the other side over `data`.
    ///
    /// # Errors
    /// See [`TokenRefusal`].
    pub fn verify_mic(&mut self, data: &[u8], token: &[u8]) -> Result<(), TokenRefusal> {
        let (header, checksum) = MicHeader::split(token).map_err(|_| TokenRefusal::Defective)?;
        if header.flags != self.flags(self.other_role()) {
            return Err(TokenRefusal::Defective);
        }
        let covered = [data, &header.octets()].concat();
        let checksum_type = self.enctype.checksum_type().number();
        self.verify.verify(&covered, checksum_type, checksum).map_err(|_| TokenRefusal::Defective)?;
        self.count(header.sequence)
    }

    /// An encrypted Wrap token of `data`, without filler and not rotated.
    pub fn wrap(&mut self, data: &[u8], rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        let flags = self.flags(self.role) | TokenFlags::SEALED;
        let header = WrapHeader { flags, extra: 0, rotation: 0, sequence: self.take_number() }.octets();
        let mut plain = Zeroizing::new(Vec::with_capacity(data.len() + HEADER));
        plain.extend_from_slice(data);
        plain.extend_from_slice(&header);
        let sealed = self.seal.seal(&plain, rng);
        [&header[..], &sealed].concat()
    }

    /// Opens a Wrap token of the other side, which must be encrypted. The header in front is worth what the copy of it inside says
    /// (CVE-2024-37370): a changed number of extra octets would cut the message.
    ///
    /// # Errors
    /// See [`TokenRefusal`].
    pub fn unwrap(&mut self, token: &[u8]) -> Result<Zeroizing<Vec<u8>>, TokenRefusal> {
        let (header, rotated) = WrapHeader::split(token).map_err(|_| TokenRefusal::Defective)?;
        if header.flags != self.flags(self.other_role()) | TokenFlags::SEALED {
            return Err(TokenRefusal::Defective);
        }
        let mut sealed = rotated.to_vec();
        if let Some(places) = usize::from(header.rotation).checked_rem(sealed.len()) {
            sealed.rotate_left(places);
        }
        let mut plain = self.open.open(&sealed).map_err(|_| TokenRefusal::Defective)?;
        let length = plain.len().checked_sub(HEADER).ok_or(TokenRefusal::Defective)?;
        if plain.get(length..) != Some(&header.without_rotation().octets()[..]) {
            return Err(TokenRefusal::Defective);
        }
        // CVE-2024-37371: more extra octets than there are.
        let length = length.checked_sub(header.extra.into()).ok_or(TokenRefusal::Defective)?;
        self.count(header.sequence)?;
        plain.truncate(length);
        Ok(plain)
    }

    fn count(&mut self, sequence: u64) -> Result<(), TokenRefusal> {
        if self.received.count(sequence) { Ok(()) } else { Err(TokenRefusal::Repeated) }
    }

    fn take_number(&mut self) -> u64 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        number
    }

    fn other_role(&self) -> Role {
        match self.role {
            Role::Initiator => Role::Acceptor,
            Role::Acceptor => Role::Initiator,
        }
    }

    fn flags(&self, sender: Role) -> TokenFlags {
        match sender {
            Role::Initiator => TokenFlags::ACCEPTOR_SUBKEY,
            Role::Acceptor => TokenFlags::ACCEPTOR_SUBKEY | TokenFlags::SENT_BY_ACCEPTOR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    /// Initiator and acceptor.
    fn pair(enctype: Enctype) -> (GssContext, GssContext) {
        let key = Key::generate(enctype, &mut OsRng);
        let context = |role, own, theirs| GssContext::new(role, &key, own, theirs).unwrap();
        (context(Role::Initiator, 7, u32::MAX), context(Role::Acceptor, u32::MAX, 7))
    }

    const AES: [Enctype; 4] = [
        Enctype::Aes256CtsHmacSha384,
        Enctype::Aes128CtsHmacSha256,
        Enctype::Aes256CtsHmacSha1,
        Enctype::Aes128CtsHmacSha1,
    ];

    #[test]
    fn both_sides_read_what_the_other_writes_under_every_aes() {
        for enctype in AES {
            let (mut initiator, mut acceptor) = pair(enctype);
            for length in [0, 1, 16, 1_000] {
                let data = vec![3; length];
                let (mic, wrapped) = (initiator.mic(&data), initiator.wrap(&data, &mut OsRng));
                acceptor.verify_mic(&data, &mic).unwrap();
                assert_eq!(*acceptor.unwrap(&wrapped).unwrap(), data);
                let (mic, wrapped) = (acceptor.mic(&data), acceptor.wrap(&data, &mut OsRng));
                initiator.verify_mic(&data, &mic).unwrap();
                assert_eq!(*initiator.unwrap(&wrapped).unwrap(), data);
            }
        }
        assert!(GssContext::new(Role::Acceptor, &Key::generate(Enctype::Rc4Hmac, &mut OsRng), 0, 0).is_none());
    }

    #[test]
    fn a_token_counts_once() {
        let (mut initiator, mut acceptor) = pair(AES[0]);
        let (mic, wrapped) = (initiator.mic(b"data"), initiator.wrap(b"data", &mut OsRng));
        acceptor.unwrap(&wrapped).unwrap();
        assert_eq!(acceptor.unwrap(&wrapped).unwrap_err(), TokenRefusal::Repeated);
        acceptor.verify_mic(b"data", &mic).unwrap();
        assert_eq!(acceptor.verify_mic(b"data", &mic), Err(TokenRefusal::Repeated));
    }

    #[test]
    fn no_octet_of_a_token_can_be_changed_and_its_own_sender_does_not_take_it() {
        let (mut initiator, mut acceptor) = pair(AES[2]);
        let (mic, wrapped) = (initiator.mic(b"data"), initiator.wrap(b"data", &mut OsRng));
        for at in 0..mic.len() {
            let mut other = mic.clone();
            other[at] ^= 1;
            assert_eq!(acceptor.verify_mic(b"data", &other), Err(TokenRefusal::Defective), "octet {at}");
        }
        for at in 0..wrapped.len() {
            let mut other = wrapped.clone();
            other[at] ^= 1;
            assert_eq!(acceptor.unwrap(&other).unwrap_err(), TokenRefusal::Defective, "octet {at}");
        }
        for end in 0..wrapped.len() {
            assert!(acceptor.unwrap(&wrapped[..end]).is_err());
        }
        assert_eq!(acceptor.verify_mic(b"Data", &mic), Err(TokenRefusal::Defective));
        assert_eq!(initiator.verify_mic(b"data", &mic), Err(TokenRefusal::Defective));
        assert_eq!(initiator.unwrap(&wrapped).unwrap_err(), TokenRefusal::Defective);
        acceptor.verify_mic(b"data", &mic).unwrap();
        acceptor.unwrap(&wrapped).unwrap();
    }

    #[test]
    fn cve_2024_37370_extra_octets_that_the_sender_did_not_write_do_not_cut_the_message() {
        let (mut initiator, mut acceptor) = pair(AES[0]);
        let mut wrapped = initiator.wrap(b"delete nobody", &mut OsRng);
        wrapped[5] = 7;
        assert_eq!(acceptor.unwrap(&wrapped).unwrap_err(), TokenRefusal::Defective);
    }

    #[test]
    fn cve_2024_37371_more_extra_octets_than_there_are_are_refused() {
        let (initiator, mut acceptor) = pair(AES[0]);
        let flags = initiator.flags(Role::Initiator) | TokenFlags::SEALED;
        for (extra, length) in [(3, Ok(0)), (4, Err(TokenRefusal::Defective)), (u16::MAX, Err(TokenRefusal::Defective))]
        {
            let header = WrapHeader { flags, extra, rotation: 0, sequence: 20 + u64::from(extra) }.octets();
            let sealed = initiator.seal.seal(&[b"abc", &header[..]].concat(), &mut OsRng);
            let opened = acceptor.unwrap(&[&header[..], &sealed].concat()).map(|plain| plain.len());
            assert_eq!(opened, length, "{extra}");
        }
    }

    #[test]
    fn filler_is_cut_and_a_rotation_is_undone() {
        let (initiator, mut acceptor) = pair(AES[1]);
        let flags = initiator.flags(Role::Initiator) | TokenFlags::SEALED;
        for (extra, rotation) in [(0, 0), (16, 0), (0, 28), (16, 44), (0, u16::MAX)] {
            let header = WrapHeader { flags, extra, rotation, sequence: 100 + u64::from(extra) + u64::from(rotation) };
            let filler = vec![0; extra.into()];
            let inner = header.without_rotation().octets();
            let mut sealed = initiator.seal.seal(&[b"text", &filler[..], &inner].concat(), &mut OsRng);
            let places = usize::from(rotation) % sealed.len();
            sealed.rotate_right(places);
            let token = [&header.octets()[..], &sealed].concat();
            assert_eq!(**acceptor.unwrap(&token).unwrap(), *b"text", "{extra} {rotation}");
        }
    }

    #[test]
    fn a_message_that_is_not_encrypted_is_refused() {
        let (mut initiator, mut acceptor) = pair(AES[0]);
        let mut wrapped = initiator.wrap(b"text", &mut OsRng);
        wrapped[2] &= !TokenFlags::SEALED.bits();
        assert_eq!(acceptor.unwrap(&wrapped).unwrap_err(), TokenRefusal::Defective);
    }
}
