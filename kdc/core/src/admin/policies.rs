//! Policies: rules that make sense, and their names.

use crate::admin::operation::PolicyChanges;
use crate::admin::refusal::AdminRefusal;
use crate::password_policy::PasswordPolicy;

/// Longest name of a policy, octets.
const LONGEST_NAME: usize = 255;

/// Refuses a name that no policy may have.
pub(super) fn check_policy_name(name: &str) -> Result<(), AdminRefusal> {
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        let reason = "the name of a policy has 1 to 255 octets, and no control character";
        return Err(AdminRefusal::BadName { name: name.escape_debug().to_string(), reason });
    }
    Ok(())
}

/// Refuses rules that nobody can fulfil, as MIT Kerberos does.
pub(super) fn check_rules(rules: &PasswordPolicy) -> Result<(), AdminRefusal> {
    let refuse = |reason| Err(AdminRefusal::BadValue(reason));
    match rules {
        PasswordPolicy { min_length: 0, .. } => refuse("the least length of a password is at least 1"),
        PasswordPolicy { min_classes: 0 | 6.., .. } => refuse("the least number of kinds of characters is 1 to 5"),
        PasswordPolicy { history: 0, .. } => refuse("the history is at least 1: the present password"),
        PasswordPolicy { min_life, max_life, .. } if *max_life != 0 && min_life > max_life => {
            refuse("the least life of a password is longer than the longest one")
        }
        _ => Ok(()),
    }
}

/// Applies changes.
pub(super) fn changed_rules(mut rules: PasswordPolicy, changes: &PolicyChanges) -> PasswordPolicy {
    fn set<T: Clone>(field: &mut T, change: &Option<T>) {
        if let Some(value) = change {
            field.clone_from(value);
        }
    }
    set(&mut rules.min_life, &changes.min_life);
    set(&mut rules.max_life, &changes.max_life);
    set(&mut rules.min_length, &changes.min_length);
    set(&mut rules.min_classes, &changes.min_classes);
    set(&mut rules.history, &changes.history);
    set(&mut rules.max_failures, &changes.max_failures);
    set(&mut rules.failure_count_interval, &changes.failure_count_interval);
    set(&mut rules.lockout_duration, &changes.lockout_duration);
    set(&mut rules.allowed_enctypes, &changes.allowed_enctypes);
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_nobody_can_fulfil_are_refused() {
        let check = |changes: PolicyChanges| check_rules(&changed_rules(PasswordPolicy::default(), &changes));
        let nothing = PolicyChanges::default;
        assert_eq!(check(nothing()), Ok(()));
        assert_eq!(check(PolicyChanges { min_life: Some(9), ..nothing() }), Ok(()), "no longest life");
        for odd in [
            PolicyChanges { min_length: Some(0), ..nothing() },
            PolicyChanges { min_classes: Some(0), ..nothing() },
            PolicyChanges { min_classes: Some(6), ..nothing() },
            PolicyChanges { history: Some(0), ..nothing() },
            PolicyChanges { min_life: Some(9), max_life: Some(8), ..nothing() },
        ] {
            assert!(matches!(check(odd.clone()), Err(AdminRefusal::BadValue(_))), "{odd:?}");
        }
    }

    #[test]
    fn a_name_is_there_and_has_no_control_character() {
        assert!(check_policy_name("hosts of the lab").is_ok());
        assert!(check_policy_name("").is_err() && check_policy_name("a\0b").is_err());
    }
}
