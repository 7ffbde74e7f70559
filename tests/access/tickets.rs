//! The upper layer: every client asks a KDC that runs on the same files for a ticket of every service, by MIT's kvno.

use crate::case::{Case, Ticket, USERS};
use anyhow::{Context, Result, ensure};
use kennel_tests::realm::Realm;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const PASSWORD: &str = "secret";
/// How kvno reports KDC_ERR_POLICY.
const REFUSED: &str = "KDC policy rejects request";

/// Asks for every ticket of the case; returns their number.
pub(crate) fn judge(case: &Case) -> Result<usize> {
    let mut seed = String::new();
    for user in USERS {
        writeln!(seed, "[[principal]]\nname = '{user}'\npassword = '{PASSWORD}'")?;
    }
    let realm = Realm::builder(&case.realm())?.seed(&seed).manifests(case.folder.path()).start()?;
    let (clients, services) = (case.clients(), case.services());
    let mut issued = BTreeSet::new();
    for client in &clients {
        let tickets = tickets_of(&realm, client, &services)?;
        issued.extend(tickets.into_iter().map(|service| Ticket { client: client.clone(), service }));
    }
    let lost: Vec<_> = case.tickets.difference(&issued).collect();
    let extra: Vec<_> = issued.difference(&case.tickets).collect();
    ensure!(
        lost.is_empty() && extra.is_empty(),
        "refused, and should not be: {lost:?}; issued, and should not be: {extra:?}"
    );
    Ok(clients.len() * services.len())
}

/// The services that the client gets tickets for. Every other is refused by policy, and for no other reason.
fn tickets_of(realm: &Realm, client: &str, services: &BTreeSet<String>) -> Result<Vec<String>> {
    let user = realm.mit()?;
    if USERS.contains(&client) {
        user.kinit(&[client], PASSWORD)?.ok()?;
    } else {
        let (namespace, account) = client.split_once('/').context("namespace/account")?;
        let principal = format!("{account}.{namespace}");
        user.kinit_with_keytab(&realm.keytab(&principal), &[&principal])?.ok()?;
    }
    let asked: Vec<&str> = services.iter().map(String::as_str).collect();
    let run = user.kvno(&asked)?;
    let issued = |service: &str| run.stdout.contains(&format!("{service}@{}: kvno = ", realm.name()));
    let refused = |service: &str| {
        run.stderr.lines().any(|line| line.contains(REFUSED) && line.contains(&format!("{service}@{}", realm.name())))
    };
    for service in &asked {
        ensure!(issued(service) != refused(service), "{client} asked for {service}: {run}");
    }
    Ok(asked.into_iter().filter(|service| issued(service)).map(str::to_owned).collect())
}
