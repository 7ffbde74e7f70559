//! Label selectors, as Kubernetes means them: an empty selector matches everything.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt};
use std::collections::BTreeMap;

/// Whether a selector matches these labels; a selector that cannot be read matches nothing.
pub(crate) fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}

/// Why a selector cannot be read.
pub(crate) fn unreadable(selector: &LabelSelector) -> Option<String> {
    Selector::try_from(selector.clone()).err().map(|error| error.to_string())
}

/// The selector as `kubectl -l` takes it.
pub(crate) fn as_text(selector: &LabelSelector) -> String {
    Selector::try_from(selector.clone()).map_or_else(|error| error.to_string(), |selector| selector.to_string())
}
