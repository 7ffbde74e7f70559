//! Every reason that an object of the cluster is given, once: in a condition, in an Event, or in both. A problem has a stable
//! reason, the condition that it makes false, and a message that says what is wrong, where, and what to do.
//! An enrolment that is refused has its own table, `EnrolmentRefusal` in `kennel-core`.
//!
//! | module | what |
//! |---|---|
//! | here | the table of problems |
//! | [`condition`] | the types of conditions |
//! | [`healthy`] | the reasons of conditions that ask nothing of anybody |
//! | [`named`] | lists of names, which have an end |

pub mod condition;
pub mod healthy;
pub mod named;

use crate::problem::condition::ConditionType;
use kennel_core::accounts::Conflict;
use kennel_wire::message::Principal;
use std::fmt;

/// Reason of the Events about an enrolment that was refused; the message is the text of the `EnrolmentRefusal`.
pub const ENROLMENT_REFUSED: &str = "EnrolmentRefused";

/// Reason of the Events about a NetworkPolicy that somebody else changed or deleted.
pub const POLICY_RESTORED: &str = "NetworkPolicyRestored";

/// Reason of the Events about a workload that the KDC has restarted, so that its programs read a new keytab.
pub const ROLLOUT_STARTED: &str = "RolloutStarted";

/// Reason of the Events about a workload that the KDC cannot restart.
pub const ROLLOUT_REFUSED: &str = "RolloutRefused";

/// A row of the table of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// The stable reason, in CamelCase.
    pub reason: &'static str,
    /// The condition of a KerberosPrincipal that is false; a KerberosRealm has `Ready` alone.
    pub condition: ConditionType,
    /// What is wrong and where, with the names of the fields in braces.
    pub what: &'static str,
    /// What to do, with the names of the fields in braces.
    pub remedy: &'static str,
}

/// The reason of a problem: the name of its variant, or another one where kinds of objects share a reason.
macro_rules! reason {
    ($variant:ident) => {
        stringify!($variant)
    };
    ($variant:ident $reason:literal) => {
        $reason
    };
}

macro_rules! problems {
    ($($reason:ident $(as $shared:literal)? { $($field:ident),+ } => $condition:ident, $what:literal, $remedy:literal;)+) => {
        /// Why an object of the cluster, or a part of it, has no effect. `Display` is the message of the condition.
        #[allow(missing_docs, reason = "the fields are the names that the message quotes")]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Problem {
            $(#[doc = concat!("Message: ", $what, ".")] $reason { $($field: String),+ },)+
        }

        impl Problem {
            /// Every kind of problem, for tests and documentation.
            pub const KINDS: &'static [ProblemKind] = &[$(ProblemKind {
                reason: reason!($reason $($shared)?),
                condition: ConditionType::$condition,
                what: $what,
                remedy: $remedy,
            }),+];

            /// The stable reason of conditions and Events.
            #[must_use]
            pub const fn reason(&self) -> &'static str {
                match self { $(Problem::$reason { .. } => reason!($reason $($shared)?),)+ }
            }

            /// The condition that this problem makes false.
            #[must_use]
            pub const fn condition(&self) -> ConditionType {
                match self { $(Problem::$reason { .. } => ConditionType::$condition,)+ }
            }
        }

        impl fmt::Display for Problem {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Problem::$reason { $($field),+ } => write!(f, concat!($what, ": ", $remedy), $($field = $field),+),)+ }
            }
        }
    };
}

