//! Why a dump is not imported.

use kennel_wire::WireError;

/// Why a dump is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file is not a dump.
    #[error("{0}")]
    Dump(#[from] WireError),
    /// No entry says which realm it is.
    #[error(
        "the dump has neither K/M nor krbtgt/REALM, so that its realm is not known: dump the whole database, or give --realm"
    )]
    NoRealm,
    /// The dump has no `K/M`, whose key a password would make.
    #[error("the dump has no K/M, so that a password does not tell the master key: give its stash with --master-key")]
    NoMasterEntry,
    /// The master key of the dump is another one.
    #[error(
        "the given master key is not that of the dump: give the stash of its realm (key_stash_file in kdc.conf), or its password"
    )]
    MasterKey,
    /// The master key is of an enctype that Kennel does not have.
    #[error(
        "the master key is of the enctype {0}, which Kennel does not have: make a new one in the old realm first (kdb5_util add_mkey -e \
         aes256-cts -s, use_mkey 2, update_princ_encryption), then dump again; with Heimdal, dump with --decrypt"
    )]
    MasterEnctype(String),
}
