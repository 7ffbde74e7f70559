//! A realm of its own in a shared cluster: a `kennel-kdc dev` that follows a KerberosRealm of its own, which enrols the
//! namespaces of this world alone.

use anyhow::{Context, Result};
use kennel_tests::binary::kennel_agent;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::mit::Mit;
use kennel_tests::process::{self, Run, Server};
use kennel_tests::realm::{Builder, Realm};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// What the controller does, it does within this time on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The world of one test.
pub(crate) struct World<'a> {
    pub(crate) api: &'a Api,
    pub(crate) realm: Realm,
    /// In the names of its namespaces.
    id: String,
    folder: TempDir,
}

/// What an agent made.
pub(crate) struct Credentials {
    pub(crate) folder: TempDir,
}

impl World<'static> {
    /// In the cluster of all tests.
    pub(crate) fn new() -> Result<World<'static>> {
        World::within(Api::shared()?)
    }
}

impl<'a> World<'a> {
    /// In this cluster.
    pub(crate) fn within(api: &'a Api) -> Result<World<'a>> {
        World::with(api, "")
    }

    /// With further lines of the KerberosRealm's spec.
    pub(crate) fn with(api: &'a Api, spec: &str) -> Result<World<'a>> {
        World::seeded(api, spec, "")
    }

    /// With a seed of the KDC, in the format of `kennel-kdc dev --seed`, too.
    pub(crate) fn seeded(api: &'a Api, spec: &str, seed: &str) -> Result<World<'a>> {
        World::built(api, spec, |builder| if seed.is_empty() { builder } else { builder.seed(seed) })
    }

    /// With a KDC that has further options.
    pub(crate) fn built(api: &'a Api, spec: &str, options: impl FnOnce(Builder) -> Builder) -> Result<World<'a>> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = format!("w{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let name = format!("{}.KENNEL", id.to_uppercase());
        let builder = Realm::builder(&name)?.kubeconfig(&api.kubeconfig()).env("KENNEL_LOG", "info");
        // As the containers of a pod: what starts again is the same holder of the Lease.
        let realm = options(builder.env("POD_UID", &id)).start()?;
        let world = World { api, realm, id, folder: TempDir::new()? };
        world.apply_realm(spec)?;
        Ok(world)
    }

    /// Writes the KerberosRealm, with further lines of its spec.
    pub(crate) fn apply_realm(&self, spec: &str) -> Result<()> {
        let World { id, realm, .. } = self;
        // Tests that are about something else let everybody call everybody.
        let observe = if spec.contains("  access:") { "" } else { "  access: {defaultMode: Observe}\n" };
        self.api.apply(&format!(
            "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: {id}}}\nspec:\n  realmName: {}\n  \
             namespaceSelector: {{matchLabels: {{kennel.test/world: {id}}}}}\n{observe}{spec}",
            realm.name()
        ))
    }

    /// Name of the KerberosRealm.
    pub(crate) fn realm_object(&self) -> &str {
        &self.id
    }

    /// The full name of a namespace of this world.
    pub(crate) fn ns(&self, name: &str) -> String {
        format!("{name}-{}", self.id)
    }

    /// Makes an enrolled namespace with some accounts.
    pub(crate) fn namespace(&self, name: &str, accounts: &[&str]) -> Result<()> {
        let (full, id) = (self.ns(name), &self.id);
        let mut yaml = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {full}, labels: {{kennel.test/world: {id}}}}}\n"
        );
        for account in accounts {
            yaml += &format!(
                "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {account}, namespace: {full}}}\n"
            );
        }
        self.api.apply(&yaml)
    }

    /// Makes a Service.
    pub(crate) fn service(&self, namespace: &str, name: &str) -> Result<()> {
        let full = self.ns(namespace);
        self.api.apply(&format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {full}}}\nspec: {{ports: [{{port: 80}}]}}\n"
        ))
    }

    /// A KerberosPrincipal; `spec` in YAML's flow style, without the account.
    pub(crate) fn principal_yaml(&self, namespace: &str, account: &str, spec: &str) -> String {
        format!(
            "apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {{name: {account}, namespace: {}}}\n\
             spec: {{serviceAccountName: {account}, {spec}}}\n",
            self.ns(namespace)
        )
    }

    /// Makes one.
    pub(crate) fn principal(&self, namespace: &str, account: &str, spec: &str) -> Result<()> {
        self.api.apply(&self.principal_yaml(namespace, account, spec))
    }

    /// Makes the namespace `shop` with these accounts, of which `web` is a server, and waits until that is ready.
    pub(crate) fn shop(&self, accounts: &[&str]) -> Result<()> {
        self.namespace("shop", accounts)?;
        self.service("shop", "web")?;
        self.principal("shop", "web", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
        self.await_condition("shop", "web", "Ready", ["True", "Ready"]).map(|_| ())
    }

    /// A KerberosAccess of that server; `allow` in YAML's flow style, `more` further fields of the spec, each after a comma.
    pub(crate) fn access_yaml(&self, name: &str, allow: &str, more: &str) -> String {
        format!(
            "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {{name: {name}, namespace: {}}}\n\
             spec: {{targetRefs: [{{name: web}}], allow: {allow}{more}}}\n",
            self.ns("shop")
        )
    }

    /// One that lets in an account of `shop`.
    pub(crate) fn account_access_yaml(&self, name: &str, account: &str) -> String {
        self.access_yaml(name, &format!("[{{from: [{{serviceAccount: {{name: {account}}}}}]}}]"), "")
    }

    /// The condition of a KerberosPrincipal: status, reason, message.
    pub(crate) fn condition(&self, namespace: &str, name: &str, kind: &str) -> Result<[String; 3]> {
        let of = |field: &str| format!("{{.status.conditions[?(@.type==\"{kind}\")].{field}}}");
        let path = format!("{}|{}|{}", of("status"), of("reason"), of("message"));
        let said = self.api.json_path(&["kprinc", name, "-n", &self.ns(namespace)], &path)?;
        let mut parts = said.splitn(3, '|').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Ok([next(), next(), next()])
    }

    /// Waits until a condition has a status and reason; gives the message.
    pub(crate) fn await_condition(&self, namespace: &str, name: &str, kind: &str, is: [&str; 2]) -> Result<String> {
        let what = format!("{kind} of {name} is {is:?}");
        eventually(SOON, &what, || {
            let [status, reason, message] = self.condition(namespace, name, kind)?;
            anyhow::ensure!([&*status, &*reason] == is, "{kind} is {status}, {reason}: {message}");
            Ok(Some(message))
        })
    }

    /// Makes a pod of an account, with the label that the admission policies of deploy/guards give it. Nothing runs it: there is no
    /// node.
    pub(crate) fn pod(&self, namespace: &str, name: &str, account: &str) -> Result<()> {
        let full = self.ns(namespace);
        self.api.apply(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {full}, labels: {{kennel.dev/service-account: {account}}}}}\n\
             spec: {{serviceAccountName: {account}, containers: [{{name: c, image: i}}]}}\n"
        ))
    }

    /// Deletes an object at once.
    pub(crate) fn delete(&self, namespace: &str, kind: &str, name: &str) -> Result<()> {
        let full = self.ns(namespace);
        let now = ["delete", kind, name, "-n", &full, "--grace-period=0", "--force", "--wait=true"];
        self.api.kubectl(&now, "")?.ok().map(|_| ())
    }

    /// A token as the kubelet would project it.
    pub(crate) fn token(&self, namespace: &str, account: &str, pod: &str) -> Result<String> {
        let audience = format!("kennel://{}", self.realm.name());
        let bound = ["--bound-object-kind", "Pod", "--bound-object-name", pod];
        self.token_with(namespace, account, &[&["--audience", &audience], &bound[..]].concat())
    }

    /// A token with these options of `kubectl create token`.
    pub(crate) fn token_with(&self, namespace: &str, account: &str, options: &[&str]) -> Result<String> {
        let full = self.ns(namespace);
        let run = self.api.kubectl(&[&["create", "token", account, "-n", &full], options].concat(), "")?.ok()?;
        Ok(run.stdout.trim().to_owned())
    }

    /// Makes a pod and enrols it.
    pub(crate) fn enrolled_pod(&self, namespace: &str, name: &str, account: &str) -> Result<Credentials> {
        self.pod(namespace, name, account)?;
        self.enrol(&self.token(namespace, account, name)?)
    }

    /// Enrols with a token by `kennel-agent --once`.
    pub(crate) fn enrol(&self, token: &str) -> Result<Credentials> {
        let folder = TempDir::new()?;
        process::run(self.agent(token, folder.path())?.arg("--once"), "")?.ok()?;
        Ok(Credentials { folder })
    }

    /// That agent, not started.
    pub(crate) fn agent(&self, token: &str, dir: &Path) -> Result<Command> {
        let path = self.folder.path().join(format!("token-{}", rand::random::<u64>()));
        std::fs::write(&path, token)?;
        let mut command = Command::new(kennel_agent()?);
        command.arg("--server").arg(self.url(""));
        command.arg("--token").arg(path).arg("--ca").arg(self.realm.ca()).arg("--dir").arg(dir);
        Ok(command)
    }

    /// The agent as a server.
    pub(crate) fn agent_that_stays(&self, token: &str, dir: &Path, options: &[&str]) -> Result<Server> {
        let (mut command, folder) = (self.agent(token, dir)?, self.folder.path());
        Server::start(command.args(options), folder, &format!("agent-{}", rand::random::<u64>()))
    }

    /// `POST /v1/enroll` by curl: the status, and the body.
    pub(crate) fn post(&self, token: Option<&str>, body: &str) -> Result<(u16, Value)> {
        self.post_to("/v1/enroll", token, body)
    }

    /// A POST by curl: the status, and the body.
    pub(crate) fn post_to(&self, path: &str, token: Option<&str>, body: &str) -> Result<(u16, Value)> {
        let mut command = Command::new("curl");
        command.args(["-s", "--cacert"]).arg(self.realm.ca()).args(["-w", "\n%{http_code}", "-X", "POST"]);
        if let Some(token) = token {
            command.arg("-H").arg(format!("Authorization: Bearer {token}"));
        }
        command.args(["--data-binary", "@-", &self.url(path)]);
        let run = process::run(&mut command, body)?.ok()?;
        let (text, status) = run.stdout.rsplit_once('\n').context("curl said no status")?;
        let body = serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))?;
        Ok((status.parse()?, body))
    }

    /// The KDC's metrics.
    pub(crate) fn metrics(&self) -> Result<String> {
        let url = format!("http://{}:{}/metrics", self.realm.host(), self.realm.port() + 4);
        Ok(process::run(Command::new("curl").args(["-sf", &url]), "")?.ok()?.stdout)
    }

    /// An address of the enrolment API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}:{}{path}", self.realm.host(), self.realm.https_port())
    }

    /// The audit lines of an exchange.
    pub(crate) fn audit_of(&self, exchange: &str) -> Result<Vec<Value>> {
        let lines = self.realm.audit()?;
        let lines = lines.lines().map(serde_json::from_str::<Value>).collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(lines.into_iter().filter(|line| line["exchange"] == exchange).collect())
    }

    /// The last of them.
    pub(crate) fn last_audit_of(&self, exchange: &str) -> Result<Value> {
        self.audit_of(exchange)?.pop().with_context(|| format!("no audit line of {exchange}"))
    }
}

impl Credentials {
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the keytab says, by stock klist.
    pub(crate) fn keytab(&self) -> Result<String> {
        let mut command = Command::new("klist");
        Ok(process::run(command.arg("-k").arg(self.file("keytab")), "")?.ok()?.stdout)
    }

    /// Stock clients with these credentials.
    pub(crate) fn mit(&self) -> Result<Mit> {
        let mit = Mit::new(&self.file("krb5.conf"))?;
        let cache = self.file("ccache");
        if cache.exists() {
            std::fs::copy(cache, mit.cache())?;
        }
        Ok(mit)
    }

    /// `kvno` for a service.
    pub(crate) fn kvno(&self, service: &str) -> Result<Run> {
        self.mit()?.kvno(&[service])
    }
}
