//! Carries out one command, or one after the other.

use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::keytab::add::ktadd;
use crate::commands::kadmin::keytab::remove::ktremove;
use crate::commands::kadmin::policy::commands as policies;
use crate::commands::kadmin::principal::{add, modify, names, password, purge, show};
use crate::commands::kadmin::strings;
use crate::commands::kadmin::table::{COMMANDS, Verb, complete, find};
use crate::commands::kadmin::time::date::Now;
use crate::console::lines::Lines;
use crate::console::requests::requests_text;
use crate::console::words::split_line;
use serde_json::json;

/// What follows a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Command,
    Quit,
    Unknown,
}

/// Carries out a command that is words already.
pub(crate) async fn carry_out_words(desk: &mut Desk, words: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = words.split_first() else { return Ok(()) };
    if carry_out(desk, name, rest).await? == Next::Unknown {
        let text = format!("{}: Command not found {name}", desk.session.program);
        desk.session.fail_always(&text);
    }
    Ok(())
}

/// Carries out a command that is a line.
pub(crate) async fn carry_out_query(desk: &mut Desk, line: &str) -> anyhow::Result<()> {
    match split_line(line) {
        Ok(words) => carry_out_words(desk, &words).await,
        Err(_) => {
            say_unbalanced(desk);
            Ok(())
        }
    }
}

/// Carries out the lines of standard input, or of a person, until they end.
pub(crate) async fn carry_out_lines(desk: &mut Desk) -> anyhow::Result<()> {
    let mut lines = Lines::of_stdin(complete)?;
    let prompt = format!("{}:  ", desk.session.program);
    while let Some(line) = lines.next(&prompt)? {
        let Ok(words) = split_line(&line) else {
            say_unbalanced(desk);
            continue;
        };
        let Some((name, rest)) = words.split_first() else { continue };
        match carry_out(desk, name, rest).await? {
            Next::Command => {}
            Next::Quit => break,
            Next::Unknown => {
                let program = &desk.session.program;
                let text = format!("{program}: Unknown request \"{name}\".  Type \"?\" for a request list.");
                desk.session.complain(&text);
            }
        }
    }
    Ok(())
}

fn say_unbalanced(desk: &mut Desk) {
    let text = format!("{}: Unbalanced quotes in command line", desk.session.program);
    desk.session.complain(&text);
}

async fn carry_out(desk: &mut Desk, name: &str, words: &[String]) -> anyhow::Result<Next> {
    let Some(entry) = find(name) else { return Ok(Next::Unknown) };
    desk.now = Now::of_system();
    match entry.verb {
        Verb::AddPrincipal => add::add_principal(desk, words).await?,
        Verb::DeletePrincipal => names::delete_principal(desk, words).await?,
        Verb::ModifyPrincipal => modify::modify_principal(desk, words).await?,
        Verb::RenamePrincipal => names::rename_principal(desk, words).await?,
        Verb::AddAlias => names::add_alias(desk, words).await?,
        Verb::ChangePassword => password::change_password(desk, words).await?,
        Verb::GetPrincipal => show::get_principal(desk, words).await?,
        Verb::ListPrincipals => show::list_principals(desk, words).await?,
        Verb::AddPolicy => policies::add_policy(desk, words).await?,
        Verb::ModifyPolicy => policies::modify_policy(desk, words).await?,
        Verb::DeletePolicy => policies::delete_policy(desk, words).await?,
        Verb::GetPolicy => policies::get_policy(desk, words).await?,
        Verb::ListPolicies => policies::list_policies(desk, words).await?,
        Verb::GetPrivileges => show::get_privileges(desk, words).await?,
        Verb::KeytabAdd => ktadd(desk, words).await?,
        Verb::KeytabRemove => ktremove(desk, words)?,
        Verb::PurgeKeys => purge::purge_keys(desk, words).await?,
        Verb::GetStrings => strings::get_strings(desk, words).await?,
        Verb::SetString => strings::set_string(desk, words).await?,
        Verb::DeleteString => strings::delete_string(desk, words).await?,
        Verb::ListRequests => list_requests(desk)?,
        Verb::Lock => {
            desk.session.remark("lock: nothing is locked: each change is whole by itself, and those of others go on")
        }
        Verb::Unlock => {}
        Verb::Quit => return Ok(Next::Quit),
    }
    Ok(Next::Command)
}

fn list_requests(desk: &Desk) -> anyhow::Result<()> {
    let rows = COMMANDS.iter().map(|entry| (entry.names, entry.about));
    let value: Vec<_> = COMMANDS.iter().map(|entry| json!({ "names": entry.names, "about": entry.about })).collect();
    desk.session.answer(&requests_text(&desk.session.program, rows), &json!(value))
}
