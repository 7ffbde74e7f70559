//! web's keys rotate while cart logs in: with the ticket of a moment ago and with one from before the first rotation. The acceptor in
//! web is a stock one that began before, and its pod is not restarted.

use crate::installation::Installation;
use crate::shop::{HOST, SERVICE, SOON};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::eventually;
use std::time::Duration;
use tempfile::TempDir;

/// Rotations one after the other.
const ROTATIONS: u64 = 2;
/// A key is staged for ten seconds at least, and its holders fetch it meanwhile.
const ROTATED: Duration = Duration::from_secs(90);

/// Serves one client after the other with the credentials of its start. At the end: logins and failed ones.
const ACCEPTOR: &str = "\
import os, socket, struct, sys, gssapi
listener = socket.create_server(('0.0.0.0', 80))
listener.settimeout(1)
credentials = gssapi.Credentials(usage='accept')
print('ready', flush=True)
served = failed = 0
while not os.path.exists('/tmp/stop-accepting'):
    try:
        stream, _ = listener.accept()
    except TimeoutError:
        continue
    try:
        stream.settimeout(5)
        size = struct.unpack('>I', stream.recv(4, socket.MSG_WAITALL))[0]
        context = gssapi.SecurityContext(creds=credentials, usage='accept')
        answer = context.step(stream.recv(size, socket.MSG_WAITALL))
        stream.sendall(struct.pack('>I', len(answer)) + answer)
        served += 1
    except Exception as error:
        failed += 1
        print(error, file=sys.stderr, flush=True)
    stream.close()
print(served, failed)
";

/// Logs in with a new ticket and with the first one, in turns. At the end: logins and failed ones.
const INITIATOR: &str = "\
import os, shutil, socket, struct, sys, gssapi
host = sys.argv[1]
name = gssapi.Name('HTTP@' + host, gssapi.NameType.hostbased_service)
def login(cache):
    credentials = gssapi.Credentials(usage='initiate', store={'ccache': 'FILE:' + cache})
    flags = gssapi.RequirementFlag.mutual_authentication
    context = gssapi.SecurityContext(name=name, creds=credentials, usage='initiate', flags=flags)
    token = context.step()
    with socket.create_connection((host, 80), 5) as stream:
        stream.sendall(struct.pack('>I', len(token)) + token)
        size = struct.unpack('>I', stream.recv(4, socket.MSG_WAITALL))[0]
        context.step(stream.recv(size, socket.MSG_WAITALL))
    assert context.complete
shutil.copy('/var/run/kennel/ccache', '/tmp/first')
made = failed = 0
while not os.path.exists('/tmp/stop-logins'):
    made += 1
    try:
        if made % 2:
            shutil.copy('/var/run/kennel/ccache', '/tmp/new')
        login('/tmp/new' if made % 2 else '/tmp/first')
    except Exception as error:
        failed += 1
        print(made, error, file=sys.stderr, flush=True)
print(made, failed)
";

#[test]
fn the_keys_of_web_rotate_while_cart_logs_in_and_nobody_notices() -> Result<()> {
    let dev = Installation::dev()?;
    let (web, cart, folder) = (dev.deployment("web"), dev.deployment("cart"), TempDir::new()?);
    let pod = dev.pod_of("web")?;
    let before = shown(&dev)?;
    let first = kvno(&dev)?;
    web.run(&["rm", "-f", "/tmp/stop-accepting"])?;
    cart.run(&["rm", "-f", "/tmp/stop-logins"])?;
    let mut acceptor = web.start(&["python3", "-c", ACCEPTOR], folder.path())?;
    acceptor.wait_until(SOON, |acceptor| acceptor.stdout().contains("ready"))?;
    let mut logins = cart.start(&["python3", "-c", INITIATOR, HOST], folder.path())?;
    let rotated = (1..=ROTATIONS).try_for_each(|round| {
        let run = dev.kennel(&["rotate", "shop/web", "--now"])?.ok()?;
        ensure!(run.stdout.contains("holders fetch a new key"), "{run}");
        eventually(ROTATED, "the KDC uses the next version", || Ok((kvno(&dev)? == first + round).then_some(())))?;
        std::thread::sleep(Duration::from_secs(3));
        Ok::<_, anyhow::Error>(())
    });
    cart.run(&["touch", "/tmp/stop-logins"])?;
    logins.wait_for_end(SOON)?;
    web.run(&["touch", "/tmp/stop-accepting"])?;
    acceptor.wait_for_end(SOON)?;
    rotated?;
    let ((made, failed), (served, refused)) = (numbers(&logins.stdout())?, numbers(&acceptor.stdout())?);
    let after = shown(&dev)?;
    println!("before:\n{before}after {ROTATIONS} rotations, {made} logins, {failed} failed:\n{after}");
    ensure!(failed == 0 && refused == 0 && made == served, "{}\n{}", logins.said(), acceptor.said());
    ensure!(made > 50, "only {made} logins");
    let newest = cart.run(&["sh", "-c", &format!("KRB5CCNAME=FILE:/tmp/new kvno {SERVICE}")])?;
    ensure!(newest.contains(&format!("kvno = {}", first + ROTATIONS)), "{newest}");
    ensure!(dev.pod_of("web")? == pod, "the pod of web was replaced");
    let restarts = "{.status.containerStatuses[*].restartCount} {.status.initContainerStatuses[*].restartCount}";
    let restarts = dev.kubectl().json_path(&["pod", &pod, "-n", "shop"], restarts)?;
    ensure!(restarts.split_whitespace().all(|count| count == "0"), "containers of web were restarted: {restarts}");
    Ok(())
}

/// What people see.
fn shown(dev: &Installation) -> Result<String> {
    dev.kubectl().run(&["get", "kprinc", "-n", "shop", "-o", "wide"])
}

fn kvno(dev: &Installation) -> Result<u64> {
    let kvno = dev.kubectl().json_path(&["kprinc", "web", "-n", "shop"], "{.status.kvno}")?;
    kvno.parse().with_context(|| format!("kvno {kvno:?}"))
}

/// The two numbers of the last line.
fn numbers(said: &str) -> Result<(u64, u64)> {
    let last = said.lines().last().and_then(|line| line.split_once(' ')).context("no two numbers")?;
    Ok((last.0.parse()?, last.1.parse()?))
}
