//! One declaration, two layers: a KerberosAccess decides the ticket, and the NetworkPolicies that follow from it are written, kept
//! and removed in the order that is safe. No packet is filtered here: tests/deploy has real pods.

use crate::world::{Credentials, SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::{Api, eventually};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Drift is mended, and a policy that widens is named, within this time.
const MENDED: Duration = Duration::from_secs(2);

/// A realm that enforces, with the server `web` and the clients `cart` and `batch` in `shop`.
pub(crate) struct Shop<'a> {
    pub(crate) world: World<'a>,
    cart: Credentials,
}

/// A lone API server has no DNS server that could be found.
pub(crate) const DNS: &str =
    "dns: {discovery: Static, static: [{to: [{ipBlock: {cidr: 192.0.2.53/32}}], ports: [{port: 53, protocol: UDP}]}]}";

impl Shop<'static> {
    fn new() -> Result<Shop<'static>> {
        Shop::with(Api::shared()?, &format!("  access: {{defaultMode: Enforce}}\n  network: {{{DNS}}}\n"))
    }
}

impl<'a> Shop<'a> {
    /// With these lines of the KerberosRealm's spec.
    pub(crate) fn with(api: &'a Api, spec: &str) -> Result<Shop<'a>> {
        let world = World::with(api, spec)?;
        world.shop(&["web", "cart", "batch"])?;
        let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
        Ok(Shop { world, cart })
    }

    pub(crate) fn shop(&self) -> String {
        self.world.ns("shop")
    }

    /// A KerberosAccess of `web` for an account.
    pub(crate) fn allow(&self, name: &str, account: &str) -> Result<()> {
        self.world.api.apply(&self.world.account_access_yaml(name, account))
    }

    pub(crate) fn access(&self, name: &str, allow: &str, more: &str) -> Result<()> {
        self.world.api.apply(&self.world.access_yaml(name, allow, more))
    }

    pub(crate) fn revoke(&self, name: &str) -> Result<()> {
        self.world.delete("shop", "kaccess", name)
    }

    /// `cart` asks for a ticket of `web`, from a cache without one.
    pub(crate) fn calls(&self) -> Result<bool> {
        Ok(self.cart.kvno(&format!("HTTP/web.{}.svc.cluster.local", self.shop()))?.status.success())
    }

    /// The policies of ours in the namespace, by name.
    fn policies(&self) -> Result<Vec<Value>> {
        let label = "app.kubernetes.io/managed-by=kennel-kdc";
        let run =
            self.world.api.kubectl(&["get", "netpol", "-n", &self.shop(), "-l", label, "-o", "json"], "")?.ok()?;
        let list: Value = serde_json::from_str(&run.stdout)?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// The ingress policy of `web`, if it lets `cart` in.
    fn lets_cart_in(&self) -> Result<Option<Value>> {
        let lets = |policy: &Value| {
            let rules = policy["spec"]["ingress"].to_string();
            policy["spec"]["podSelector"].to_string().contains("\"web\"") && rules.contains("\"cart\"")
        };
        Ok(self.policies()?.into_iter().find(lets))
    }

    /// The condition of a KerberosAccess: status, reason, message.
    fn condition(&self, access: &str, kind: &str) -> Result<String> {
        let of = |field: &str| format!("{{.status.conditions[?(@.type==\"{kind}\")].{field}}}");
        let path = format!("{}|{}|{}", of("status"), of("reason"), of("message"));
        self.world.api.json_path(&["kaccess", access, "-n", &self.shop()], &path)
    }

    fn await_condition(&self, access: &str, kind: &str, is: &str) -> Result<String> {
        eventually(SOON, &format!("{kind} of {access} is {is}"), || {
            let said = self.condition(access, kind)?;
            ensure!(said.starts_with(is), "{said}");
            Ok(Some(said))
        })
    }

    fn described(&self, object: &str) -> Result<String> {
        Ok(self.world.api.kubectl(&["describe", object, "-n", &self.shop()], "")?.ok()?.stdout)
    }
}

#[test]
fn a_client_that_no_access_allows_gets_no_ticket_and_one_that_is_allowed_gets_its_policy_first() -> Result<()> {
    let shop = Shop::new()?;
    ensure!(!shop.calls()?, "nobody is allowed yet");
    let refused = shop.world.last_audit_of("TGS")?;
    assert_eq!((&refused["reason"], &refused["denial"]), (&"AccessDenied".into(), &"NoAccess".into()), "{refused}");
    let words = format!("no KerberosAccess in {} allows cart.{} to call web", shop.shop(), shop.shop());
    assert_eq!(refused["text"].as_str(), Some(&*words));
    ensure!(shop.lets_cart_in()?.is_none());

    shop.allow("web", "cart")?;
    let applied = Instant::now();
    eventually(SOON, "cart gets a ticket", || {
        // The policy is looked for after the ticket: it must have been there before.
        Ok(shop.calls()?.then_some(()))
    })?;
    println!("from kubectl apply to the ticket: {:?}", applied.elapsed());
    ensure!(shop.lets_cart_in()?.is_some(), "a ticket without its policy: {:?}", shop.policies()?);
    shop.await_condition("web", "Ready", "True|Ready")?;
    let described = shop.described("kaccess/web")?;
    ensure!(described.contains("Normal") && described.contains("NetworkProgrammed"), "{described}");

    shop.revoke("web")?;
    eventually(SOON, "the ticket is refused", || Ok((!shop.calls()?).then_some(())))?;
    eventually(SOON, "the policy lets nobody in", || Ok(shop.lets_cart_in()?.is_none().then_some(())))
}

/// A shop in which `cart` is allowed and gets tickets.
fn allowed() -> Result<Shop<'static>> {
    let shop = Shop::new()?;
    shop.allow("web", "cart")?;
    eventually(SOON, "cart gets a ticket", || Ok(shop.calls()?.then_some(())))?;
    Ok(shop)
}

/// The name of the policy that lets `cart` in.
fn ingress(shop: &Shop<'_>) -> Result<String> {
    let policy = shop.lets_cart_in()?.context("no policy lets cart in")?;
    Ok(policy["metadata"]["name"].as_str().context("no name")?.to_owned())
}

#[test]
fn a_policy_that_somebody_deletes_or_edits_is_put_back_within_two_seconds_and_told_and_tickets_stay() -> Result<()> {
    let shop = allowed()?;
    let (name, full) = (ingress(&shop)?, shop.shop());
    let api = shop.world.api;
    let edits: [&[&str]; 4] = [
        &["delete", "netpol", &name, "-n", &full],
        &["patch", "netpol", &name, "-n", &full, "--type=merge", "-p", r#"{"spec":{"ingress":[{}]}}"#],
        &["label", "netpol", &name, "-n", &full, "app.kubernetes.io/managed-by-"],
        &[
            "patch",
            "netpol",
            &name,
            "-n",
            &full,
            "--type=merge",
            "-p",
            r#"{"spec":{"podSelector":{"matchLabels":{"x":"y"}}}}"#,
        ],
    ];
    let wanted = shop.lets_cart_in()?.context("no policy")?["spec"].clone();
    for (number, edit) in edits.into_iter().enumerate() {
        // The third drift makes the policy contended: another process has no memory of it.
        api.kubectl(edit, "")?.ok()?;
        let limit = if number < 2 { MENDED } else { SOON };
        eventually(limit, &format!("edit {number} is mended"), || {
            Ok(shop.lets_cart_in()?.filter(|policy| policy["spec"] == wanted))
        })?;
        ensure!(shop.calls()?, "the ticket stays");
    }
    eventually(SOON, "Events tell of it", || {
        let told = |object: &str| Ok::<_, anyhow::Error>(shop.described(object)?.contains("NetworkPolicyRestored"));
        Ok((told("kprinc/web")? && told("kaccess/web")?).then_some(()))
    })?;
    let said = shop.await_condition("web", "Contended", "True|PolicyContended")?;
    ensure!(said.contains(&name), "{said}");
    Ok(())
}

#[test]
fn a_policy_of_others_that_widens_access_is_named_at_the_server_within_two_seconds() -> Result<()> {
    let shop = allowed()?;
    shop.world.await_condition("shop", "web", "NetworkProgrammed", ["True", "Programmed"])?;
    shop.world.api.apply(&format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: allow-all, namespace: {}}}\n\
         spec: {{podSelector: {{}}, ingress: [{{}}]}}\n",
        shop.shop()
    ))?;
    let said = eventually(MENDED, "the widening is told", || {
        let [status, reason, message] = shop.world.condition("shop", "web", "NetworkProgrammed")?;
        Ok((status == "False" && reason == "WidenedByPolicy").then_some(message))
    })?;
    ensure!(said.contains("allow-all"), "{said}");
    shop.world.delete("shop", "netpol", "allow-all")?;
    shop.world.await_condition("shop", "web", "NetworkProgrammed", ["True", "Programmed"])?;
    Ok(())
}

