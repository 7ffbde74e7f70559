//! The admin socket of a KDC on this machine: the system tells the KDC who connects, so that no token is sent.

use crate::reach::stream::StreamConnection;
use anyhow::{Context, ensure};
use hyper::Uri;
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{self, Poll};
use tokio::net::UnixStream;
use tower::{BoxError, Layer, ServiceExt};

/// A client of the admin API behind a socket.
pub(super) fn client(path: &Path) -> anyhow::Result<Client> {
    let found = path.metadata();
    let found = found.with_context(|| {
        format!("no KDC has the admin socket {}: is kennel-kdc running, with its store in that folder?", path.display())
    })?;
    ensure!(found.file_type().is_socket(), "{} is no socket", path.display());
    let http = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(SocketPath(path.to_owned()));
    let config = Config::new(Uri::from_static("http://localhost"));
    let service = config.base_uri_layer().layer(http.map_err(BoxError::from));
    Ok(Client::new(service, "default"))
}

/// Connects to a socket, whatever the address.
#[derive(Clone)]
struct SocketPath(PathBuf);

impl tower::Service<Uri> for SocketPath {
    type Response = StreamConnection<UnixStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<StreamConnection<UnixStream>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = self.0.clone();
        Box::pin(async move { Ok(StreamConnection::new(UnixStream::connect(path).await?)) })
    }
}
