//! A good client of the enrolment API: pods that enrol one after the other, with tokens of a real API server.

use crate::good::Watched;
use anyhow::{Result, ensure};
use kennel_tests::kube::{Api, eventually};
use kennel_tests::process;
use kennel_tests::realm::Realm;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Pods that take turns, so that none of them asks more often than it may.
const PODS: usize = 12;
const PAUSE: Duration = Duration::from_millis(100);
const SOON: Duration = Duration::from_secs(60);

/// The pods, which exist before anything hostile begins.
pub(crate) struct EnrolmentClient {
    tokens: Vec<String>,
    next: AtomicUsize,
    url: String,
    ca: PathBuf,
}

impl EnrolmentClient {
    /// Makes a namespace with pods and their tokens, and waits until they can enrol.
    pub(crate) fn new(api: &Api, realm: &Realm) -> Result<EnrolmentClient> {
        api.apply(&objects(realm.name())?)?;
        let audience = format!("kennel://{}", realm.name());
        let token = |pod: usize| -> Result<String> {
            let (pod, bound) = (format!("cart-{pod}"), ["--bound-object-kind", "Pod", "--bound-object-name"]);
            let create = ["create", "token", "cart", "-n", "good", "--audience", &audience];
            Ok(api.kubectl(&[&create[..], &bound, &[&pod]].concat(), "")?.ok()?.stdout.trim().to_owned())
        };
        let tokens = (0..PODS).map(token).collect::<Result<_>>()?;
        let url = format!("https://127.0.0.1:{}/v1/enroll", realm.https_port());
        let client = EnrolmentClient { tokens, next: AtomicUsize::new(0), url, ca: realm.ca() };
        eventually(SOON, "a good pod enrols", || Ok(client.enrols()?.then_some(())))?;
        ensure!(client.enrols()?, "the next pod does not enrol");
        Ok(client)
    }

    /// Enrols for so long.
    pub(crate) fn watch(&self, lasting: Duration) -> Watched {
        Watched::repeat(lasting, PAUSE, || self.enrols().unwrap_or(false))
    }

    fn enrols(&self) -> Result<bool> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.tokens.len();
        let token = self.tokens.get(number).map_or("", String::as_str);
        let mut command = Command::new("curl");
        command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "10", "-X", "POST", "--cacert"]);
        command.arg(&self.ca).args(["-H", &format!("Authorization: Bearer {token}"), &self.url]);
        Ok(process::run(&mut command, "")?.stdout == "200")
    }
}

/// A realm object, and an enrolled namespace with an account and its pods.
fn objects(realm: &str) -> Result<String> {
    let mut yaml = format!(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: test}}\n\
         spec: {{realmName: {realm}, namespaceSelector: {{matchLabels: {{kennel.test/world: good}}}}}}\n\
         ---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: good, labels: {{kennel.test/world: good}}}}\n\
         ---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: cart, namespace: good}}\n"
    );
    for pod in 0..PODS {
        write!(
            yaml,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: cart-{pod}, namespace: good, labels: {{kennel.dev/service-account: cart}}}}\n\
             spec: {{serviceAccountName: cart, containers: [{{name: c, image: i}}]}}\n"
        )?;
    }
    Ok(yaml)
}
