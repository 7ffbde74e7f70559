//! Clients of stock libraries, which log in all the time and count.

use crate::cast::{Cast, Kind};
use crate::outage::{Moment, Outages};
use anyhow::{Result, ensure};
use kennel_tests::mit::Mit;
use kennel_tests::peers::{Login, Peer, go_peer, jdks};
use kennel_tests::process::{self, Run};
use rand::Rng;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Threads of clients.
const THREADS: usize = 3;
/// A client keeps its tickets for this time: some are older than the key in use.
const KEPT: Duration = Duration::from_secs(40);
/// Longest time for which the only KDC may be away.
const AWAY: Duration = Duration::from_secs(60);

/// One side of a login.
#[derive(Clone)]
struct Caller {
    principal: String,
    config: PathBuf,
    /// Of the agent: a keytab, or else a cache.
    keytab: Option<PathBuf>,
    cache: PathBuf,
}

#[derive(Clone)]
struct Server {
    kind: Kind,
    host: String,
    port: String,
}

/// Logins so far.
#[derive(Default)]
pub(crate) struct Tally {
    outages: Outages,
    by_python: AtomicU64,
    by_java: AtomicU64,
    by_go: AtomicU64,
    by_curl: AtomicU64,
    from_keytab: AtomicU64,
    /// Tries without an answer while the only KDC was killed.
    away: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// The threads.
pub(crate) struct Clients {
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    /// Lets every caller call every service, at random.
    pub(crate) fn start(cast: &Cast, outages: &Outages) -> Clients {
        let tally = Arc::new(Tally { outages: outages.clone(), ..Tally::default() });
        let stop = Arc::new(AtomicBool::new(false));
        let callers = cast.callers.iter().map(|caller| Caller {
            principal: caller.principal.clone(),
            config: caller.pod.file("krb5.conf"),
            keytab: caller.has_keytab.then(|| caller.pod.file("keytab")),
            cache: caller.pod.file("ccache"),
        });
        let servers = cast.services.iter().map(|s| Server { kind: s.kind, host: s.host.clone(), port: s.port.clone() });
        let (callers, servers): (Vec<Caller>, Vec<Server>) = (callers.collect(), servers.collect());
        let thread = |number: usize| {
            let mine: Vec<Caller> = callers.iter().skip(number).step_by(THREADS).cloned().collect();
            let (servers, tally, stop) = (servers.clone(), tally.clone(), stop.clone());
            std::thread::spawn(move || call_on(&mine, &servers, &tally, &stop))
        };
        let threads = (0..THREADS).map(thread).collect();
        Clients { tally, stop, threads }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Ends all, and returns the count.
    pub(crate) fn stop(self) -> Arc<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                self.tally.fail("a thread of clients panicked".into());
            }
        }
        self.tally
    }
}

impl Tally {
    pub(crate) fn has_failures(&self) -> bool {
        !self.failures().is_empty()
    }

    /// # Errors
    /// Some login failed.
    pub(crate) fn check(&self) -> Result<()> {
        let failures = self.failures();
        ensure!(failures.is_empty(), "{} logins failed:\n{}", failures.len(), failures.join("\n"));
        ensure!(self.logins() > 0, "nobody logged in");
        Ok(())
    }

    /// Whether a try since that moment met no KDC, or one that was killed in the middle of it.
    fn was_away(&self, moment: Moment, run: &Run) -> bool {
        self.outages.any_since(moment) && is_unanswered(run)
    }

    fn logins(&self) -> u64 {
        [&self.by_python, &self.by_java, &self.by_go, &self.by_curl].iter().map(|n| n.load(Ordering::Relaxed)).sum()
    }

    fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fail(&self, what: String) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        write!(
            f,
            "{} authentications, {} failed: {} by python-gssapi, {} by Java, {} by gokrb5, {} by curl; {} logins with a keytab; \
             {} tries while the only KDC was down",
            self.logins(),
            self.failures().len(),
            count(&self.by_python),
            count(&self.by_java),
            count(&self.by_go),
            count(&self.by_curl),
            count(&self.from_keytab),
            count(&self.away)
        )
    }
}

/// One thread: a caller after the other calls services, each a few times with the same tickets.
fn call_on(callers: &[Caller], servers: &[Server], tally: &Tally, stop: &AtomicBool) {
    let mut users: Vec<Option<(Instant, User)>> = callers.iter().map(|_| None).collect();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let which = number % callers.len();
        let (caller, server) = (&callers[which], &servers[rand::thread_rng().gen_range(0..servers.len())]);
        if users[which].as_ref().is_none_or(|(since, _)| since.elapsed() > KEPT) {
            users[which] = User::log_in(caller, tally).map(|user| (Instant::now(), user));
        }
        if let Some((_, user)) = &users[which] {
            user.call(caller, server, number, tally);
        }
    }
}

/// A caller with tickets of its own.
struct User {
    mit: Mit,
    _folder: TempDir,
}

