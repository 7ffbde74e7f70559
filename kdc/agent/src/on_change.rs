//! What happens after a keytab was replaced, for programs that read theirs once: a request to a local address, a signal, or new pods in
//! place of this one. The KDC hears of the new keys after that alone, so that it does not use a key that the program has not read.

use anyhow::{Context, bail, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Time limit of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The system keeps so many octets of the name of a process (proc(5)).
const COMM: usize = 15;

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnChange {
    /// POST to an address of this pod; a status of 2xx is success.
    Request { host: String, port: u16, path: String },
    /// A signal to every process of this name, in a pod whose containers share their processes.
    SignalByName(Signal, String),
    /// A signal to the process whose number is in a file.
    SignalByFile(Signal, PathBuf),
    /// The KDC restarts the workload of the pod: the program of this pod reads no other keytab.
    Rollout,
}

const USAGE: &str = "give http://127.0.0.1:PORT/PATH, signal:HUP:PROGRAM, signal:HUP:/PATH/TO/PID-FILE or rollout";

impl FromStr for OnChange {
    type Err = String;

    fn from_str(text: &str) -> Result<OnChange, String> {
        if text == "rollout" {
            return Ok(OnChange::Rollout);
        }
        if let Some(rest) = text.strip_prefix("signal:") {
            let (signal, whom) = rest.split_once(':').ok_or(USAGE)?;
            let signal = Signal::from_str(&format!("SIG{signal}"))
                .map_err(|_| format!("{signal} is no signal: give HUP, USR1, USR2 or TERM, for example"))?;
            return match whom {
                "" => Err(USAGE.to_owned()),
                file if file.starts_with('/') => Ok(OnChange::SignalByFile(signal, file.into())),
                name => Ok(OnChange::SignalByName(signal, name.to_owned())),
            };
        }
        let uri: hyper::Uri = text.parse().map_err(|_| USAGE.to_owned())?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else { return Err(USAGE.to_owned()) };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_local =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !is_local {
            return Err(format!("{host} is not of this pod: give 127.0.0.1, ::1 or localhost"));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(OnChange::Request { host, port: uri.port_u16().unwrap_or(80), path })
    }
}

impl OnChange {
    /// Does it once. A rollout ends with the pod.
    pub(crate) async fn act(&self) -> anyhow::Result<()> {
        match self {
            OnChange::Request { host, port, path } => {
                let request = request(host, *port, path);
                let limit = tokio::time::timeout(PATIENCE, request).await;
                limit.with_context(|| format!("{host}:{port} did not answer within {PATIENCE:?}"))?
            }
            OnChange::SignalByName(signal, name) => {
                let processes = processes(name)?;
                ensure!(
                    !processes.is_empty(),
                    "no process is called {name}: does the pod have shareProcessNamespace: true?"
                );
                processes.into_iter().try_for_each(|process| send(*signal, process))
            }
            OnChange::SignalByFile(signal, path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
                let number = text.split_whitespace().next().and_then(|word| word.parse::<i32>().ok());
                let number = number.filter(|number| *number > 1);
                send(*signal, number.with_context(|| format!("{} holds no process number", path.display()))?)
            }
            OnChange::Rollout => {
                tracing::info!(
                    "the keytab has changed: the KDC uses the new key once it has replaced this pod by a rollout"
                );
                std::future::pending().await
            }
        }
    }
}

async fn request(host: &str, port: u16, path: &str) -> anyhow::Result<()> {
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.with_context(|| format!("{host}:{port} cannot be reached"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(path).header("host", format!("{host}:{port}")).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await.with_context(|| format!("{host}:{port} did not answer"))?;
    let status = response.status();
    // The body is of no interest, and the end of the answer is.
    let _ = response.into_body().collect().await;
    connection.abort();
    ensure!(status.is_success(), "{host}:{port} answered {status} to POST {path}");
    Ok(())
}

fn send(signal: Signal, process: i32) -> anyhow::Result<()> {
    match kill(Pid::from_raw(process), signal) {
        Ok(()) => Ok(()),
        Err(Errno::EPERM) => bail!(
            "{signal} may not be sent to process {process}: run the agent as the user of that process (runAsUser), or with the \
             capability KILL"
        ),
        Err(error) => Err(error).with_context(|| format!("{signal} cannot be sent to process {process}")),
    }
}

/// The processes of this name but the agent: by the name that the system has, or by the last part of their first argument.
fn processes(name: &str) -> anyhow::Result<Vec<i32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").context("/proc cannot be read")? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.parse::<i32>().ok());
        let Some(number) = number.filter(|number| u32::try_from(*number).is_ok_and(|n| n != std::process::id())) else {
            continue;
        };
        if is_called(&path, name) {
            found.push(number);
        }
    }
    Ok(found)
}

/// A process that has ended meanwhile is called nothing.
fn is_called(process: &Path, name: &str) -> bool {
    let comm = std::fs::read(process.join("comm")).unwrap_or_default();
    let cut = name.as_bytes().get(..COMM).unwrap_or(name.as_bytes());
    if comm.trim_ascii_end() == cut && name.len() <= COMM {
        return true;
    }
    let arguments = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let first = arguments.split(|octet| *octet == 0).next().unwrap_or_default();
    first.rsplit(|octet| *octet == b'/').next() == Some(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn parse(text: &str) -> Result<OnChange, String> {
        text.parse()
    }

    #[test]
    fn it_is_a_request_to_this_pod_or_a_signal_and_nothing_else() {
        let request = |host: &str, port, path: &str| OnChange::Request { host: host.into(), port, path: path.into() };
        assert_eq!(parse("http://127.0.0.1:8080/-/reload?a=1"), Ok(request("127.0.0.1", 8080, "/-/reload?a=1")));
        assert_eq!(parse("http://[::1]:1"), Ok(request("::1", 1, "/")));
        assert_eq!(parse("http://localhost/x"), Ok(request("localhost", 80, "/x")));
        assert_eq!(parse("signal:HUP:postgres"), Ok(OnChange::SignalByName(Signal::SIGHUP, "postgres".into())));
        assert_eq!(
            parse("signal:TERM:/run/app.pid"),
            Ok(OnChange::SignalByFile(Signal::SIGTERM, "/run/app.pid".into()))
        );
        assert_eq!(parse("rollout"), Ok(OnChange::Rollout));
        let no_scheme = ["rollout:web", "Rollout", ""];
        for wrong in
            ["http://web.shop.svc/reload", "http://10.0.0.1/", "https://127.0.0.1/", "signal:HUP", "signal:HUP:"]
                .into_iter()
                .chain(no_scheme)
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("signal:NOPE:app").unwrap_err().contains("NOPE is no signal"));
    }

    #[tokio::test]
    async fn a_request_succeeds_by_its_status() {
        for (answer, succeeds) in [("204 No Content", true), ("500 Oh", false)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 1024];
                let length = stream.read(&mut request).await.unwrap();
                let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                String::from_utf8_lossy(&request[..length]).into_owned()
            });
            let done = parse(&format!("http://127.0.0.1:{port}/reload")).unwrap().act().await;
            assert_eq!(done.is_ok(), succeeds, "{done:?}");
            assert!(server.await.unwrap().starts_with("POST /reload HTTP/1.1\r\n"));
        }
        let closed = parse("http://127.0.0.1:1/").unwrap().act().await.unwrap_err();
        assert!(format!("{closed:#}").contains("127.0.0.1:1 cannot be reached"), "{closed:#}");
    }

    /// A process that waits, under a name of its own.
    fn sleeper(folder: &Path, name: &str) -> Child {
        let program = folder.join(name);
        std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
        let child = Command::new(program).arg("60").stdin(Stdio::null()).spawn().unwrap();
        // A new process has its name a moment after its parent goes on.
        let (process, end) = (PathBuf::from(format!("/proc/{}", child.id())), Instant::now() + Duration::from_secs(20));
        while !is_called(&process, name) {
            assert!(Instant::now() < end, "{name} is not called so");
            std::thread::sleep(Duration::from_millis(1));
        }
        child
    }

    #[tokio::test]
    async fn a_signal_reaches_the_process_by_its_name_or_by_a_file() {
        use std::os::unix::process::ExitStatusExt;
        let dir = tempfile::tempdir().unwrap();
        for name in ["kennel-s1", "kennel-sleeper-with-a-long-name"] {
            let mut child = sleeper(dir.path(), name);
            parse(&format!("signal:USR1:{name}")).unwrap().act().await.unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGUSR1 as i32), "{name}");
        }
        let (mut child, file) = (sleeper(dir.path(), "kennel-s2"), dir.path().join("pid"));
        let by_file = parse(&format!("signal:HUP:{}", file.display())).unwrap();
        assert!(by_file.act().await.is_err(), "no file yet");
        for wrong in ["", "1\n", "-5\n", "x"] {
            std::fs::write(&file, wrong).unwrap();
            assert!(by_file.act().await.is_err(), "{wrong:?}");
        }
        std::fs::write(&file, format!("{}\n", child.id())).unwrap();
        by_file.act().await.unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGHUP as i32));
        let nobody = parse("signal:HUP:no-such-program").unwrap().act().await.unwrap_err().to_string();
        assert!(nobody.contains("shareProcessNamespace"), "{nobody}");
    }
}