problems! {
    // The object and its namespace.
    Malformed { error } => NamesAccepted,
        "the object cannot be read and has no effect: {error}",
        "update the custom resource definitions (deploy/crds), then write the object again";
    RealmNotFound { realm } => NamesAccepted,
        "there is no KerberosRealm for {realm}",
        "create one with spec.realmName {realm}";
    RealmTaken { realm, followed } => Ready,
        "KerberosRealm {followed} is older and has the realm {realm}",
        "delete one of the two";
    SelectorsOverlap { realms, namespaces } => NamespacesContested,
        "KerberosRealm {realms} selects namespaces that this one selects, and the older realm has each: {namespaces}",
        "give one of the realms a narrower spec.namespaceSelector, or each namespace the label of one realm";
    NamespaceNotEnrolled { namespace, realm, selector } => NamesAccepted,
        "namespace {namespace} is not enrolled",
        "give it the labels that spec.namespaceSelector of KerberosRealm {realm} asks for ({selector})";
    NamespaceExcluded { namespace } => NamesAccepted,
        "namespace {namespace} is never enrolled: it holds pods of the cluster itself or of the KDC",
        "take the realm's label off it, and move the object to another namespace";
    NamespaceOfOlderRealm { namespace, other } => NamesAccepted,
        "namespace {namespace} is also selected by KerberosRealm {other}, which is older and has it",
        "use the label kennel.dev/realm, which names one realm, or a narrower spec.namespaceSelector in one of the two";
    SelectorUnreadable { error } => Ready,
        "spec.namespaceSelector cannot be read, and the last one that could stays in force: {error}",
        "use the operators In, NotIn, Exists and DoesNotExist";
    AccountNotFound { account, namespace } => AccountFound,
        "there is no service account {account} in namespace {namespace}",
        "create it (kubectl -n {namespace} create serviceaccount {account})";
    // The admission policies of the cluster.
    GuardsMissing { policies } => Guarded,
        "the cluster lacks {policies}, so who may edit pods or namespaces can forge the label of an account or enrol a namespace",
        "create them (kubectl apply -k deploy/guards)";
    GuardsAltered { policies } => Guarded,
        "{policies} are not as this version of the KDC ships them, and may let forged labels or enrolments through",
        "update them (kubectl apply -k deploy/guards)";
    GuardsUnreadable { error } => Guarded,
        "the KDC cannot read the admission policies of the cluster: {error}",
        "give its account the ClusterRole of deploy/base/rbac.yaml";
    // The names that a KerberosPrincipal asks for.
    ServiceClassRefused { class } => NamesAccepted,
        "{class:?} cannot be a service class",
        "use letters, digits, dashes and underscores, and none of the KDC's own (krbtgt, kadmin, K, WELLKNOWN)";
    ServiceNotFound { service, namespace } => NamesAccepted,
        "there is no Service {service} in namespace {namespace}",
        "create it, or take it out of spec.hosts.services";
    StatefulSetNotFound { stateful_set, namespace } => NamesAccepted,
        "there is no StatefulSet {stateful_set} in namespace {namespace}",
        "create it, or take it out of spec.hosts.statefulSets";
    GoverningServiceNotFound { stateful_set, service, namespace } => NamesAccepted,
        "the pods of StatefulSet {stateful_set} have no DNS names, since its spec.serviceName {service:?} names no Service of namespace {namespace}",
        "create that headless Service, or take the StatefulSet out of spec.hosts.statefulSets";
    AliasNotAllowed { alias, namespace, realm } => NamesAccepted,
        "namespace {namespace} may not have the name {alias}",
        "add the name to spec.aliasPolicy of KerberosRealm {realm}, or take it out of spec.hosts.aliases";
    AliasIsClusterName { alias } => NamesAccepted,
        "the alias {alias} is a name of the cluster's own Services, which no alias policy gives away",
        "take it out of spec.hosts.aliases, and name a Service of this namespace in spec.hosts.services";
    CredentialsNotAllowed { credentials, realm } => NamesAccepted,
        "spec.credentials asks for {credentials}, which KerberosRealm {realm} does not allow",
        "take it out, or add it to spec.credentials.allowed of the KerberosRealm";
    QuotaExceeded { asking, limit, realm, counted, instead } => NamesAccepted,
        "{asking} asks for more principals than the {limit} of KerberosRealm {realm}{counted}, and gets no more",
        "raise the limit, or {instead}";
    // The names that others have already.
    NameTaken { name, owner, claimant } => NamesAccepted,
        "{name} belongs to KerberosPrincipal {owner}: of the objects that may have it, the first by namespace and name has it, before {claimant}",
        "take the name out of one of them";
    NameIsManualPrincipal { name, namespace } => NamesAccepted,
        "{name} cannot be had for namespace {namespace}: an administrator's principal has this name",
        "delete it with kadmin (delprinc), or rename the object";
    NameIsAlias { name, namespace } => NamesAccepted,
        "{name} cannot be had for namespace {namespace}: it is an alias that an administrator made",
        "delete the alias, or rename the object";
    AliasIsPrincipal { name, namespace } => NamesAccepted,
        "{name} cannot be an alias for namespace {namespace}: it is the name of a principal",
        "delete that principal, or take the name out of the object";
    // The keytab Secret.
    NoKeys { secret } => NamesAccepted,
        "keytabSecretRef {secret}: there is no key to keep in it",
        "give serviceClasses and hosts, or credentials: [Keytab] for the account's own key";
    SecretNotOurs { secret } => NamesAccepted,
        "keytabSecretRef {secret}: there is a Secret of this name that is not Kennel's",
        "delete it, or give another name in spec.keytabSecretRef";
    SecretsForbidden { secret, namespace, account } => NamesAccepted,
        "keytabSecretRef {secret}: the KDC may not write Secrets in namespace {namespace}",
        "create a RoleBinding for it (kubectl -n {namespace} create rolebinding kennel-kdc-keytab-secrets \
--clusterrole=kennel-kdc-keytab-secrets --serviceaccount={account}; the role is in deploy/components/keytab-secrets), or let the \
agent fetch the keytab";
    SecretConflict { secret, owner } => NamesAccepted,
        "keytabSecretRef {secret}: the Secret belongs to KerberosPrincipal {owner}",
        "give another name in spec.keytabSecretRef";
    // A KerberosAccess as a whole.
    TargetNotFound { target, namespace } => Accepted,
        "there is no KerberosPrincipal {target} with a service account in namespace {namespace}",
        "create it, or take it out of spec.targetRefs";
    AccessMalformed as "Invalid" { error } => Accepted,
        "the object cannot be read and allows nobody: {error}",
        "update the custom resource definitions (deploy/crds), then write the object again";
    ServerNotEnrolled as "NamespaceNotEnrolled" { namespace, realm } => Accepted,
        "namespace {namespace} is not enrolled, so that nothing in it can be called by a ticket",
        "give it the labels that spec.namespaceSelector of KerberosRealm {realm} asks for";
    TooManyClients as "QuotaExceeded" { target, limit, realm } => Accepted,
        "the KerberosAccess objects of {target} allow more than the {limit} peers of spec.limits.clientsPerTarget of KerberosRealm {realm}; of this one, nothing has an effect",
        "take peers away (a namespace is one peer), or raise the limit";
    TooManyPolicies as "QuotaExceeded" { policies, limit, realm } => Accepted,
        "the object needs {policies} NetworkPolicies, more than the {limit} of spec.limits.networkPoliciesPerAccess of KerberosRealm {realm}; nothing of it has an effect",
        "take peers or namespaces away, or raise the limit";
    Expired { time } => Accepted,
        "the object ended at {time} (spec.notAfter) and allows nobody",
        "delete it, or give a later time";
    // What a KerberosAccess refers to.
    ClientNotFound { account, namespace } => ResolvedRefs,
        "there is no service account {account} in namespace {namespace}, so that nobody is allowed by its name",
        "create it, or take it out of spec.allow";
    ClientNotEnrolled { namespace, realm } => ResolvedRefs,
        "namespace {namespace} of a client is not enrolled",
        "give it the labels that spec.namespaceSelector of KerberosRealm {realm} asks for, or take it out of spec.allow";
    NamespaceNotProgrammed { namespace } => ResolvedRefs,
        "namespace {namespace} has pods with the label kennel.dev/service-account of another account, and takes no part until they are gone",
        "delete these pods (the status of the KerberosRealm names them)";
    ClientNotConsented { client, server } => ResolvedRefs,
        "{client} does not agree to call {server}: spec.calls of its KerberosPrincipal does not name it",
        "add it there, or take the client out of spec.allow";
    NoNamespaceSelected { selector } => ResolvedRefs,
        "no enrolled namespace has the labels {selector} of a namespaceSelector",
        "give a namespace these labels, or take the peer out of spec.allow";
    UntrustedLabel { label, realm } => ResolvedRefs,
        "a namespaceSelector asks for the label {label}, which KerberosRealm {realm} does not trust; the peer allows nobody",
        "add it to spec.access.trustedNamespaceLabels if only the platform writes it, or use namespace: {{name: ...}}";
    PortsNotFound { target } => ResolvedRefs,
        "{target} has no Service with ports in spec.hosts, so that no port can be opened by default",
        "add ports to the rule, or ports to the Service";
    PortNameNotFound as "PortsNotFound" { port, target } => ResolvedRefs,
        "no container of the pods of {target} has a port named {port}",
        "give a container port that name, or use a number";
    UnknownPeer { peer } => ResolvedRefs,
        "a peer is of a kind that this version of Kennel does not know, or is not one peer ({peer}); it allows nobody",
        "update the KDC, or take the peer out of spec.allow";
    AccountByPrincipal as "UnknownPeer" { principal, account, namespace } => ResolvedRefs,
        "principal {principal} is the service account {account} of namespace {namespace}, which a principal peer does not allow",
        "use serviceAccount: {{namespace: {namespace}, name: {account}}}";
    // Packets.
    HostNetwork { account } => NetworkProgrammed,
        "pods of {account} are in the network of their nodes (hostNetwork), where NetworkPolicies do not tell them apart",
        "use pods without hostNetwork, or add the addresses of the nodes under spec.networkOnly";
    AccountNameTooLong { account } => NetworkProgrammed,
        "the name of {account} has more than the 63 characters of a label, so that no NetworkPolicy can select its pods, and it gets no ticket and no packet",
        "use a service account with a shorter name";
    PolicyNotWritten { policy, error } => NetworkProgrammed,
        "{policy} cannot be written: {error}",
        "give the KDC its ClusterRole (deploy/base/rbac.yaml), or take the obstacle away; the KDC tries again by itself";
    PolicyContended { policy } => Contended,
        "somebody keeps changing or deleting {policy}, which is put back after pauses that grow",
        "take the right to write it away from whoever does that (the API server's audit log has the name)";
    CallersNotAllowed { who } => WouldDeny,
        "mode Enforce would deny {who}",
        "add the clients to a KerberosAccess, and the ports and sources of other callers to spec.networkOnly of one, or to spec.network.alwaysAllow of the KerberosRealm";
    WidenedByPolicy { policy, account } => NetworkProgrammed,
        "NetworkPolicy {policy}, which is not Kennel's, also lets packets into the pods of {account}",
        "delete it, or take the pods out of its podSelector";
    // The rotation of keys.
    RotationStalled { principal, kvno, holders } => Stalled,
        "version {kvno} of the key of {principal} is not used yet, since {holders} did not fetch it in time",
        "delete these pods or restart them, or set spec.rotation.missingHolders: Proceed, which leaves them behind (kennel keys {principal} shows who has which version)";
    // A server, a namespace, a realm.
    ModeNotAllowed { mode, realm } => NamesAccepted,
        "spec.accessMode asks for {mode}, which spec.access.allowedModes of KerberosRealm {realm} does not allow",
        "take it out, or add it there";
    DnsNotFound as "DNSNotFound" { searched } => NetworkProgrammed,
        "no DNS server is found ({searched}), so that enrolled pods may not ask any",
        "give the servers under spec.network.dns, with discovery: Static";
    ClientsWithoutDns as "DNSNotFound" { realm } => DNSNotFound,
        "the object is in force, and its clients may ask no DNS server, as KerberosRealm {realm} finds none: they reach the targets by address alone",
        "give the servers under spec.network.dns of the KerberosRealm, with discovery: Static";
    ApiServerNotFound { entry } => NetworkProgrammed,
        "no endpoint of the Service default/kubernetes is known, so that {entry} of spec.network.alwaysAllowEgress opens nothing",
        "give the API server's addresses there as ipBlock";
    ApiServerByAddress { entry } => NetworkProgrammed,
        "Cilium does not match the API server by the addresses of {entry} of spec.network.alwaysAllowEgress",
        "create a CiliumNetworkPolicy with toEntities: [kube-apiserver] for the pods that call it";
    PoliciesNotEvaluated { kinds } => NetworkProgrammed,
        "the cluster has policies that Kennel does not evaluate ({kinds})",
        "use them with care: they can let packets pass, or drop them, beside what Kennel tells";
    ClusterPolicyNotServed { realm } => NetworkProgrammed,
        "spec.network.clusterPolicy of KerberosRealm {realm} has no effect, since the cluster does not serve ClusterNetworkPolicy (policy.networking.k8s.io/v1alpha2): whoever edits NetworkPolicies can widen access",
        "use a CNI that has them and create their definition, or take clusterPolicy out";
    ClusterPolicyForbidden { realm } => NetworkProgrammed,
        "spec.network.clusterPolicy of KerberosRealm {realm} has no effect, since the KDC may not read ClusterNetworkPolicies: whoever edits NetworkPolicies can widen access",
        "add deploy/components/cluster-policy to the installation, or take clusterPolicy out";
    ClusterPolicyTooLarge { account, rules } => NetworkProgrammed,
        "a ClusterNetworkPolicy of {account} would have {rules} rules, and holds 25, so that the account has none: whoever edits NetworkPolicies of its namespace can widen access to it",
        "use namespace or namespaceSelector in place of many peers, or the same ports in more of its rules";
    UnlabelledPods { count, namespace } => NetworkProgrammed,
        "{count} pods of namespace {namespace} were there before the label kennel.dev/service-account and are outside Kennel's policies",
        "delete them, so that their workloads make new ones";
    MislabelledPods { pods, namespace } => NetworkProgrammed,
        "pods of namespace {namespace} have the label kennel.dev/service-account of another account ({pods}), so that nobody of the namespace is allowed anything",
        "delete them, so that their workloads make new ones";
}

