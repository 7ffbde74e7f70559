//! Tokens of service accounts: first the signature and the claims, which cost nobody anything, then the question to the API
//! server, which decides.
//!
//! | module | what |
//! |---|---|
//! | [`review`] | asks the API server which account and pod a token belongs to |
//! | [`issuer_keys`] | the keys of the API server, by which a token is verified here |
//! | [`jwt`] | the parts of a token |
//! | [`public_key`] | a published key, and the verification of a signature |

pub mod issuer_keys;
mod jwt;
mod public_key;
pub mod review;

pub use issuer_keys::{IssuerKeys, TokenProof};
pub use review::{TokenReviewResult, review_token};
