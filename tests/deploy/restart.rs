//! Pods that go and come again, and the KDC itself: what was handed out stays good, and dies with its pod.

use crate::installation::Installation;
use crate::shop::{Container, SOON};
use crate::steps;
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::eventually;
use std::time::Duration;
use tempfile::TempDir;

/// Names of web that no test keeps a ticket for.
const ALIAS: &str = "HTTP/web.shop.svc";
const OTHER_ALIAS: &str = "HTTP/web.shop";
const KDC_LIMIT: Duration = Duration::from_secs(60);

/// Each login begins with the ticket of the pod alone. A client that gets no answer tries again, as programs do.
const LOAD: &str = r#"
rm -f /tmp/stop /tmp/count
n=0 lost=0
while [ ! -e /tmp/stop ]; do
    n=$((n + 1)) tries=0
    until cp /var/run/kennel/ccache /tmp/load && KRB5CCNAME=FILE:/tmp/load kvno HTTP/web.shop.svc >/dev/null 2>&1; do
        tries=$((tries + 1)); [ $tries -lt 20 ] || { lost=$((lost + 1)); break; }
        sleep 0.5
    done
    echo "$n $lost" >/tmp/count
done"#;

#[test]
fn a_stolen_ticket_works_as_long_as_its_pod_lives_and_is_refused_once_the_pod_is_gone() -> Result<()> {
    let dev = Installation::dev()?;
    let (cart, web) = (dev.deployment("cart"), dev.deployment("web"));
    // The thief has nothing but the ticket-granting ticket: a service ticket that exists is good until it ends.
    cart.ensure_no_ticket_for(ALIAS)?;
    cart.ensure_no_ticket_for(OTHER_ALIAS)?;
    let cache = cart.file("/var/run/kennel/ccache")?;
    web.login_with_cache(&cache, ALIAS)?.ok()?;
    dev.kubectl().wait(SOON * 2, &["delete", "pod", &dev.pod_of("cart")?, "-n", "shop"])?;
    eventually(Duration::from_secs(15), "the ticket is refused", || {
        let run = web.login_with_cache(&cache, OTHER_ALIAS)?;
        ensure!(!run.status.success(), "the ticket still works: {run}");
        let log = dev.kubectl().run(&["logs", "kennel-kdc-0", "-n", "kennel-system"])?;
        ensure!(log.contains(r#""reason":"PodGone""#), "no refusal for PodGone in the KDC's log, but: {run}");
        Ok(Some(()))
    })?;
    // The next tests find a cart that can log in.
    dev.await_deployment("cart")
}

#[test]
fn a_pod_of_web_that_comes_again_has_the_same_keys() -> Result<()> {
    let dev = Installation::dev()?;
    let before = keytab_of_web(&dev)?;
    dev.replace_pod_of("web")?;
    await_keytab_of_web(&dev, &before)
}

#[test]
fn the_kdc_comes_back_with_its_store_and_every_key_that_was_handed_out_is_as_good_as_ever() -> Result<()> {
    let dev = Installation::dev()?;
    let (cart, web, kubectl) = (dev.deployment("cart"), dev.deployment("web"), dev.kubectl());
    let keytab_of_batch = dev.deployment("batch").file("/var/run/kennel/keytab")?;
    let before = keytab_of_web(&dev)?;
    kubectl.wait(KDC_LIMIT, &["delete", "pod", "kennel-kdc-0", "-n", "kennel-system"])?;
    steps::await_kdc(kubectl, KDC_LIMIT)?;
    eventually(SOON, "cart logs in as before", || cart.login(ALIAS).map(Some))?;
    eventually(SOON, "a keytab that was handed out before is good", || {
        web.login_with_keytab(&keytab_of_batch, "batch.shop")?.ok().map(Some)
    })?;
    dev.replace_pod_of("web")?;
    await_keytab_of_web(&dev, &before)
}

fn keytab_of_web(dev: &Installation) -> Result<String> {
    dev.deployment("web").run(&["sha256sum", "/var/run/kennel/keytab"])
}

fn await_keytab_of_web(dev: &Installation, before: &str) -> Result<()> {
    eventually(SOON, "web has the keytab that it had before", || {
        let now = keytab_of_web(dev)?;
        ensure!(now == before, "another keytab: {now}, before: {before}");
        Ok(Some(()))
    })
}

#[test]
fn the_kdc_rolls_under_a_load_of_logins_and_none_is_lost() -> Result<()> {
    let dev = Installation::dev()?;
    let (cart, kubectl, folder) = (dev.deployment("cart"), dev.kubectl(), TempDir::new()?);
    cart.ensure_no_ticket_for(ALIAS)?;
    let mut load = cart.start(&["sh", "-c", LOAD], folder.path())?;
    std::thread::sleep(Duration::from_secs(2));
    kubectl.run(&["rollout", "restart", "statefulset/kennel-kdc", "-n", "kennel-system"])?;
    let rolled = steps::await_kdc(kubectl, KDC_LIMIT);
    std::thread::sleep(Duration::from_secs(2));
    cart.run(&["touch", "/tmp/stop"])?;
    load.wait_for_end(SOON)?;
    rolled?;
    let (logins, lost) = count(&cart)?;
    println!("{logins} logins while the KDC rolled, {lost} lost");
    assert!(logins > 20 && lost == 0, "{logins} logins, {lost} lost");
    Ok(())
}

fn count(cart: &Container) -> Result<(u32, u32)> {
    let count = cart.run(&["cat", "/tmp/count"])?;
    let (logins, lost) = count.trim().split_once(' ').with_context(|| format!("no two numbers: {count}"))?;
    Ok((logins.parse()?, lost.parse()?))
}
