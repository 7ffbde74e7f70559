//! What the KDC's account may do, held against the comments of deploy/base/rbac.yaml.

use crate::installation::Installation;
use anyhow::{Context, Result};

const ACCOUNT: &str = "system:serviceaccount:kennel-system:kennel-kdc";

/// Resource, names and verbs. Whatever any account may do is left out: ask about itself, and read the API's own description.
const ALLOWED: [&str; 29] = [
    "apiservices.apiregistration.k8s.io [] list",
    "configmaps [kennel-krb5] get list create patch delete",
    "customresourcedefinitions.apiextensions.k8s.io [] list",
    "endpointslices.discovery.k8s.io [] list watch",
    "events.events.k8s.io [] create patch",
    "ingresses.networking.k8s.io [] list",
    "kerberosaccesses.kennel.dev [] list watch",
    "kerberosaccesses.kennel.dev/status [] patch",
    "kerberosprincipals.kennel.dev [] list watch",
    "kerberosprincipals.kennel.dev/status [] patch",
    "kerberosrealms.kennel.dev [] list watch",
    "kerberosrealms.kennel.dev/status [] patch",
    "leases.coordination.k8s.io [] list",
    "mutatingadmissionpolicies.admissionregistration.k8s.io [] list",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io [] list",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io [] list",
    "namespaces [] list watch",
    "networkpolicies.networking.k8s.io [] get list watch create patch update delete",
    "podmonitors.monitoring.coreos.com [] list",
    "pods [] list watch get",
    "serviceaccounts [] list watch get",
    "servicemonitors.monitoring.coreos.com [] list",
    "services [] list watch",
    "statefulsets.apps [] list watch",
    "subjectaccessreviews.authorization.k8s.io [] create",
    "tokenreviews.authentication.k8s.io [] create",
    "validatingadmissionpolicies.admissionregistration.k8s.io [] list",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io [] list",
    "validatingwebhookconfigurations.admissionregistration.k8s.io [] list",
];

#[test]
fn the_kdcs_account_may_do_what_its_commented_rules_say_and_no_more() -> Result<()> {
    let dev = Installation::dev()?;
    let listed = dev.kubectl().run(&["auth", "can-i", "--list", "--as", ACCOUNT, "-n", "shop"])?;
    let is_a_resource = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
    let rules = listed.lines().filter(is_a_resource).filter(|line| !line.starts_with("selfsubject"));
    let rules: Vec<String> = rules.map(rule).collect::<Result<_>>()?;
    let beyond: Vec<&String> = rules.iter().filter(|rule| !ALLOWED.contains(&rule.as_str())).collect();
    let missing: Vec<&&str> = ALLOWED.iter().filter(|allowed| !rules.iter().any(|rule| rule == **allowed)).collect();
    assert!(beyond.is_empty() && missing.is_empty(), "beyond the comments: {beyond:?}; missing: {missing:?}");
    assert_eq!(rules.len(), ALLOWED.len(), "a rule is listed twice: {rules:?}");
    Ok(())
}

/// From a line of columns: resource, non-resource URLs, names, verbs.
fn rule(line: &str) -> Result<String> {
    let (resource, rest) = line.split_once(char::is_whitespace).context("a line of one word")?;
    let (names, verbs) =
        rest.trim().strip_prefix("[]").and_then(|rest| rest.trim().split_once(']')).context("no names")?;
    Ok(format!("{resource} {names}] {}", verbs.trim().trim_matches(['[', ']'])))
}

#[test]
fn the_kdcs_account_may_not_read_secrets() -> Result<()> {
    ensure_denied("get", "secrets")
}

#[test]
fn the_kdcs_account_may_not_read_other_config_maps() -> Result<()> {
    ensure_denied("get", "configmaps/other")
}

#[test]
fn the_kdcs_account_may_not_make_pods() -> Result<()> {
    ensure_denied("create", "pods")
}

#[test]
fn the_kdcs_account_may_not_change_its_own_role() -> Result<()> {
    ensure_denied("patch", "clusterroles")
}

#[test]
fn the_kdcs_account_may_not_bind_a_role() -> Result<()> {
    ensure_denied("create", "rolebindings")?;
    ensure_denied("bind", "clusterroles/kennel-kdc-keytab-secrets")
}

fn ensure_denied(verb: &str, resource: &str) -> Result<()> {
    let dev = Installation::dev()?;
    // kubectl fails where the answer is no.
    let answer = dev.kubectl().attempt(&["auth", "can-i", verb, resource, "--as", ACCOUNT, "-n", "shop"], "")?;
    assert_eq!(answer.stdout, "no\n", "{answer}");
    Ok(())
}