impl Problem {
    /// Whether the object waits for another one, which may come at any time: then it is not stalled, since tools that apply many
    /// objects give up at a stalled one.
    #[must_use]
    pub const fn is_missing_referent(&self) -> bool {
        matches!(
            self,
            Problem::RealmNotFound { .. }
                | Problem::NamespaceNotEnrolled { .. }
                | Problem::AccountNotFound { .. }
                | Problem::ServiceNotFound { .. }
                | Problem::StatefulSetNotFound { .. }
                | Problem::GoverningServiceNotFound { .. }
                | Problem::ServerNotEnrolled { .. }
                | Problem::TargetNotFound { .. }
                | Problem::ClientNotFound { .. }
                | Problem::ClientNotEnrolled { .. }
                | Problem::NoNamespaceSelected { .. }
                | Problem::NamespaceNotProgrammed { .. }
                | Problem::PortsNotFound { .. }
                | Problem::PortNameNotFound { .. }
                | Problem::PolicyNotWritten { .. }
        )
    }

    /// The problem of a name that the store has for somebody else; `namespace` asks for the name.
    #[must_use]
    pub fn from_conflict(conflict: Conflict, name: &Principal, namespace: &str) -> Problem {
        let (name, namespace) = (name.to_string(), namespace.to_owned());
        match conflict {
            Conflict::Manual => Problem::NameIsManualPrincipal { name, namespace },
            Conflict::Alias => Problem::NameIsAlias { name, namespace },
            Conflict::Principal => Problem::AliasIsPrincipal { name, namespace },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::healthy::HealthyReason;
    use std::collections::BTreeSet;

    /// Verbs that a remedy begins with: each tells the reader what to do.
    const VERBS: [&str; 8] = ["add", "create", "delete", "give", "raise", "take", "update", "use"];

    #[test]
    fn every_problem_names_a_remedy() {
        for kind in Problem::KINDS {
            let verb = kind.remedy.split(' ').next().unwrap();
            assert!(VERBS.contains(&verb), "{}: {}", kind.reason, kind.remedy);
            assert!(kind.remedy.len() > 15 && kind.what.len() > 15, "{}", kind.reason);
            assert!(!kind.what.ends_with('.') && !kind.remedy.ends_with('.'), "{}", kind.reason);
        }
    }

    #[test]
    fn every_problem_says_where_by_naming_an_object() {
        for kind in Problem::KINDS {
            assert!(kind.what.contains('{'), "{}: {}", kind.reason, kind.what);
        }
    }

    #[test]
    fn every_reason_stands_once_and_is_one_that_kubernetes_accepts() {
        let mut seen = BTreeSet::from([ENROLMENT_REFUSED, POLICY_RESTORED, ROLLOUT_STARTED, ROLLOUT_REFUSED]);
        let healthy = [
            HealthyReason::Ready,
            HealthyReason::Serving,
            HealthyReason::AccountExists,
            HealthyReason::Guarded,
            HealthyReason::GuardedWithoutMutation,
            HealthyReason::Accepted,
            HealthyReason::ResolvedRefs,
            HealthyReason::TicketsProgrammed,
            HealthyReason::NetworkObserving,
            HealthyReason::NetworkDisabled,
            HealthyReason::NobodyAllowed,
            HealthyReason::Settled,
            HealthyReason::NotStalled,
            HealthyReason::NotContested,
        ];
        let counted = [
            HealthyReason::Progressing { waiting: 1 },
            HealthyReason::NamesAccepted { principals: 1, withheld: 0 },
            HealthyReason::PoliciesPending { missing: 1 },
        ];
        let healthy = healthy.into_iter().chain(counted).map(HealthyReason::reason);
        // Kinds of objects share the reasons of the Gateway API; each object has a reason once.
        let shared = ["QuotaExceeded", "NamespaceNotEnrolled", "PortsNotFound", "UnknownPeer", "DNSNotFound"];
        for reason in Problem::KINDS.iter().map(|kind| kind.reason).chain(healthy) {
            assert!(seen.insert(reason) || shared.contains(&reason), "{reason} stands twice");
            assert!(reason.starts_with(|c: char| c.is_ascii_uppercase()), "{reason}");
            assert!(reason.bytes().all(|octet| octet.is_ascii_alphanumeric()) && reason.len() < 64, "{reason}");
        }
    }

    #[test]
    fn a_message_says_what_is_wrong_where_and_what_to_do() {
        let problem = Problem::ServiceNotFound { service: "late".into(), namespace: "shop".into() };
        assert_eq!((problem.reason(), problem.condition().name()), ("ServiceNotFound", "NamesAccepted"));
        let message = "there is no Service late in namespace shop: create it, or take it out of spec.hosts.services";
        assert_eq!(problem.to_string(), message);
    }

    #[test]
    fn where_secrets_are_forbidden_the_message_has_the_command_that_permits_them() {
        let problem = Problem::SecretsForbidden {
            secret: "web-keytab".into(),
            namespace: "shop".into(),
            account: "kennel-system:kennel-kdc".into(),
        };
        let command = "kubectl -n shop create rolebinding kennel-kdc-keytab-secrets --clusterrole=kennel-kdc-keytab-secrets \
                       --serviceaccount=kennel-system:kennel-kdc";
        assert!(problem.to_string().contains(command), "{problem}");
    }

    #[test]
    fn each_conflict_with_the_store_has_its_own_reason() {
        let name = Principal::parse("web.shop", "R").unwrap();
        let reason = |conflict| Problem::from_conflict(conflict, &name, "shop").reason();
        let all = [Conflict::Manual, Conflict::Alias, Conflict::Principal].map(reason);
        assert_eq!(all, ["NameIsManualPrincipal", "NameIsAlias", "AliasIsPrincipal"]);
        let message = Problem::from_conflict(Conflict::Manual, &name, "shop").to_string();
        assert!(message.starts_with("web.shop@R cannot be had for namespace shop"), "{message}");
    }
}
