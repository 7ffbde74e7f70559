//! PA-FX-COOKIE (RFC 6113, section 5.2): the state of a conversation, which the client carries, so that the KDC keeps none and
//! any replica can answer. The value is `KNL1` and an EncryptedData under a key of the ticket-granting service: the time at
//! which the cookie was made, and the client that it was made for.

use crate::checks::within_skew;
use crate::enctype_choice::{permitted, ticket_key};
use crate::entry::Entry;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::{EncryptedData, KerberosTime, PaData, Principal, Timestamp, pa_type};
use rand_core::CryptoRngCore;

/// In front of every cookie of Kennel. Nothing is believed of cookies without it: other KDCs made them, or nobody.
const MARK: &[u8; 4] = b"KNL1";

/// A conversation lasts no longer, seconds: enough to type a password.
const LIFETIME: i64 = 600;

/// A cookie for a conversation with `client`, as the request names it.
///
/// # Errors
/// [`Refusal::NoServerKey`].
pub(crate) fn issue(
    krbtgt: &Entry,
    client: &Principal,
    now: Timestamp,
    realm: &Realm,
    rng: &mut dyn CryptoRngCore,
) -> Result<PaData, Refusal> {
    let key = ticket_key(krbtgt, realm)?;
    let plaintext = [&now.time.0.to_be_bytes()[..], client.to_string().as_bytes()].concat();
    let cipher = key.fx_cookie().seal(&plaintext, rng);
    let sealed = EncryptedData { etype: key.key.enctype().number(), kvno: Some(key.kvno), cipher };
    let value = [&MARK[..], &PaData::encode_encrypted_data(&sealed)].concat();
    Ok(PaData { padata_type: pa_type::FX_COOKIE, value })
}

/// Checks the cookie of a request, where it has one of this KDC.
///
/// # Errors
/// [`Refusal::CookieForged`], [`Refusal::CookieExpired`].
pub(crate) fn check(
    padata: &[PaData],
    krbtgt: Option<&Entry>,
    client: &Principal,
    now: Timestamp,
    realm: &Realm,
) -> Result<(), Refusal> {
    let cookie = padata.iter().find(|p| p.padata_type == pa_type::FX_COOKIE);
    let Some(sealed) = cookie.and_then(|cookie| cookie.value.strip_prefix(MARK)) else { return Ok(()) };
    let (issued, owner) = open(sealed, krbtgt, realm).ok_or(Refusal::CookieForged)?;
    if owner != client.to_string().into_bytes() {
        return Err(Refusal::CookieForged);
    }
    // The clocks of two replicas may be apart.
    let made = Timestamp { time: issued, micros: 0 };
    let from_the_future = issued > now.time && !within_skew(made, now, realm.clock_skew);
    if from_the_future || issued.plus(LIFETIME) < now.time {
        return Err(Refusal::CookieExpired);
    }
    Ok(())
}

/// The time and the client inside a cookie.
fn open(sealed: &[u8], krbtgt: Option<&Entry>, realm: &Realm) -> Option<(KerberosTime, Vec<u8>)> {
    let sealed = PaData::decode_encrypted_data(sealed).ok()?;
    let mut keys = krbtgt?.key_for(permitted(sealed.etype, realm)?, sealed.kvno);
    let plaintext = keys.find_map(|key| key.fx_cookie().open(&sealed.cipher).ok())?;
    let (time, client) = plaintext.split_first_chunk()?;
    Some((KerberosTime(i64::from_be_bytes(*time)), client.to_vec()))
}
