//! What the KDC says of the guards of its cluster, at its KerberosRealm.

use crate::guards::api;
use crate::world::World;
use anyhow::Result;
use kennel_tests::kube::eventually;
use std::time::Duration;

/// The KDC looks at its start, and every ten minutes.
const LOOKED: Duration = Duration::from_secs(60);

#[test]
fn the_guards_as_they_are_shipped_are_recognized_behind_the_api_servers_defaults() -> Result<()> {
    let api = api()?;
    let world = World::within(api)?;
    let path = "{range .status.conditions[?(@.type==\"Guarded\")]}{.status} {.reason} {.message}{end}";
    let name = world.ns("").trim_start_matches('-').to_owned();
    let said = eventually(LOOKED, "the KDC says whether its cluster is guarded", || {
        Ok(Some(api.json_path(&["krealm", &name], path)?).filter(|said| !said.is_empty()))
    })?;
    assert!(said.starts_with("True Guarded"), "{said}");
    Ok(())
}
