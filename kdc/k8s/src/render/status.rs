//! The status that our custom resources should have.

use crate::crd::principal::{KerberosPrincipalStatus, SecretRef};
use crate::crd::realm::{KerberosRealm, KerberosRealmStatus, TicketGrantingKey};
use crate::crd::realm_access::AccessMode;
use crate::guards::report::GuardReport;
use crate::index::namespace::PrincipalOutcome;
use crate::index::selector;
use crate::problem::Problem;
use crate::problem::condition::ConditionType;
use crate::problem::healthy::HealthyReason;
use crate::render::access::rendered::ServerOutcome;
use crate::render::conditions::{DesiredCondition, condition, merge_conditions, progressing, reconciling, stalled};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use kennel_wire::message::{KerberosTime, Principal};

/// Most names that the status of a KerberosPrincipal lists, beside their number.
const MOST_NAMES: usize = 16;

/// Progress of the store with the principals of one KerberosPrincipal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreProgress {
    /// Names that are not as they should be yet.
    pub waiting: usize,
    /// The highest key version of the names that are.
    pub kvno: Option<u32>,
    /// Name of the Secret that holds the keytab.
    pub secret: Option<String>,
    /// Names that others have in the store, and what is wrong with the keytab Secret.
    pub problems: Vec<Problem>,
    /// Progress of the rotation of the keys.
    pub rotation: RotationProgress,
}

/// Progress of the rotation of the keys of one KerberosPrincipal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RotationProgress {
    /// When the next key is due.
    pub next: Option<KerberosTime>,
    /// Pods and Secrets that hold keys.
    pub holders: usize,
    /// Those of them that have the newest version of each.
    pub updated: usize,
    /// Keys that wait for a holder for too long.
    pub stalled: Vec<Problem>,
}

/// The key of the ticket-granting service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KrbtgtProgress {
    /// The version that is used.
    pub kvno: Option<u32>,
    /// When it began to be used.
    pub since: Option<KerberosTime>,
    /// When the next key is due.
    pub next: Option<KerberosTime>,
}

/// Returns the status of a KerberosPrincipal in place of the `old` one at the time `now` (seconds since the epoch).
#[must_use]
pub fn principal_status(
    meta: &ObjectMeta,
    old: Option<&KerberosPrincipalStatus>,
    outcome: &PrincipalOutcome,
    progress: &StoreProgress,
    server: Option<ServerState<'_>>,
    now: i64,
) -> KerberosPrincipalStatus {
    let is_of_network = |problem: &&Problem| problem.condition() == ConditionType::NetworkProgrammed;
    let of_server = server.iter().flat_map(|server| &server.outcome.problems);
    let (of_network, of_server): (Vec<&Problem>, Vec<&Problem>) = of_server.partition(is_of_network);
    let problems: Vec<&Problem> = outcome.problems.iter().chain(&progress.problems).chain(of_server).collect();
    let under = |condition| problems.iter().copied().filter(|p| p.condition() == condition).collect::<Vec<_>>();
    let ready = if problems.is_empty() && progress.waiting > 0 {
        progressing(progress.waiting)
    } else {
        condition(&problems, HealthyReason::Ready)
    };
    let network = server.map(|server| condition(&of_network, server.healthy()));
    let would_deny = server.and_then(|server| server.would_deny());
    let would_deny = would_deny.map(|problem| DesiredCondition {
        kind: ConditionType::WouldDeny,
        holds: true,
        ..condition(&[&problem], HealthyReason::NetworkObserving)
    });
    // It is there only while it holds.
    let is_over = |name: &str| would_deny.is_none() && name == ConditionType::WouldDeny.name();
    let old = old.map_or(&[][..], |old| &old.conditions);
    let old: Vec<_> = old.iter().filter(|condition| !is_over(&condition.type_)).cloned().collect();
    let desired = [
        ready,
        condition(&under(ConditionType::AccountFound), HealthyReason::AccountExists),
        condition(
            &under(ConditionType::NamesAccepted),
            HealthyReason::NamesAccepted { principals: outcome.principals.len(), withheld: outcome.withheld },
        ),
        reconciling(&problems, progress.waiting),
        // A key that waits for its holders stops nobody: the one before goes on.
        stalled(&problems.iter().copied().chain(&progress.rotation.stalled).collect::<Vec<_>>()),
    ];
    let desired: Vec<DesiredCondition> = desired.into_iter().chain(network).chain(would_deny).collect();
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let count = |names: &[Principal]| Some(number(names.len()));
    let RotationProgress { next, holders, updated, .. } = progress.rotation;
    let has_keys = progress.kvno.is_some();
    let first = |names: &[Principal]| names.iter().take(MOST_NAMES).map(ToString::to_string).collect();
    KerberosPrincipalStatus {
        observed_generation: meta.generation,
        principal_count: count(&outcome.principals),
        principals: first(&outcome.principals),
        alias_count: count(&outcome.aliases),
        aliases: first(&outcome.aliases),
        kvno: progress.kvno.map(i64::from),
        next_rotation_time: next.and_then(time),
        holders: has_keys.then(|| number(holders)),
        updated_holders: has_keys.then(|| number(updated)),
        holder_summary: has_keys.then(|| format!("{updated}/{holders}")),
        access_mode: server.map(|server| mode(server.outcome.mode)),
        keytab_secret_ref: progress.secret.clone().map(|name| SecretRef { name }),
        conditions: merge_conditions(&old, &desired, meta.generation, now),
    }
}

