//! The configuration of `serve`, the seed of `dev`, the names and the krb5.conf that come out of them: an error or a value for every text, and
//! no text of a name can break a line of krb5.conf.
#![no_main]

use kennel_wire::message::Principal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    kennel_kdc::fuzzing::config(text);
    kennel_kdc::fuzzing::seed(text);
    if let Ok(principal) = Principal::parse(text, "R") {
        let again = Principal::parse(&principal.to_string(), "R").expect("a name that was written is read");
        assert_eq!(again, principal);
    }
    let _ = kennel_crypto::MasterKey::from_text(text);
});
