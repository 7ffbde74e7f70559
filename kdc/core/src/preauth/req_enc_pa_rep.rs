//! PA-REQ-ENC-PA-REP (RFC 6806, section 11): the reply proves, under the reply key, which request it answers, so that
//! nobody between could strip the pre-authentication data from it.

use crate::entry::EntryKey;
use kennel_wire::message::{Checksum, PaData, pa_type};

/// Whether the client asks for this proof.
pub(crate) fn is_asked(padata: &[PaData]) -> bool {
    padata.iter().any(|p| p.padata_type == pa_type::REQ_ENC_PA_REP)
}

/// The element of encrypted-pa-data: a checksum over the AS-REQ as it came.
pub(crate) fn answer(request: &[u8], reply_key: &EntryKey) -> PaData {
    let checksum = Checksum {
        cksumtype: reply_key.key.enctype().checksum_type().number(),
        checksum: reply_key.as_req_checksum(request),
    };
    PaData { padata_type: pa_type::REQ_ENC_PA_REP, value: checksum.encode() }
}