fn time(time: KerberosTime) -> Option<Time> {
    Timestamp::from_second(time.0).ok().map(Time)
}

/// A KerberosPrincipal as a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerState<'a> {
    /// What the rendering says of it.
    pub outcome: &'a ServerOutcome,
    /// Whether the realm manages NetworkPolicies.
    pub managed: bool,
    /// Clients that got tickets in mode Observe, and that no KerberosAccess allows.
    pub denied: &'a [String],
}

impl ServerState<'_> {
    /// Who would lose access under Enforce, where the server observes.
    fn would_deny(&self) -> Option<Problem> {
        let of = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
        let all = [
            of("clients that no KerberosAccess allows", self.denied),
            of("callers without Kerberos that nothing lets in", &self.outcome.outside_callers),
        ];
        let who: Vec<String> = all.into_iter().flatten().collect();
        let observes = self.outcome.mode == kennel_core::access::table::AccessMode::Observe;
        (observes && !who.is_empty()).then(|| Problem::CallersNotAllowed { who: who.join("; ") })
    }

    fn healthy(&self) -> HealthyReason {
        match (self.managed, self.outcome.mode) {
            (false, _) => HealthyReason::NetworkDisabled,
            (true, kennel_core::access::table::AccessMode::Observe) => HealthyReason::NetworkObserving,
            (true, kennel_core::access::table::AccessMode::Enforce) => HealthyReason::NetworkHolds,
        }
    }
}

fn mode(mode: kennel_core::access::table::AccessMode) -> AccessMode {
    match mode {
        kennel_core::access::table::AccessMode::Enforce => AccessMode::Enforce,
        kennel_core::access::table::AccessMode::Observe => AccessMode::Observe,
    }
}

/// What a followed KerberosRealm is told beside its own object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RealmNews {
    /// What is wrong with the network of its namespaces; `None` before the first rendering.
    pub network: Option<Vec<Problem>>,
    /// Whether the realm manages NetworkPolicies.
    pub managed: bool,
    /// The admission policies of the cluster; `None` where they are not known.
    pub guards: Option<GuardReport>,
    /// Namespaces that another KerberosRealm selects too.
    pub overlap: Option<Problem>,
}

