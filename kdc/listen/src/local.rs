//! HTTP over a Unix socket, for programs on this machine that run as root or as the user of this process. The system says who
//! connects, so no token is needed.

use crate::admission::Admission;
use crate::error::ListenError;
use crate::http::{ConnectionEnd, HttpServer, LIFE, Origin, PeerAddress, http, lasts_too_long};
use crate::stop::stop;
use crate::tcp::after_failed_accept;
use axum::Router;
use nix::unistd::geteuid;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Connections that may be open at a time: all of them have one source.
const CONNECTIONS: usize = 256;
/// The address of every peer.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A bound Unix socket, not served yet. The file goes with this value, or with the server.
pub struct LocalListener {
    listener: UnixListener,
    file: SocketFile,
}

/// The file of the socket; removed when dropped.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

impl LocalListener {
    /// Binds the socket. A file that a process left behind gives way.
    ///
    /// # Errors
    /// [`ListenError::SocketInUse`] where a process answers there; [`ListenError::Socket`] where the path holds another file, is too
    /// long for a socket (107 octets), or cannot be written.
    pub fn bind(path: &Path) -> Result<LocalListener, ListenError> {
        let failed = |error: io::Error| ListenError::Socket { path: path.to_owned(), error };
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(failed(io::Error::new(ErrorKind::AlreadyExists, "another file is there")));
            }
            Ok(_) => match UnixStream::connect(path) {
                Ok(_) => return Err(ListenError::SocketInUse { path: path.to_owned() }),
                Err(_) => fs::remove_file(path).map_err(failed)?,
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        let file = SocketFile(path.to_owned());
        // A courtesy: who connects is asked of the system for each connection.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(LocalListener { listener, file })
    }

    /// Serves `router`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ListenError::Serve`] where the runtime does not accept the socket.
    pub fn serve(self, router: Router) -> Result<HttpServer, ListenError> {
        let listener = tokio::net::UnixListener::from_std(self.listener)?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, self.file, router, stopped));
        Ok(HttpServer::new(stop, tasks))
    }
}

async fn accept(
    listener: tokio::net::UnixListener,
    file: SocketFile,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let admission = Admission::new(CONNECTIONS);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop(&mut stopped) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if is_permitted(&stream) => {
                    let Some(slot) = admission.admit(PEER.ip()) else { continue };
                    let (router, stopped, slot) = (router.clone(), stopped.clone(), Arc::new(slot));
                    connections.spawn(async move {
                        let end = Instant::now() + LIFE;
                        let origin = Origin { peer: PeerAddress(PEER), end: ConnectionEnd(end) };
                        tokio::select! {
                            () = http(router, stream, origin, &slot, stopped) => {}
                            () = slot.pushed_out() => {}
                            () = lasts_too_long(&slot, end) => {}
                        }
                    });
                }
                Ok(_) => tracing::warn!("the admin socket refuses a program that runs as another user"),
                Err(error) => after_failed_accept(&error, &admission).await,
            },
        }
    }
    drop((listener, file));
    while connections.join_next().await.is_some() {}
}

/// Whether the other end runs as root or as the user of this process.
fn is_permitted(stream: &tokio::net::UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == 0 || peer.uid() == geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::io::{Read, Write};

    fn ask(path: &Path) -> String {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_socket_is_private_answers_its_user_and_goes_with_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let router = Router::new().route("/", get(async || "hello"));
        let server = LocalListener::bind(&path).unwrap().serve(router).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let answer = tokio::task::spawn_blocking({
            let path = path.clone();
            move || ask(&path)
        });
        assert!(answer.await.unwrap().ends_with("hello"));
        assert!(matches!(LocalListener::bind(&path), Err(ListenError::SocketInUse { .. })));
        server.stop().await;
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_that_was_left_behind_gives_way_and_another_file_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists() && LocalListener::bind(&path).is_ok());
        fs::write(&path, "text").unwrap();
        assert!(matches!(LocalListener::bind(&path), Err(ListenError::Socket { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"text");
        let long = folder.path().join("x".repeat(120));
        let Err(error) = LocalListener::bind(&long) else { panic!("bound") };
        assert!(error.to_string().contains("admin.socket"), "{error}");
    }
}
