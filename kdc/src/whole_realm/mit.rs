//! A dump of MIT Kerberos or Heimdal, read whole.

use crate::clock;
use kennel_core::mit_import::master_keys::MasterSecret;
use kennel_core::mit_import::note::Notes;
use kennel_core::mit_import::{ImportError, Importer};
use kennel_core::principal::Record;
use kennel_wire::mit_dump::DumpReader;

/// Entries between two looks at the progress.
const STEP: usize = 256;

/// The realm of a dump.
pub(crate) struct ForeignRealm {
    pub(crate) name: String,
    /// In the order of their names.
    pub(crate) records: Vec<Record>,
    /// What is not kept, or kept otherwise.
    pub(crate) notes: Notes,
}

/// Reads a dump. `realm`: where the dump does not say it. `progress`: called with the octets that are read.
///
/// # Errors
/// [`ImportError`].
pub(crate) fn read(
    dump: &[u8],
    realm: Option<&str>,
    secret: &MasterSecret,
    mut progress: impl FnMut(usize),
) -> Result<ForeignRealm, ImportError> {
    let mut reader = DumpReader::new(dump)?;
    let mut importer = Importer::new(reader.clone(), realm, secret, clock::now())?;
    let mut count = 0_usize;
    while let Some(entry) = reader.next() {
        importer.add(&entry?);
        count += 1;
        if count.is_multiple_of(STEP) {
            progress(reader.position());
        }
    }
    let name = importer.realm().to_owned();
    let (records, notes) = importer.finish();
    Ok(ForeignRealm { name, records, notes })
}
