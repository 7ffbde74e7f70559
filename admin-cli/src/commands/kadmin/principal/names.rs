//! `delete_principal`, `rename_principal`, `add_alias`.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use crate::console::input::ask;
use kennel_wire::admin::PrincipalOperation;
use serde_json::json;

/// Deletes a principal, after a question where lines are read.
pub(crate) async fn delete_principal(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let (name, is_forced) = match words {
        [name] => (name, false),
        [option, name] if option == "-force" => (name, true),
        _ => {
            desk.session.fail("usage: delete_principal [-force] principal");
            return Ok(());
        }
    };
    let Some(name) = desk.principal(name, "delete_principal", "while parsing principal name") else { return Ok(()) };
    let question = format!("Are you sure you want to delete the principal \"{name}\"? (yes/no): ");
    if !is_forced && !desk.session.is_script() && ask(&question)? != "yes" {
        desk.session.complain(&format!("Principal \"{name}\" not deleted"));
        return Ok(());
    }
    if let Err(failure) = desk.admin.order(PrincipalOperation::Delete { principal: name.to_string() }).await {
        desk.failed("delete_principal", &failure, Right::Delete, &format!("while deleting principal \"{name}\""));
        return Ok(());
    }
    let text = format!(
        "Principal \"{name}\" deleted.\nMake sure that you have removed this principal from all ACLs before reusing.\n"
    );
    desk.session.done(&text, &json!({ "principal": name.to_string(), "done": "deleted" }))
}

/// Renames a principal, after a question where lines are read.
pub(crate) async fn rename_principal(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let (from, to, is_forced) = match words {
        [from, to] => (from, to, false),
        [option, from, to] if option == "-force" => (from, to, true),
        _ => {
            desk.session.fail("usage: rename_principal [-force] old_principal new_principal");
            return Ok(());
        }
    };
    let who = "rename_principal";
    let Some(from) = desk.principal(from, who, "while parsing old principal name") else { return Ok(()) };
    let Some(to) = desk.principal(to, who, "while parsing new principal name") else { return Ok(()) };
    let question = format!("Are you sure you want to rename the principal \"{from}\" to \"{to}\"? (yes/no): ");
    if !is_forced && !desk.session.is_script() && ask(&question)? != "yes" {
        desk.session.complain(&format!("Principal \"{from}\" not renamed"));
        return Ok(());
    }
    let operation = PrincipalOperation::Rename { principal: from.to_string(), to: to.to_string() };
    if let Err(failure) = desk.admin.order(operation).await {
        let context = format!("while renaming principal \"{from}\" to \"{to}\"");
        match failure.is_unknown_principal() && !desk.admin.is_remote() {
            // The words of MIT's kadmin.local, which are others than elsewhere.
            true => desk.session.fail_while(who, "No such entry in the database", &context),
            false => desk.failed(who, &failure, Right::Delete, &context),
        }
        return Ok(());
    }
    let text = format!(
        "Principal \"{from}\" renamed to \"{to}\".\n\
         Make sure that you have removed the old principal from all ACLs before reusing.\n"
    );
    desk.session.done(&text, &json!({ "principal": from.to_string(), "done": "renamed", "to": to.to_string() }))
}

/// Gives a principal another name.
pub(crate) async fn add_alias(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let [alias, target] = words else {
        desk.session.fail("usage: add_alias alias_principal target_principal");
        return Ok(());
    };
    let who = "add_alias";
    let Some(alias) = desk.principal(alias, who, "while parsing alias principal name") else { return Ok(()) };
    let Some(target) = desk.principal(target, who, "while parsing target principal name") else { return Ok(()) };
    let operation = PrincipalOperation::CreateAlias { alias: alias.to_string(), principal: target.to_string() };
    if let Err(failure) = desk.admin.order(operation).await {
        let context = format!("while aliasing principal \"{alias}\" to \"{target}\"");
        desk.failed(who, &failure, Right::Add, &context);
        return Ok(());
    }
    let text = format!("Principal \"{alias}\" aliased to \"{target}\".\n");
    desk.session.done(&text, &json!({ "principal": target.to_string(), "done": "aliased", "alias": alias.to_string() }))
}
