//! Dumps of MIT Kerberos and stashes of its master key: none panics, and what is read is imported without a panic.
#![no_main]

use kennel_core::mit_import::Importer;
use kennel_core::mit_import::master_keys::MasterSecret;
use kennel_crypto::SecretBytes;
use kennel_wire::message::Timestamp;
use kennel_wire::mit_dump::{DumpReader, stash};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let _ = stash::decode(file);
    let Ok(reader) = DumpReader::new(file) else { return };
    for secret in [MasterSecret::None, MasterSecret::Password(SecretBytes::new(b"masterpw".to_vec()))] {
        let Ok(mut importer) = Importer::new(reader.clone(), None, &secret, Timestamp::default()) else { continue };
        reader.clone().flatten().for_each(|entry| importer.add(&entry));
        let (records, notes) = importer.finish();
        assert!(records.is_sorted_by(|a, b| a.name() < b.name()));
        notes.iter().for_each(|(note, names)| assert!(!note.to_string().is_empty() && !names.is_empty()));
    }
});
