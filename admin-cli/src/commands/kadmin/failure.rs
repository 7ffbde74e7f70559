//! Refusals in the words of MIT.

/// Why an operation was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The KDC refuses.
    Refused {
        /// Stable name of the reason: `UnknownPrincipal`.
        reason: String,
        /// What is wrong, and what to do.
        message: String,
    },
    /// No answer.
    Unanswered(anyhow::Error),
}

/// The right that a command needs, in MIT's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Get,
    Add,
    Modify,
    Delete,
    List,
    ChangePassword,
    ExtractKeys,
}

impl Failure {
    /// Whether the principal does not exist.
    pub(crate) fn is_unknown_principal(&self) -> bool {
        matches!(self, Failure::Refused { reason, .. } if reason == "UnknownPrincipal")
    }

    /// MIT's text where it has one, else the KDC's own.
    pub(crate) fn text(&self, right: Right) -> String {
        match self {
            Failure::Unanswered(error) => format!("{error:#}"),
            Failure::Refused { reason, message } => match &**reason {
                "NotPermitted" | "Forbidden" => right.missing().to_owned(),
                reason => mit_text(reason).map_or_else(|| message.clone(), str::to_owned),
            },
        }
    }
}

impl Right {
    fn missing(self) -> &'static str {
        match self {
            Right::Get => "Operation requires ``get'' privilege",
            Right::Add => "Operation requires ``add'' privilege",
            Right::Modify => "Operation requires ``modify'' privilege",
            Right::Delete => "Operation requires ``delete'' privilege",
            Right::List => "Operation requires ``list'' privilege",
            Right::ChangePassword => "Operation requires ``change-password'' privilege",
            Right::ExtractKeys => "Operation requires ``extract-keys'' privilege",
        }
    }
}

fn mit_text(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "TicketNotSufficient" => "Operation requires initial ticket",
        "UnknownPrincipal" => "Principal does not exist",
        "UnknownPolicy" => "Policy does not exist",
        "Exists" => "Principal or policy already exists",
        "PolicyInUse" => "Policy is in use",
        "KeysLockedDown" => "Principal keys are locked down",
        "PasswordTooShort" => "Password is too short",
        "PasswordTooSimple" => "Password does not contain enough character classes",
        "PasswordInDictionary" => "Password is in the password dictionary",
        "PasswordReused" => "Cannot reuse password",
        "PasswordTooYoung" => "Current password's minimum life has not expired",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::admin::refusal::AdminRefusal;

    fn text(refusal: &AdminRefusal, right: Right) -> String {
        Failure::Refused { reason: refusal.name().to_owned(), message: refusal.to_string() }.text(right)
    }

    #[test]
    fn refusals_have_the_texts_of_mit_where_it_has_one() {
        let name = || "a@R".to_owned();
        for (refusal, expected) in [
            (AdminRefusal::UnknownPrincipal(name()), "Principal does not exist"),
            (AdminRefusal::UnknownPolicy(name()), "Policy does not exist"),
            (AdminRefusal::Exists(name()), "Principal or policy already exists"),
            (AdminRefusal::PolicyInUse(name()), "Policy is in use"),
            (AdminRefusal::KeysLockedDown(name()), "Principal keys are locked down"),
            (AdminRefusal::PasswordTooShort(8), "Password is too short"),
            (AdminRefusal::PasswordTooSimple(2), "Password does not contain enough character classes"),
            (AdminRefusal::PasswordReused, "Cannot reuse password"),
            (AdminRefusal::TicketNotSufficient, "Operation requires initial ticket"),
        ] {
            assert_eq!(text(&refusal, Right::Get), expected);
        }
    }

    #[test]
    fn other_refusals_say_themselves_what_to_do() {
        let owned = AdminRefusal::OwnedByKubernetes { name: "a@R".into(), object: "KerberosPrincipal shop/web".into() };
        assert!(text(&owned, Right::Modify).contains("edit KerberosPrincipal shop/web"));
    }

    #[test]
    fn a_missing_right_is_named_as_the_command_needs_it() {
        let forbidden = Failure::Refused { reason: "NotPermitted".into(), message: String::new() };
        assert_eq!(forbidden.text(Right::Add), "Operation requires ``add'' privilege");
        assert_eq!(forbidden.text(Right::ChangePassword), "Operation requires ``change-password'' privilege");
    }
}