#[test]
fn a_restart_loses_no_ticket_and_converges_on_what_changed_meanwhile() -> Result<()> {
    let mut shop = allowed()?;
    shop.world.realm.kill_and_restart()?;
    eventually(SOON, "cart gets a ticket again", || Ok(shop.calls()?.then_some(())))?;
    let (api, name, full) = (shop.world.api, ingress(&shop)?, shop.shop());
    let leftover = format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: kennel-leftover, namespace: {full}, \
         labels: {}}}\nspec: {{podSelector: {{}}, ingress: [{{}}]}}\n",
        shop.lets_cart_in()?.context("no policy")?["metadata"]["labels"]
    );
    shop.world.realm.while_down(|| {
        api.kubectl(&["delete", "netpol", &name, "-n", &full], "")?.ok()?;
        api.apply(&leftover)
    })?;
    eventually(SOON, "cart gets a ticket", || Ok(shop.calls()?.then_some(())))?;
    ensure!(shop.lets_cart_in()?.is_some(), "a ticket without its policy");
    eventually(SOON, "what is not rendered is swept", || {
        let names: Vec<Value> = shop.policies()?.iter().map(|policy| policy["metadata"]["name"].clone()).collect();
        Ok((!names.contains(&"kennel-leftover".into())).then_some(()))
    })
}

