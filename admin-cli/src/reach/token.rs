//! The Kubernetes token that the admin API asks for: it names the user, whose permissions decide what the user may see.

use crate::reach::args::KdcArgs;
use anyhow::{Context, bail};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::client::ConfigExt;
use kube::client::middleware::AuthLayer;
use kube::config::AuthInfo;
use kube::{Api, Config};

/// Life of a token that the command requests, seconds: the shortest that the API server issues. A connection that lasts longer
/// begins again with a new one.
const LIFE: i64 = 600;

/// Writes the token into each request: of the file, of the account, or of the kubeconfig with its plugins.
pub(super) async fn layer(kdc: &KdcArgs) -> anyhow::Result<AuthLayer> {
    let auth_info = if let Some(path) = &kdc.token_file {
        let path = path.to_str().context("the path of --token-file is not UTF-8")?;
        AuthInfo { token_file: Some(path.to_owned()), ..AuthInfo::default() }
    } else if let Some((namespace, name)) = &kdc.as_account {
        let token = requested(kdc, namespace, name).await?;
        AuthInfo { token: Some(token.into()), ..AuthInfo::default() }
    } else {
        kdc.cluster.config().await?.auth_info
    };
    layer_of(auth_info)
}

fn layer_of(auth_info: AuthInfo) -> anyhow::Result<AuthLayer> {
    let mut source = Config::new("https://unused".parse()?);
    // A password belongs to the API server alone: the KDC could do nothing with it.
    source.auth_info = AuthInfo { password: None, ..auth_info };
    let layer = source.auth_layer().context("the token cannot be read")?;
    let Some(layer) = layer else {
        bail!(
            "the kubeconfig holds no token, only a client certificate, which the KDC cannot check: give --token-file FILE \
             (kubectl create token ACCOUNT), or --as-account NAMESPACE/NAME of an account that you may request tokens of"
        );
    };
    Ok(layer)
}

/// Requests a token of a service account.
async fn requested(kdc: &KdcArgs, namespace: &str, name: &str) -> anyhow::Result<String> {
    let accounts = Api::<ServiceAccount>::namespaced(kdc.cluster.client().await?, namespace);
    let spec = TokenRequestSpec { expiration_seconds: Some(LIFE), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
    let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
    let answer = answer.with_context(|| format!("no token of service account {namespace}/{name} can be requested"))?;
    answer.status.and_then(|status| status.token).context("the API server answered without a token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_certificate_or_a_password_alone_is_told_how_to_get_a_token() {
        let password =
            AuthInfo { username: Some("u".into()), password: Some("p".to_owned().into()), ..AuthInfo::default() };
        for auth_info in [AuthInfo::default(), password] {
            let error = layer_of(auth_info).err().unwrap().to_string();
            assert!(error.contains("--as-account") && error.contains("--token-file"), "{error}");
        }
        assert!(layer_of(AuthInfo { token: Some("t".to_owned().into()), ..AuthInfo::default() }).is_ok());
    }
}
