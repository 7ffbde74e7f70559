//! The master key, apart from the volume that it opens.

use crate::installation::Installation;
use crate::steps;
use anyhow::Result;

#[test]
fn the_volume_holds_the_store_alone_without_master_key_and_authority() -> Result<()> {
    let everything = Installation::everything()?;
    // cert-manager has the authority.
    assert_eq!(steps::run_on_volume(everything.kubectl(), "kennel-data", "ls /data")?, "admin.sock\nstore\n");
    Ok(())
}
