//! One caller and its target.

use crate::callers::kind::CallerKind;
use crate::index::facts::PortRef;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeSet;
use std::fmt;

/// An object of the cluster because of which somebody calls pods without Kerberos.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideCaller {
    /// Its kind.
    pub kind: CallerKind,
    /// Its namespace; empty where the kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The pods that are called.
    pub target: CallerTarget,
    /// The port that is called; `None` where the object names none.
    pub port: Option<CallerPort>,
}

/// Pods, as the object of a caller names them.
#[derive(Debug, Clone, PartialEq)]
pub enum CallerTarget {
    /// Those behind a Service.
    Service {
        /// Namespace of the Service.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Those behind the Services with these labels.
    Services(CalledNamespaces, LabelSelector),
    /// Those with these labels.
    Pods(CalledNamespaces, LabelSelector),
}

/// Namespaces that a monitor looks into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalledNamespaces {
    /// Every namespace.
    Any,
    /// These.
    Named(BTreeSet<String>),
}

/// A port that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerPort {
    /// A port of the Service, by its number or its name there.
    OfService(PortRef),
    /// A port of the pods.
    OfPods(PortRef),
}

impl CalledNamespaces {
    /// Whether a namespace is among them.
    #[must_use]
    pub fn contains(&self, namespace: &str) -> bool {
        match self {
            CalledNamespaces::Any => true,
            CalledNamespaces::Named(names) => names.contains(namespace),
        }
    }
}

/// `Ingress shop/web`.
impl fmt::Display for OutsideCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutsideCaller { kind, namespace, name, .. } = self;
        let slash = if namespace.is_empty() { "" } else { "/" };
        write!(f, "{} {namespace}{slash}{name}", kind.name())
    }
}
