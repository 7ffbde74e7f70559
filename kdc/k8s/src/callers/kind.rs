//! The kinds of objects that say who calls pods without Kerberos.

use kube::api::{ApiResource, GroupVersionKind};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident => $group:literal, $version:literal, $plural:literal;)+) => {
        /// A kind of object that says who calls pods without Kerberos.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum CallerKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl CallerKind {
            /// Every kind.
            pub const ALL: &'static [CallerKind] = &[$(CallerKind::$kind),+];

            /// The name of the kind.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(CallerKind::$kind => stringify!($kind),)+ }
            }

            /// The kind as the API server serves it.
            #[must_use]
            pub fn api_resource(self) -> ApiResource {
                let (group, version, plural) = match self { $(CallerKind::$kind => ($group, $version, $plural),)+ };
                ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, self.name()), plural)
            }
        }
    };
}

kinds! {
    /// The controller behind it calls the pods of its Services.
    Ingress => "networking.k8s.io", "v1", "ingresses";
    /// Prometheus calls the pods of the Services that it selects.
    ServiceMonitor => "monitoring.coreos.com", "v1", "servicemonitors";
    /// Prometheus calls the pods that it selects.
    PodMonitor => "monitoring.coreos.com", "v1", "podmonitors";
    /// The API server passes requests on to its Service.
    APIService => "apiregistration.k8s.io", "v1", "apiservices";
    /// The API server asks its Services.
    ValidatingWebhookConfiguration => "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations";
    /// The API server asks its Services.
    MutatingWebhookConfiguration => "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations";
    /// The API server has its Service convert objects.
    CustomResourceDefinition => "apiextensions.k8s.io", "v1", "customresourcedefinitions";
}
