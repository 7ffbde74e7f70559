//! The commands, by all their names.

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    AddPrincipal,
    DeletePrincipal,
    ModifyPrincipal,
    RenamePrincipal,
    AddAlias,
    ChangePassword,
    GetPrincipal,
    ListPrincipals,
    AddPolicy,
    ModifyPolicy,
    DeletePolicy,
    GetPolicy,
    ListPolicies,
    GetPrivileges,
    KeytabAdd,
    KeytabRemove,
    Lock,
    Unlock,
    PurgeKeys,
    GetStrings,
    SetString,
    DeleteString,
    ListRequests,
    Quit,
}

/// A command of the table.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What it does.
    pub(crate) verb: Verb,
    /// Its names; messages use the first.
    pub(crate) names: &'static [&'static str],
    /// One line about it.
    pub(crate) about: &'static str,
    /// What may follow the name, for completion and manual.
    pub(crate) options: &'static [&'static str],
    /// What its last words are.
    pub(crate) operands: &'static str,
}

const fn entry(
    verb: Verb,
    names: &'static [&'static str],
    about: &'static str,
    options: &'static [&'static str],
    operands: &'static str,
) -> Entry {
    Entry { verb, names, about, options, operands }
}

const ADD_OPTIONS: &[&str] = &[
    "-randkey",
    "-nokey",
    "-pw",
    "-e",
    "-policy",
    "-clearpolicy",
    "-expire",
    "-pwexpire",
    "-maxlife",
    "-maxrenewlife",
    "-kvno",
    "-x",
    "+requires_preauth",
    "-requires_preauth",
    "+allow_svr",
    "-allow_svr",
    "+needchange",
    "+ok_as_delegate",
    "+lockdown_keys",
    "-allow_tix",
    "+allow_tix",
];
const MODIFY_OPTIONS: &[&str] = &[
    "-policy",
    "-clearpolicy",
    "-expire",
    "-pwexpire",
    "-maxlife",
    "-maxrenewlife",
    "-kvno",
    "-unlock",
    "-force",
    "+requires_preauth",
    "-requires_preauth",
    "+allow_svr",
    "-allow_svr",
    "+needchange",
    "-needchange",
    "+ok_as_delegate",
    "+lockdown_keys",
    "-lockdown_keys",
    "-allow_tix",
    "+allow_tix",
];
const POLICY_OPTIONS: &[&str] = &[
    "-maxlife",
    "-minlife",
    "-minlength",
    "-minclasses",
    "-history",
    "-maxfailure",
    "-failurecountinterval",
    "-lockoutduration",
    "-allowedkeysalts",
];

/// The commands of kadmin, in its order.
pub(crate) const COMMANDS: &[Entry] = &[
    entry(Verb::AddPrincipal, &["add_principal", "addprinc", "ank"], "Add principal", ADD_OPTIONS, "PRINCIPAL"),
    entry(Verb::DeletePrincipal, &["delete_principal", "delprinc"], "Delete principal", &["-force"], "PRINCIPAL"),
    entry(Verb::ModifyPrincipal, &["modify_principal", "modprinc"], "Modify principal", MODIFY_OPTIONS, "PRINCIPAL"),
    entry(Verb::RenamePrincipal, &["rename_principal", "renprinc"], "Rename principal", &["-force"], "OLD NEW"),
    entry(Verb::AddAlias, &["add_alias", "alias"], "Add alias", &[], "ALIAS PRINCIPAL"),
    entry(
        Verb::ChangePassword,
        &["change_password", "cpw"],
        "Change password",
        &["-randkey", "-keepold", "-e", "-pw"],
        "PRINCIPAL",
    ),
    entry(Verb::GetPrincipal, &["get_principal", "getprinc"], "Get principal", &["-terse"], "PRINCIPAL"),
    entry(
        Verb::ListPrincipals,
        &["list_principals", "listprincs", "get_principals", "getprincs"],
        "List principals",
        &[],
        "[GLOB]",
    ),
    entry(Verb::AddPolicy, &["add_policy", "addpol"], "Add policy", POLICY_OPTIONS, "POLICY"),
    entry(Verb::ModifyPolicy, &["modify_policy", "modpol"], "Modify policy", POLICY_OPTIONS, "POLICY"),
    entry(Verb::DeletePolicy, &["delete_policy", "delpol"], "Delete policy", &["-force"], "POLICY"),
    entry(Verb::GetPolicy, &["get_policy", "getpol"], "Get policy", &["-terse"], "POLICY"),
    entry(
        Verb::ListPolicies,
        &["list_policies", "listpols", "get_policies", "getpols"],
        "List policies",
        &[],
        "[GLOB]",
    ),
    entry(Verb::GetPrivileges, &["get_privs", "getprivs"], "Get privileges", &[], ""),
    entry(
        Verb::KeytabAdd,
        &["ktadd", "xst"],
        "Add entry(s) to a keytab",
        &["-k", "-q", "-e", "-norandkey", "-glob"],
        "PRINCIPAL...",
    ),
    entry(
        Verb::KeytabRemove,
        &["ktremove", "ktrem"],
        "Remove entry(s) from a keytab",
        &["-k", "-q"],
        "PRINCIPAL [KVNO|all|old]",
    ),
    entry(Verb::Lock, &["lock"], "Lock database exclusively (use with extreme caution!)", &[], ""),
    entry(Verb::Unlock, &["unlock"], "Release exclusive database lock", &[], ""),
    entry(
        Verb::PurgeKeys,
        &["purgekeys"],
        "Purge previously retained old keys from a principal",
        &["-all", "-keepkvno"],
        "PRINCIPAL",
    ),
    entry(Verb::GetStrings, &["get_strings", "getstrs"], "Show string attributes on a principal", &[], "PRINCIPAL"),
    entry(
        Verb::SetString,
        &["set_string", "setstr"],
        "Set a string attribute on a principal",
        &[],
        "PRINCIPAL KEY VALUE",
    ),
    entry(
        Verb::DeleteString,
        &["del_string", "delstr"],
        "Delete a string attribute on a principal",
        &[],
        "PRINCIPAL KEY",
    ),
    entry(Verb::ListRequests, &["list_requests", "lr", "?"], "List available requests.", &[], ""),
    entry(Verb::Quit, &["quit", "exit", "q"], "Exit program.", &[], ""),
];

/// The command of this name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.names.contains(&name))
}

/// Completes the name of a command, or an option of it.
pub(crate) fn complete(words: &[&str], word: &str) -> Vec<String> {
    let candidates: Vec<&str> = match words.first() {
        None => COMMANDS.iter().flat_map(|entry| entry.names).copied().collect(),
        Some(name) => find(name).map(|entry| entry.options.to_vec()).unwrap_or_default(),
    };
    candidates.into_iter().filter(|candidate| candidate.starts_with(word)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_for_two_commands() {
        let mut names: Vec<&str> = COMMANDS.iter().flat_map(|entry| entry.names).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(find("ank").map(|entry| entry.verb), Some(Verb::AddPrincipal));
        assert!(find("status").is_none());
    }

    #[test]
    fn names_and_options_are_completed() {
        assert_eq!(
            complete(&[], "del"),
            ["delete_principal", "delprinc", "delete_policy", "delpol", "del_string", "delstr"]
        );
        assert_eq!(complete(&["xst"], "-no"), ["-norandkey"]);
        assert!(complete(&["nonsense"], "").is_empty());
    }
}
