//! The TGS exchange (RFC 4120, section 3.3): request, then verified (the AP-REQ is genuine), then identified (client and
//! server may take part), decided, and the reply.

mod identified;
mod issue;
mod presented;
mod referral;
mod request;
mod user_to_user;
mod verified;

pub(crate) use request::TgsRequest;
pub(crate) use verified::Verified;
