//! `purgekeys`.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use crate::commands::kadmin::principal::options::leading_number;
use kennel_wire::admin::PrincipalOperation;
use serde_json::json;

/// Which versions of keys go.
enum Purge {
    Old,
    Below(u32),
    All,
}

/// Removes old versions of keys, or all of them.
pub(crate) async fn purge_keys(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let (purge, name) = match words {
        [option, kvno, name] if option == "-keepkvno" => (Purge::Below(leading_number(kvno)), name),
        [option, name] if option == "-all" => (Purge::All, name),
        [name] => (Purge::Old, name),
        _ => {
            desk.session.fail("usage: purgekeys [-all|-keepkvno oldest_kvno_to_keep] principal");
            return Ok(());
        }
    };
    let Some(name) = desk.principal(name, "purgekeys", "while parsing principal") else { return Ok(()) };
    let (below, all) = match purge {
        Purge::Old => (None, false),
        Purge::Below(kvno) => (Some(kvno), false),
        Purge::All => (None, true),
    };
    let operation = PrincipalOperation::PurgeKeys { principal: name.to_string(), below, all };
    if let Err(failure) = desk.admin.order(operation).await {
        let context = format!("while purging keys for principal \"{name}\"");
        desk.failed("purgekeys", &failure, Right::Modify, &context);
        return Ok(());
    }
    let text = match purge {
        Purge::All => format!("All keys for principal \"{name}\" removed.\n"),
        Purge::Old | Purge::Below(_) => format!("Old keys for principal \"{name}\" purged.\n"),
    };
    desk.session.done(&text, &json!({ "principal": name.to_string(), "done": "keys purged" }))
}
