//! Attributes of principals in MIT's bits.
//!
//! In MIT Kerberos `REQUIRES_PRE_AUTH` asks a client to pre-authenticate, and of a service asks the same of its clients. Kennel asks every
//! client by default, so the bit is shown unless a principal is exempt, and a principal is exempt only once an administrator has taken
//! the bit away from an existing one: a request to create a principal says nothing of what it leaves out.

use crate::principal::Attributes;
use kennel_wire::kadm5::principal::KdbAttributes;

const PAIRS: [(Attributes, KdbAttributes); 12] = [
    (Attributes::DISALLOW_ALL, KdbAttributes::DISALLOW_ALL_TIX),
    (Attributes::DISALLOW_POSTDATED, KdbAttributes::DISALLOW_POSTDATED),
    (Attributes::DISALLOW_FORWARDABLE, KdbAttributes::DISALLOW_FORWARDABLE),
    (Attributes::DISALLOW_RENEWABLE, KdbAttributes::DISALLOW_RENEWABLE),
    (Attributes::DISALLOW_PROXIABLE, KdbAttributes::DISALLOW_PROXIABLE),
    (Attributes::DISALLOW_DUP_SKEY, KdbAttributes::DISALLOW_DUP_SKEY),
    (Attributes::DISALLOW_SERVER, KdbAttributes::DISALLOW_SVR),
    (Attributes::DISALLOW_TGT_BASED, KdbAttributes::DISALLOW_TGT_BASED),
    (Attributes::PASSWORD_CHANGE_REQUIRED, KdbAttributes::REQUIRES_PWCHANGE),
    (Attributes::PASSWORD_CHANGING_SERVICE, KdbAttributes::PWCHANGE_SERVICE),
    (Attributes::OK_AS_DELEGATE, KdbAttributes::OK_AS_DELEGATE),
    (Attributes::LOCKDOWN_KEYS, KdbAttributes::LOCKDOWN_KEYS),
];

/// The bits that show these attributes.
pub(crate) fn shown(attributes: Attributes) -> KdbAttributes {
    let mut bits = KdbAttributes::empty();
    for (ours, theirs) in PAIRS {
        bits.set(theirs, attributes.contains(ours));
    }
    bits.set(KdbAttributes::REQUIRES_PRE_AUTH, !attributes.contains(Attributes::NO_PREAUTH_REQUIRED));
    bits
}

/// The attributes that the bits of a new principal set. What they leave out keeps its default.
pub(crate) fn of_new(bits: KdbAttributes) -> Attributes {
    let mut set = ours(bits);
    set.set(Attributes::REQUIRE_PREAUTH_OF_CLIENTS, bits.contains(KdbAttributes::REQUIRES_PRE_AUTH));
    set
}

/// The attributes that the bits of an existing principal set, and those that they clear.
pub(crate) fn of_existing(bits: KdbAttributes) -> (Attributes, Attributes) {
    let set = ours(bits);
    let all = ours(KdbAttributes::all());
    if bits.contains(KdbAttributes::REQUIRES_PRE_AUTH) {
        (set, all.difference(set).union(Attributes::NO_PREAUTH_REQUIRED))
    } else {
        let clear = all.difference(set).union(Attributes::REQUIRE_PREAUTH_OF_CLIENTS);
        (set.union(Attributes::NO_PREAUTH_REQUIRED), clear)
    }
}

fn ours(bits: KdbAttributes) -> Attributes {
    PAIRS.into_iter().filter(|(_, theirs)| bits.contains(*theirs)).map(|(ours, _)| ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_and_sent_back_changes_nothing() {
        let every = ours(KdbAttributes::all()).union(Attributes::NO_PREAUTH_REQUIRED);
        for attributes in [Attributes::empty(), Attributes::DISALLOW_SERVER, Attributes::NO_PREAUTH_REQUIRED, every] {
            let (set, clear) = of_existing(shown(attributes));
            assert_eq!((attributes | set) - clear, attributes, "{attributes:?}");
        }
    }

    #[test]
    fn a_lock_and_what_mit_does_not_know_are_left_alone() {
        let others = Attributes::LOCKED | Attributes::REQUIRE_FAST;
        let (set, clear) = of_existing(KdbAttributes::empty());
        assert!(!set.union(clear).intersects(others));
        assert!(!of_new(KdbAttributes::all()).intersects(others));
    }

    #[test]
    fn a_principal_is_exempt_from_pre_authentication_only_where_the_bit_is_taken_away() {
        assert_eq!(of_new(KdbAttributes::empty()), Attributes::empty());
        assert_eq!(of_new(KdbAttributes::REQUIRES_PRE_AUTH), Attributes::REQUIRE_PREAUTH_OF_CLIENTS);
        assert!(of_existing(KdbAttributes::empty()).0.contains(Attributes::NO_PREAUTH_REQUIRED));
        assert!(of_existing(KdbAttributes::REQUIRES_PRE_AUTH).1.contains(Attributes::NO_PREAUTH_REQUIRED));
    }
}
