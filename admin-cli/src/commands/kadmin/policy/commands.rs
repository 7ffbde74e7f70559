//! `add_policy`, `modify_policy`, `delete_policy`, `get_policy`, `list_policies`.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use crate::commands::kadmin::policy::options::{BadOptions, parse, usage};
use crate::commands::kadmin::policy::text::{full_text, terse_text};
use crate::commands::kadmin::principal::show::lines;
use crate::console::input::ask;
use kennel_wire::admin::{PolicyOperation, PolicySettings};
use serde_json::json;

/// Makes a policy.
pub(crate) async fn add_policy(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let Some((name, settings)) = understood(desk, "add_policy", words) else { return Ok(()) };
    let operation = PolicyOperation::Create { policy: name.clone(), settings };
    if let Err(failure) = desk.admin.order_policy(operation).await {
        desk.failed("add_policy", &failure, Right::Add, &format!("while creating policy \"{name}\"."));
        return Ok(());
    }
    desk.session.done("", &json!({ "policy": name, "done": "created" }))
}

/// Changes a policy.
pub(crate) async fn modify_policy(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let Some((name, settings)) = understood(desk, "modify_policy", words) else { return Ok(()) };
    let operation = PolicyOperation::Modify { policy: name.clone(), settings };
    if let Err(failure) = desk.admin.order_policy(operation).await {
        desk.failed("modify_policy", &failure, Right::Modify, &format!("while modifying policy \"{name}\"."));
        return Ok(());
    }
    desk.session.done("", &json!({ "policy": name, "done": "modified" }))
}

fn understood(desk: &mut Desk, who: &str, words: &[String]) -> Option<(String, PolicySettings)> {
    if words.is_empty() {
        desk.session.fail(&format!("{who}: parser lost count!"));
    }
    match parse(words, &desk.now) {
        Ok(read) => Some(read),
        Err(BadOptions(why)) => {
            why.into_iter().for_each(|why| desk.session.fail(&why));
            desk.session.fail(&usage(who));
            None
        }
    }
}

/// Deletes a policy, after a question where lines are read.
pub(crate) async fn delete_policy(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let (name, is_forced) = match words {
        [name] => (name, false),
        [option, name] if option == "-force" => (name, true),
        _ => {
            desk.session.fail("usage: delete_policy [-force] policy");
            return Ok(());
        }
    };
    let question = format!("Are you sure you want to delete the policy \"{name}\"? (yes/no): ");
    if !is_forced && !desk.session.is_script() && ask(&question)? != "yes" {
        desk.session.complain(&format!("Policy \"{name}\" not deleted."));
        return Ok(());
    }
    if let Err(failure) = desk.admin.order_policy(PolicyOperation::Delete { policy: name.clone() }).await {
        // The second colon is MIT's.
        desk.failed("delete_policy:", &failure, Right::Delete, &format!("while deleting policy \"{name}\""));
        return Ok(());
    }
    desk.session.done("", &json!({ "policy": name, "done": "deleted" }))
}

/// Shows a policy.
pub(crate) async fn get_policy(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let (name, is_terse) = match words {
        [name] => (name, false),
        [option, name] if option == "-terse" => (name, true),
        _ => {
            desk.session.fail("usage: get_policy [-terse] policy");
            return Ok(());
        }
    };
    match desk.admin.policy(name).await {
        Ok(policy) => {
            let text = if is_terse { terse_text(&policy) } else { full_text(&policy) };
            desk.session.answer(&text, &serde_json::to_value(&policy)?)
        }
        Err(failure) => {
            desk.failed("get_policy", &failure, Right::Get, &format!("while retrieving policy \"{name}\"."));
            Ok(())
        }
    }
}

/// Lists the names of policies, all of them or those that a pattern matches.
pub(crate) async fn list_policies(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let pattern = match words {
        [] => None,
        [pattern] => Some(pattern.clone()),
        _ => {
            desk.session.fail("usage: get_policies [expression]");
            return Ok(());
        }
    };
    match desk.admin.list_policies(pattern).await {
        Ok(names) => desk.session.answer(&lines(&names), &json!(names)),
        Err(failure) => {
            desk.failed("get_policies", &failure, Right::List, "while retrieving list.");
            Ok(())
        }
    }
}
