//! Dumps of Kennel: a file or an error for any octets, and past the encryption a manifest and records, or an error.
#![no_main]

use kennel_crypto::MasterKey;
use kennel_store::dump::secret::DumpSecret;
use kennel_store::fuzzing::{dump, dump_pieces};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

static SECRET: LazyLock<DumpSecret> = LazyLock::new(|| {
    let text = format!("kennel-master-key-v1 {}", "42".repeat(32));
    DumpSecret::Key(Arc::new(MasterKey::from_text(&text).expect("a key")))
});

fuzz_target!(|file: &[u8]| {
    let _ = dump(file, &SECRET);
    let (manifest, records) = file.split_at(file.first().map_or(0, |length| usize::from(*length)).min(file.len()));
    let _ = dump_pieces(manifest, records);
    let _ = dump_pieces(manifest, file);
});