impl User {
    /// Takes the tickets of the agent, or logs in with the keytab.
    fn log_in(caller: &Caller, tally: &Tally) -> Option<User> {
        let started = Instant::now();
        loop {
            let moment = tally.outages.now();
            let (mit, folder) = (Mit::new(&caller.config).ok()?, TempDir::new().ok()?);
            let Some(keytab) = &caller.keytab else {
                std::fs::copy(&caller.cache, mit.cache()).ok()?;
                return Some(User { mit, _folder: folder });
            };
            match mit.kinit_with_keytab(keytab, &[&caller.principal]) {
                Ok(run) if run.status.success() => {
                    tally.from_keytab.fetch_add(1, Ordering::Relaxed);
                    return Some(User { mit, _folder: folder });
                }
                Ok(run) if tally.was_away(moment, &run) && started.elapsed() < AWAY => {
                    _ = tally.away.fetch_add(1, Ordering::Relaxed)
                }
                failed => {
                    tally.fail(format!("{} with its keytab: {}", caller.principal, text(failed)));
                    return None;
                }
            }
        }
    }

    /// One authentication, by one library or another.
    fn call(&self, caller: &Caller, server: &Server, number: usize, tally: &Tally) {
        let started = Instant::now();
        loop {
            let moment = tally.outages.now();
            let (count, run) = match (server.kind, number % 8) {
                (Kind::Go, _) => (&tally.by_curl, self.page(server)),
                (_, 3) => (&tally.by_java, java(caller, server, self.mit.cache())),
                (_, 6) => (&tally.by_go, go(caller, server, self.mit.cache())),
                _ => (&tally.by_python, self.converse(caller, server)),
            };
            match run {
                Ok(run) if is_done(&run) => _ = count.fetch_add(1, Ordering::Relaxed),
                Ok(run) if tally.was_away(moment, &run) && started.elapsed() < AWAY => {
                    tally.away.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                failed => tally.fail(format!("{} at {}: {}", caller.principal, server.host, text(failed))),
            }
            return;
        }
    }

    fn converse(&self, caller: &Caller, server: &Server) -> Result<Run> {
        let (service, login) = (format!("HTTP@{}", server.host), Login::Cache(self.mit.cache()));
        Peer::Python.initiate(&caller.config, &server.port, &service, &caller.principal, login)
    }

    fn page(&self, server: &Server) -> Result<Run> {
        let resolve = format!("{}:{}:127.0.0.1", server.host, server.port);
        let url = format!("http://{}:{}/", server.host, server.port);
        self.mit.run("curl", &["-sS", "--negotiate", "-u", ":", "--resolve", &resolve, &url], "")
    }
}

fn java(caller: &Caller, server: &Server, cache: &Path) -> Result<Run> {
    let service = format!("HTTP@{}", server.host);
    let login = caller.keytab.as_deref().map_or(Login::Cache(cache), Login::Keytab);
    let jdk = jdks()?.swap_remove(0);
    Peer::Java(jdk).initiate(&caller.config, &server.port, &service, &caller.principal, login)
}

/// gokrb5 gets a ticket for the service; with a keytab it logs in first, and insists on the version of the reply's key.
fn go(caller: &Caller, server: &Server, cache: &Path) -> Result<Run> {
    let mut command = Command::new(go_peer()?);
    match &caller.keytab {
        Some(keytab) => command.args(["ticket", "keytab", &caller.principal]).arg(keytab),
        None => command.args(["ticket", "ccache", "-"]).arg(cache),
    };
    command.arg(format!("HTTP/{}", server.host)).env("KRB5_CONFIG", &caller.config);
    process::run(&mut command, "")
}

fn is_done(run: &Run) -> bool {
    let ends = ["session complete", "hello caller", "ticket "];
    run.status.success() && ends.iter().any(|end| run.stdout.contains(end))
}

/// Whether no KDC answered, which is no answer to who somebody is.
fn is_unanswered(run: &Run) -> bool {
    let signs = [
        "Cannot contact any KDC",
        "service is not available that is required",
        "Connection refused",
        "Connection reset",
        "connection reset",
        "EOF",
        "PortUnreachable",
        "Receive timed out",
        "Cannot locate KDC",
        "communicat",
    ];
    signs.iter().any(|sign| run.stderr.contains(sign) || run.stdout.contains(sign)) || ends_unanswered(&run.trace)
}

/// Whether nobody answered the last request of libkrb5's trace. curl goes on without a ticket then, and says nothing of it.
fn ends_unanswered(trace: &str) -> bool {
    trace.rfind("Sending request (").is_some_and(|sent| !trace[sent..].contains("Received answer ("))
}

fn text(run: Result<Run>) -> String {
    run.map_or_else(|error| format!("{error:#}"), |run| format!("{run}\n{}", run.trace))
}

#[test]
fn only_the_last_request_of_a_trace_counts_as_one_without_an_answer() {
    let (sent, answered) =
        ("[1] 1: Sending request (937 bytes) to R\n", "[1] 2: Received answer (899 bytes) from dgram\n");
    assert!(ends_unanswered(sent) && ends_unanswered(&[sent, answered, sent].concat()));
    assert!(!ends_unanswered(&[sent, answered].concat()) && !ends_unanswered("[1] 1: Getting credentials\n"));
}
