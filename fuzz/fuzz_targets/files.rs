//! Keytabs and credential caches: none panics, and what is read is written again and reads the same.
#![no_main]

use kennel_wire::ccache::Ccache;
use kennel_wire::keytab;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if let Ok(cache) = Ccache::decode(file) {
        let once = cache.encode();
        let second = Ccache::decode(&once).expect("what is written is read");
        assert_eq!(second.encode(), once);
        for credential in &cache.credentials {
            let _ = kennel_client::Credential::from_ccache(credential);
        }
    }
    if let Ok(entries) = keytab::decode(file) {
        let once = keytab::encode(&entries);
        let second = keytab::decode(&once).expect("what is written is read");
        assert_eq!(second.len(), entries.len());
        assert_eq!(keytab::encode(&second), once);
    }
});
