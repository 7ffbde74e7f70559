//! Label selectors, as Kubernetes means them: an empty one takes everything.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt};
use std::collections::BTreeMap;

/// Whether a selector takes these labels; one that cannot be read takes nothing.
pub(super) fn takes(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}

/// As `kubectl -l` takes it.
pub(super) fn text(selector: &LabelSelector) -> String {
    Selector::try_from(selector.clone()).map_or_else(|error| error.to_string(), |selector| selector.to_string())
}
