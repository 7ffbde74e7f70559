//! The default realm of the machine, as libkrb5 finds it in krb5.conf.

use std::path::PathBuf;

/// `default_realm` of the files that `KRB5_CONFIG` names, else of /etc/krb5.conf.
pub(crate) fn default_realm() -> Option<String> {
    let files = std::env::var("KRB5_CONFIG").unwrap_or_else(|_| "/etc/krb5.conf".to_owned());
    std::env::split_paths(&files).find_map(|file: PathBuf| in_text(&std::fs::read_to_string(file).ok()?))
}

fn in_text(text: &str) -> Option<String> {
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[libdefaults]"
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == "default_realm"
        {
            return Some(value.trim().trim_end_matches('*').to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_in_libdefaults_alone() {
        let text = "[realms]\n default_realm = A\n[libdefaults]\n # default_realm = B\n\tdefault_realm = C\n";
        assert_eq!(in_text(text).as_deref(), Some("C"));
        assert_eq!(in_text("[realms]\ndefault_realm = A\n"), None);
    }
}
