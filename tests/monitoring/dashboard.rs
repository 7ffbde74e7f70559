//! The dashboard, as a file.

use anyhow::Result;
use kennel_tests::prometheus::inspect;

#[test]
fn the_dashboard_is_one_that_grafana_takes_with_ids_places_units_and_queries() -> Result<()> {
    inspect(&["drawn"])?.ok().map(|_| ())
}