impl RealmNews {
    fn conditions(&self) -> impl Iterator<Item = DesiredCondition> + use<> {
        let healthy = if self.managed { HealthyReason::NetworkHolds } else { HealthyReason::NetworkDisabled };
        let network = self.network.as_ref();
        let network = network.map(|problems| condition(&problems.iter().collect::<Vec<_>>(), healthy));
        let guards = self.guards.as_ref().map(|report| {
            let problem = report.problem();
            condition(&problem.iter().collect::<Vec<_>>(), report.healthy())
        });
        let overlap: Vec<&Problem> = self.overlap.iter().collect();
        let contested =
            DesiredCondition { holds: !overlap.is_empty(), ..condition(&overlap, HealthyReason::NotContested) };
        network.into_iter().chain(guards).chain([contested])
    }
}

/// Numbers that the status of a followed KerberosRealm shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RealmCounts {
    /// Enrolled namespaces.
    pub namespaces: usize,
    /// Principals that objects of the cluster ask for.
    pub principals: usize,
    /// The key of the ticket-granting service, where it is known.
    pub krbtgt: Option<KrbtgtProgress>,
}

/// Returns the status of a KerberosRealm in place of the `old` one at the time `now` (seconds since the epoch). A realm with
/// a problem shows no counts, since the KDC does not follow it.
#[must_use]
pub fn realm_status(
    meta: &ObjectMeta,
    old: Option<&KerberosRealmStatus>,
    problem: Option<&Problem>,
    counts: RealmCounts,
    news: &RealmNews,
    now: i64,
) -> KerberosRealmStatus {
    let problems: Vec<&Problem> = problem.into_iter().collect();
    let desired = [condition(&problems, HealthyReason::Serving), reconciling(&problems, 0), stalled(&problems)];
    let news = problem.is_none().then(|| news.conditions());
    let desired: Vec<DesiredCondition> = desired.into_iter().chain(news.into_iter().flatten()).collect();
    let count = |number: usize| problem.is_none().then(|| i32::try_from(number).unwrap_or(i32::MAX));
    let krbtgt = counts.krbtgt.filter(|_| problem.is_none()).map(|krbtgt| TicketGrantingKey {
        kvno: krbtgt.kvno.map(i64::from),
        last_rotation_time: krbtgt.since.and_then(time),
        next_rotation_time: krbtgt.next.and_then(time),
    });
    KerberosRealmStatus {
        observed_generation: meta.generation,
        namespaces: count(counts.namespaces),
        principals: count(counts.principals),
        ticket_granting_key: krbtgt,
        conditions: merge_conditions(old.map_or(&[], |old| &old.conditions), &desired, meta.generation, now),
    }
}

