//! The way of a server from Observe to Enforce and back, while a client that is allowed goes on calling.

use crate::access::probe::{Listener, REFUSED, Undo};
use crate::installation::Installation;
use crate::shop::{HOST, SERVICE, SOON};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::eventually;
use std::time::Duration;
use tempfile::TempDir;

/// Each call begins with the ticket of the pod alone, gets a ticket and connects; no call is repeated. At the end: calls and lost ones.
const CALLS: &str = "\
import os, shutil, socket, subprocess, sys
service, host = sys.argv[1:]
calls = lost = 0
while not os.path.exists('/tmp/stop-calls'):
    calls += 1
    try:
        shutil.copy('/var/run/kennel/ccache', '/tmp/calls')
        environment = dict(os.environ, KRB5CCNAME='FILE:/tmp/calls')
        subprocess.run(['kvno', service], env=environment, check=True, capture_output=True)
        socket.create_connection((host, 80), 3).close()
    except Exception as error:
        lost += 1
        print(error, file=sys.stderr, flush=True)
print(calls, lost)
";

fn set_mode(dev: &Installation, mode: &str) -> Result<()> {
    let patch = format!(r#"{{"spec": {{"accessMode": "{mode}"}}}}"#);
    dev.kubectl().run(&["patch", "kprinc/web", "-n", "shop", "--type=merge", "-p", &patch])?;
    eventually(SOON, &format!("web is in mode {mode}"), || {
        let now = dev.kubectl().json_path(&["kprinc", "web", "-n", "shop"], "{.status.accessMode}")?;
        ensure!(now == mode, "{now}");
        Ok(Some(()))
    })
}

/// Waits until batch gets both or neither.
fn await_batch(dev: &Installation, pod: &str, gets: bool) -> Result<()> {
    eventually(SOON, &format!("batch gets a ticket and a connection: {gets}"), || {
        let run = dev.batch_asks(SERVICE)?;
        let ticket = run.status.success();
        ensure!(ticket || run.stderr.contains(REFUSED), "{run}");
        let connection = dev.connects(pod, HOST, 80)?;
        ensure!((ticket, connection) == (gets, gets), "ticket: {ticket}, connection: {connection}");
        Ok(Some(()))
    })
}

#[test]
fn from_observe_to_enforce_and_back_no_allowed_call_is_lost_and_batch_gets_both_or_neither() -> Result<()> {
    let dev = Installation::dev()?;
    let (_listener, cart, folder) =
        (Listener::start(dev.deployment("web"), 80)?, dev.deployment("cart"), TempDir::new()?);
    let back = ["patch", "kprinc/web", "-n", "shop", "--type=merge", "-p", r#"{"spec": {"accessMode": null}}"#];
    let undo = Undo::by(&dev, &back);
    let (batch, known) = (dev.pod_of("batch")?, dev.audit()?.len());
    set_mode(&dev, "Observe")?;
    await_batch(&dev, &batch, true)?;
    let line = dev.await_audit(known, "what Enforce would deny", |line| {
        line["would_deny"] == true && line["client"].as_str().is_some_and(|client| client.starts_with("batch.shop@"))
    })?;
    ensure!(line["text"] == "no KerberosAccess in shop allows batch.shop to call web", "{line}");

    cart.run(&["rm", "-f", "/tmp/stop-calls"])?;
    let mut calls = cart.start(&["python3", "-c", CALLS, "HTTP/web.shop.svc", HOST], folder.path())?;
    let changed = (|| {
        std::thread::sleep(Duration::from_secs(2));
        set_mode(&dev, "Enforce")?;
        await_batch(&dev, &batch, false)?;
        set_mode(&dev, "Observe")?;
        await_batch(&dev, &batch, true)?;
        std::thread::sleep(Duration::from_secs(2));
        Ok::<_, anyhow::Error>(())
    })();
    cart.run(&["touch", "/tmp/stop-calls"])?;
    calls.wait_for_end(SOON)?;
    changed?;
    let said = calls.stdout();
    let (made, lost) = said.trim().split_once(' ').with_context(|| format!("no two numbers: {}", calls.said()))?;
    let (made, lost): (u32, u32) = (made.parse()?, lost.parse()?);
    println!("{made} allowed calls from Observe to Enforce and back, {lost} lost");
    ensure!(made > 20 && lost == 0, "{made} calls, {lost} lost: {}", calls.said());
    // The realm's own mode is Enforce.
    drop(undo);
    await_batch(&dev, &batch, false)
}
