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

/// The number of decisions so far, `None` once the log is closed.
fn follow(log: &DecisionLog) -> watch::Receiver<Option<u64>> {
    let (sender, receiver) = watch::channel(None);
    log.follow(Box::new(move |newest| {
        sender.send_replace(newest);
        !sender.is_closed()
    }));
    receiver
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
        let position =
            query.after.filter(|after| query.instance.as_deref() == Some(identity.instance) && *after <= newest);
        let most = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let after = position.unwrap_or_else(|| log.begin(&scope, most));
        let start = StreamStart {
            realm: identity.realm.to_owned(),
            instance: identity.instance.to_owned(),
            resumed: position.is_some(),
            after,
        };
        DecisionStream {
            newest: follow(&log),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use http_body_util::BodyExt;
    use kennel_audit::{
        AccountDirectory, Audit, AuditWriter, LineFormat, Metrics, SinkTarget, TrailSettings, new_recording,
    };
    use kennel_core::access::table::ServerKey;
    use kennel_core::event::{Decision, Event, Exchange};
    use kennel_core::refusal::Refusal;
    use kennel_wire::message::{KdcOptions, Principal};
    use serde_json::Value;

    /// `HTTP/x.shop` belongs to the account `x` of namespace `shop`.
    struct ByHost;

    impl AccountDirectory for ByHost {
        fn of_server(&self, server: &Principal) -> Option<ServerKey> {
            let (name, namespace) = server.name.components.get(1)?.split_once('.')?;
            Some(ServerKey::new(namespace, name))
        }

        fn of_client(&self, _client: &Principal) -> Option<ServerKey> {
            None
        }
    }

    struct Fixture {
        log: Arc<DecisionLog>,
        audit: Audit,
        writer: AuditWriter,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Fixture {
            let (folder, metrics) = (tempfile::tempdir().unwrap(), Arc::new(Metrics::new()));
            let pairs = new_recording(clock::now());
            let log = Arc::new(DecisionLog::new(Arc::new(ByHost), metrics.clone(), pairs));
            let sink = SinkTarget::File(folder.path().join("audit.log"));
            let settings = TrailSettings { sink, format: LineFormat::Json, noise_lines: 20 };
            let (audit, writer) = Audit::start(&settings, metrics, Some(log.clone()), clock::now).unwrap();
            Fixture { log, audit, writer, _folder: folder }
        }

        fn record(&self, server: &str) {
            self.audit.record(Event {
                time: clock::now(),
                peer: "10.0.0.1:4711".parse().unwrap(),
                exchange: Exchange::Tgs,
                client: Principal::parse("cart.shop", "R").ok(),
                server: Principal::parse(server, "R").ok(),
                pod: None,
                options: KdcOptions::default(),
                offered: Vec::new(),
                armor: None,
                outcome: Decision::refused(Refusal::TicketExpired),
            });
        }

        /// Waits until so many decisions are in the log.
        async fn recorded(&self, number: u64) {
            let mut newest = follow(&self.log);
            newest.wait_for(|newest| newest.is_some_and(|newest| newest >= number)).await.unwrap();
        }

        fn stream(&self, query: DecisionsQuery, life: Duration) -> DecisionStream {
            let identity = StreamIdentity { realm: "R", instance: "i1" };
            let scope = query.namespace.clone().map_or(DecisionScope::All, DecisionScope::Namespace);
            DecisionStream::new(self.log.clone(), identity, &query, scope, Instant::now() + life, None)
        }

        async fn lines(&self, query: DecisionsQuery) -> Vec<Value> {
            let body = self.stream(query, Duration::from_secs(60)).into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }
    }

    fn shop() -> DecisionsQuery {
        DecisionsQuery { namespace: Some("shop".into()), ..DecisionsQuery::default() }
    }

    fn sequences(lines: &[Value]) -> Vec<u64> {
        let decisions = lines.iter().filter(|line| line["type"] == "decision");
        decisions.map(|line| line["sequence"].as_u64().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_stream_has_the_decisions_of_its_namespace_and_is_resumed_after_the_last_one() {
        let fixture = Fixture::new();
        for server in ["HTTP/web.shop", "HTTP/x.bank", "HTTP/web.shop", "HTTP/web.shop"] {
            fixture.record(server);
        }
        fixture.recorded(4).await;
        let lines = fixture.lines(shop()).await;
        assert_eq!((&lines[0]["type"], &lines[0]["resumed"]), (&"start".into(), &false.into()));
        assert_eq!(sequences(&lines), [1, 2, 3]);
        assert!(lines[1..].iter().all(|line| line["serverAccount"]["namespace"] == "shop"), "{lines:?}");
        let resume = |instance: &str| DecisionsQuery { instance: Some(instance.into()), after: Some(2), ..shop() };
        let lines = fixture.lines(resume("i1")).await;
        assert_eq!((&lines[0]["resumed"], sequences(&lines)), (&true.into(), vec![3]));
        let lines = fixture.lines(resume("another process")).await;
        assert_eq!((&lines[0]["resumed"], sequences(&lines)), (&false.into(), vec![1, 2, 3]));
        let lines = fixture.lines(DecisionsQuery { limit: Some(1), ..shop() }).await;
        assert_eq!((sequences(&lines), lines.len()), (vec![3], 2), "what was not asked for is not lost");
        let everywhere = fixture.lines(DecisionsQuery::default()).await;
        assert_eq!(sequences(&everywhere), [1, 2, 3, 4]);
        fixture.writer.stop();
    }

    #[tokio::test]
    async fn decisions_that_are_not_retained_any_more_are_a_line_with_their_number() {
        let fixture = Fixture::new();
        let number = 20_000;
        for _ in 0..number {
            fixture.record("HTTP/web.shop");
        }
        fixture.recorded(number).await;
        let lines = fixture.lines(DecisionsQuery { instance: Some("i1".into()), after: Some(0), ..shop() }).await;
        let sequences = sequences(&lines);
        assert_eq!(lines[1]["type"], "lost");
        assert_eq!(lines[1]["lost"].as_u64().unwrap(), sequences[0] - 1);
        assert!(sequences[0] > 1 && sequences.len() > 1000, "{} of {number} are retained", sequences.len());
        assert_eq!(*sequences.last().unwrap(), number);
        assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1));
        fixture.writer.stop();
    }

    #[tokio::test]
    async fn a_stream_follows_until_the_log_closes_or_the_connection_has_to_end() {
        let fixture = Fixture::new();
        let follow = || DecisionsQuery { follow: true, ..shop() };
        let mut stream = fixture.stream(follow(), Duration::from_secs(60));
        assert!(stream.next().await.unwrap().contains("start"));
        fixture.record("HTTP/web.shop");
        assert!(stream.next().await.unwrap().contains("\"sequence\":1"));
        fixture.log.close();
        assert_eq!(stream.next().await, None);
        let mut short = fixture.stream(follow(), LAST_LINES + Duration::from_millis(100));
        assert!(short.next().await.unwrap().contains("start"));
        short.next().await.unwrap();
        let begun = Instant::now();
        assert_eq!(short.next().await, None);
        assert!(begun.elapsed() < Duration::from_secs(2));
        fixture.writer.stop();
    }
}
