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
//! | [`decision_log`] | the decisions about the servers of each namespace, for the admin API |
//! | [`feed`] | the last decisions, bounded, for readers that follow |
//! | [`scope`] | the servers that a reader of decisions may see |
//! | [`pairs`] | who asked for whom: first, last, how often, with which outcome |
//! | [`store_counts`] | the numbers of principals in the store, and of keys by age |
//! | [`error`] | errors at the start of the trail |

mod backlog;
mod decision_log;
mod error;
mod feed;
mod fields;
mod line;
mod message;
mod metrics;
mod noise;
mod pairs;
mod scope;
mod sink;
mod store_counts;
#[cfg(test)]
mod testing;
mod trail;
mod writer;

pub use decision_log::{AccountDirectory, DecisionListener, DecisionLog, new_recording};
pub use error::AuditError;
pub use feed::{FeedEntry, FeedSlice};
pub use line::LineFormat;
pub use metrics::Metrics;
pub use pairs::{PairTally, PairsOfNamespace, PairsSnapshot, RecordedPair};
pub use scope::DecisionScope;
pub use sink::SinkTarget;
pub use store_counts::{PrincipalKind, StoreCounts, StoreGauges};
pub use trail::{Audit, AuditWriter, TrailSettings};
