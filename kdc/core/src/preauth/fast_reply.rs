//! What goes back to a FAST request (RFC 6113, sections 5.4.3 and 5.4.4): replies whose key is strengthened and whose ticket is
//! vouched for, and errors, both inside the armor.

use crate::ap_exchange::encryption_key;
use crate::preauth::fast::Armor;
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{
    Checksum, EncryptedData, KrbError, KrbFastArmoredRep, KrbFastFinished, KrbFastResponse, PaData, Principal,
    Timestamp, pa_type,
};
use rand_core::CryptoRngCore;

/// A reply key that is made of the client's key and of one that only the armor reveals.
pub(crate) struct StrengthenedKey {
    /// The key that seals the reply.
    pub(crate) reply: Key,
    /// The part that goes into the armor.
    strengthen: Key,
}

/// What a reply says inside the armor, beside its ticket.
pub(crate) struct FastReply<'a> {
    pub(crate) armor: &'a Armor,
    pub(crate) key: StrengthenedKey,
    pub(crate) now: Timestamp,
}

impl StrengthenedKey {
    /// Strengthens a reply key.
    pub(crate) fn new(reply_key: &Key, rng: &mut dyn CryptoRngCore) -> StrengthenedKey {
        let strengthen = Key::generate(reply_key.enctype(), rng);
        let reply = strengthen.fx_cf2("strengthenkey", reply_key, "replykey");
        StrengthenedKey { reply, strengthen }
    }
}

impl FastReply<'_> {
    /// The one element of padata outside: padata, strengthening key, the client's name and a checksum over the ticket inside.
    pub(crate) fn seal(
        &self,
        padata: Vec<PaData>,
        client: Principal,
        ticket: &[u8],
        rng: &mut dyn CryptoRngCore,
    ) -> PaData {
        let key = &self.armor.key;
        let ticket_checksum = Checksum {
            cksumtype: key.enctype().checksum_type().number(),
            checksum: key.checksum(KeyUsage::FAST_FINISHED, ticket),
        };
        let Principal { name: cname, realm: crealm } = client;
        let response = KrbFastResponse {
            padata,
            strengthen_key: Some(encryption_key(&self.key.strengthen)),
            finished: Some(KrbFastFinished { timestamp: self.now, crealm, cname, ticket_checksum }),
            nonce: self.armor.nonce,
        };
        self.armor.seal(&response, rng)
    }

    /// The client as the reply names it outside.
    pub(crate) fn outer_client(&self, client: Principal) -> Principal {
        self.armor.outer_client(client)
    }
}

impl Armor {
    /// Seals an error with its METHOD-DATA. The error outside repeats the code, which decides whether a client turns to another
    /// KDC, and no words; it names the client only where the client does not hide its name.
    pub(crate) fn seal_error(
        &self,
        error: KrbError,
        mut methods: Vec<PaData>,
        rng: &mut dyn CryptoRngCore,
    ) -> KrbError {
        methods.push(PaData { padata_type: pa_type::FX_ERROR, value: error.encode() });
        let response = KrbFastResponse { padata: methods, strengthen_key: None, finished: None, nonce: self.nonce };
        let mut outer = error;
        outer.e_text = None;
        outer.e_data = Some(PaData::encode_all(&[self.seal(&response, rng)]));
        if let (Some(crealm), Some(cname)) = (outer.crealm.take(), outer.cname.take()) {
            let client = self.outer_client(Principal::new(cname, crealm));
            (outer.crealm, outer.cname) = (Some(client.realm), Some(client.name));
        }
        outer
    }

    fn outer_client(&self, client: Principal) -> Principal {
        if self.hides_names() { Principal::anonymous() } else { client }
    }

    fn seal(&self, response: &KrbFastResponse, rng: &mut dyn CryptoRngCore) -> PaData {
        let cipher = self.key.prepare(KeyUsage::FAST_REP).seal(&response.encode(), rng);
        let sealed = EncryptedData { etype: self.key.enctype().number(), kvno: None, cipher };
        PaData { padata_type: pa_type::FX_FAST, value: KrbFastArmoredRep(sealed).encode() }
    }
}
