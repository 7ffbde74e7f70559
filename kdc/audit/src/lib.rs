//! What happened, written and counted. Requests hand over their events; one thread writes a line for each of them and counts
//! them, so that what is audited is counted and counting costs no request anything.
//!
//! | module | what |
//! |---|---|
//! | [`trail`] | the queue and the thread that empties it |
//! | [`fields`] | what each kind of event says, in order |
//! | [`line`] | the form of a line: JSON or text, escaped |
//! | [`sink`] | where lines go |
//! | [`metrics`] | counters and gauges, and their text for a scrape |
//! | [`store_counts`] | what the store holds: principals, keys by age |
//! | [`error`] | why the trail cannot start |

mod error;
mod fields;
mod line;
mod metrics;
mod sink;
mod store_counts;
#[cfg(test)]
mod testing;
mod trail;

pub use error::AuditError;
pub use line::LineFormat;
pub use metrics::Metrics;
pub use sink::SinkTarget;
pub use store_counts::{PrincipalKind, StoreCounts, StoreGauges};
pub use trail::{Audit, AuditWriter};
