//! The messages of RFC 4120 and its extensions, one file each. Decoding passes the DER gate, then kerberos_asn1, then becomes these types;
//! encoding is written directly.
//!
//! Every `decode` is a pure function of its bytes that returns for any of them.

pub(crate) mod ap;
pub(crate) mod asn1;
pub(crate) mod authentication_indicator;
pub(crate) mod authorization_data;
pub(crate) mod cammac;
pub(crate) mod encrypted;
pub(crate) mod error_code;
pub(crate) mod fast;
pub(crate) mod flags;
pub(crate) mod host_address;
pub(crate) mod kdc_rep;
pub(crate) mod kdc_req;
pub(crate) mod krb_error;
pub(crate) mod krb_priv;
pub(crate) mod name;
pub(crate) mod nonce;
pub(crate) mod padata;
pub(crate) mod text;
pub(crate) mod ticket;
pub(crate) mod time;
pub(crate) mod write;

pub use ap::{ApRep, ApReq, Authenticator, EncApRepPart};
pub use authentication_indicator::AuthenticationIndicators;
pub use authorization_data::{AuthorizationData, AuthorizationDatum, ad_type};
pub use cammac::{Cammac, VerifierMac};
pub use encrypted::{Checksum, EncryptedData, EncryptionKey};
pub use error_code::ErrorCode;
pub use fast::{KrbFastArmor, KrbFastArmoredRep, KrbFastArmoredReq, KrbFastFinished, KrbFastReq, KrbFastResponse};
pub use flags::{ApOptions, FastOptions, KdcOptions, TicketFlags};
pub use host_address::HostAddress;
pub use kdc_rep::{EncKdcRepPart, KdcRep, LastReq};
pub use kdc_req::{KdcReq, KdcReqBody, MessageType};
pub use krb_error::KrbError;
pub use krb_priv::{ChangePasswdData, EncKrbPrivPart, KrbPriv};
pub use name::{NameType, Principal, PrincipalName};
pub use nonce::Nonce;
pub use padata::{EtypeInfo2Entry, EtypeInfoEntry, PaData, PaEncTimestamp, pa_type};
pub use ticket::{EncTicketPart, Ticket, TransitedEncoding};
pub use time::{Clock, KerberosTime, Timestamp};
