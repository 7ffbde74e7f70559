//! The services of administration by their names.

use crate::admin::caller::AdminService;
use kennel_wire::message::Principal;

/// The service that a ticket for `server` is for: `kadmin/changepw`, or any other `kadmin/X` of the realm. `kadmin/history` is none
/// (CVE-2014-9422: a server that accepts a ticket for any name whose key it has).
#[must_use]
pub fn admin_service(server: &Principal, realm: &str) -> Option<AdminService> {
    match server.name.components.as_slice() {
        [class, instance] if class == "kadmin" && server.realm == realm => match &**instance {
            "history" | "" => None,
            "changepw" => Some(AdminService::ChangePassword),
            _ => Some(AdminService::Admin),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cve_2014_9422_a_ticket_for_any_other_service_is_not_one_for_administration() {
        let service = |name: &str| admin_service(&Principal::parse(name, "R").unwrap(), "R");
        assert_eq!(service("kadmin/admin"), Some(AdminService::Admin));
        assert_eq!(service("kadmin/kdc.example.com"), Some(AdminService::Admin));
        assert_eq!(service("kadmin/changepw"), Some(AdminService::ChangePassword));
        for other in
            ["kadmin/history", "kadmin", "kadmin/admin/x", "krbtgt/R", "HTTP/web", "Kadmin/admin", "kadmin/admin@O"]
        {
            assert_eq!(service(other), None, "{other}");
        }
    }
}
