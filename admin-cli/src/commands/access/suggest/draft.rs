//! Pairs that were seen -> KerberosAccess objects, with comments that say what each rests on. Pure.

use crate::commands::access::suggest::workloads::{Workload, Workloads};
use crate::output::plain;
use kennel_wire::admin::{AccountRef, Pair, PairsResponse};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Most peers of a rule, and most rules of an object, as the definition of KerberosAccess has them.
const MOST_PEERS: usize = 32;

/// What is suggested, and on what grounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Draft {
    realm: String,
    /// The namespace of the servers; none: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// The time in which the pairs were seen.
    since: String,
    until: String,
    /// Pairs that the KDC forgot in that time.
    lost: u64,
    /// One KerberosAccess for each server.
    suggestions: Vec<Suggestion>,
    /// Workloads that ask for credentials, and whose account neither called nor was called.
    never_seen: Vec<Workload>,
    /// Kinds of workloads that could not be listed.
    not_listed: Vec<String>,
}

/// A KerberosAccess for one server.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Suggestion {
    server: AccountRef,
    /// The object; none where everybody was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Value>,
    /// The pairs that the object allows.
    allowed: Vec<Pair>,
    /// The pairs that were only denied: the object does not allow them.
    denied: Vec<Pair>,
}

impl Draft {
    pub(super) fn new(
        seen: &PairsResponse,
        classes: &BTreeMap<AccountRef, BTreeSet<String>>,
        workloads: &Workloads,
        namespace: Option<&str>,
    ) -> Draft {
        let mut servers: BTreeMap<&AccountRef, Vec<&Pair>> = BTreeMap::new();
        for pair in &seen.pairs {
            servers.entry(&pair.server_account).or_default().push(pair);
        }
        let suggestion = |(server, pairs): (&AccountRef, Vec<&Pair>)| {
            let got_ticket = |pair: &&&Pair| pair.allowed + pair.would_deny > 0;
            let allowed: Vec<Pair> = pairs.iter().filter(got_ticket).map(|pair| (*pair).clone()).collect();
            let denied = pairs.iter().filter(|pair| !got_ticket(pair) && pair.denied > 0).map(|pair| (*pair).clone());
            let denied: Vec<Pair> = denied.collect();
            let object = (!allowed.is_empty()).then(|| object(server, &allowed, classes.get(server), &seen.realm));
            (!allowed.is_empty() || !denied.is_empty()).then(|| Suggestion {
                server: server.clone(),
                object,
                allowed,
                denied,
            })
        };
        let met: BTreeSet<&AccountRef> =
            seen.pairs.iter().flat_map(|pair| pair.client_account.iter().chain([&pair.server_account])).collect();
        let never_seen = workloads.known.iter().filter(|workload| !met.contains(&workload.account)).cloned();
        Draft {
            realm: seen.realm.clone(),
            namespace: namespace.map(str::to_owned),
            since: seen.since.clone(),
            until: seen.until.clone(),
            lost: seen.lost,
            suggestions: servers.into_iter().filter_map(suggestion).collect(),
            never_seen: never_seen.collect(),
            not_listed: workloads.unknown.clone(),
        }
    }

    /// The objects as a file for `kubectl apply`, with comments.
    pub(super) fn yaml(&self) -> anyhow::Result<String> {
        let mut out = Comments::default();
        let whose =
            self.namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |name| format!("namespace {name}"));
        out.line(&format!(
            "Who asked for tickets of servers in {whose}, realm {}, from {} to {}.",
            self.realm, self.since, self.until
        ));
        out.line("This is what was seen, not what is needed: whoever did not ask in that time is not in it. Read it before you apply it.");
        if self.lost > 0 {
            out.line(&format!(
                "{} pairs were forgotten, since more were seen than the KDC records: they are missing here.",
                self.lost
            ));
        }
        self.comment_never_seen(&mut out);
        if self.suggestions.is_empty() {
            out.line("Nobody asked: nothing is suggested.");
        }
        for suggestion in &self.suggestions {
            out.0 += "---\n";
            suggestion.write(&mut out)?;
        }
        Ok(out.0)
    }

    fn comment_never_seen(&self, out: &mut Comments) {
        if !self.never_seen.is_empty() {
            let whose = if self.namespace.is_some() { " of this namespace" } else { "" };
            out.line(&format!(
                "Workloads{whose} that ask for credentials and were never seen, as client or as server:"
            ));
            for workload in &self.never_seen {
                out.line(&format!("  {} (account {})", workload.name, workload.account));
            }
        }
        if self.namespace.is_some() {
            out.line("Workloads of other namespaces that have not called yet are not listed: leave out -n for them.");
        }
        for kind in &self.not_listed {
            out.line(&format!("Not listed, so that who was never seen is not known: {kind}"));
        }
    }
}

