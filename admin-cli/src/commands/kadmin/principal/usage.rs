//! How `add_principal` and `modify_principal` are used, in MIT's words.

const ATTRIBUTES: &str = "\
\tattributes are:
\t\tallow_postdated allow_forwardable allow_tgs_req allow_renewable
\t\tallow_proxiable allow_dup_skey allow_tix requires_preauth
\t\trequires_hwauth needchange allow_svr password_changing_service
\t\tok_as_delegate ok_to_auth_as_delegate no_auth_data_required
\t\tlockdown_keys

where,
\t[-x db_princ_args]* - any number of database specific arguments.
\t\t\tLook at each database documentation for supported arguments";

/// The usage of `add_principal`.
pub(super) fn add() -> String {
    format!(
        "usage: add_principal [options] principal\n\toptions are:\n\
         \t\t[-randkey|-nokey] [-x db_princ_args]* [-expire expdate] [-pwexpire pwexpdate] [-maxlife maxtixlife]\n\
         \t\t[-kvno kvno] [-policy policy] [-clearpolicy]\n\
         \t\t[-pw password] [-maxrenewlife maxrenewlife]\n\
         \t\t[-e keysaltlist]\n\t\t[{{+|-}}attribute]\n{ATTRIBUTES}"
    )
}

/// The usage of `modify_principal`.
pub(super) fn modify() -> String {
    format!(
        "usage: modify_principal [options] principal\n\toptions are:\n\
         \t\t[-x db_princ_args]* [-expire expdate] [-pwexpire pwexpdate] [-maxlife maxtixlife]\n\
         \t\t[-kvno kvno] [-policy policy] [-clearpolicy]\n\
         \t\t[-maxrenewlife maxrenewlife] [-unlock] [{{+|-}}attribute]\n{ATTRIBUTES}"
    )
}
