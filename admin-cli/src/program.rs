//! The program that is asked for, by the name that it is called by.

use std::path::Path;

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// `kennel`, `kubectl-kennel`, and every other name.
    Kennel,
    /// MIT's `kadmin`.
    Kadmin,
    /// MIT's `kadmin.local`.
    KadminLocal,
    /// MIT's `ktutil`.
    Ktutil,
    /// MIT's `kdb5_util`.
    Kdb5Util,
    /// What kubectl asks for the completions of its plugin.
    KubectlCompletion,
}

impl Program {
    /// The program that is called by this path, and its name in messages.
    pub(crate) fn named(path: &str) -> (Program, &str) {
        match Path::new(path).file_name().and_then(|name| name.to_str()) {
            Some(name @ "kadmin") => (Program::Kadmin, name),
            Some(name @ "kadmin.local") => (Program::KadminLocal, name),
            Some(name @ "ktutil") => (Program::Ktutil, name),
            Some(name @ "kdb5_util") => (Program::Kdb5Util, name),
            Some(name @ "kubectl_complete-kennel") => (Program::KubectlCompletion, name),
            _ => (Program::Kennel, "kennel"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_the_path_decides() {
        assert_eq!(Program::named("/usr/sbin/kadmin.local"), (Program::KadminLocal, "kadmin.local"));
        assert_eq!(Program::named("ktutil"), (Program::Ktutil, "ktutil"));
        assert_eq!(Program::named("/bin/kubectl_complete-kennel").0, Program::KubectlCompletion);
        for kennel in ["/usr/bin/kennel", "kubectl-kennel", "kadmin.local.bak", ""] {
            assert_eq!(Program::named(kennel), (Program::Kennel, "kennel"), "{kennel}");
        }
    }
}
