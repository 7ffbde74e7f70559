//! What `kubectl delete -k` leaves where everything was added.

use crate::installation::Installation;
use crate::steps;
use anyhow::Result;

#[test]
fn deleting_the_shop_the_kdc_and_cert_manager_leaves_nothing_of_ours() -> Result<()> {
    let mut everything = Installation::everything()?;
    everything.remove()?;
    steps::ensure_nothing_of_ours(everything.kubectl())
}
