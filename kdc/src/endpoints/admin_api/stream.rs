//! Decisions as lines: those that are retained, then those that follow, until the connection has to end. The caller resumes the stream
//! then, and the KDC asks for the caller's permission again.

use crate::endpoints::admin_api::bodies::decision_record;
use crate::endpoints::admin_api::streams::StreamPlace;
use axum::body::Body;
use futures_util::stream::unfold;
use kennel_audit::{DecisionLog, DecisionScope, FeedSlice};
use kennel_wire::admin::{DecisionLine, DecisionsQuery, Heartbeat, LostDecisions, StreamStart};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// Decisions that are read at a time.
const BATCH: usize = 256;
/// Pause before decisions are read that were just made: further ones gather meanwhile.
const GATHER: Duration = Duration::from_millis(50);
/// Time without a decision after which the stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Time that the end of the stream takes before the connection closes.
const LAST_LINES: Duration = Duration::from_secs(3);

/// A stream of decisions.
pub(super) struct DecisionStream {
    log: Arc<DecisionLog>,
    scope: DecisionScope,
    /// Sequence number of the last decision that was sent.
    after: u64,
    /// The last sequence number that is sent; `None` where the stream follows.
    until: Option<u64>,
    newest: watch::Receiver<Option<u64>>,
    end: Instant,
    start: Option<StreamStart>,
    /// The caller's place among the streams; `None` where nothing limits them.
    _place: Option<StreamPlace>,
}

impl DecisionStream {
    /// Begins a stream, which ends before the connection does.
    pub(super) fn new(
        log: Arc<DecisionLog>,
        identity: StreamIdentity<'_>,
        query: &DecisionsQuery,
        scope: DecisionScope,
        connection_end: Instant,
        place: Option<StreamPlace>,
    ) -> DecisionStream {
        let newest = log.read(&scope, u64::MAX, 0).newest;
        let position = query.after.filter(|after| {
            query.instance.as_deref() == Some(identity.instance) && *after <= newest
        });
        let most = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let after = position.unwrap_or_else(|| log.begin(&scope, most));
        let start = StreamStart {
            realm: identity.realm.to_owned(),
            instance: identity.instance.to_owned(),
            resumed: position.is_some(),
            after,
        };
        DecisionStream {
            newest: log.follow(),
            log,
            scope,
            after,
            until: (!query.follow).then_some(newest),
            end: connection_end.checked_sub(LAST_LINES).unwrap_or(connection_end),
            start: Some(start),
            _place: place,
        }
    }

    /// The body of the answer.
    pub(super) fn into_body(self) -> Body {
        Body::from_stream(unfold(self, |mut stream| async move {
            let lines = stream.next().await?;
            Some((Ok::<_, Infallible>(lines), stream))
        }))
    }

    /// Returns the next lines; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        if let Some(start) = self.start.take() {
            return Some(text([DecisionLine::Start(start)]));
        }
        loop {
            let is_closed = self.newest.borrow_and_update().is_none();
            let slice = self.log.read(&self.scope, self.after, BATCH);
            let lines = self.lines(slice);
            if !lines.is_empty() {
                return Some(text(lines));
            }
            let is_complete = self.until.is_some();
            if is_complete || is_closed || Instant::now() >= self.end {
                return None;
            }
            tokio::select! {
                changed = self.newest.changed() => {
                    changed.ok()?;
                    sleep(GATHER).await;
                }
                () = sleep_until(self.end) => return None,
                () = sleep(HEARTBEAT) => {
                    return Some(text([DecisionLine::Heartbeat(Heartbeat { sequence: self.after })]));
                }
            }
        }
    }

    /// The lines of some decisions; a gap between their numbers is a line too.
    fn lines(&mut self, slice: FeedSlice) -> Vec<DecisionLine> {
        let until = self.until.unwrap_or(u64::MAX);
        let mut lines = Vec::with_capacity(slice.entries.len());
        for (sequence, entry) in slice.entries.into_iter().take_while(|(sequence, _)| *sequence <= until) {
            lines.extend(self.gap(sequence.saturating_sub(1)));
            lines.push(DecisionLine::Decision(decision_record(&self.log, sequence, &entry)));
            self.after = sequence;
        }
        if !slice.has_more {
            lines.extend(self.gap(slice.newest.min(until)));
        }
        lines
    }

    /// The line about lost decisions up to a number, where there are any.
    fn gap(&mut self, sequence: u64) -> Option<DecisionLine> {
        let lost = sequence.checked_sub(self.after).filter(|lost| *lost > 0)?;
        self.after = sequence;
        Some(DecisionLine::Lost(LostDecisions { lost, sequence }))
    }
}

/// What the first line says of the process.
#[derive(Clone, Copy)]
pub(super) struct StreamIdentity<'a> {
    pub(super) realm: &'a str,
    pub(super) instance: &'a str,
}

fn text(lines: impl IntoIterator<Item = DecisionLine>) -> String {
    let mut text = String::new();
    for line in lines {
        // Texts and numbers always become JSON.
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    text
}
