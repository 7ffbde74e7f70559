//! The answer to a request: an AP-REP and a KRB-PRIV to whoever is proven, a KRB-ERROR to anybody else.

use crate::kpasswd::event::{PasswordOutcome, PasswordRefusal};
use crate::outcome::{AMPLIFICATION, krb_error};
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::kpasswd::{encode_reply, encode_result};
use kennel_wire::message::{
    ApRep, EncApRepPart, EncKrbPrivPart, EncryptedData, ErrorCode, HostAddress, KrbPriv, Principal, Timestamp,
};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// What the answer to a proven request is made with.
pub struct PasswordAnswer {
    pub(super) session: Key,
    pub(super) subkey: Option<Key>,
    /// The client's time, which the answer repeats.
    pub(super) ctime: Timestamp,
}

impl PasswordAnswer {
    /// The key of KRB-PRIV, both ways: the one that the client chose, or the session key.
    pub(super) fn key(&self) -> &Key {
        self.subkey.as_ref().unwrap_or(&self.session)
    }

    fn reply(&self, outcome: &PasswordOutcome, rng: &mut dyn CryptoRngCore) -> Option<Vec<u8>> {
        let mut text = outcome.text();
        loop {
            let reply = self.reply_with(&encode_result(outcome.result(), &text), rng)?;
            if !reads_as_error(&reply) {
                return Some(reply);
            }
            text.push(' ');
        }
    }

    fn reply_with(&self, data: &[u8], rng: &mut dyn CryptoRngCore) -> Option<Vec<u8>> {
        // Below 2^30: clients exist that take larger numbers for negative ones.
        let number = rng.next_u32() >> 2;
        let part = EncApRepPart { ctime: self.ctime, subkey: None, seq_number: Some(number) };
        let ap_rep = ApRep { enc_part: seal(&self.session, KeyUsage::AP_REP, &part.encode(), rng) };
        let part = EncKrbPrivPart {
            user_data: Zeroizing::new(data.to_vec()),
            timestamp: None,
            seq_number: Some(number),
            // The address that the client sees is not the one that this process has.
            s_address: HostAddress::acceptor(),
            r_address: None,
        };
        let krb_priv = KrbPriv { enc_part: seal(self.key(), KeyUsage::KRB_PRIV, &part.encode(), rng) };
        encode_reply(&ap_rep.encode(), &krb_priv.encode())
    }
}

/// The octets of the answer; `None` where the request gets none, since it is a reply itself. `to` is what answers a proven request.
#[must_use]
pub fn answer(
    outcome: &PasswordOutcome,
    to: Option<&PasswordAnswer>,
    realm: &Realm,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> Option<Vec<u8>> {
    match (outcome, to) {
        (PasswordOutcome::Refused(PasswordRefusal::NotARequest), _) => None,
        (outcome, Some(to)) => to.reply(outcome, rng),
        (outcome, None) => error_reply(outcome, realm, now),
    }
}

/// The answer to a datagram of `request` octets, as far as a datagram gets one: nothing that cannot be read does, and nothing gets an
/// answer that is much longer, since its sender may be forged.
#[must_use]
pub fn in_datagram(reply: Option<Vec<u8>>, outcome: &PasswordOutcome, request: usize, limit: usize) -> Option<Vec<u8>> {
    let limit = limit.min(request.saturating_mul(AMPLIFICATION));
    let readable = !matches!(outcome, PasswordOutcome::Refused(PasswordRefusal::Unreadable(_)));
    reply.filter(|reply| readable && reply.len() <= limit)
}

/// A KRB-ERROR with the result in its e-data.
fn error_reply(outcome: &PasswordOutcome, realm: &Realm, now: Timestamp) -> Option<Vec<u8>> {
    let code = match outcome {
        PasswordOutcome::Refused(PasswordRefusal::Unproven(refusal)) => refusal.code(),
        PasswordOutcome::Refused(PasswordRefusal::Busy) => ErrorCode::SVC_UNAVAILABLE,
        _ => Refusal::Malformed.code(),
    };
    let service = Principal::parse("kadmin/changepw", &realm.name).ok();
    let mut error = krb_error(code, now, realm, None, service.as_ref());
    let mut text = outcome.text();
    loop {
        error.e_data = Some(encode_result(outcome.result(), &text));
        let reply = encode_reply(&[], &error.encode())?;
        if !reads_as_error(&reply) {
            return Some(reply);
        }
        text.push(' ');
    }
}

/// Whether Heimdal's clients would take the reply for a KRB-ERROR without a frame: they look for its first octet in the place of the
/// second one, which is the lower half of the length.
fn reads_as_error(reply: &[u8]) -> bool {
    matches!(reply.get(1), Some(0x5e | 0x7e))
}

fn seal(key: &Key, usage: KeyUsage, plaintext: &[u8], rng: &mut dyn CryptoRngCore) -> EncryptedData {
    EncryptedData { etype: key.enctype().number(), kvno: None, cipher: key.prepare(usage).seal(plaintext, rng) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::refusal::AdminRefusal;
    use kennel_crypto::Enctype;
    use kennel_wire::kpasswd::PasswordResult;
    use rand_core::OsRng;

    fn refused(refusal: PasswordRefusal) -> PasswordOutcome {
        PasswordOutcome::Refused(refusal)
    }

    #[test]
    fn no_answer_has_a_length_that_heimdal_takes_for_an_error() {
        let session = Key::generate(Enctype::Aes256CtsHmacSha1, &mut OsRng);
        let to = PasswordAnswer { session, subkey: None, ctime: Timestamp::default() };
        let realm = Realm::new("R");
        let mut odd = 0;
        for length in 0..300 {
            let text: &'static str = "x".repeat(length).leak();
            let outcome = refused(PasswordRefusal::Admin(AdminRefusal::BadValue(text)));
            for to in [Some(&to), None] {
                let reply = answer(&outcome, to, &realm, Timestamp::default(), &mut OsRng).unwrap();
                assert!(!reads_as_error(&reply), "{length}");
            }
            let data = encode_result(outcome.result(), &outcome.text());
            odd += usize::from(reads_as_error(&to.reply_with(&data, &mut OsRng).unwrap()));
        }
        assert!(odd > 0, "no length was one of those");
    }

    #[test]
    fn a_datagram_that_cannot_be_read_and_one_that_is_short_get_no_answer() {
        let (realm, now) = (Realm::new("R"), Timestamp::default());
        let all = |outcome: &PasswordOutcome| answer(outcome, None, &realm, now, &mut OsRng);
        assert_eq!(all(&refused(PasswordRefusal::NotARequest)), None);
        let unreadable = refused(PasswordRefusal::Unreadable(PasswordResult::Malformed));
        let reply = all(&unreadable);
        assert!(reply.is_some(), "over TCP");
        assert_eq!(in_datagram(reply, &unreadable, 500, 1400), None);
        let unproven = refused(PasswordRefusal::Unproven(Refusal::TicketExpired));
        let reply = all(&unproven);
        assert_eq!(in_datagram(reply.clone(), &unproven, 500, 1400), reply);
        assert_eq!(in_datagram(reply.clone(), &unproven, 20, 1400), None, "much shorter than its answer");
        assert_eq!(in_datagram(reply, &unproven, 500, 50), None);
    }
}
