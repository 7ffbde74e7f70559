//! What `kubectl delete -k` leaves: of the shop and the KDC, the realm and the definitions; of all four, nothing.

use crate::installation::Installation;
use crate::steps;
use anyhow::Result;

#[test]
fn deleting_the_shop_and_the_kdc_leaves_nothing_of_ours() -> Result<()> {
    let mut dev = Installation::dev()?;
    dev.remove()?;
    steps::ensure_nothing_of_ours(dev.kubectl())
}