#[test]
fn grants_and_revocations_under_kills_never_leave_a_ticket_without_its_policy() -> Result<()> {
    let long = std::env::var_os("KENNEL_ACCESS_LONG").is_some();
    let (flips, kills) = if long { (200, 20) } else { (12, 3) };
    let mut shop = Shop::new()?;
    for flip in 0..flips {
        let grant = flip % 2 == 0;
        if grant {
            shop.allow("web", "cart")?
        } else {
            shop.revoke("web")?
        }
        if flip % (flips / kills) == 1 {
            shop.world.realm.kill_and_restart()?;
        }
        eventually(SOON, &format!("flip {flip} counts"), || {
            let calls = shop.calls()?;
            // A grant's policy stands before its ticket, so it is there after the ticket was seen.
            ensure!(!(grant && calls) || shop.lets_cart_in()?.is_some(), "flip {flip}: a ticket without its policy");
            Ok((calls == grant).then_some(()))
        })?;
    }
    eventually(SOON, "nothing stale is left", || Ok(shop.lets_cart_in()?.is_none().then_some(())))?;
    ensure!(!shop.calls()?, "a stale ticket");
    Ok(())
}

#[test]
fn without_dns_a_grant_is_in_force_and_ready_and_a_condition_says_what_its_clients_lack() -> Result<()> {
    let shop = Shop::with(Api::shared()?, "  access: {defaultMode: Enforce}\n")?;
    shop.allow("web", "cart")?;
    eventually(SOON, "cart gets a ticket", || Ok(shop.calls()?.then_some(())))?;
    let said = shop.await_condition("web", "DNSNotFound", "True|DNSNotFound")?;
    ensure!(said.contains("spec.network.dns"), "{said}");
    shop.await_condition("web", "Ready", "True|Ready")?;
    shop.await_condition("web", "NetworkProgrammed", "True|Programmed")?;
    shop.world.apply_realm(&format!("  access: {{defaultMode: Enforce}}\n  network: {{{DNS}}}\n"))?;
    eventually(SOON, "the condition goes", || Ok((shop.condition("web", "DNSNotFound")? == "||").then_some(())))?;
    shop.await_condition("web", "Ready", "True|Ready").map(|_| ())
}

