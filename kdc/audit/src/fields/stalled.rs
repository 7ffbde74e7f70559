//! Fields of the line about requests that were refused while the trail could not be written.

use crate::line::{Fields, Line};
use kennel_core::event::Decision;
use kennel_core::refusal::Refusal;
use kennel_wire::message::Timestamp;

/// The number of requests that were refused because the sink did not take lines.
pub(crate) struct StalledSum {
    /// Time at which the sink took lines again.
    pub(crate) time: Timestamp,
    pub(crate) refused: u64,
}

impl Fields for StalledSum {
    fn write(&self, line: &mut Line<'_>) {
        line.word("time", self.time.to_rfc3339());
        line.word("exchange", "any");
        line.word("outcome", Decision::REFUSED);
        line.word("source", "others");
        line.word("reason", Refusal::TrailUnavailable.name());
        line.bare("unwritten", self.refused);
    }
}
