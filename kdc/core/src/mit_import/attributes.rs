//! MIT's attributes of a principal as Kennel's.

use crate::mit_import::note::{Note, Notes};
use crate::principal::Attributes;
use kennel_wire::mit_dump::principal::DumpAttributes;

/// What Kennel has, under another number.
const KEPT: [(DumpAttributes, Attributes); 13] = [
    (DumpAttributes::DISALLOW_POSTDATED, Attributes::DISALLOW_POSTDATED),
    (DumpAttributes::DISALLOW_FORWARDABLE, Attributes::DISALLOW_FORWARDABLE),
    (DumpAttributes::DISALLOW_TGT_BASED, Attributes::DISALLOW_TGT_BASED),
    (DumpAttributes::DISALLOW_RENEWABLE, Attributes::DISALLOW_RENEWABLE),
    (DumpAttributes::DISALLOW_PROXIABLE, Attributes::DISALLOW_PROXIABLE),
    (DumpAttributes::DISALLOW_DUP_SKEY, Attributes::DISALLOW_DUP_SKEY),
    (DumpAttributes::DISALLOW_ALL_TIX, Attributes::DISALLOW_ALL),
    // As a client, Kennel asks everyone for pre-authentication: that MIT's realm did not is not kept.
    (DumpAttributes::REQUIRES_PRE_AUTH, Attributes::REQUIRE_PREAUTH_OF_CLIENTS),
    (DumpAttributes::REQUIRES_PWCHANGE, Attributes::PASSWORD_CHANGE_REQUIRED),
    (DumpAttributes::DISALLOW_SVR, Attributes::DISALLOW_SERVER),
    (DumpAttributes::PWCHANGE_SERVICE, Attributes::PASSWORD_CHANGING_SERVICE),
    (DumpAttributes::OK_AS_DELEGATE, Attributes::OK_AS_DELEGATE),
    (DumpAttributes::LOCKDOWN_KEYS, Attributes::LOCKDOWN_KEYS),
];
/// What Kennel does not have, and whose absence permits nothing more.
const LOST: [(DumpAttributes, &str); 2] = [
    (DumpAttributes::OK_TO_AUTH_AS_DELEGATE, "OK_TO_AUTH_AS_DELEGATE"),
    (DumpAttributes::NO_AUTH_DATA_REQUIRED, "NO_AUTH_DATA_REQUIRED"),
];
/// What has no effect in MIT Kerberos either.
const WITHOUT_EFFECT: DumpAttributes = DumpAttributes::SUPPORT_DESMD5.union(DumpAttributes::NEW_PRINC);

/// Kennel's attributes of a principal.
pub(super) fn attributes(dumped: DumpAttributes, name: &str, notes: &mut Notes) -> Attributes {
    let mut attributes = Attributes::empty();
    let mut rest = dumped.difference(WITHOUT_EFFECT);
    for (dumped, kept) in KEPT {
        attributes.set(kept, rest.contains(dumped));
        rest.remove(dumped);
    }
    for (dumped, lost) in LOST {
        if rest.contains(dumped) {
            notes.add(Note::Attribute(lost), name);
        }
        rest.remove(dumped);
    }
    if rest.contains(DumpAttributes::REQUIRES_HW_AUTH) {
        notes.add(Note::HardwareAuthentication, name);
        attributes.insert(Attributes::DISALLOW_ALL);
        rest.remove(DumpAttributes::REQUIRES_HW_AUTH);
    }
    if !rest.is_empty() {
        notes.add(Note::UnknownAttributes(rest.bits()), name);
    }
    attributes
}
