//! With everything added, what the shop needs works as before.

use crate::installation::Installation;
use crate::shop::{SERVICE, SOON};
use anyhow::Result;
use kennel_tests::kube::eventually;

#[test]
fn a_pod_logs_in() -> Result<()> {
    let everything = Installation::everything()?;
    let cart = everything.deployment("cart");
    eventually(SOON * 2, "cart gets a ticket for web", || cart.login(SERVICE).map(Some))
}

#[test]
fn kennel_status_finds_no_problems() -> Result<()> {
    let everything = Installation::everything()?;
    eventually(SOON, "no problems", || everything.ensure_no_problems().map(Some))
}
