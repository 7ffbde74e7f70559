//! An armored AS request (FAST, RFC 6113, section 5.4) before it is opened. The request outside only says which armor opens the
//! one inside; nothing else of it counts.

use crate::ap_exchange::ApUse;
use crate::as_exchange::request::AsRequest;
use crate::context::{Context, ErrorReply};
use crate::entry::Entry;
use crate::preauth::fast::FastRequest;
use crate::rules::Rules;
use kennel_wire::message::Principal;
use std::ops::Range;

/// An AS request whose PA-FX-FAST can be read.
pub(crate) struct ArmoredAsRequest {
    fast: FastRequest,
    /// The whole request, as it came.
    bytes: Vec<u8>,
    /// Where the body outside lies, which the checksum of the FAST request covers.
    body_der: Range<usize>,
}

impl ArmoredAsRequest {
    pub(crate) fn new(fast: FastRequest, bytes: &[u8], body_der: Range<usize>) -> ArmoredAsRequest {
        ArmoredAsRequest { fast, bytes: bytes.to_vec(), body_der }
    }

    /// The server of the armor ticket.
    pub(crate) fn armor_server(&self) -> Option<Principal> {
        self.fast.armor_server()
    }

    /// Opens the request inside.
    pub(crate) fn open(
        self,
        armor_server: Option<&Entry>,
        rules: &Rules,
        context: &mut Context,
    ) -> Result<AsRequest, ErrorReply> {
        let at = ApUse { now: context.now, peer: Some(context.peer.ip()), validating: false };
        let key = self.fast.armor_key(armor_server, rules, at)?;
        let body = self.bytes.get(self.body_der.clone()).unwrap_or_default();
        let inner = self.fast.open(key, body, &mut context.armor)?;
        context.asks(&inner.body);
        AsRequest::new(inner.padata, inner.body, &self.bytes, rules, context)
    }
}
