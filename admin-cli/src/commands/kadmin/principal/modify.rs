//! `modify_principal`.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use crate::commands::kadmin::principal::add::warn_of_unknown_policy;
use crate::commands::kadmin::principal::options::{BadOptions, PrincipalOptions, parse};
use crate::commands::kadmin::principal::usage;
use kennel_wire::admin::PrincipalOperation;
use serde_json::json;

const WHO: &str = "modify_principal";

/// Changes a principal.
pub(crate) async fn modify_principal(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let Some(last) = words.last() else {
        desk.session.fail(&usage::modify());
        return Ok(());
    };
    let Some(name) = desk.principal(last, WHO, "while parsing principal") else { return Ok(()) };
    if let Err(failure) = desk.admin.principal(&name).await {
        desk.failed(WHO, &failure, Right::Get, &format!("while getting \"{name}\"."));
        return Ok(());
    }
    let Some(options) = understood(desk, words) else { return Ok(()) };
    if let Some(Some(policy)) = &options.settings.policy {
        warn_of_unknown_policy(desk, policy).await;
    }
    let operation = PrincipalOperation::Modify { principal: name.to_string(), settings: options.settings };
    let done = match options.by_force {
        true => desk.admin.order_by_force(operation).await,
        false => desk.admin.order(operation).await,
    };
    match done {
        Ok(()) => {
            let text = format!("Principal \"{name}\" modified.\n");
            desk.session.done(&text, &json!({ "principal": name.to_string(), "done": "modified" }))
        }
        Err(failure) => {
            desk.failed(WHO, &failure, Right::Modify, &format!("while modifying \"{name}\"."));
            Ok(())
        }
    }
}

/// The options, unless one of them makes keys, or cannot be understood.
fn understood(desk: &mut Desk, words: &[String]) -> Option<PrincipalOptions> {
    match parse(words, &desk.now) {
        Ok(options) if !makes_keys(&options) => return Some(options),
        Ok(_) => {}
        Err(BadOptions(why)) => why.into_iter().for_each(|why| desk.session.fail(&why)),
    }
    desk.session.fail(&usage::modify());
    None
}

fn makes_keys(options: &PrincipalOptions) -> bool {
    options.random_key || options.no_key || options.password.is_some() || !options.enctypes.is_empty()
}
