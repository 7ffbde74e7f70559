//! What the KDC's pods may connect to, by the component egress-policy. The installation shows that the API server is within reach.

use crate::installation::Installation;
use crate::network::connects_from;
use crate::shop::SOON;
use anyhow::{Result, ensure};
use kennel_tests::pods;

/// A pod that the policy takes for one of the KDC's: the KDC's own has no shell. It is never ready, so no Service sends clients to it.
const POD: &str = "apiVersion: v1\nkind: Pod\n\
    metadata: {name: egress, namespace: kennel-system, labels: {app.kubernetes.io/name: kennel-kdc}}\nspec:\n  \
    securityContext: {runAsUser: 1234, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n  containers:\n  \
    - name: c\n    image: kennel.test/krb5:dev\n    imagePullPolicy: Never\n    readinessProbe: {exec: {command: ['false']}}\n    \
    command: [sh, -c, 'trap exit TERM; while :; do sleep 1; done']\n    \
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n";

#[test]
fn the_kdcs_pods_connect_to_the_api_server_and_not_to_dns_or_to_other_pods() -> Result<()> {
    let everything = Installation::everything()?;
    let kubectl = everything.kubectl();
    let cluster_ip =
        |name: &str, namespace: &str| kubectl.json_path(&["service", name, "-n", namespace], "{.spec.clusterIP}");
    let (api_server, dns) = (cluster_ip("kubernetes", "default")?, cluster_ip("kube-dns", "kube-system")?);
    kubectl.apply(POD)?;
    let running = ["wait", "--for=jsonpath={.status.phase}=Running", "pod/egress"];
    pods::wait(kubectl, "kennel-system", SOON * 2, &running)?;
    let reaches = |address: &str, port| connects_from(kubectl, "kennel-system", "egress", address, port);
    ensure!(reaches(&api_server, 443)?, "the API server is out of reach");
    ensure!(!reaches(&dns, 53)?, "DNS is within reach");
    ensure!(!reaches(&everything.kdc_address()?, 8443)?, "another pod is within reach");
    kubectl.wait(SOON * 2, &["delete", "pod", "egress", "-n", "kennel-system"]).map(|_| ())
}
