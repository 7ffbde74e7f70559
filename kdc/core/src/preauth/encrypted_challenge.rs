//! Encrypted challenge (RFC 6113, section 5.4.6): the client proves that it has its key by encrypting the time under a key that is
//! made of its own and of the armor key, and so does the KDC in its reply. Whoever listens cannot try passwords on it. There is no
//! challenge without armor (CVE-2021-36222): every function here takes one.

use crate::checks::within_skew;
use crate::enctype_choice::permitted;
use crate::entry::{Entry, EntryKey};
use crate::preauth::enc_timestamp::proves_identity;
use crate::preauth::fast::Armor;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_crypto::KeyUsage;
use kennel_wire::message::{EncryptedData, PaData, PaEncTimestamp, Timestamp, pa_type};
use rand_core::CryptoRngCore;

/// Verifies the padata-value; returns the client's key that the challenge is made with.
///
/// Tries the versions that encrypted timestamps are tried with, of the enctypes that the client offers: the challenge has the
/// enctype of the armor key, which says nothing of the client's.
pub(crate) fn verify<'a>(
    value: &[u8],
    client: &'a Entry,
    armor: &Armor,
    offered: &[i32],
    realm: &Realm,
    now: Timestamp,
) -> Result<&'a EntryKey, Refusal> {
    let data = PaData::decode_encrypted_data(value).map_err(|_| Refusal::PreauthMalformed)?;
    if data.etype != armor.key.enctype().number() {
        return Err(Refusal::PreauthEnctype);
    }
    let usable = |key: &&EntryKey| {
        let number = key.key.enctype().number();
        permitted(number, realm).is_some() && offered.contains(&number) && proves_identity(key)
    };
    let (key, plaintext) = client
        .keys()
        .iter()
        .filter(usable)
        .find_map(|key| Some((key, open(&data, key, armor)?)))
        .ok_or(Refusal::PreauthFailed)?;
    let stamp = PaEncTimestamp::decode(&plaintext).map_err(|_| Refusal::PreauthMalformed)?;
    if within_skew(stamp.0, now, realm.clock_skew) { Ok(key) } else { Err(Refusal::PreauthSkew) }
}

/// The challenge of the KDC: it proves to the client that it has the client's key.
pub(crate) fn answer(key: &EntryKey, armor: &Armor, now: Timestamp, rng: &mut dyn CryptoRngCore) -> PaData {
    let challenge_key = armor.key.fx_cf2("kdcchallengearmor", &key.key, "challengelongterm");
    let cipher = challenge_key.prepare(KeyUsage::ENC_CHALLENGE_KDC).seal(&PaEncTimestamp(now).encode(), rng);
    let data = EncryptedData { etype: challenge_key.enctype().number(), kvno: None, cipher };
    PaData { padata_type: pa_type::ENCRYPTED_CHALLENGE, value: PaData::encode_encrypted_data(&data) }
}

fn open(data: &EncryptedData, key: &EntryKey, armor: &Armor) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let challenge_key = armor.key.fx_cf2("clientchallengearmor", &key.key, "challengelongterm");
    challenge_key.prepare(KeyUsage::ENC_CHALLENGE_CLIENT).open(&data.cipher).ok()
}
