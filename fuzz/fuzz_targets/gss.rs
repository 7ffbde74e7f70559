//! Tokens of GSS-API: initial tokens, and those of messages under a key that the fuzzer does not know. None panics, and none that this
//! side did not make is accepted.
#![no_main]

use kennel_core::gss::acceptor::InitialToken;
use kennel_core::gss::context::{GssContext, Role};
use kennel_crypto::{Enctype, Key};
use kennel_wire::gss::framing::{self, TokenId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(message) = framing::decode(octets, TokenId::ApReq) {
        let again = framing::encode(TokenId::ApReq, message);
        assert_eq!(framing::decode(&again, TokenId::ApReq), Ok(message));
    }
    let _ = framing::context_flags(octets);
    if let Ok(token) = InitialToken::read(octets) {
        let _ = token.server();
    }
    let key = Key::new(Enctype::Aes128CtsHmacSha256, &[7; 16]).expect("16 octets");
    let mut acceptor = GssContext::new(Role::Acceptor, &key, 0, 0).expect("AES");
    assert!(acceptor.verify_mic(b"data", octets).is_err());
    assert!(acceptor.unwrap(octets).is_err());
});
