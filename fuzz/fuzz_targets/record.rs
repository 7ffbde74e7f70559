//! Records of the store, past the wrapping: a record or an error for any octets, and what is read is written the same.
#![no_main]

use kennel_store::fuzzing::{decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|plaintext: &[u8]| {
    if let Ok(record) = decode(plaintext) {
        let once = encode(&record).expect("what is read is written");
        assert_eq!(decode(&once).as_ref(), Ok(&record));
    }
});
