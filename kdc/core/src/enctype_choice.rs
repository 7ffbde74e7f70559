//! Which enctype for what (RFC 4120, section 3.1.3).

use crate::entry::{Entry, EntryKey};
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_crypto::Enctype;
use kennel_wire::message::Principal;

/// A known enctype that the realm permits.
pub(crate) fn permitted(number: i32, realm: &Realm) -> Option<Enctype> {
    Enctype::from_number(number).filter(|e| realm.enctypes.contains(e))
}

/// The client keys that a reply could be sealed with, in the order of the client's preference.
pub(crate) fn reply_keys<'a>(client: &'a Entry, offered: &[i32], realm: &Realm) -> Vec<&'a EntryKey> {
    let mut keys: Vec<&EntryKey> = Vec::with_capacity(offered.len().min(8));
    for enctype in offered.iter().filter_map(|n| permitted(*n, realm)) {
        let listed = keys.iter().any(|k| k.key.enctype() == enctype);
        let key = client.active_keys().find(|k| k.key.enctype() == enctype);
        if let (false, Some(key)) = (listed, key) {
            keys.push(key);
        }
    }
    keys
}

/// The key that tickets for the server are sealed with: its strongest that the realm permits. The client's offer does
/// not matter, since the client never reads a ticket.
pub(crate) fn ticket_key<'a>(server: &'a Entry, realm: &Realm) -> Result<&'a EntryKey, Refusal> {
    realm
        .enctypes
        .iter()
        .find_map(|enctype| server.active_keys().find(|k| k.key.enctype() == *enctype))
        .ok_or(Refusal::NoServerKey)
}

/// Whether a ticket may be under this key. Tickets of the ticket-granting service are believed only under the key of its version that
/// [`ticket_key`] seals with, as MIT krb5kdc does: whoever breaks a weaker key of that version forges no TGT.
pub(crate) fn opens_tickets(server: &Entry, key: &EntryKey, realm: &Realm) -> bool {
    let Principal { realm: issuer, name } = &server.record.principal;
    if *issuer != realm.name || name.krbtgt_realm() != Some(&realm.name) {
        return true;
    }
    let held = |enctype| server.keys().iter().any(|k| k.kvno == key.kvno && k.key.enctype() == enctype);
    realm.enctypes.iter().find(|enctype| held(**enctype)) == Some(&key.key.enctype())
}

/// The session key's enctype: the client's first that the realm permits and the server understands.
pub(crate) fn session_enctype(server: &Entry, offered: &[i32], realm: &Realm) -> Result<Enctype, Refusal> {
    offered
        .iter()
        .filter_map(|n| permitted(*n, realm))
        .find(|enctype| understands(server, *enctype))
        .ok_or(Refusal::NoSessionEnctype)
}

/// Whether a server can use session keys of an enctype: those that its record names. Where the record names none, those that the
/// server has a key of, and aes256-cts-hmac-sha1-96, which every Kerberos library of the last twenty years has (as MIT krb5kdc
/// assumes): a client that knows nothing older must not be refused for the keys that a service happens to have.
fn understands(server: &Entry, enctype: Enctype) -> bool {
    match &server.record.session_enctypes {
        Some(named) => named.contains(&enctype),
        None => enctype == Enctype::Aes256CtsHmacSha1 || server.active_keys().any(|key| key.key.enctype() == enctype),
    }
}
