//! The CA certificate that the KDC's certificate must come from.

use crate::reach::args::ClusterArgs;
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kennel_k8s::connect;
use kennel_k8s::labels::CONFIG_MAP;
use kube::api::ListParams;
use kube::{Api, Client};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;

/// Key of the certificate in the ConfigMap of an enrolled namespace.
const KEY: &str = "ca.crt";

/// The certificates of a PEM file, each in DER.
pub(super) fn of_file(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let text = std::fs::read(path).with_context(|| format!("the CA file {} cannot be read", path.display()))?;
    certificates(&text).with_context(|| path.display().to_string())
}

/// The certificates in the ConfigMap of an enrolled namespace: of `namespace`, of the kubeconfig's, or of any that may be read.
/// Whoever writes ConfigMaps of one namespace could put another CA there: of use only to who also stands between the API server and
/// the KDC's pod. An address of --server is never judged by it.
pub(super) async fn of_cluster(cluster: &ClusterArgs, namespace: Option<&str>) -> anyhow::Result<Vec<Vec<u8>>> {
    let config = cluster.config().await?;
    let own = config.default_namespace.clone();
    let client = connect::from_config(config)?;
    for namespace in namespace.into_iter().chain([&*own]) {
        // A namespace that is not enrolled has none, and one that may not be read has none for us.
        if let Ok(Some(map)) = Api::<ConfigMap>::namespaced(client.clone(), namespace).get_opt(CONFIG_MAP).await
            && let Some(pem) = map.data.and_then(|mut data| data.remove(KEY))
        {
            return certificates(pem.as_bytes())
                .with_context(|| format!("{KEY} of ConfigMap {namespace}/{CONFIG_MAP}"));
        }
    }
    any(client).await
}

async fn any(client: Client) -> anyhow::Result<Vec<Vec<u8>>> {
    let named = ListParams::default().fields(&format!("metadata.name={CONFIG_MAP}")).limit(1);
    let what_to_do =
        "give the KDC's CA with --ca, or name an enrolled namespace with -n: its ConfigMap kennel-krb5 holds ca.crt";
    let maps = Api::<ConfigMap>::all(client).list(&named).await.context(what_to_do)?;
    let found = maps.items.into_iter().find_map(|map| map.data?.remove(KEY));
    certificates(found.with_context(|| format!("no namespace is enrolled: {what_to_do}"))?.as_bytes())
}

fn certificates(pem: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    let read = CertificateDer::pem_slice_iter(pem).map(|certificate| certificate.map(|der| der.to_vec()));
    let all: Vec<Vec<u8>> = read.collect::<Result<_, _>>().ok().context("is not PEM")?;
    ensure!(!all.is_empty(), "holds no certificate");
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_no_authority() {
        assert_eq!(certificates(b"").unwrap_err().to_string(), "holds no certificate");
        let cut = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert_eq!(certificates(cut).unwrap_err().to_string(), "is not PEM");
        let whole = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(&whole.repeat(2)).unwrap(), [[0, 0, 0], [0, 0, 0]]);
    }
}
