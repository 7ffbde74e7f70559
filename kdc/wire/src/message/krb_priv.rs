//! KRB-PRIV (RFC 4120, section 5.7), and what the password protocol carries in it (RFC 3244, section 2).

use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::ap::{message, versions};
use crate::message::asn1::{self, Reason};
use crate::message::encrypted::EncryptedData;
use crate::message::host_address::HostAddress;
use crate::message::name::{Principal, PrincipalName, realm};
use crate::message::time::Timestamp;
use crate::message::write;
use zeroize::Zeroizing;

/// KRB-PRIV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KrbPriv {
    /// EncKrbPrivPart under the sub-key of the client, or the session key where it chose none.
    pub enc_part: EncryptedData,
}

/// EncKrbPrivPart.
#[derive(Clone)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.7.1, say it")]
pub struct EncKrbPrivPart {
    pub user_data: Zeroizing<Vec<u8>>,
    pub timestamp: Option<Timestamp>,
    pub seq_number: Option<u32>,
    /// The sender's.
    pub s_address: HostAddress,
    /// The recipient's.
    pub r_address: Option<HostAddress>,
}

/// ChangePasswdData.
#[derive(Clone)]
pub struct ChangePasswdData {
    /// The new password.
    pub new_password: Zeroizing<Vec<u8>>,
    /// Whose password; `None`: the client's own.
    pub target: Option<Principal>,
}

impl KrbPriv {
    /// Decodes a KRB-PRIV.
    ///
    /// # Errors
    /// Not strict DER, or another message.
    pub fn decode(der: &[u8]) -> Result<KrbPriv, WireError> {
        asn1::decode::<asn1::KrbPriv, _>(der, "KRB-PRIV")
    }

    /// DER of a KRB-PRIV.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(self.enc_part.cipher.len() + 64);
        message(&mut writer, 21, |w| {
            w.context(3, |w| self.enc_part.write(w));
            w.context(1, |w| w.int32(21));
            w.context(0, |w| w.int32(5));
        });
        writer.into_vec()
    }
}

impl TryFrom<asn1::KrbPriv> for KrbPriv {
    type Error = Reason;

    fn try_from(found: asn1::KrbPriv) -> Result<KrbPriv, Reason> {
        versions(found.pvno, found.msg_type, 21)?;
        Ok(KrbPriv { enc_part: found.enc_part.try_into()? })
    }
}

impl EncKrbPrivPart {
    /// Decodes a decrypted EncKrbPrivPart; zero padding behind it is allowed.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(plaintext: &[u8]) -> Result<EncKrbPrivPart, WireError> {
        asn1::decode_plaintext::<asn1::EncKrbPrivPart, _>(plaintext, "EncKrbPrivPart")
    }

    /// DER of an EncKrbPrivPart.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(self.user_data.len() + 128);
        message(&mut writer, 28, |w| {
            if let Some(address) = &self.r_address {
                w.context(5, |w| write::typed_octets(w, address.addr_type, &address.address));
            }
            w.context(4, |w| write::typed_octets(w, self.s_address.addr_type, &self.s_address.address));
            if let Some(number) = self.seq_number {
                w.context(3, |w| w.uint32(number));
            }
            if let Some(time) = self.timestamp {
                w.context(2, |w| w.uint32(time.micros));
                write::time(w, 1, time.time);
            }
            w.context(0, |w| w.octet_string(&self.user_data));
        });
        writer.into_secret()
    }
}

impl TryFrom<asn1::EncKrbPrivPart> for EncKrbPrivPart {
    type Error = Reason;

    fn try_from(part: asn1::EncKrbPrivPart) -> Result<EncKrbPrivPart, Reason> {
        let micros = part.usec.unwrap_or_default();
        Ok(EncKrbPrivPart {
            user_data: part.user_data.0,
            timestamp: part.timestamp.map(|time| Timestamp::from_fields(time, micros)).transpose()?,
            seq_number: part.seq_number.map(|number| number.0),
            s_address: part.s_address.try_into()?,
            r_address: part.r_address.map(HostAddress::try_from).transpose()?,
        })
    }
}

impl ChangePasswdData {
    /// Decodes ChangePasswdData. A target needs both its name and its realm.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(der: &[u8]) -> Result<ChangePasswdData, WireError> {
        asn1::decode::<asn1::ChangePasswdData, _>(der, "ChangePasswdData")
    }

    /// DER of ChangePasswdData.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(self.new_password.len() + 256);
        writer.sequence(|w| {
            if let Some(target) = &self.target {
                w.context(2, |w| w.general_string(&target.realm));
                w.context(1, |w| write::name(w, &target.name));
            }
            w.context(0, |w| w.octet_string(&self.new_password));
        });
        writer.into_secret()
    }
}

impl TryFrom<asn1::ChangePasswdData> for ChangePasswdData {
    type Error = Reason;

    fn try_from(data: asn1::ChangePasswdData) -> Result<ChangePasswdData, Reason> {
        let target = match (data.targname, data.targrealm) {
            (Some(name), Some(of)) => Some(Principal::new(PrincipalName::try_from(name)?, realm(of)?)),
            (None, None) => None,
            _ => return Err("a target without its name or its realm"),
        };
        Ok(ChangePasswdData { new_password: data.newpasswd.0, target })
    }
}
