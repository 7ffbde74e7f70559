//! The callers that an object speaks of. Pure: an object is read as the JSON that the API server sends, since most of these kinds are
//! those of others, in versions of their own.

use crate::callers::caller::{CalledNamespaces, CallerPort, CallerTarget, OutsideCaller};
use crate::callers::kind::CallerKind;
use crate::index::facts::PortRef;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::DynamicObject;
use serde_json::Value;

/// The port of a Service that the API server calls where the object names none.
const HTTPS: u16 = 443;

/// Returns the callers that an object speaks of, each once.
pub(super) fn callers(kind: CallerKind, object: &DynamicObject) -> Vec<OutsideCaller> {
    let caller = |(target, port): (CallerTarget, Option<CallerPort>)| OutsideCaller {
        kind,
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
        target,
        port,
    };
    let own = object.metadata.namespace.as_deref().unwrap_or_default();
    let data = &object.data;
    let targets: Vec<_> = match kind {
        CallerKind::Ingress => ingress(data, own),
        CallerKind::ServiceMonitor => {
            monitor(data, own, "/spec/endpoints", CallerTarget::Services, CallerPort::OfService)
        }
        CallerKind::PodMonitor => {
            monitor(data, own, "/spec/podMetricsEndpoints", CallerTarget::Pods, CallerPort::OfPods)
        }
        CallerKind::APIService => data.pointer("/spec/service").and_then(api_server_calls).into_iter().collect(),
        CallerKind::ValidatingWebhookConfiguration | CallerKind::MutatingWebhookConfiguration => {
            let webhooks = data.get("webhooks").and_then(Value::as_array).into_iter().flatten();
            webhooks.filter_map(|webhook| api_server_calls(webhook.pointer("/clientConfig/service")?)).collect()
        }
        CallerKind::CustomResourceDefinition => {
            let service = data.pointer("/spec/conversion/webhook/clientConfig/service");
            service.and_then(api_server_calls).into_iter().collect()
        }
    };
    let mut callers: Vec<OutsideCaller> = Vec::new();
    for caller in targets.into_iter().map(caller) {
        if !callers.contains(&caller) {
            callers.push(caller);
        }
    }
    callers
}

type Target = (CallerTarget, Option<CallerPort>);

/// A Service that the API server calls.
fn api_server_calls(service: &Value) -> Option<Target> {
    let text = |key: &str| Some(service.get(key)?.as_str()?.to_owned());
    let port = service.get("port").and_then(number).unwrap_or(HTTPS);
    let target = CallerTarget::Service { namespace: text("namespace")?, name: text("name")? };
    Some((target, Some(CallerPort::OfService(PortRef::Number(port)))))
}

fn ingress(data: &Value, namespace: &str) -> Vec<Target> {
    let rules = data.pointer("/spec/rules").and_then(Value::as_array).into_iter().flatten();
    let paths = rules.filter_map(|rule| rule.pointer("/http/paths")?.as_array()).flatten();
    let backends = paths.filter_map(|path| path.get("backend")).chain(data.pointer("/spec/defaultBackend"));
    let target = |backend: &Value| {
        let service = backend.get("service")?;
        let port = service.pointer("/port/number").and_then(number).map(PortRef::Number);
        let named = || Some(PortRef::Name(service.pointer("/port/name")?.as_str()?.to_owned()));
        let name = service.get("name")?.as_str()?.to_owned();
        let target = CallerTarget::Service { namespace: namespace.to_owned(), name };
        Some((target, port.or_else(named).map(CallerPort::OfService)))
    };
    backends.filter_map(target).collect()
}

fn monitor(
    data: &Value,
    own: &str,
    endpoints: &str,
    target: fn(CalledNamespaces, LabelSelector) -> CallerTarget,
    port: fn(PortRef) -> CallerPort,
) -> Vec<Target> {
    let selector = data.pointer("/spec/selector").cloned().unwrap_or_default();
    let Ok(selector) = serde_json::from_value::<LabelSelector>(selector) else { return Vec::new() };
    let namespaces = namespaces(data, own);
    let endpoints = data.pointer(endpoints).and_then(Value::as_array).into_iter().flatten();
    endpoints.map(|endpoint| (target(namespaces.clone(), selector.clone()), monitored_port(endpoint, port))).collect()
}

fn namespaces(data: &Value, own: &str) -> CalledNamespaces {
    let given = data.pointer("/spec/namespaceSelector");
    if given.and_then(|given| given.get("any")?.as_bool()) == Some(true) {
        return CalledNamespaces::Any;
    }
    let names = given.and_then(|given| given.get("matchNames")?.as_array()).into_iter().flatten();
    let names: Vec<String> = names.filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    let names = if names.is_empty() { vec![own.to_owned()] } else { names };
    CalledNamespaces::Named(names.into_iter().collect())
}

