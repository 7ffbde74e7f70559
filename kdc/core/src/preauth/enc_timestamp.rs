//! PA-ENC-TIMESTAMP: the client proves that it has its key by encrypting the time.

use crate::checks::within_skew;
use crate::enctype_choice::permitted;
use crate::entry::{Entry, EntryKey};
use crate::key_set::KeyState;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::{PaData, PaEncTimestamp, Timestamp};

/// Verifies the padata-value; returns the client's key that encrypts it.
///
/// Tries every version of random keys that the key set still holds: a client whose keytab already has the staged key uses
/// that key, and a client with an older keytab uses the old key. The reply is then sealed with the same key, so that the
/// client can read it. Keys of an old password are not tried.
pub(crate) fn verify<'a>(
    value: &[u8],
    client: &'a Entry,
    realm: &Realm,
    now: Timestamp,
) -> Result<&'a EntryKey, Refusal> {
    let data = PaData::decode_encrypted_data(value).map_err(|_| Refusal::PreauthMalformed)?;
    let enctype = permitted(data.etype, realm).ok_or(Refusal::PreauthEnctype)?;
    let mut held = client.keys().iter().filter(|k| k.key.enctype() == enctype && proves_identity(k)).peekable();
    if held.peek().is_none() {
        return Err(Refusal::PreauthEnctype);
    }
    let (key, plaintext) = held
        .find_map(|key| Some((key, key.pa_enc_timestamp().open(&data.cipher).ok()?)))
        .ok_or(Refusal::PreauthFailed)?;
    let stamp = PaEncTimestamp::decode(&plaintext).map_err(|_| Refusal::PreauthMalformed)?;
    if within_skew(stamp.0, now, realm.clock_skew) { Ok(key) } else { Err(Refusal::PreauthSkew) }
}

pub(super) fn proves_identity(key: &EntryKey) -> bool {
    key.state == KeyState::Active || key.salt.is_none()
}
