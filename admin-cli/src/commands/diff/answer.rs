//! The whole answer of `kennel diff`.

use crate::commands::diff::compare::Difference;
use crate::commands::diff::losers::Losers;
use crate::commands::diff::outside::OutsideCallers;
use crate::source::findings::ObjectFinding;
use serde::Serialize;

/// The whole answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    #[serde(flatten)]
    pub(super) difference: Difference,
    /// Clients that asked lately, and that Enforce would deny once the files are applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) would_lose_access: Option<Losers>,
    /// Callers without Kerberos that Enforce would drop once the files are applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) calls_without_kerberos: Vec<OutsideCallers>,
    /// Problems of the objects once the files are applied.
    pub(super) problems: Vec<ObjectFinding>,
}
