//! How the command reaches the cluster, and the KDC's admin API in it.
//!
//! | module | what |
//! |---|---|
//! | [`args`] | options that say where the cluster and the KDC are, and who asks |
//! | [`pod`] | finds a ready pod of the KDC, and forwards its port through the API server |
//! | [`socket`] | the admin socket of a KDC on this machine |
//! | [`stream`] | a stream of bytes as a connection of the HTTP client |
//! | [`token`] | the token that the admin API asks for |
//! | [`authority`] | the CA certificate that the KDC's own certificate must come from |

pub(crate) mod args;

mod authority;
mod pod;
mod socket;
mod stream;
mod token;

use crate::reach::args::KdcArgs;
use hyper::Uri;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::middleware::AuthLayer;
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tower::{BoxError, Layer, ServiceExt};

/// A client of the KDC's HTTPS listener that sends a token with each request. `namespace` is the one that the command asks
/// about: its ConfigMap has the CA certificate.
pub(crate) async fn connect(kdc: &KdcArgs, namespace: Option<&str>) -> anyhow::Result<Client> {
    if let Some(path) = &kdc.socket {
        return socket::client(path);
    }
    let token = token::layer(kdc).await?;
    let Some(server) = &kdc.server else {
        let pod = pod::find(kdc.cluster.client().await?, &kdc.kdc_namespace).await?;
        let mut tls = Config::new(pod.address()?);
        match &kdc.ca {
            Some(path) => tls.root_cert = Some(authority::of_file(path)?),
            None => tls.root_cert = Some(authority::of_cluster(&kdc.cluster, namespace).await?),
        }
        return client_over(pod, &tls, token);
    };
    let mut tls = Config::new(server.clone());
    tls.root_cert = kdc.ca.as_deref().map(authority::of_file).transpose()?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(tls.connect_timeout);
    client_over(tcp, &tls, token)
}

/// HTTPS over connections that `connector` makes, as `tls` has address and authorities.
fn client_over<C>(connector: C, tls: &Config, token: AuthLayer) -> anyhow::Result<Client>
where
    C: tower::Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read + hyper::rt::Write + legacy::connect::Connection + Unpin + Send + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let https = tls.rustls_https_connector_with_connector(connector)?;
    let http = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(https);
    let service = tls.base_uri_layer().layer(token.layer(http.map_err(BoxError::from)));
    Ok(Client::new(service, "default"))
}
