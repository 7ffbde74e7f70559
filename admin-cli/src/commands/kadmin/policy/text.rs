//! A policy as it is shown.

use crate::commands::kadmin::keysalts::keysalts_text;
use crate::commands::kadmin::time::duration::duration_text;
use kennel_wire::admin::PolicyInfo;

/// The block of `get_policy`.
pub(super) fn full_text(policy: &PolicyInfo) -> String {
    let PolicyInfo { policy: name, settings, .. } = policy;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text += &format!("{name}: {value}\n");
    let number = |value: Option<u32>| value.unwrap_or_default().to_string();
    let length = |value: Option<u32>| duration_text(value.unwrap_or_default());
    line("Policy", name);
    line("Maximum password life", &length(settings.max_life));
    line("Minimum password life", &length(settings.min_life));
    line("Minimum password length", &number(settings.min_length));
    line("Minimum number of password character classes", &number(settings.min_classes));
    line("Number of old keys kept", &number(settings.history));
    line("Maximum password failures before lockout", &number(settings.max_failures));
    line("Password failure count reset interval", &length(settings.failure_count_interval));
    line("Password lockout duration", &length(settings.lockout_duration));
    if let Some(enctypes) = settings.allowed_enctypes.as_deref().filter(|enctypes| !enctypes.is_empty()) {
        line("Allowed key/salt types", &keysalts_text(enctypes));
    }
    text
}

/// The line of `get_policy -terse`: numbers between tabs. One of them, the number of principals with the policy, is 0 at MIT too.
pub(super) fn terse_text(policy: &PolicyInfo) -> String {
    let PolicyInfo { policy: name, settings, .. } = policy;
    let before = [settings.max_life, settings.min_life, settings.min_length, settings.min_classes, settings.history];
    let after = [settings.max_failures, settings.failure_count_interval, settings.lockout_duration];
    let numbers = before.into_iter().chain([None]).chain(after);
    let numbers: String = numbers.map(|number| format!("{}\t", number.unwrap_or_default())).collect();
    let allowed = match settings.allowed_enctypes.as_deref() {
        None | Some([]) => "-".to_owned(),
        Some(enctypes) => keysalts_text(enctypes),
    };
    format!("\"{name}\"\t{numbers}{allowed}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::admin::PolicySettings;

    fn policy(allowed: &[&str]) -> PolicyInfo {
        let settings = PolicySettings {
            min_length: Some(5),
            min_classes: Some(1),
            history: Some(1),
            allowed_enctypes: Some(allowed.iter().map(|name| (*name).to_owned()).collect()),
            ..PolicySettings::default()
        };
        PolicyInfo { policy: "p1".into(), settings, modified: 0, modified_by: String::new() }
    }

    /// What MIT's kadmin.local prints for the same policy.
    #[test]
    fn a_policy_is_shown_as_mit_shows_it() {
        let said = "Policy: p1\n\
                    Maximum password life: 0 days 00:00:00\n\
                    Minimum password life: 0 days 00:00:00\n\
                    Minimum password length: 5\n\
                    Minimum number of password character classes: 1\n\
                    Number of old keys kept: 1\n\
                    Maximum password failures before lockout: 0\n\
                    Password failure count reset interval: 0 days 00:00:00\n\
                    Password lockout duration: 0 days 00:00:00\n";
        assert_eq!(full_text(&policy(&[])), said);
        assert_eq!(terse_text(&policy(&[])), "\"p1\"\t0\t0\t5\t1\t1\t0\t0\t0\t0\t-\n");
    }

    #[test]
    fn allowed_enctypes_are_shown_with_their_salt() {
        let policy = policy(&["aes256-cts-hmac-sha1-96"]);
        assert!(full_text(&policy).ends_with("Allowed key/salt types: aes256-cts-hmac-sha1-96:normal\n"));
        assert!(terse_text(&policy).ends_with("\taes256-cts-hmac-sha1-96:normal\n"));
    }
}
