//! The label on pods of every shape, in pods.yaml; and what people read where the label cannot help.

use crate::installation::Installation;
use crate::shop::SERVICE;
use anyhow::{Context, Result, ensure};
use kennel_tests::pods;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Heimdal's client gets a ticket with the cache of its container.
const KGETCRED: [&str; 4] = ["env", "LD_LIBRARY_PATH=/heimdal/lib", "/heimdal/bin/kgetcred", SERVICE];

/// Waits for a condition of an object of pods.yaml.
fn await_condition(dev: &Installation, namespace: &str, object: &str, condition: &str) -> Result<()> {
    pods::wait(dev.kubectl(), namespace, LIMIT, &["wait", &format!("--for=condition={condition}"), object])
        .with_context(|| format!("{object} is not {condition}"))
}

#[test]
fn a_job_completes_with_the_agent_beside_it_and_its_init_container_has_credentials_already() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    await_condition(&dev, "shop", "job/migrate", "Complete")
}

#[test]
fn a_pod_on_the_nodes_network_finds_the_clusters_names_and_logs_in() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    await_condition(&dev, "shop", "pod/on-host", "Ready")?;
    dev.container("on-host", "app").run(&["kvno", SERVICE]).map(|_| ())
}

#[test]
fn a_containers_own_krb5_settings_stay_and_the_one_beside_it_has_ours() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    await_condition(&dev, "shop", "pod/own-settings", "Ready")?;
    let own = dev.container("own-settings", "app").run(&["sh", "-c", "echo $KRB5_CONFIG $KRB5CCNAME"])?;
    assert_eq!(own, "/etc/own.conf FILE:/tmp/own\n");
    dev.container("own-settings", "beside").run(&["kvno", SERVICE]).map(|_| ())
}

#[test]
fn a_user_without_a_group_can_use_and_extend_the_cache() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    await_condition(&dev, "shop", "pod/as-user", "Ready")?;
    dev.container("as-user", "app").run(&["kvno", SERVICE]).map(|_| ())
}

#[test]
fn a_user_with_a_group_can_use_and_extend_the_cache_and_nobody_else_can() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    await_condition(&dev, "shop", "pod/with-group", "Ready")?;
    let app = dev.container("with-group", "app");
    let user = app.run(&["id", "-u"])?;
    assert_eq!(
        app.run(&["stat", "-c", "%a %u", "/var/run/kennel/ccache"])?,
        format!("600 {user}"),
        "Heimdal reads no other"
    );
    app.run(&KGETCRED)?;
    app.run(&["kvno", SERVICE]).map(|_| ())
}

#[test]
fn each_user_of_a_pod_has_files_of_its_own_where_the_pod_asks_for_that_and_heimdal_reads_them() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    await_condition(&dev, "shop", "pod/each-user", "Ready")?;
    for (container, user) in [("one", "1234"), ("other", "2345")] {
        let app = dev.container("each-user", container);
        let path = format!("/var/run/kennel/{user}/ccache");
        assert_eq!(app.run(&["stat", "-c", "%a %u", &path])?, format!("600 {user}\n"));
        app.run(&KGETCRED)?;
        app.run(&["kvno", SERVICE])?;
    }
    let other = dev.container("each-user", "other").run(&["cat", "/var/run/kennel/1234/ccache"]);
    ensure!(other.is_err(), "a user reads the files of another");
    Ok(())
}

#[test]
fn users_that_share_files_have_tickets_but_for_heimdal_and_kennel_status_says_so() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    await_condition(&dev, "shop", "pod/several-users", "Ready")?;
    for container in ["one", "other"] {
        let app = dev.container("several-users", container);
        app.run(&["kvno", SERVICE])?;
        ensure!(
            app.run(&KGETCRED).is_err(),
            "Heimdal reads a file that users share: deploy/README.md says it does not"
        );
    }
    let status = dev.status()?;
    let finding = status.lines().find(|line| line.contains("run as several users"));
    ensure!(finding.is_some_and(|line| line.contains("shop/several-users") && !line.contains("each-user")), "{status}");
    ensure!(status.contains("kennel.dev/users=each"), "no remedy:\n{status}");
    Ok(())
}

#[test]
fn a_pod_under_the_strictest_pod_security_becomes_ready() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    await_condition(&dev, "strict", "pod/strict", "Ready")
}

#[test]
fn where_the_realm_enrols_nobody_nothing_is_injected_and_kennel_status_says_what_to_do() -> Result<()> {
    let dev = Installation::dev_with_pods()?;
    let injected = dev.kubectl().json_path(&["pod", "unenrolled", "-n", "elsewhere"], "{.spec.initContainers}")?;
    assert_eq!(injected, "");
    let status = dev.status()?;
    let remedy = status.split_once("have no agent: elsewhere/unenrolled").map(|(_, remedy)| remedy);
    ensure!(remedy.is_some_and(|remedy| remedy.contains("kennel.dev/realm=")), "no problem, or no remedy:\n{status}");
    Ok(())
}