/// Returns the problem of a KerberosRealm, where there is one: the object or its selector cannot be read, or the KDC follows an
/// older object.
#[must_use]
pub fn realm_problem(name: &str, object: &Result<KerberosRealm, String>, followed: Option<&str>) -> Option<Problem> {
    match (object, followed) {
        (Err(error), _) => Some(Problem::Malformed { error: error.clone() }),
        (Ok(realm), Some(followed)) if followed != name => {
            Some(Problem::RealmTaken { realm: realm.spec.realm_name.clone(), followed: followed.to_owned() })
        }
        (Ok(realm), _) => {
            selector::unreadable(&realm.namespace_selector()).map(|error| Problem::SelectorUnreadable { error })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_account() -> Problem {
        Problem::AccountNotFound { account: "web".into(), namespace: "shop".into() }
    }

    fn no_service() -> Problem {
        Problem::ServiceNotFound { service: "web".into(), namespace: "shop".into() }
    }

    fn status(outcome: &PrincipalOutcome, progress: &StoreProgress) -> Vec<(String, String, String)> {
        let status = principal_status(&ObjectMeta::default(), None, outcome, progress, None, 0);
        status.conditions.into_iter().map(|c| (c.type_, c.status, c.reason)).collect()
    }

    fn texts(of: [(&str, &str, &str); 5]) -> Vec<(String, String, String)> {
        of.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())).into()
    }

    #[test]
    fn what_is_well_is_ready_and_not_stalled() {
        let all = status(&PrincipalOutcome::default(), &StoreProgress::default());
        let expected = [
            ("Ready", "True", "Ready"),
            ("AccountFound", "True", "AccountExists"),
            ("NamesAccepted", "True", "NamesAccepted"),
            ("Reconciling", "False", "Settled"),
            ("Stalled", "False", "NotStalled"),
        ];
        assert_eq!(all, texts(expected));
        let waiting = StoreProgress { waiting: 1, ..StoreProgress::default() };
        let ready = &status(&PrincipalOutcome::default(), &waiting)[0];
        assert_eq!((&*ready.1, &*ready.2), ("False", "Progressing"));
    }

    #[test]
    fn each_problem_stands_under_its_condition() {
        let outcome = PrincipalOutcome { problems: vec![no_account(), no_service()], ..PrincipalOutcome::default() };
        let expected = [
            ("Ready", "False", "AccountNotFound"),
            ("AccountFound", "False", "AccountNotFound"),
            ("NamesAccepted", "False", "ServiceNotFound"),
            ("Reconciling", "True", "AccountNotFound"),
            ("Stalled", "False", "NotStalled"),
        ];
        assert_eq!(status(&outcome, &StoreProgress::default()), texts(expected));
    }

    #[test]
    fn what_only_an_edit_mends_is_stalled_and_what_is_not_there_yet_is_not() {
        let refused = Problem::ServiceClassRefused { class: "krbtgt".into() };
        let outcome = PrincipalOutcome { problems: vec![no_service(), refused], ..PrincipalOutcome::default() };
        let all = status(&outcome, &StoreProgress::default());
        let of =
            |kind: &str| all.iter().find(|(of, ..)| of == kind).map(|(_, status, reason)| format!("{status} {reason}"));
        assert_eq!(of("Reconciling").unwrap(), "True ServiceNotFound");
        assert_eq!(of("Stalled").unwrap(), "True ServiceClassRefused");
        let waiting = StoreProgress { waiting: 2, ..StoreProgress::default() };
        let all = status(&PrincipalOutcome::default(), &waiting);
        assert_eq!(all[3], ("Reconciling".to_owned(), "True".to_owned(), "Progressing".to_owned()));
    }

    #[test]
    fn of_many_names_the_status_has_the_number_and_the_first_sixteen() {
        let names = |many: usize| (0..many).map(|n| Principal::parse(&format!("HTTP/h{n}"), "R").unwrap()).collect();
        let outcome = PrincipalOutcome { principals: names(256), aliases: names(7), ..PrincipalOutcome::default() };
        let status = principal_status(&ObjectMeta::default(), None, &outcome, &StoreProgress::default(), None, 0);
        assert_eq!((status.principal_count, status.principals.len()), (Some(256), 16));
        assert_eq!((status.alias_count, status.aliases.len()), (Some(7), 7));
    }

    #[test]
    fn short_names_that_are_not_given_are_told_and_stop_nobody() {
        let outcome = PrincipalOutcome { withheld: 2, ..PrincipalOutcome::default() };
        let status = principal_status(&ObjectMeta::default(), None, &outcome, &StoreProgress::default(), None, 0);
        assert_eq!((&*status.conditions[0].status, &*status.conditions[2].status), ("True", "True"));
        let message = &status.conditions[2].message;
        assert!(message.contains("2 short names") && message.contains("use the full names"), "{message}");
    }

    #[test]
    fn while_a_server_observes_a_condition_names_whom_enforce_would_deny_and_stops_nobody() {
        let observe = kennel_core::access::table::AccessMode::Observe;
        let outcome = ServerOutcome {
            mode: observe,
            outside_callers: vec!["Ingress shop/front (port 8080)".into()],
            ..ServerOutcome::default()
        };
        let (meta, names, progress) = (ObjectMeta::default(), PrincipalOutcome::default(), StoreProgress::default());
        let status = |old: Option<&KerberosPrincipalStatus>, outcome: &ServerOutcome, denied: &[String]| {
            let server = ServerState { outcome, managed: true, denied };
            principal_status(&meta, old, &names, &progress, Some(server), 0)
        };
        let told = status(None, &outcome, &["batch.shop".to_owned()]);
        let last = told.conditions.last().unwrap();
        assert_eq!((&*last.type_, &*last.status, &*last.reason), ("WouldDeny", "True", "CallersNotAllowed"));
        let both = "clients that no KerberosAccess allows: batch.shop; callers without Kerberos that nothing lets in: Ingress shop/front (port 8080)";
        assert!(last.message.contains(both), "{}", last.message);
        assert_eq!(&*told.conditions[0].status, "True", "it is ready all the same");
        let has_it = |status: &KerberosPrincipalStatus| status.conditions.iter().any(|c| c.type_ == "WouldDeny");
        let enforced = ServerOutcome { mode: Default::default(), ..outcome.clone() };
        assert!(!has_it(&status(Some(&told), &enforced, &["batch.shop".to_owned()])), "what is denied is denied");
        let calm = ServerOutcome { outside_callers: Vec::new(), ..outcome };
        assert!(!has_it(&status(Some(&told), &calm, &[])));
    }

    #[test]
    fn a_flood_of_problems_is_told_in_part() {
        let message = |problems: usize| {
            let outcome = PrincipalOutcome { problems: vec![no_service(); problems], ..PrincipalOutcome::default() };
            let status = principal_status(&ObjectMeta::default(), None, &outcome, &StoreProgress::default(), None, 0);
            status.conditions[0].message.clone()
        };
        assert!(message(60).ends_with("; and 55 more of the kind"), "{}", message(60));
        assert!(message(6).ends_with("; and 1 more of the kind"), "{}", message(6));
        assert!(message(5).ends_with("spec.hosts.services"), "{}", message(5));
    }

    #[test]
    fn a_followed_realm_serves_and_shows_its_counts() {
        let meta = ObjectMeta { generation: Some(3), ..ObjectMeta::default() };
        let krbtgt = KrbtgtProgress { kvno: Some(3), since: Some(KerberosTime(50)), next: Some(KerberosTime(90)) };
        let counts = RealmCounts { namespaces: 2, principals: 9, krbtgt: Some(krbtgt) };
        let status = realm_status(&meta, None, None, counts, &RealmNews::default(), 100);
        assert_eq!((status.observed_generation, status.namespaces, status.principals), (Some(3), Some(2), Some(9)));
        let key = status.ticket_granting_key.unwrap();
        let seconds = |time: Option<Time>| time.map(|time| time.0.as_second());
        assert_eq!((key.kvno, seconds(key.last_rotation_time)), (Some(3), Some(50)));
        assert_eq!(seconds(key.next_rotation_time), Some(90));
        let conditions = status.conditions.iter().map(|c| (&*c.type_, &*c.status, &*c.reason)).collect::<Vec<_>>();
        assert_eq!(
            conditions,
            [
                ("Ready", "True", "Serving"),
                ("Reconciling", "False", "Settled"),
                ("Stalled", "False", "NotStalled"),
                ("NamespacesContested", "False", "NotContested")
            ]
        );
        assert_eq!(status.conditions[0].last_transition_time.0.as_second(), 100);
    }

    #[test]
    fn a_realm_that_an_older_object_has_says_which_one_and_shows_no_counts() {
        let spec = serde_json::from_value(serde_json::json!({ "realmName": "R" })).unwrap();
        let second = Ok(KerberosRealm::new("second", spec));
        assert_eq!(realm_problem("second", &second, Some("second")), None);
        assert_eq!(realm_problem("second", &second, None), None);
        let problem = realm_problem("second", &second, Some("first")).unwrap();
        assert_eq!(problem.to_string(), "KerberosRealm first is older and has the realm R: delete one of the two");
        let status = realm_status(
            &ObjectMeta::default(),
            None,
            Some(&problem),
            RealmCounts { namespaces: 1, principals: 1, krbtgt: None },
            &RealmNews::default(),
            0,
        );
        assert_eq!((status.namespaces, status.principals), (None, None));
        let conditions = status.conditions.iter().map(|c| (&*c.type_, &*c.status, &*c.reason)).collect::<Vec<_>>();
        assert_eq!(
            conditions,
            [("Ready", "False", "RealmTaken"), ("Reconciling", "False", "Settled"), ("Stalled", "True", "RealmTaken")]
        );
    }

    #[test]
    fn a_realm_object_that_cannot_be_read_says_so() {
        let problem = realm_problem("r", &Err("missing field".into()), None).unwrap();
        assert_eq!(problem.reason(), "Malformed");
    }

    #[test]
    fn a_key_that_waits_for_a_holder_is_stalled_and_leaves_the_principal_ready() {
        let problem = Problem::RotationStalled {
            principal: "HTTP/web".into(),
            kvno: "3".into(),
            holders: "pod shop/web-1".into(),
        };
        let rotation =
            RotationProgress { next: Some(KerberosTime(70)), holders: 3, updated: 2, stalled: vec![problem] };
        let progress = StoreProgress { kvno: Some(2), rotation, ..StoreProgress::default() };
        let outcome = PrincipalOutcome::default();
        let status = principal_status(&ObjectMeta::default(), None, &outcome, &progress, None, 0);
        let said: Vec<_> = status.conditions.iter().map(|c| (&*c.type_, &*c.status, &*c.reason)).collect();
        assert_eq!(said[0], ("Ready", "True", "Ready"));
        assert_eq!(said[4], ("Stalled", "True", "RotationStalled"));
        assert!(status.conditions[4].message.contains("pod shop/web-1"), "{}", status.conditions[4].message);
        assert_eq!((status.holders, status.updated_holders), (Some(3), Some(2)));
        assert_eq!(status.holder_summary.as_deref(), Some("2/3"));
        assert_eq!(status.next_rotation_time.unwrap().0.as_second(), 70);
    }

    #[test]
    fn a_policy_that_widens_stands_under_its_own_condition_and_leaves_the_principal_ready() {
        let widened = Problem::WidenedByPolicy { policy: "shop/allow-all".into(), account: "shop/web".into() };
        let server = ServerOutcome { problems: vec![widened], ..ServerOutcome::default() };
        let server = Some(ServerState { outcome: &server, managed: true, denied: &[] });
        let (outcome, progress) = (PrincipalOutcome::default(), StoreProgress::default());
        let status = principal_status(&ObjectMeta::default(), None, &outcome, &progress, server, 0);
        assert_eq!(status.access_mode, Some(AccessMode::Enforce));
        let said: Vec<_> = status.conditions.iter().map(|c| (&*c.type_, &*c.status, &*c.reason)).collect();
        assert_eq!(said[0], ("Ready", "True", "Ready"));
        assert_eq!(said[5], ("NetworkProgrammed", "False", "WidenedByPolicy"));
    }

    #[test]
    fn a_realm_is_told_of_its_network_and_of_its_guards() {
        let guards = GuardReport::compare(&crate::guards::report::ClusterGuards::default()).unwrap();
        let missing = Problem::DnsNotFound { searched: "kube-system/kube-dns".into() };
        let news = RealmNews { network: Some(vec![missing]), managed: true, guards: Some(guards), overlap: None };
        let status = realm_status(&ObjectMeta::default(), None, None, RealmCounts::default(), &news, 0);
        let said: Vec<_> = status.conditions.iter().map(|c| (&*c.type_, &*c.status, &*c.reason)).collect();
        assert_eq!(said[0], ("Ready", "True", "Serving"));
        assert_eq!(
            said[3..],
            [
                ("NetworkProgrammed", "False", "DNSNotFound"),
                ("Guarded", "False", "GuardsMissing"),
                ("NamespacesContested", "False", "NotContested")
            ]
        );
    }
}
