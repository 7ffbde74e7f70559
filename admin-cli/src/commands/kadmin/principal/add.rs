//! `add_principal`.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use crate::commands::kadmin::principal::options::{BadOptions, PrincipalOptions, parse};
use crate::commands::kadmin::principal::password::{Password, obtain};
use crate::commands::kadmin::principal::usage;
use kennel_wire::admin::{NewPrincipalKeys, PrincipalOperation};
use serde_json::json;

const WHO: &str = "add_principal";

/// Makes a principal.
pub(crate) async fn add_principal(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let mut options = match parse(words, &desk.now) {
        Ok(options) => options,
        Err(BadOptions(why)) => {
            why.into_iter().for_each(|why| desk.session.fail(&why));
            desk.session.fail(&usage::add());
            return Ok(());
        }
    };
    let Some(name) = desk.principal(&options.name, WHO, "while parsing principal") else {
        desk.session.fail(&usage::add());
        return Ok(());
    };
    choose_policy(desk, &name.to_string(), &mut options).await;
    let keys = if options.no_key {
        NewPrincipalKeys::None
    } else if options.random_key {
        NewPrincipalKeys::Random
    } else {
        match obtain(options.password.as_ref(), &name)? {
            Password::Read(password) => NewPrincipalKeys::Password(password),
            Password::Missing(why) => {
                desk.session.fail_while(WHO, &why, &format!("while reading password for \"{name}\"."));
                return Ok(());
            }
        }
    };
    let PrincipalOptions { enctypes, settings, .. } = options;
    let operation = PrincipalOperation::Create { principal: name.to_string(), keys, enctypes, settings };
    match desk.admin.order(operation).await {
        Ok(()) => {
            let text = format!("Principal \"{name}\" created.\n");
            desk.session.done(&text, &json!({ "principal": name.to_string(), "done": "created" }))
        }
        Err(failure) => {
            desk.failed(WHO, &failure, Right::Add, &format!("while creating \"{name}\"."));
            Ok(())
        }
    }
}

/// Gives the policy `default` to a principal for which no policy is named, where there is one.
async fn choose_policy(desk: &mut Desk, name: &str, options: &mut PrincipalOptions) {
    match &options.settings.policy {
        Some(Some(policy)) => warn_of_unknown_policy(desk, policy).await,
        Some(None) => options.settings.policy = None,
        None if desk.admin.policy("default").await.is_ok() => {
            desk.session.remark(&format!("No policy specified for {name}; assigning \"default\""));
            options.settings.policy = Some(Some("default".to_owned()));
        }
        None => desk.session.remark(&format!("No policy specified for {name}; defaulting to no policy")),
    }
}

/// A policy that does not exist yet may be named: it restricts nothing.
pub(super) async fn warn_of_unknown_policy(desk: &mut Desk, policy: &str) {
    if !desk.session.is_script() && desk.admin.policy(policy).await.is_err() {
        desk.session.remark(&format!("WARNING: policy \"{policy}\" does not exist"));
    }
}
