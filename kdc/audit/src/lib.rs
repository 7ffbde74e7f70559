//! The audit trail and the metrics. Requests hand over their events. One thread writes a line for each event and counts it, so that
//! the counters agree with the trail and counting delays no request.
//!
//! | module | what |
//! |---|---|
//! | [`trail`] | records events: the queue, start and stop |
//! | [`message`] | what requests hand over to the writer |
//! | [`backlog`] | the limits of what waits for the writer, in octets and time |
//! | [`writer`] | the thread that empties the queue |
//! | [`noise`] | sums up requests of strangers that fail |
//! | [`fields`] | the fields of each kind of event, in order |
//! | [`line`](mod@line) | the form of a line: JSON or text, escaped |
//! | [`sink`] | where lines are written |
//! | [`metrics`] | counters and gauges, and their text for a scrape |
//! | [`store_counts`] | the numbers of principals in the store, and of keys by age |
//! | [`error`] | errors at the start of the trail |

mod backlog;
mod error;
mod fields;
mod line;
mod message;
mod metrics;
mod noise;
mod sink;
mod store_counts;
#[cfg(test)]
mod testing;
mod trail;
mod writer;

pub use error::AuditError;
pub use line::LineFormat;
pub use metrics::Metrics;
pub use sink::SinkTarget;
pub use store_counts::{PrincipalKind, StoreCounts, StoreGauges};
pub use trail::{Audit, AuditWriter, TrailSettings};
