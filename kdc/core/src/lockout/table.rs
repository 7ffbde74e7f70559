//! The attempts on all principals that have a policy, bounded: strangers cannot make it grow, since only principals that exist have
//! a policy, and where those are more than there is room for, the attempts go first that are worth the least.

use crate::admin::logins::Logins;
use crate::lockout::attempts::Attempts;
use kennel_wire::message::Principal;
use std::collections::HashMap;

/// Attempts by canonical name.
#[derive(Debug)]
pub struct AttemptTable {
    attempts: HashMap<Principal, Attempts>,
    capacity: usize,
}

impl AttemptTable {
    /// An empty table for at most so many principals, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> AttemptTable {
        AttemptTable { attempts: HashMap::new(), capacity: capacity.max(1) }
    }

    /// The attempts on a principal, where there were any.
    pub fn find(&mut self, principal: &Principal) -> Option<&mut Attempts> {
        self.attempts.get_mut(principal)
    }

    /// The attempts on a principal, from now on.
    pub fn entry(&mut self, principal: &Principal) -> &mut Attempts {
        if !self.attempts.contains_key(principal) && self.attempts.len() >= self.capacity {
            self.forget_one();
        }
        self.attempts.entry(principal.clone()).or_default()
    }

    /// What is shown of a principal.
    #[must_use]
    pub fn shown(&self, principal: &Principal) -> Logins {
        self.attempts.get(principal).map_or_else(Logins::default, Attempts::shown)
    }

    fn forget_one(&mut self) {
        let least = self.attempts.iter().min_by_key(|(_, attempts)| attempts.worth());
        if let Some(name) = least.map(|(name, _)| name.clone()) {
            self.attempts.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lockout::guard::Proof;
    use crate::password_policy::PasswordPolicy;
    use crate::testing::record;
    use kennel_wire::message::{KerberosTime, Timestamp};
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn a_full_table_forgets_logins_before_failures_and_early_ones_before_late_ones() {
        let (mut table, policy) = (AttemptTable::new(3), PasswordPolicy::default());
        let source = IpAddr::from(Ipv4Addr::LOCALHOST).into();
        let name = |text: &str| record(text).principal;
        let wrong = Proof::Wrong { fingerprint: 1 };
        for (seconds, text, proof) in
            [(1, "a", wrong), (2, "b", Proof::Good), (3, "c", wrong), (4, "d", wrong), (5, "e", wrong)]
        {
            let now = Timestamp { time: KerberosTime(seconds), micros: 0 };
            table.entry(&name(text)).settle(source, proof, &policy, now).unwrap();
            assert!(table.attempts.len() <= 3);
        }
        let known = ["a", "b", "c", "d", "e"].map(|text| table.find(&name(text)).is_some());
        assert_eq!(known, [false, false, true, true, true]);
    }
}
