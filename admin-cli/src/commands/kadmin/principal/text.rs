//! A principal as it is shown.

use crate::commands::kadmin::attributes::{bits_of_names, names_text};
use crate::commands::kadmin::time::date::Now;
use crate::commands::kadmin::time::duration::duration_text;
use crate::output::plain;
use kennel_crypto::Enctype;
use kennel_wire::admin::{PrincipalInfo, ShownKeyInfo};
use std::fmt::Write;

/// The block of `get_principal`.
pub(super) fn full_text(shown: &PrincipalInfo, knows_policy: bool, now: &Now) -> String {
    let date = |seconds: Option<i64>| seconds.map_or_else(|| "[never]".to_owned(), |seconds| now.date_text(seconds));
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text += &format!("{name}: {value}\n");
    line("Principal", &plain(&shown.principal));
    line("Expiration date", &date(shown.expires));
    line("Last password change", &date(shown.last_password_change));
    line("Password expiration date", &date(shown.password_expires));
    line("Maximum ticket life", &duration_text(shown.max_life));
    line("Maximum renewable life", &duration_text(shown.max_renewable_life));
    line("Last modified", &format!("{} ({})", now.date_text(shown.modified), plain(&shown.modified_by)));
    line("Last successful authentication", &date(shown.last_success));
    line("Last failed authentication", &date(shown.last_failure));
    line("Failed password attempts", &shown.failures.to_string());
    line("Number of keys", &shown.keys.len().to_string());
    for key in &shown.keys {
        line(
            "Key",
            &format!(
                "vno {}, {}{}",
                key.kvno,
                enctype_text(&key.enctype),
                if key.special_salt { ":special" } else { "" }
            ),
        );
    }
    line("MKey", "vno 1");
    text += &format!("Attributes:{}\n", names_text(bits_of_names(&shown.attributes)));
    let missing = if knows_policy { "" } else { " [does not exist]" };
    let _ = writeln!(text, "Policy: {}{missing}", shown.policy.as_deref().map(plain).unwrap_or("[none]".into()));
    text
}

/// An enctype as kadmin names it: with a warning before those that are no longer to be used.
fn enctype_text(name: &str) -> String {
    let is_old = Enctype::from_name(name) == Some(Enctype::Rc4Hmac);
    format!("{}{name}", if is_old { "DEPRECATED:" } else { "" })
}

/// The line of `get_principal -terse`: numbers between tabs.
pub(super) fn terse_text(shown: &PrincipalInfo) -> String {
    let time = |seconds: Option<i64>| seconds.unwrap_or_default();
    let policy = shown.policy.as_deref().unwrap_or("[none]");
    // Keys are shown newest first; a principal without keys is of version 0.
    let kvno = shown.keys.first().map_or(0, |key| key.kvno);
    let mut text =
        format!("\"{}\"\t{}\t{}", plain(&shown.principal), time(shown.expires), time(shown.last_password_change));
    let _ = write!(text, "\t{}\t{}\t\"{}\"", time(shown.password_expires), shown.max_life, plain(&shown.modified_by));
    let _ = write!(text, "\t{}\t{}\t{kvno}\t1", shown.modified, bits_of_names(&shown.attributes));
    let _ = write!(text, "\t\"{}\"\t{}", plain(policy), shown.max_renewable_life);
    let _ = write!(text, "\t{}\t{}", time(shown.last_success), time(shown.last_failure));
    let _ = write!(text, "\t{}\t{}", shown.failures, shown.keys.len());
    for ShownKeyInfo { kvno, enctype, special_salt, .. } in &shown.keys {
        // The version of the key's data is 2 where it has a salt; the number of a special salt is 4.
        let (version, salt) = if *special_salt { (2, 4) } else { (1, 0) };
        let number = Enctype::from_name(enctype).map_or(0, Enctype::number);
        let _ = write!(text, "\t{version}\t{kvno}\t{number}\t{salt}");
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::admin::KeyVersionState;

    fn key(kvno: u32, enctype: &str, special_salt: bool) -> ShownKeyInfo {
        ShownKeyInfo { kvno, state: KeyVersionState::Active, enctype: enctype.to_owned(), special_salt }
    }

    fn shown() -> PrincipalInfo {
        PrincipalInfo {
            principal: "a@MIT.TEST".into(),
            origin: "Manual".into(),
            attributes: Vec::new(),
            expires: None,
            password_expires: None,
            last_password_change: Some(1_795_730_923),
            max_life: 36_000,
            max_renewable_life: 604_800,
            policy: None,
            modified: 1_795_730_923,
            modified_by: "root/admin@MIT.TEST".into(),
            keys: vec![key(1, "aes256-cts-hmac-sha1-96", false), key(1, "aes128-cts-hmac-sha1-96", false)],
            last_success: None,
            last_failure: None,
            failures: 0,
        }
    }

    /// What MIT's kadmin.local prints for the same principal.
    #[test]
    fn a_principal_is_shown_line_by_line_as_mit_shows_it() {
        let said = "Principal: a@MIT.TEST\n\
                    Expiration date: [never]\n\
                    Last password change: Thu Nov 26 22:08:43 UTC 2026\n\
                    Password expiration date: [never]\n\
                    Maximum ticket life: 0 days 10:00:00\n\
                    Maximum renewable life: 7 days 00:00:00\n\
                    Last modified: Thu Nov 26 22:08:43 UTC 2026 (root/admin@MIT.TEST)\n\
                    Last successful authentication: [never]\n\
                    Last failed authentication: [never]\n\
                    Failed password attempts: 0\n\
                    Number of keys: 2\n\
                    Key: vno 1, aes256-cts-hmac-sha1-96\n\
                    Key: vno 1, aes128-cts-hmac-sha1-96\n\
                    MKey: vno 1\n\
                    Attributes: REQUIRES_PRE_AUTH\n\
                    Policy: [none]\n";
        assert_eq!(full_text(&shown(), true, &Now::utc(0)), said);
    }

    #[test]
    fn a_principal_is_shown_in_one_line_as_mit_shows_it() {
        let said = "\"a@MIT.TEST\"\t0\t1795730923\t0\t36000\t\"root/admin@MIT.TEST\"\t1795730923\t128\t1\t1\t\"[none]\"\
                    \t604800\t0\t0\t0\t2\t1\t1\t18\t0\t1\t1\t17\t0\n";
        assert_eq!(terse_text(&shown()), said);
    }

    #[test]
    fn unusual_keys_policies_and_times_are_marked() {
        let mut shown = shown();
        shown.keys = vec![key(3, "arcfour-hmac", true)];
        shown.policy = Some("gone".into());
        shown.expires = Some(1);
        let said = full_text(&shown, false, &Now::utc(0));
        assert!(said.contains("Key: vno 3, DEPRECATED:arcfour-hmac:special\n"), "{said}");
        assert!(said.ends_with("Policy: gone [does not exist]\n"), "{said}");
        assert!(said.contains("Expiration date: Thu Jan 01 00:00:01 UTC 1970\n"), "{said}");
    }
}
