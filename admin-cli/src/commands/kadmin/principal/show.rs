//! `get_principal`, `list_principals`, `get_privs`.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use crate::commands::kadmin::principal::text::{full_text, terse_text};
use serde_json::json;

/// Shows a principal.
pub(crate) async fn get_principal(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let (name, is_terse) = match words {
        [name] => (name, false),
        [option, name] if option == "-terse" => (name, true),
        _ => {
            desk.session.fail("usage: get_principal [-terse] principal");
            return Ok(());
        }
    };
    let Some(name) = desk.principal(name, "get_principal", "while parsing principal") else { return Ok(()) };
    let found = match desk.admin.principal(&name).await {
        Ok(found) => found,
        Err(failure) => {
            desk.failed("get_principal", &failure, Right::Get, &format!("while retrieving \"{name}\"."));
            return Ok(());
        }
    };
    let text = if is_terse {
        terse_text(&found)
    } else {
        let knows_policy = match &found.policy {
            Some(policy) => desk.admin.policy(policy).await.is_ok(),
            None => true,
        };
        full_text(&found, knows_policy, &desk.now)
    };
    desk.session.answer(&text, &serde_json::to_value(&found)?)
}

/// Lists the names of principals, all of them or those that a pattern matches.
pub(crate) async fn list_principals(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let pattern = match words {
        [] => None,
        [pattern] => Some(pattern.clone()),
        _ => {
            desk.session.fail("usage: get_principals [expression]");
            return Ok(());
        }
    };
    match desk.admin.list_principals(pattern).await {
        Ok(names) => desk.session.answer(&lines(&names), &json!(names)),
        Err(failure) => {
            desk.failed("get_principals", &failure, Right::List, "while retrieving list.");
            Ok(())
        }
    }
}

/// Shows what the caller may do.
pub(crate) async fn get_privileges(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    if !words.is_empty() {
        desk.session.fail("usage: get_privs");
        return Ok(());
    }
    match desk.admin.privileges().await {
        Ok(rights) => {
            let shown: String = words_of_rights(&rights).map(|word| format!(" {word}")).collect();
            desk.session.answer(&format!("current privileges:{shown}\n"), &json!({ "rights": rights }))
        }
        Err(failure) => {
            desk.failed("get_privs", &failure, Right::Get, "while retrieving privileges");
            Ok(())
        }
    }
}

/// The words that kadmin has for rights; it has none for the others.
fn words_of_rights(letters: &str) -> impl Iterator<Item = &'static str> {
    let words = [('i', "INQUIRE"), ('a', "ADD"), ('m', "MODIFY"), ('d', "DELETE")];
    words.into_iter().filter(|(letter, _)| letters.contains(*letter)).map(|(_, word)| word)
}

/// One name on each line.
pub(crate) fn lines(names: &[String]) -> String {
    names.iter().map(|name| format!("{name}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_shown_in_the_order_of_mit() {
        assert_eq!(words_of_rights("admcilsp").collect::<Vec<_>>(), ["INQUIRE", "ADD", "MODIFY", "DELETE"]);
        assert_eq!(words_of_rights("lci").collect::<Vec<_>>(), ["INQUIRE"]);
    }
}
