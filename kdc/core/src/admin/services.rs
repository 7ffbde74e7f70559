//! The services of administration as principals of the realm, with MIT's attributes: tickets for them come from the AS exchange
//! alone, so that whoever has one has just shown its key, and they are short.

use crate::admin::caller::AdminService;
use crate::key_set::KeySet;
use crate::principal::{Attributes, Origin, PrincipalRecord};
use crate::realm::Realm;
use crate::rotation::accept::accept_of;
use kennel_wire::message::{NameType, Principal, PrincipalName, Timestamp};
use rand_core::CryptoRngCore;

impl AdminService {
    /// Every service that a realm has from its start.
    pub const ALL: [AdminService; 2] = [AdminService::Admin, AdminService::ChangePassword];

    /// `kadmin/admin` or `kadmin/changepw`.
    #[must_use]
    pub fn principal(self, realm: &str) -> Principal {
        let instance = match self {
            AdminService::Admin => "admin",
            AdminService::ChangePassword => "changepw",
        };
        Principal::new(PrincipalName::new(NameType::SRV_INST, ["kadmin", instance]), realm)
    }

    /// A new record of the service. `krbtgt` is the record of the realm's own ticket-granting service.
    pub fn record(
        self,
        realm: &Realm,
        krbtgt: &PrincipalRecord,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
        by: &str,
    ) -> PrincipalRecord {
        let keys = KeySet::random(&realm.enctypes, realm.new_keys().first_kvno(), now, rng);
        let mut record = PrincipalRecord::new(self.principal(&realm.name), Origin::Manual, keys, now, by);
        record.attributes = Attributes::DISALLOW_TGT_BASED | Attributes::LOCKDOWN_KEYS | self.own_attributes();
        record.max_life = Some(self.max_life());
        // What rotations would write into it first of all.
        let accept = accept_of(&record, realm, krbtgt);
        record.keys.versions.iter_mut().for_each(|version| version.accept = Some(accept));
        record
    }

    fn own_attributes(self) -> Attributes {
        match self {
            AdminService::Admin => Attributes::empty(),
            AdminService::ChangePassword => Attributes::PASSWORD_CHANGING_SERVICE,
        }
    }

    /// Longest life of its tickets, seconds: three hours of administration, five minutes for a change of a password.
    const fn max_life(self) -> u32 {
        match self {
            AdminService::Admin => 3 * 3600,
            AdminService::ChangePassword => 300,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use rand_core::OsRng;

    #[test]
    fn tickets_for_the_services_of_administration_come_from_a_login_and_are_short() {
        let made = AdminService::ALL.map(|service| {
            service.record(&Realm::new("R"), &record("krbtgt/R"), Timestamp::default(), &mut OsRng, "test")
        });
        let names = made.each_ref().map(|record| record.principal.to_string());
        assert_eq!(names, ["kadmin/admin@R", "kadmin/changepw@R"]);
        let by_login = Attributes::DISALLOW_TGT_BASED | Attributes::LOCKDOWN_KEYS;
        let attributes = made.each_ref().map(|record| record.attributes);
        assert_eq!(attributes, [by_login, by_login | Attributes::PASSWORD_CHANGING_SERVICE]);
        assert_eq!(made.each_ref().map(|record| record.max_life), [Some(10_800), Some(300)]);
        assert!(made.iter().all(|record| record.keys.versions[0].keys.len() == 4));
    }
}
