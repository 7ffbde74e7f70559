//! KRB-ERROR (RFC 4120, section 5.9.1).

use crate::der::header::tag;
use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::error_code::ErrorCode;
use crate::message::name::{PrincipalName, realm};
use crate::message::time::Timestamp;
use crate::message::write;

/// KRB-ERROR.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.9.1, say it")]
pub struct KrbError {
    /// `ctime`/`cusec` of the request, where known.
    pub ctime: Option<Timestamp>,
    /// The server's time.
    pub stime: Timestamp,
    pub error_code: ErrorCode,
    /// Realm of the client, where known.
    pub crealm: Option<String>,
    /// Client, where known.
    pub cname: Option<PrincipalName>,
    pub realm: String,
    pub sname: PrincipalName,
    /// Text for people.
    pub e_text: Option<String>,
    /// Data: METHOD-DATA with KDC_ERR_PREAUTH_REQUIRED.
    pub e_data: Option<Vec<u8>>,
}

impl KrbError {
    /// Decodes a KRB-ERROR.
    ///
    /// # Errors
    /// Not strict DER, or another message.
    pub fn decode(bytes: &[u8]) -> Result<KrbError, WireError> {
        asn1::decode::<kerberos_asn1::KrbError, _>(bytes, "KRB-ERROR")
    }

    /// DER of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(512);
        writer.tagged(tag::application(30), |w| w.sequence(|w| self.write_fields(w)));
        writer.into_vec()
    }

    fn write_fields(&self, w: &mut Writer) {
        if let Some(data) = &self.e_data {
            w.context(12, |w| w.octet_string(data));
        }
        if let Some(text) = &self.e_text {
            w.context(11, |w| w.general_string(text));
        }
        w.context(10, |w| write::name(w, &self.sname));
        w.context(9, |w| w.general_string(&self.realm));
        write::optional_name(w, 8, self.cname.as_ref());
        if let Some(crealm) = &self.crealm {
            w.context(7, |w| w.general_string(crealm));
        }
        w.context(6, |w| w.int32(self.error_code.0));
        w.context(5, |w| w.uint32(self.stime.micros));
        write::time(w, 4, self.stime.time);
        if let Some(ctime) = self.ctime {
            w.context(3, |w| w.uint32(ctime.micros));
            write::time(w, 2, ctime.time);
        }
        w.context(1, |w| w.int32(30));
        w.context(0, |w| w.int32(5));
    }
}

impl TryFrom<kerberos_asn1::KrbError> for KrbError {
    type Error = Reason;

    fn try_from(error: kerberos_asn1::KrbError) -> Result<KrbError, Reason> {
        if error.pvno != 5 {
            return Err("pvno is not 5");
        }
        if error.msg_type != 30 {
            return Err("msg-type does not fit the application tag");
        }
        let cusec = error.cusec.unwrap_or(0);
        Ok(KrbError {
            ctime: error.ctime.map(|ctime| Timestamp::from_fields(ctime, cusec)).transpose()?,
            stime: Timestamp::from_fields(error.stime, error.susec)?,
            error_code: ErrorCode(error.error_code),
            crealm: error.crealm.map(realm).transpose()?,
            cname: error.cname.map(TryInto::try_into).transpose()?,
            realm: realm(error.realm)?,
            sname: error.sname.try_into()?,
            e_text: error.e_text,
            e_data: error.e_data,
        })
    }
}