/// The port of an endpoint. `named`: whose names `port` means.
fn monitored_port(endpoint: &Value, named: fn(PortRef) -> CallerPort) -> Option<CallerPort> {
    let of_pods = |key: &str| {
        let port = endpoint.get(key)?;
        let name = || Some(PortRef::Name(port.as_str()?.to_owned()));
        number(port).map(PortRef::Number).or_else(name).map(CallerPort::OfPods)
    };
    let by_name = || Some(named(PortRef::Name(endpoint.get("port")?.as_str()?.to_owned())));
    by_name().or_else(|| of_pods("targetPort")).or_else(|| of_pods("portNumber"))
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The callers of an object, as text with target and port.
    fn found(kind: CallerKind, object: Value) -> Vec<String> {
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let text = |caller: OutsideCaller| {
            let target = match &caller.target {
                CallerTarget::Service { namespace, name } => format!("{namespace}/{name}"),
                CallerTarget::Services(namespaces, _) => format!("services of {namespaces:?}"),
                CallerTarget::Pods(namespaces, _) => format!("pods of {namespaces:?}"),
            };
            format!("{caller} -> {target} {:?}", caller.port)
        };
        callers(kind, &object).into_iter().map(text).collect()
    }

    #[test]
    fn an_ingress_calls_the_services_of_its_paths_and_its_default_backend_each_once() {
        let path =
            |name: &str, port: Value| json!({ "path": "/", "backend": { "service": { "name": name, "port": port } } });
        let paths = [
            path("web", json!({ "number": 80 })),
            path("api", json!({ "name": "http" })),
            path("web", json!({ "number": 80 })),
        ];
        let object = json!({
            "metadata": { "namespace": "shop", "name": "front" },
            "spec": { "defaultBackend": { "service": { "name": "web", "port": { "number": 81 } } }, "rules": [{ "http": { "paths": paths } }, {}] },
        });
        let expected = [
            "Ingress shop/front -> shop/web Some(OfService(Number(80)))",
            "Ingress shop/front -> shop/api Some(OfService(Name(\"http\")))",
            "Ingress shop/front -> shop/web Some(OfService(Number(81)))",
        ];
        assert_eq!(found(CallerKind::Ingress, object), expected);
    }

    #[test]
    fn the_api_server_calls_the_services_of_api_services_webhooks_and_conversions_at_443_by_default() {
        let service = json!({ "namespace": "shop", "name": "web" });
        let api = json!({ "metadata": { "name": "v1.shop" }, "spec": { "service": service } });
        assert_eq!(found(CallerKind::APIService, api), ["APIService v1.shop -> shop/web Some(OfService(Number(443)))"]);
        let local = json!({ "metadata": { "name": "v1." }, "spec": { "service": null } });
        assert!(found(CallerKind::APIService, local).is_empty());
        let other = json!({ "namespace": "shop", "name": "web", "port": 8443 });
        let hooks = json!({
            "metadata": { "name": "gate" },
            "webhooks": [{ "clientConfig": { "service": other } }, { "clientConfig": { "url": "https://outside" } }],
        });
        let expected = ["ValidatingWebhookConfiguration gate -> shop/web Some(OfService(Number(8443)))"];
        assert_eq!(found(CallerKind::ValidatingWebhookConfiguration, hooks), expected);
        let crd = json!({
            "metadata": { "name": "things.shop" },
            "spec": { "conversion": { "strategy": "Webhook", "webhook": { "clientConfig": { "service": service } } } },
        });
        let expected = ["CustomResourceDefinition things.shop -> shop/web Some(OfService(Number(443)))"];
        assert_eq!(found(CallerKind::CustomResourceDefinition, crd), expected);
    }

    #[test]
    fn monitors_call_in_their_own_namespace_unless_they_name_others() {
        let monitor = |namespaces: Value, endpoint: Value| {
            json!({
                "metadata": { "namespace": "monitoring", "name": "web" },
                "spec": { "selector": { "matchLabels": { "app": "web" } }, "namespaceSelector": namespaces, "endpoints": [endpoint], "podMetricsEndpoints": [endpoint] },
            })
        };
        let of = |namespaces: Value| {
            found(CallerKind::ServiceMonitor, monitor(namespaces, json!({ "port": "metrics" }))).remove(0)
        };
        assert!(of(json!({})).contains(r#"services of Named({"monitoring"}) Some(OfService(Name("metrics")))"#));
        assert!(of(json!({ "matchNames": ["shop"] })).contains(r#"Named({"shop"})"#));
        assert!(of(json!({ "any": true })).contains("services of Any"));
        let pods = found(CallerKind::PodMonitor, monitor(json!({}), json!({ "portNumber": 9090 })));
        assert_eq!(pods, [r#"PodMonitor monitoring/web -> pods of Named({"monitoring"}) Some(OfPods(Number(9090)))"#]);
    }

    #[test]
    fn an_object_that_is_nothing_like_its_kind_has_no_callers() {
        for kind in CallerKind::ALL {
            for spec in [
                json!(null),
                json!([]),
                json!({ "rules": 7, "service": "x", "endpoints": {}, "selector": 1, "conversion": [] }),
            ] {
                assert!(found(*kind, json!({ "metadata": { "name": "x" }, "spec": spec, "webhooks": 1 })).is_empty());
            }
        }
    }
}
