//! Who calls servers without Kerberos, and would lose that under Enforce.

use kennel_core::access::table::AccessMode;
use kennel_k8s::render::access::rendered::Rendered;
use serde::Serialize;

/// The callers of a server that nothing lets in under Enforce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct OutsideCallers {
    /// `NAMESPACE/NAME`.
    pub(super) server: String,
    /// Such as `Ingress shop/front (port 8080)`.
    pub(super) callers: Vec<String>,
}

/// The callers of servers that enforce from now on, or would; of one namespace, where it is given. Where Enforce is in force already,
/// nobody loses anything.
pub(super) fn outside_callers(old: &Rendered, new: &Rendered, namespace: Option<&str>) -> Vec<OutsideCallers> {
    let is_asked = |of: &str| namespace.is_none_or(|namespace| namespace == of);
    let is_enforced =
        |key: &(String, String)| old.servers.get(key).is_some_and(|server| server.mode == AccessMode::Enforce);
    let servers = new.servers.iter().filter(|(key, server)| {
        is_asked(&key.0)
            && !server.outside_callers.is_empty()
            && !(is_enforced(key) && server.mode == AccessMode::Enforce)
    });
    let callers =
        |((namespace, name), server): (&(String, String), &kennel_k8s::render::access::rendered::ServerOutcome)| {
            OutsideCallers { server: format!("{namespace}/{name}"), callers: server.outside_callers.clone() }
        };
    servers.map(callers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_k8s::render::access::rendered::ServerOutcome;

    fn rendered(mode: AccessMode) -> Rendered {
        let outcome =
            ServerOutcome { mode, outside_callers: vec!["Ingress shop/front".into()], ..ServerOutcome::default() };
        Rendered { servers: [(("shop".to_owned(), "web".to_owned()), outcome)].into(), ..Rendered::default() }
    }

    #[test]
    fn callers_of_servers_that_go_on_to_enforce_are_named_and_those_that_are_dropped_already_are_not() {
        let (observe, enforce) = (rendered(AccessMode::Observe), rendered(AccessMode::Enforce));
        for (old, new, named) in [
            (&observe, &enforce, true),
            (&observe, &observe, true),
            (&Rendered::default(), &enforce, true),
            (&enforce, &enforce, false),
        ] {
            assert_eq!(!outside_callers(old, new, None).is_empty(), named);
        }
        assert!(outside_callers(&observe, &enforce, Some("bank")).is_empty());
        assert_eq!(outside_callers(&observe, &enforce, Some("shop"))[0].server, "shop/web");
    }
}
