//! PA-REQ-ENC-PA-REP (RFC 6806, section 11): the reply proves, under the reply key, which request it answers, so that
//! nobody between could strip the pre-authentication data from it.

use crate::preauth::offer;
use kennel_crypto::Enctype;
use kennel_wire::message::{Checksum, PaData, pa_type};

/// Whether the client asks for this proof.
pub(crate) fn is_asked(padata: &[PaData]) -> bool {
    padata.iter().any(|p| p.padata_type == pa_type::REQ_ENC_PA_REP)
}

/// The elements of encrypted-pa-data: a checksum over the AS-REQ as it came, under the reply key, and the word that the KDC knows
/// FAST (RFC 6113, section 5.4), which nobody between can take out here. A client that finds the first without the second believes
/// that somebody did.
pub(crate) fn answer(reply_enctype: Enctype, checksum: Vec<u8>) -> Vec<PaData> {
    let checksum = Checksum { cksumtype: reply_enctype.checksum_type().number(), checksum };
    vec![PaData { padata_type: pa_type::REQ_ENC_PA_REP, value: checksum.encode() }, offer::fast()]
}
