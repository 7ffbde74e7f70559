//! FILE credential caches, version 4 (0x0504): reading and writing.

use crate::WireError;
use crate::message::{AuthorizationDatum, EncryptionKey, HostAddress, KerberosTime, Principal, TicketFlags};

/// A credential.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Client.
    pub client: Principal,
    /// Server; configuration entries have the realm `X-CACHECONF:`.
    pub server: Principal,
    /// Session key.
    pub key: EncryptionKey,
    /// Times of the ticket; 0 where there are none.
    pub authtime: KerberosTime,
    /// See authtime.
    pub starttime: KerberosTime,
    /// See authtime.
    pub endtime: KerberosTime,
    /// See authtime.
    pub renew_till: KerberosTime,
    /// Encrypted in a session key (user-to-user).
    pub is_skey: bool,
    /// Flags of the ticket.
    pub flags: TicketFlags,
    /// Addresses.
    pub addresses: Vec<HostAddress>,
    /// Authorization data.
    pub authdata: Vec<AuthorizationDatum>,
    /// DER of the ticket.
    pub ticket: Vec<u8>,
    /// DER of the second ticket; empty mostly.
    pub second_ticket: Vec<u8>,
}

/// A cache.
#[derive(Debug, Clone)]
pub struct Ccache {
    /// KDC time offset (header tag 1), seconds and microseconds.
    pub kdc_offset: Option<(i32, i32)>,
    /// Default principal.
    pub principal: Principal,
    /// Credentials in order.
    pub credentials: Vec<Credential>,
}

impl Ccache {
    /// Reads a cache of version 4.
    ///
    /// # Errors
    /// Another version, or a torn file.
    pub fn decode(_bytes: &[u8]) -> Result<Ccache, WireError> {
        todo!()
    }

    /// Writes a cache of version 4.
    #[must_use]
    pub fn encode(&self) -> zeroize::Zeroizing<Vec<u8>> {
        todo!()
    }
}