#[test]
fn an_account_whose_name_is_no_label_is_told_so_and_gets_no_ticket_by_its_namespace() -> Result<()> {
    let shop = Shop::new()?;
    let (long, full) = ("z".repeat(64), shop.shop());
    shop.world.api.kubectl(&["create", "serviceaccount", &long, "-n", &full], "")?.ok()?;
    shop.access("all", &format!("[{{from: [{{namespace: {{name: {full}}}}}]}}]"), "")?;
    eventually(SOON, "the account is told", || {
        Ok(shop.described(&format!("serviceaccount/{long}"))?.contains("AccountNameTooLong").then_some(()))
    })?;
    eventually(SOON, "cart gets a ticket", || Ok(shop.calls()?.then_some(())))?;
    // Without the label, its pods are given nothing.
    shop.world.api.apply(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: long-1, namespace: {full}}}\n\
         spec: {{serviceAccountName: {long}, containers: [{{name: c, image: i}}]}}\n"
    ))?;
    let refused = shop.world.enrol(&shop.world.token("shop", &long, "long-1")?).err().context("it enrolled")?;
    ensure!(format!("{refused:#}").contains("63 characters"), "{refused:#}");
    Ok(())
}

/// Enrols `number` namespaces with the label `team: many`, without accounts of their own.
fn many_namespaces(world: &World<'_>, number: usize) -> Result<()> {
    let (id, api) = (world.realm_object(), world.api);
    let namespace = |at: usize| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: many-{at}, labels: {{kennel.test/world: {id}, team: many}}}}\n---\n"
        )
    };
    let all: Vec<String> = (0..number).map(namespace).collect();
    let create = |some: String| api.kubectl(&["create", "-f", "-"], &some)?.ok().map(|_| ());
    std::thread::scope(|scope| {
        let create = &create;
        let tasks: Vec<_> = all.chunks(250).map(|some| scope.spawn(move || create(some.concat()))).collect();
        tasks.into_iter().try_for_each(|task| task.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?)
    })
}

#[test]
fn one_object_that_selects_a_thousand_namespaces_is_stopped_by_its_limit_and_takes_nothing_from_others() -> Result<()> {
    // A thousand namespaces would slow every test of a shared API server.
    let api = Api::alone()?;
    let access = "access: {defaultMode: Enforce, trustedNamespaceLabels: [team]}";
    let shop = Shop::with(&api, &format!("  {access}\n  network: {{{DNS}}}\n"))?;
    shop.allow("web", "cart")?;
    eventually(SOON, "cart gets a ticket", || Ok(shop.calls()?.then_some(())))?;
    many_namespaces(&shop.world, 1000)?;

    shop.access("many", "[{from: [{namespaceSelector: {matchLabels: {team: many}}}]}]", "")?;
    let said = eventually(2 * SOON, "the object is refused", || {
        let said = shop.condition("many", "Accepted")?;
        Ok((said.starts_with("False|QuotaExceeded") && said.contains("1001 NetworkPolicies")).then_some(said))
    })?;
    ensure!(said.contains("spec.limits.networkPoliciesPerAccess"), "{said}");
    for kind in ["Ready", "TicketsProgrammed", "NetworkProgrammed"] {
        shop.await_condition("many", kind, "False|QuotaExceeded")?;
    }
    let count =
        shop.world.api.json_path(&["kaccess", "many", "-n", &shop.shop()], "{.status.networkPolicies.wanted}")?;
    assert_eq!(count, "0");
    let egress =
        api.kubectl(&["get", "netpol", "-A", "--field-selector", "metadata.name=kennel-egress", "-o", "name"], "")?;
    assert_eq!(egress.ok()?.stdout, "", "a policy of a client was written");
    ensure!(shop.calls()?, "the object before it stays in force");
    shop.await_condition("web", "Ready", "True|Ready").map(|_| ())
}

#[test]
fn an_object_that_ends_lets_nobody_in_after_its_end() -> Result<()> {
    let shop = Shop::new()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let mut date = std::process::Command::new("date");
    let end = kennel_tests::process::run(date.args(["-u", "-d", &format!("@{}", now + 8), "+%Y-%m-%dT%H:%M:%SZ"]), "")?
        .ok()?;
    let more = format!(", notAfter: '{}'", end.stdout.trim());
    shop.access("web", "[{from: [{serviceAccount: {name: cart}}]}]", &more)?;
    eventually(Duration::from_secs(7), "cart gets a ticket", || Ok(shop.calls()?.then_some(())))?;
    eventually(SOON, "the ticket is refused", || Ok((!shop.calls()?).then_some(())))?;
    eventually(SOON, "the policy goes", || Ok(shop.lets_cart_in()?.is_none().then_some(())))?;
    shop.await_condition("web", "Accepted", "False|Expired").map(|_| ())
}