impl Suggestion {
    fn write(&self, out: &mut Comments) -> anyhow::Result<()> {
        for pair in &self.allowed {
            let observed = if pair.would_deny > 0 {
                format!(", {} of them only since the mode is Observe", pair.would_deny)
            } else {
                String::new()
            };
            out.line(&format!(
                "{}: {} tickets{observed}; {}",
                called(pair),
                pair.allowed + pair.would_deny,
                seen(pair)
            ));
        }
        for pair in &self.denied {
            out.line(&format!("Not allowed here: {}: denied {} times; {}", called(pair), pair.denied, seen(pair)));
        }
        match &self.object {
            Some(object) => out.0 += &serde_saphyr::to_string(object)?,
            None => out.line(&format!("{}: nobody got a ticket, and nothing is suggested.", self.server)),
        }
        if !out.0.ends_with('\n') {
            out.0.push('\n');
        }
        Ok(())
    }
}

fn called(pair: &Pair) -> String {
    let class =
        pair.service_class.as_deref().map_or_else(|| "its own principal".to_owned(), |class| format!("its {class}"));
    format!("{} called {} ({class})", pair.client, pair.server_account)
}

fn seen(pair: &Pair) -> String {
    format!("first {}, last {}", pair.first, pair.last)
}

/// The object that allows the pairs. Clients that asked for the same classes share a rule; a rule names classes where the server has
/// others, or where they are not known.
fn object(server: &AccountRef, pairs: &[Pair], own: Option<&BTreeSet<String>>, realm: &str) -> Value {
    let mut asked: BTreeMap<String, (Value, Option<BTreeSet<String>>)> = BTreeMap::new();
    for pair in pairs {
        let class = pair.service_class.clone().map(|class| BTreeSet::from([class]));
        let (_, classes) =
            asked.entry(pair.client.clone()).or_insert_with(|| (peer(pair, realm), Some(BTreeSet::new())));
        // Who asked for the account's own principal needs a rule without classes.
        *classes = classes.take().zip(class).map(|(known, class)| &known | &class);
    }
    let mut rules: BTreeMap<BTreeSet<String>, Vec<Value>> = BTreeMap::new();
    for (peer, classes) in asked.into_values() {
        let named = classes.filter(|classes| own != Some(classes));
        rules.entry(named.unwrap_or_default()).or_default().push(peer);
    }
    let rule = |(classes, peers): (&BTreeSet<String>, &[Value])| match classes.is_empty() {
        true => json!({ "from": peers }),
        false => json!({ "from": peers, "serviceClasses": classes }),
    };
    let allow: Vec<Value> = rules
        .iter()
        .flat_map(|(classes, peers)| peers.chunks(MOST_PEERS).map(move |peers| (classes, peers)))
        .map(rule)
        .collect();
    json!({
        "apiVersion": "kennel.dev/v1alpha1",
        "kind": "KerberosAccess",
        "metadata": { "name": server.name, "namespace": server.namespace },
        "spec": { "targetRefs": [{ "name": server.name }], "allow": allow },
    })
}

/// The client as a peer: its account, else its principal, without the realm where it is this one.
fn peer(pair: &Pair, realm: &str) -> Value {
    match &pair.client_account {
        Some(account) if account.namespace == pair.server_account.namespace => {
            json!({ "serviceAccount": { "name": account.name } })
        }
        Some(account) => json!({ "serviceAccount": { "name": account.name, "namespace": account.namespace } }),
        None => {
            let own = pair.client.strip_suffix(realm).and_then(|name| name.strip_suffix('@'));
            json!({ "principal": { "name": own.unwrap_or(&pair.client) } })
        }
    }
}

/// Lines of comments: no name ends a line.
#[derive(Default)]
struct Comments(String);

