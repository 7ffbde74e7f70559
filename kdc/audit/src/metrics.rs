//! Counters and gauges. The thread that writes the audit trail counts requests, so that the counters agree with the trail and
//! counting delays no request.

use crate::store_counts::StoreGauges;
use kennel_core::access::denial::{AccessDenial, DenialReason};
use kennel_core::admin::event::AdminEvent;
use kennel_core::enrolment::{EnrolmentEvent, EnrolmentOutcome, EnrolmentRefusal};
use kennel_core::event::{Decision, Event, Exchange};
use kennel_core::kpasswd::event::PasswordEvent;
use kennel_core::refusal::Refusal;
use kennel_core::rotation::event::{RotationAction, RotationEvent};
use kennel_wire::admin::DecisionOutcome;
use kennel_wire::message::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// Upper bounds of request durations, seconds.
const LATENCY_BUCKETS: [f64; 12] = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    exchange: &'static str,
    outcome: &'static str,
    /// Name of the refusal; empty otherwise.
    reason: &'static str,
    /// Enctype of the ticket; empty without one.
    enctype: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExchangeLabels {
    exchange: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EnrolmentLabels {
    outcome: &'static str,
    /// Name of the refusal; empty otherwise.
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AccessLabels {
    decision: &'static str,
    /// Name of what is missing; empty where access is allowed.
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RotationLabels {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AdminLabels {
    operation: &'static str,
    outcome: &'static str,
}

/// Decisions on access by a KerberosAccess, or for want of one.
const ALLOWED: &str = "allow";
const OBSERVED: &str = "would-deny";
const DENIED: &str = "deny";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NamespaceLabels {
    /// Namespace of the server; empty where it belongs to none, as the ticket-granting service. (Prometheus itself adds the label `namespace`, of the KDC.)
    server_namespace: String,
    outcome: &'static str,
}

/// Decisions about the servers of a namespace, by outcome, in the order of [`DecisionOutcome::ALL`].
pub(crate) struct NamespaceCounters([Counter; 4]);

impl NamespaceCounters {
    pub(crate) fn inc(&self, outcome: DecisionOutcome) {
        let counters = DecisionOutcome::ALL.iter().zip(&self.0);
        counters.filter(|(of, _)| **of == outcome).for_each(|(_, counter)| _ = counter.inc());
    }
}

/// Upper bounds of watch delays, in whole seconds as the API server reports times.
const DELAY_BUCKETS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// All metrics of a process.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    access: Family<AccessLabels, Counter>,
    latency: Family<ExchangeLabels, Histogram, fn() -> Histogram>,
    enrolments: Family<EnrolmentLabels, Counter>,
    /// Requests of pods that wait for changes of their keys.
    pub waiting_requests: Gauge,
    /// Requests that were not let wait, since others had the places.
    pub waiting_refused: Counter,
    /// Statements of pods about the keys on their disks that were news.
    pub holder_confirmations: Counter,
    namespace_decisions: Family<NamespaceLabels, Counter>,
    rotation_steps: Family<RotationLabels, Counter>,
    admin_operations: Family<AdminLabels, Counter>,
    /// Principals whose staged key waits for its holders or for its time.
    pub rotations_under_way: Gauge,
    /// Those of them that have waited for a holder for longer than their policy's deadline.
    pub rotation_stalled: Gauge,
    /// Pairs of client and server that are not recorded any more, since their namespace has too many.
    pub(crate) pairs_lost: Counter,
    /// Batches of audit lines that the sink did not take.
    pub(crate) audit_failures: Counter,
    /// Events of noise that were counted in place of a line.
    pub(crate) audit_noise: Counter,
    /// 1 while the trail takes no events, so that no ticket is issued.
    pub audit_stalled: Gauge,
    /// 1 while the KDC would not start again with the files of its master keys, or their rotation does not go on.
    pub master_key_problem: Gauge,
    /// 1 once every kind of object has been listed since the start.
    pub cluster_synced: Gauge,
    /// Kinds of objects whose watch is broken.
    pub watches_broken: Gauge,
    /// Time of the last event of a watch, seconds since the epoch.
    pub last_event: Gauge,
    /// Time from the creation of a pod until the index knows it, seconds.
    watch_delay: Histogram,
    /// 1 while this process holds the realm's Lease.
    pub lease_held: Gauge,
    /// Enrolled namespaces.
    pub namespaces: Gauge,
    /// Principals that the cluster asks for.
    pub principals: Gauge,
    /// Names that have another owner, and names that the store does not accept.
    pub refused_names: Gauge,
    /// Namespaces that ask for more than their budget, or with an object that does.
    pub quota_exceeded: Gauge,
    /// NetworkPolicies that the cluster should have.
    pub network_policies: Gauge,
    /// Those of them that it does not have as they should be.
    pub network_policies_missing: Gauge,
    /// Those of them that somebody else keeps changing.
    pub network_policies_contended: Gauge,
    /// NetworkPolicies that somebody else changed or deleted, and that were put back.
    pub network_policy_drift: Counter,
    /// Principals of deleted objects that are kept, disabled, until their last ticket has ended.
    pub abandoned_principals: Gauge,
    /// Expiry of the serving certificate, seconds since the epoch.
    pub certificate_expiry: Gauge<f64, AtomicU64>,
    /// Expiry of the CA certificate that clients trust, seconds since the epoch.
    pub authority_expiry: Gauge<f64, AtomicU64>,
    /// Numbers of principals and keys in the store.
    pub store: StoreGauges,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// Creates all metrics, with the value 0.
    #[must_use]
    pub fn new() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("kennel"),
            requests: Family::default(),
            access: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS)),
            enrolments: Family::default(),
            waiting_requests: Gauge::default(),
            waiting_refused: Counter::default(),
            holder_confirmations: Counter::default(),
            namespace_decisions: Family::default(),
            rotation_steps: Family::default(),
            admin_operations: Family::default(),
            rotations_under_way: Gauge::default(),
            rotation_stalled: Gauge::default(),
            pairs_lost: Counter::default(),
            audit_failures: Counter::default(),
            audit_noise: Counter::default(),
            audit_stalled: Gauge::default(),
            master_key_problem: Gauge::default(),
            cluster_synced: Gauge::default(),
            watches_broken: Gauge::default(),
            last_event: Gauge::default(),
            watch_delay: Histogram::new(DELAY_BUCKETS),
            lease_held: Gauge::default(),
            namespaces: Gauge::default(),
            principals: Gauge::default(),
            refused_names: Gauge::default(),
            quota_exceeded: Gauge::default(),
            network_policies: Gauge::default(),
            network_policies_missing: Gauge::default(),
            network_policies_contended: Gauge::default(),
            network_policy_drift: Counter::default(),
            abandoned_principals: Gauge::default(),
            certificate_expiry: Gauge::default(),
            authority_expiry: Gauge::default(),
            store: StoreGauges::default(),
        };
        metrics.register();
        metrics.begin();
        metrics
    }

    /// Creates the counters that alerts read. A counter that only appears with its first event shows no increase.
    fn begin(&self) {
        let _ = self.namespace_counters("");
        let _ = self.enrolments.get_or_create(&EnrolmentLabels { outcome: Decision::ISSUED, reason: "" });
        for refusal in EnrolmentRefusal::ALL {
            let _ =
                self.enrolments.get_or_create(&EnrolmentLabels { outcome: Decision::REFUSED, reason: refusal.name() });
        }
        for exchange in [Exchange::As.name(), Exchange::Tgs.name()] {
            let reason = Refusal::StoreUnavailable.name();
            let _ = self.requests.get_or_create(&RequestLabels {
                exchange,
                outcome: Decision::REFUSED,
                reason,
                enctype: "",
            });
        }
        for action in RotationAction::NAMES {
            let _ = self.rotation_steps.get_or_create(&RotationLabels { action });
        }
        for outcome in [AdminEvent::DONE, AdminEvent::REFUSED] {
            let _ = self.admin_operations.get_or_create(&AdminLabels { operation: "change-password", outcome });
        }
        let _ = self.access.get_or_create(&AccessLabels { decision: ALLOWED, reason: "" });
        for reason in DenialReason::ALL.map(DenialReason::name) {
            for decision in [OBSERVED, DENIED] {
                let _ = self.access.get_or_create(&AccessLabels { decision, reason });
            }
        }
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What runs", version);
        registry.register("requests", "Requests of clients by what became of them", self.requests.clone());
        let help =
            "Decisions on tickets for services by their KerberosAccess, and what is missing where none allows one";
        registry.register("access_decisions", help, self.access.clone());
        let help = "From a request's arrival to its answer";
        registry.register_with_unit("request_duration", help, Unit::Seconds, self.latency.clone());
        registry.register("enrolments", "Enrolments of pods by what became of them", self.enrolments.clone());
        let help = "Requests of pods that wait for changes of their keys";
        registry.register("enrolment_waiting_requests", help, self.waiting_requests.clone());
        let help = "Requests of pods that were not let wait for changes of their keys, since others had the places";
        registry.register("enrolment_waiting_refused", help, self.waiting_refused.clone());
        let help = "Confirmations of pods that keys are on their disks, which changed what was known of them";
        registry.register("enrolment_confirmations", help, self.holder_confirmations.clone());
        let help = "Decisions about the servers of a namespace, by outcome; would-deny is what Enforce would deny";
        registry.register("namespace_decisions", help, self.namespace_decisions.clone());
        let help = "Pairs of client and server that are not recorded any more, since their namespace has too many";
        registry.register("namespace_pairs_lost", help, self.pairs_lost.clone());
        let help = "Orders to rotate keys, and steps of rotations";
        registry.register("rotation_steps", help, self.rotation_steps.clone());
        let help = "Operations of administration, by their end";
        registry.register("admin_operations", help, self.admin_operations.clone());
        let help = "Principals whose next key is in keytabs and not used yet";
        registry.register("rotation_under_way", help, self.rotations_under_way.clone());
        let help =
            "Principals whose next key waits for a holder for too long: see the condition Stalled of their objects";
        registry.register("rotation_stalled", help, self.rotation_stalled.clone());
        let help = "Batches of audit lines that went to the log in place of their sink";
        registry.register("audit_failures", help, self.audit_failures.clone());
        let help = "Requests of strangers that the audit trail sums up in place of a line for each";
        registry.register("audit_noise", help, self.audit_noise.clone());
        let help = "1 while the audit trail cannot be written, so that no ticket is issued";
        registry.register("audit_stalled", help, self.audit_stalled.clone());
        let help =
            "1 while the KDC would not start again with the files of its master keys, or their rotation does not go on";
        registry.register("master_key_problem", help, self.master_key_problem.clone());
        for (name, help, gauge) in [
            ("cluster_synced", "1 once every kind of object was listed", &self.cluster_synced),
            ("cluster_watches_broken", "Kinds of objects whose watch does not work", &self.watches_broken),
            ("cluster_last_event_timestamp_seconds", "When a watch last told of something", &self.last_event),
            ("cluster_lease_held", "1 while this process writes for the cluster", &self.lease_held),
            ("cluster_namespaces", "Enrolled namespaces", &self.namespaces),
            ("cluster_principals", "Principals that objects of the cluster ask for", &self.principals),
            (
                "cluster_refused_names",
                "Names that cannot be had: see the conditions of the objects",
                &self.refused_names,
            ),
            (
                "cluster_quota_exceeded",
                "Namespaces that ask for more principals than the realm's limits: see the conditions of their objects",
                &self.quota_exceeded,
            ),
            ("network_policies", "NetworkPolicies that the cluster should have", &self.network_policies),
            (
                "network_policies_missing",
                "NetworkPolicies that the cluster does not have as they should be",
                &self.network_policies_missing,
            ),
            (
                "network_policies_contended",
                "NetworkPolicies that somebody else keeps changing: see the conditions of their objects",
                &self.network_policies_contended,
            ),
            (
                "cluster_abandoned_principals",
                "Disabled principals of deleted objects, which count to their namespaces until their last ticket has ended",
                &self.abandoned_principals,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        let help = "NetworkPolicies that somebody else changed or deleted, and that were put back";
        registry.register("network_policy_drift", help, self.network_policy_drift.clone());
        let help = "From the creation of a pod at the API server until it is known here";
        registry.register_with_unit("cluster_watch_delay", help, Unit::Seconds, self.watch_delay.clone());
        let help = "When the certificate of the enrolment API ends; 0 where it is not known";
        registry.register("tls_certificate_expiry_timestamp_seconds", help, self.certificate_expiry.clone());
        let help = "When the authority ends that clients of the enrolment API trust; 0 where it is not known";
        registry.register("tls_authority_expiry_timestamp_seconds", help, self.authority_expiry.clone());
        self.store.register(registry);
    }

    /// Counts a request that was answered at `finished`.
    pub(crate) fn observe(&self, event: &Event, finished: Timestamp) {
        let (exchange, outcome) = (event.exchange.name(), event.outcome.name());
        let (reason, enctype) = match &event.outcome {
            Decision::Issued(issued) => ("", issued.ticket_enctype.name()),
            Decision::PreauthRequired => ("", ""),
            Decision::Refused { refusal, .. } | Decision::Dropped(refusal) => (refusal.name(), ""),
        };
        self.requests.get_or_create(&RequestLabels { exchange, outcome, reason, enctype }).inc();
        if let Some(labels) = access_labels(&event.outcome) {
            self.access.get_or_create(&labels).inc();
        }
        self.latency.get_or_create(&ExchangeLabels { exchange }).observe(seconds(event.time, finished));
    }

    /// Returns the counters of the servers of a namespace.
    pub(crate) fn namespace_counters(&self, namespace: &str) -> NamespaceCounters {
        NamespaceCounters(DecisionOutcome::ALL.map(|outcome| {
            let outcome = match outcome {
                DecisionOutcome::Allowed => "allowed",
                DecisionOutcome::WouldDeny => "would-deny",
                DecisionOutcome::Denied => "denied",
                DecisionOutcome::Refused => "refused",
            };
            self.namespace_decisions
                .get_or_create(&NamespaceLabels { server_namespace: namespace.to_owned(), outcome })
                .clone()
        }))
    }

    /// Records that the index knows a pod created at `created` since `now`, seconds since the epoch. The times come from the
    /// clocks of two machines: where `now` is before `created`, the delay is 0.
    #[expect(clippy::cast_precision_loss, reason = "seconds of a delay")]
    pub fn observe_pod(&self, created: i64, now: i64) {
        self.watch_delay.observe(now.saturating_sub(created).max(0) as f64);
    }

    /// Counts an enrolment.
    pub(crate) fn observe_enrolment(&self, event: &EnrolmentEvent) {
        let (outcome, reason) = match &event.outcome {
            EnrolmentOutcome::Granted(_) => (event.outcome.name(), ""),
            EnrolmentOutcome::Refused { refusal, .. } => (event.outcome.name(), refusal.name()),
        };
        self.enrolments.get_or_create(&EnrolmentLabels { outcome, reason }).inc();
    }

    /// Counts a request to change a password.
    pub(crate) fn observe_password(&self, event: &PasswordEvent) {
        let (exchange, outcome, reason) = ("kpasswd", event.outcome.name(), event.outcome.reason());
        self.requests.get_or_create(&RequestLabels { exchange, outcome, reason, enctype: "" }).inc();
    }

    /// Counts an order or a step of a rotation.
    pub(crate) fn observe_rotation(&self, event: &RotationEvent) {
        self.rotation_steps.get_or_create(&RotationLabels { action: event.action.name() }).inc();
    }

    /// Counts an operation of administration.
    pub(crate) fn observe_admin(&self, event: &AdminEvent) {
        let labels = AdminLabels { operation: event.operation, outcome: event.outcome() };
        self.admin_operations.get_or_create(&labels).inc();
    }

    /// Returns all metrics in the OpenMetrics text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

/// The decision of an access declaration; `None` where none was asked for, such as for ticket-granting tickets.
fn access_labels(outcome: &Decision) -> Option<AccessLabels> {
    let missing = |decision, denial: &AccessDenial| AccessLabels { decision, reason: denial.reason.name() };
    match outcome {
        Decision::Issued(issued) => match (&issued.would_deny, &issued.allowed_by) {
            (Some(denial), _) => Some(missing(OBSERVED, denial)),
            (None, Some(_)) => Some(AccessLabels { decision: ALLOWED, reason: "" }),
            (None, None) => None,
        },
        Decision::Refused { denial: Some(denial), .. } => Some(missing(DENIED, denial)),
        Decision::PreauthRequired | Decision::Refused { .. } | Decision::Dropped(_) => None,
    }
}

/// Seconds from one time to another; 0 where the clock was set back between them.
#[expect(clippy::cast_precision_loss, reason = "fractions of seconds")]
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    let micros = |time: Timestamp| time.time.0.saturating_mul(1_000_000).saturating_add(time.micros.into());
    micros(to).saturating_sub(micros(from)).max(0) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{issued, refused};
    use kennel_core::event::IssuedTicket;

    #[test]
    fn a_request_is_counted_under_its_outcome_and_measured() {
        let metrics = Metrics::new();
        let event = refused("alice");
        let later = Timestamp { micros: event.time.micros + 300, ..event.time };
        metrics.observe(&event, later);
        metrics.observe(&event, later);
        let text = metrics.text();
        let line = r#"kennel_requests_total{exchange="AS",outcome="refused",reason="StoreUnavailable",enctype=""} 2"#;
        assert!(text.contains(line), "{text}");
        assert!(text.contains(r#"kennel_request_duration_seconds_bucket{le="0.00025",exchange="AS"} 0"#), "{text}");
        assert!(text.contains(r#"kennel_request_duration_seconds_bucket{le="0.0005",exchange="AS"} 2"#), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn access_is_counted_by_decision_and_by_what_is_missing() {
        let metrics = Metrics::new();
        let denial = AccessDenial::new(DenialReason::ClientConsent, "says the test");
        let Decision::Issued(ticket) = issued().outcome else { panic!("issued") };
        let observed = IssuedTicket { allowed_by: None, would_deny: Some(denial.clone()), ..ticket.clone() };
        let granting = IssuedTicket { allowed_by: None, ..ticket.clone() };
        let denied = Decision::Refused {
            refusal: Refusal::AccessDenied,
            code: Refusal::AccessDenied.code(),
            denial: Some(denial),
        };
        let ends = [Decision::Issued(ticket), Decision::Issued(observed), Decision::Issued(granting), denied];
        for outcome in ends.into_iter().chain([Decision::refused(Refusal::ServerUnknown)]) {
            metrics.observe(&Event { outcome, ..issued() }, refused("x").time);
        }
        let text = metrics.text();
        for line in [
            r#"kennel_access_decisions_total{decision="allow",reason=""} 1"#,
            r#"kennel_access_decisions_total{decision="would-deny",reason="ClientConsent"} 1"#,
            r#"kennel_access_decisions_total{decision="deny",reason="ClientConsent"} 1"#,
            r#"kennel_access_decisions_total{decision="deny",reason="NoAccess"} 0"#,
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(text.matches("kennel_access_decisions_total{").count(), 1 + 2 * DenialReason::ALL.len());
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_negative_time() {
        let event = refused("alice");
        let earlier = Timestamp { time: kennel_wire::message::KerberosTime(0), micros: 0 };
        assert_eq!(seconds(event.time, earlier), 0.0);
    }
}
