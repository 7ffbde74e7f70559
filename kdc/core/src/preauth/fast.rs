//! FAST in requests (RFC 6113, section 5.4): the armor key that client and KDC share, and the request inside, which counts in
//! place of the one around it. [`crate::preauth::fast_reply`] seals what goes back.

use crate::ap_exchange::{ApRules, ApUse, GenuineApReq, open_ticket};
use crate::bindings::{Bindings, pod_lives};
use crate::entry::Entry;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_crypto::{CryptoError, Key, KeyUsage};
use kennel_wire::message::{
    ApReq, FastOptions, KrbFastArmor, KrbFastArmoredReq, KrbFastReq, Nonce, PaData, Principal, pa_type,
};

/// PA-FX-FAST of a request, and the AP-REQ that armors it, both readable.
pub(crate) struct FastRequest {
    armored: KrbFastArmoredReq,
    /// The armor; `None` where the ticket of a TGS request is the armor.
    armor: Option<ApReq>,
}

/// A key that client and KDC share before the client has proved anything, and whose ticket it comes from.
pub(crate) struct ArmorKey {
    key: Key,
    client: Principal,
}

/// The armor of a request, once the request inside is open. Replies and errors go back inside it.
#[derive(Debug)]
pub(crate) struct Armor {
    pub(super) key: Key,
    /// The client of the ticket that the key comes from: in a TGS request mostly the client itself.
    pub(crate) client: Principal,
    options: FastOptions,
    /// Nonce of the request inside.
    pub(super) nonce: Nonce,
}

impl FastRequest {
    /// Finds PA-FX-FAST in the padata of a request.
    ///
    /// # Errors
    /// [`Refusal::FastMalformed`], [`Refusal::FastArmorType`], [`Refusal::FastArmorNotTgt`].
    pub(crate) fn find(padata: &[PaData], realm: &Realm) -> Result<Option<FastRequest>, Refusal> {
        let Some(element) = padata.iter().find(|p| p.padata_type == pa_type::FX_FAST) else { return Ok(None) };
        let armored = KrbFastArmoredReq::decode(&element.value).map_err(|_| Refusal::FastMalformed)?;
        let armor = armored.armor.as_ref().map(|armor| ap_req(armor, realm)).transpose()?;
        Ok(Some(FastRequest { armored, armor }))
    }

    /// The server of the ticket that armors the request by itself.
    pub(crate) fn armor_server(&self) -> Option<Principal> {
        self.armor.as_ref().map(|armor| Principal::new(armor.ticket.sname.clone(), &*armor.ticket.realm))
    }

    /// Verifies the AP-REQ of the armor (RFC 6113, section 5.4.1.1); returns the key that is made from it.
    ///
    /// # Errors
    /// [`Refusal::FastArmorMissing`], [`Refusal::FastArmorWithoutSubkey`], and what a TGS request is refused for whose ticket
    /// or authenticator is not in order.
    pub(crate) fn armor_key(&self, server: Option<&Entry>, rules: &Rules, at: ApUse) -> Result<ArmorKey, Refusal> {
        let realm = &rules.realm;
        let armor = self.armor.as_ref().ok_or(Refusal::FastArmorMissing)?;
        let ap_rules = ApRules {
            authenticator_usage: KeyUsage::AP_REQ_AUTHENTICATOR,
            enctypes: &realm.enctypes,
            clock_skew: realm.clock_skew,
        };
        let ticket = open_ticket(&armor.ticket.enc_part, server, realm)?;
        let genuine = GenuineApReq::open(ticket, &armor.authenticator, &ap_rules)?;
        if armor.ticket.realm == realm.name {
            let bound = Bindings::read(genuine.ticket.authorization_data.as_ref())?;
            pod_lives(bound.pod.as_ref(), rules)?;
        } else if genuine.ticket.crealm == realm.name {
            return Err(Refusal::TicketSpoofsLocalClient);
        }
        genuine.check_in_force(&ap_rules, at)?;
        ArmorKey::of(&genuine, &ap_rules)
    }

    /// Whether the request brings an armor of its own.
    pub(crate) fn has_armor(&self) -> bool {
        self.armor.is_some()
    }