impl Comments {
    fn line(&mut self, text: &str) {
        _ = writeln!(self.0, "# {}", plain(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::admin::DecisionOutcome;

    fn account(namespace: &str, name: &str) -> AccountRef {
        AccountRef { namespace: namespace.into(), name: name.into() }
    }

    fn pair(client: &str, of: Option<AccountRef>, server: &str, class: Option<&str>, counts: [u64; 3]) -> Pair {
        let [allowed, would_deny, denied] = counts;
        Pair {
            client: client.into(),
            client_account: of,
            server_account: account("shop", server),
            service_class: class.map(str::to_owned),
            first: "2026-11-01T00:00:00Z".into(),
            last: "2026-11-02T00:00:00Z".into(),
            last_outcome: DecisionOutcome::Allowed,
            count: allowed + would_deny + denied,
            allowed,
            would_deny,
            denied,
            refused: 0,
        }
    }

    fn seen(pairs: Vec<Pair>) -> PairsResponse {
        let (since, until) = ("2026-10-26T00:00:00Z".into(), "2026-11-26T00:00:00Z".into());
        PairsResponse { realm: "R".into(), since, until, lost: 0, pairs }
    }

    fn shop() -> PairsResponse {
        seen(vec![
            pair("cart.shop@R", Some(account("shop", "cart")), "web", Some("HTTP"), [3, 4, 0]),
            pair("job.batch@R", Some(account("batch", "job")), "web", Some("HTTP"), [0, 1, 0]),
            pair("alice@R", None, "web", Some("host"), [1, 0, 0]),
            pair("bob@CORP", None, "web", None, [1, 0, 0]),
            pair("batch.shop@R", Some(account("shop", "batch")), "web", Some("HTTP"), [0, 0, 9]),
            pair("x.shop@R", Some(account("shop", "x")), "kafka", Some("kafka"), [0, 0, 1]),
        ])
    }

    fn draft(seen: &PairsResponse) -> Draft {
        let classes = [(account("shop", "web"), BTreeSet::from(["HTTP".to_owned()]))].into();
        let monthly = Workload { name: "CronJob shop/report".into(), account: account("shop", "report") };
        let known = Workload { name: "Deployment shop/cart".into(), account: account("shop", "cart") };
        let workloads = Workloads { known: vec![monthly, known], unknown: vec!["Jobs: forbidden".into()] };
        Draft::new(seen, &classes, &workloads, Some("shop"))
    }

    #[test]
    fn clients_that_asked_for_all_classes_of_a_server_make_a_rule_without_classes() {
        let draft = draft(&shop());
        let object = draft.suggestions[1].object.clone().unwrap();
        let cart = json!({ "serviceAccount": { "name": "cart" } });
        let job = json!({ "serviceAccount": { "name": "job", "namespace": "batch" } });
        let (alice, bob) =
            (json!({ "principal": { "name": "alice" } }), json!({ "principal": { "name": "bob@CORP" } }));
        let rules = json!([{ "from": [bob, cart, job] }, { "from": [alice], "serviceClasses": ["host"] }]);
        assert_eq!(object["spec"], json!({ "targetRefs": [{ "name": "web" }], "allow": rules }));
        assert_eq!(draft.suggestions[0].object, None, "whoever was only denied is not let in");
    }

    #[test]
    fn comments_say_the_window_the_counts_and_who_was_never_seen() {
        let text = draft(&shop()).yaml().unwrap();
        for said in [
            "in namespace shop, realm R, from 2026-10-26T00:00:00Z to 2026-11-26T00:00:00Z",
            "#   CronJob shop/report (account shop/report)\n",
            "# Not listed, so that who was never seen is not known: Jobs: forbidden\n",
            "# cart.shop@R called shop/web (its HTTP): 7 tickets, 4 of them only since the mode is Observe; first",
            "# Not allowed here: batch.shop@R called shop/web (its HTTP): denied 9 times; first",
            "# shop/kafka: nobody got a ticket, and nothing is suggested.\n",
            "kind: KerberosAccess\n",
        ] {
            assert!(text.contains(said), "{said} in\n{text}");
        }
        assert!(!text.contains("Deployment shop/cart") && !text.contains("forgotten"), "{text}");
        assert!(!text.to_lowercase().contains("complete"), "{text}");
        assert!(draft(&PairsResponse { lost: 3, ..shop() }).yaml().unwrap().contains("# 3 pairs were forgotten"));
        assert!(draft(&seen(vec![])).yaml().unwrap().contains("# Nobody asked"));
    }

    #[test]
    fn a_name_of_a_stranger_adds_no_line_to_the_file() {
        let evil = "x\nkind: KerberosRealm@R";
        let text = draft(&seen(vec![pair(evil, None, "web", None, [1, 0, 0])])).yaml().unwrap();
        assert!(
            text.contains("# x\\nkind: KerberosRealm@R called") && !text.contains("\nkind: KerberosRealm"),
            "{text}"
        );
    }

    #[test]
    fn a_rule_has_no_more_peers_than_the_definition_allows() {
        let many = (0..40).map(|n| {
            pair(&format!("c{n}.shop@R"), Some(account("shop", &format!("c{n}"))), "web", Some("HTTP"), [1, 0, 0])
        });
        let object = draft(&seen(many.collect())).suggestions[0].object.clone().unwrap();
        let sizes: Vec<usize> =
            object["spec"]["allow"].as_array().unwrap().iter().map(|r| r["from"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [32, 8]);
    }
}
