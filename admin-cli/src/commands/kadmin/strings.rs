//! `get_strings`, `set_string`, `del_string`.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use kennel_wire::admin::PrincipalOperation;
use serde_json::json;

/// Shows the string attributes of a principal.
pub(crate) async fn get_strings(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let [name] = words else {
        desk.session.fail("usage: get_strings principal");
        return Ok(());
    };
    let Some(principal) = desk.principal(name, "get_strings", "while parsing principal") else { return Ok(()) };
    match desk.admin.strings(&principal).await {
        Ok(strings) if strings.is_empty() => desk.session.answer("(No string attributes.)\n", &json!({})),
        Ok(strings) => {
            let text: String = strings.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
            desk.session.answer(&text, &json!(strings))
        }
        Err(failure) => {
            let context = format!("while getting attributes for principal \"{principal}\"");
            desk.failed("get_strings", &failure, Right::Get, &context);
            Ok(())
        }
    }
}

/// Sets a string attribute.
pub(crate) async fn set_string(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let [name, key, value] = words else {
        desk.session.fail("usage: set_string principal key value");
        return Ok(());
    };
    let Some(name) = desk.principal(name, "set_string", "while parsing principal") else { return Ok(()) };
    let operation =
        PrincipalOperation::SetString { principal: name.to_string(), key: key.clone(), value: Some(value.clone()) };
    if let Err(failure) = desk.admin.order(operation).await {
        let context = format!("while setting attribute on principal \"{name}\"");
        desk.failed("set_string", &failure, Right::Modify, &context);
        return Ok(());
    }
    let text = format!("Attribute set for principal \"{name}\".\n");
    desk.session.done(&text, &json!({ "principal": name.to_string(), "set": { key: value } }))
}

/// Deletes a string attribute.
pub(crate) async fn delete_string(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let [name, key] = words else {
        desk.session.fail("usage: del_string principal key");
        return Ok(());
    };
    let Some(name) = desk.principal(name, "delstring", "while parsing principal") else { return Ok(()) };
    let operation = PrincipalOperation::SetString { principal: name.to_string(), key: key.clone(), value: None };
    if let Err(failure) = desk.admin.order(operation).await {
        let context = format!("while deleting attribute from principal \"{name}\"");
        desk.failed("del_string", &failure, Right::Modify, &context);
        return Ok(());
    }
    let text = format!("Attribute removed from principal \"{name}\".\n");
    desk.session.done(&text, &json!({ "principal": name.to_string(), "deleted": key }))
}