    /// Opens the request inside and sets `armor`, inside which every refusal from then on goes back. `covered` is what the
    /// checksum of the request must cover.
    ///
    /// # Errors
    /// [`Refusal::FastIntegrity`], [`Refusal::FastMalformed`], [`Refusal::FastChecksumType`],
    /// [`Refusal::FastChecksumMismatch`], [`Refusal::FastCriticalOption`], [`Refusal::FastNested`].
    pub(crate) fn open(
        &self,
        key: ArmorKey,
        covered: &[u8],
        armor: &mut Option<Box<Armor>>,
    ) -> Result<KrbFastReq, Refusal> {
        let ArmorKey { key, client } = key;
        let sealed = &self.armored.enc_fast_req;
        if sealed.etype != key.enctype().number() {
            return Err(Refusal::FastIntegrity);
        }
        let plaintext = key.prepare(KeyUsage::FAST_REQ).open(&sealed.cipher).map_err(|_| Refusal::FastIntegrity)?;
        let inner = KrbFastReq::decode(&plaintext).map_err(|_| Refusal::FastMalformed)?;
        let armor = armor.insert(Box::new(Armor { key, client, options: inner.options, nonce: inner.body.nonce }));
        self.check(armor, &inner, covered)?;
        Ok(inner)
    }

    fn check(&self, armor: &Armor, inner: &KrbFastReq, covered: &[u8]) -> Result<(), Refusal> {
        const UNKNOWN: FastOptions = FastOptions::CRITICAL.difference(FastOptions::HIDE_CLIENT_NAMES);
        let sum = &self.armored.req_checksum;
        let verified = armor.key.verify_checksum(KeyUsage::FAST_REQ_CHECKSUM, covered, sum.cksumtype, &sum.checksum);
        verified.map_err(|error| match error {
            CryptoError::ChecksumType(_) => Refusal::FastChecksumType,
            _ => Refusal::FastChecksumMismatch,
        })?;
        if inner.options.intersects(UNKNOWN) {
            return Err(Refusal::FastCriticalOption);
        }
        if inner.padata.iter().any(|p| p.padata_type == pa_type::FX_FAST) {
            return Err(Refusal::FastNested);
        }
        Ok(())
    }
}

impl ArmorKey {
    /// The armor key of a ticket and the sub-key of its authenticator: of an armor, and of a TGS request that is its own.
    ///
    /// # Errors
    /// [`Refusal::FastArmorWithoutSubkey`], [`Refusal::AuthenticatorSubkey`].
    pub(crate) fn of(genuine: &GenuineApReq, rules: &ApRules<'_>) -> Result<ArmorKey, Refusal> {
        let subkey = genuine.subkey(rules)?.ok_or(Refusal::FastArmorWithoutSubkey)?;
        let ticket = &genuine.ticket;
        Ok(ArmorKey {
            key: subkey.fx_cf2("subkeyarmor", &genuine.session, "ticketarmor"),
            client: Principal::new(ticket.cname.clone(), &*ticket.crealm),
        })
    }

    /// The key of a TGS request with an armor of its own, bound to the sub-key of the request.
    ///
    /// # Errors
    /// As [`ArmorKey::of`].
    pub(crate) fn with_subkey_of(self, request: &GenuineApReq, rules: &ApRules<'_>) -> Result<ArmorKey, Refusal> {
        let subkey = request.subkey(rules)?.ok_or(Refusal::FastArmorWithoutSubkey)?;
        Ok(ArmorKey { key: self.key.fx_cf2("explicitarmor", &subkey, "tgsarmor"), client: self.client })
    }
}

impl Armor {
    /// Whether the client asks that its name does not stand outside.
    pub(super) fn hides_names(&self) -> bool {
        self.options.contains(FastOptions::HIDE_CLIENT_NAMES)
    }
}

fn ap_req(armor: &KrbFastArmor, realm: &Realm) -> Result<ApReq, Refusal> {
    if armor.armor_type != KrbFastArmor::AP_REQUEST {
        return Err(Refusal::FastArmorType);
    }
    let request = ApReq::decode(&armor.armor_value).map_err(|_| Refusal::FastMalformed)?;
    match request.ticket.sname.krbtgt_realm() == Some(&realm.name) {
        true => Ok(request),
        false => Err(Refusal::FastArmorNotTgt),
    }
}
