//! The list of commands, as `list_requests` prints it.

use std::fmt::Write;

/// Width of the column of names.
const NAMES_WIDTH: usize = 25;

/// The names of each command, and one line about it.
pub(crate) fn requests_text<'r>(program: &str, rows: impl Iterator<Item = (&'r [&'r str], &'r str)>) -> String {
    let mut text = format!("Available {program} requests:\n\n");
    for (names, about) in rows {
        let names = names.join(", ");
        if names.len() > NAMES_WIDTH - 2 {
            let _ = writeln!(text, "{names}\n{:NAMES_WIDTH$}{about}", "");
        } else {
            let _ = writeln!(text, "{names:NAMES_WIDTH$}{about}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_a_column_and_long_ones_on_a_line_of_their_own() {
        let rows: [(&[&str], &str); 3] = [
            (&["change_password", "cpw"], "Change password"),
            (&["add_principal", "addprinc", "ank"], "Add principal"),
            (&["quit", "exit", "q"], "Exit program."),
        ];
        let said = "Available kadmin.local requests:\n\n\
                    change_password, cpw     Change password\n\
                    add_principal, addprinc, ank\n                         Add principal\n\
                    quit, exit, q            Exit program.\n";
        assert_eq!(requests_text("kadmin.local", rows.into_iter()), said);
    }
}
