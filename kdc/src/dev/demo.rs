//! What `--manifests` shows before it is ready: a client that is allowed gets its ticket, over the real socket, and one that is not
//! is refused, each with the declaration and the NetworkPolicies behind it.

use crate::clock;
use crate::dev::files::Folder;
use crate::dev::manifests::Manifests;
use anyhow::{Context, bail, ensure};
use kennel_client::{Client, ClientError, Credential, Keytab, Secret, TicketOptions};
use kennel_core::access::explain::ExplainTarget;
use kennel_core::access::table::{AccessPeer, AccessTable, ServerAccess};
use kennel_core::access::{AccessDecision, AccessIndex};
use kennel_core::principal::Origin;
use kennel_k8s::policy::kind::PolicyKey;
use kennel_wire::message::Principal;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;

/// What is said of packets where there are no policies.
const NOT_RESTRICTED: &str = "not restricted: the realm manages no NetworkPolicies";

/// A client and a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair<'a> {
    client: &'a Principal,
    server: &'a ServerAccess,
    service: &'a Principal,
}

/// Shows an allowed and a denied pair, where the files have them. An error names what did not go as declared.
pub(crate) async fn run(
    manifests: &Manifests,
    folder: &Folder,
    kdc: SocketAddr,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let table = &manifests.rendered.access;
    let index = &*manifests.access;
    let (allowed, denied) = pairs(table, index);
    let client = Client::new(&table.realm, [kdc]);
    if let Some(pair) = allowed {
        _ = writeln!(out, "{} calls {}", pair.client, pair.service);
        let ticket = ask(&client, folder, pair).await?;
        let ticket = ticket.with_context(|| format!("{} gets no ticket for {}", pair.client, pair.service))?;
        let by = allowing(index, pair).context("the KDC allows what its index does not")?;
        _ = writeln!(out, "  ticket   issued until {}: KerberosAccess {by} allows it", ticket.endtime.to_rfc3339());
        _ = writeln!(out, "  packets  {}", passing(manifests, pair));
    }
    if let Some(pair) = denied {
        _ = writeln!(out, "{} calls {}", pair.client, pair.service);
        match ask(&client, folder, pair).await? {
            Ok(_) => bail!("{} got a ticket for {}, which no KerberosAccess allows", pair.client, pair.service),
            Err(ClientError::Kdc { code, text }) => {
                _ = writeln!(out, "  ticket   refused, {code}: {}", text.unwrap_or_default());
            }
            Err(error) => return Err(error.into()),
        }
        _ = writeln!(out, "  packets  {}", stopping(manifests, pair));
    }
    Ok(())
}

/// A client and a service to try: the pair that is allowed.
pub(crate) fn example(manifests: &Manifests) -> Option<(Principal, Principal)> {
    let (allowed, _) = pairs(&manifests.rendered.access, &manifests.access);
    allowed.map(|pair| (pair.client.clone(), pair.service.clone()))
}

/// The first pair that a KerberosAccess allows, and the first other client of the same service, or of any.
fn pairs<'a>(table: &'a AccessTable, index: &AccessIndex) -> (Option<Pair<'a>>, Option<Pair<'a>>) {
    let servers = table.servers.iter().filter_map(|server| Some((server, server.names.first()?)));
    let all: Vec<Pair<'a>> = servers
        .flat_map(|(server, service)| {
            let others = table.accounts.iter().filter(|account| account.principal != server.own);
            others.map(move |account| Pair { client: &account.principal, server, service })
        })
        .collect();
    let allowed = all.iter().find(|pair| allowing(index, **pair).is_some()).copied();
    let denied = |pair: &&Pair<'a>| matches!(decide(index, **pair), AccessDecision::Deny(_));
    let of_same = all.iter().filter(|pair| allowed.is_some_and(|allowed| allowed.server.key == pair.server.key));
    (allowed, of_same.chain(&all).find(denied).copied())
}

fn decide(index: &AccessIndex, pair: Pair<'_>) -> AccessDecision {
    let target = ExplainTarget::Service(pair.service, Origin::Kubernetes);
    index.explain(pair.client, Some(Origin::Kubernetes), target, clock::now().time).decision
}

/// The KerberosAccess that allows a pair.
fn allowing(index: &AccessIndex, pair: Pair<'_>) -> Option<String> {
    match decide(index, pair) {
        AccessDecision::Allow { by, .. } => by.map(|by| by.to_string()),
        _ => None,
    }
}

async fn ask(client: &Client, folder: &Folder, pair: Pair<'_>) -> anyhow::Result<Result<Credential, ClientError>> {
    let keytab = Keytab::read(&folder.keytab(pair.client))?;
    let secret = Secret::from_keytab(&keytab, pair.client)?;
    let tgt = client.initial_ticket(pair.client, &secret, &TicketOptions::default()).await;
    let tgt = tgt.with_context(|| format!("{} logs in with its keytab", pair.client))?;
    ensure!(tgt.request_confirmed, "the reply does not confirm the request (RFC 6806, section 11)");
    Ok(client.service_ticket(&tgt.credential, pair.service).await)
}

/// The policies that packets of an allowed pair pass by.
fn passing(manifests: &Manifests, pair: Pair<'_>) -> String {
    let rendered = &manifests.rendered;
    let peer = AccessPeer::Principal(pair.client.clone());
    let policies = rendered.needs.of_peer(&pair.server.key, &peer, &rendered.access.realm);
    match list(policies) {
        None => NOT_RESTRICTED.to_owned(),
        Some(names) => format!("pass by NetworkPolicies {names}"),
    }
}

/// The policies that stop the packets of a denied pair.
fn stopping(manifests: &Manifests, pair: Pair<'_>) -> String {
    let policies = manifests.rendered.needs.servers.get(&pair.server.key);
    match list(policies.into_iter().flatten()) {
        None => NOT_RESTRICTED.to_owned(),
        Some(names) => format!("stopped: NetworkPolicies {names} let nobody else in"),
    }
}

/// The policies by name, each once; `None` where there is none.
fn list<'a>(policies: impl Iterator<Item = &'a PolicyKey>) -> Option<String> {
    let names: BTreeSet<String> = policies.map(PolicyKey::path).collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
}
