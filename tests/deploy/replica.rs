//! A second replica, which there is no room for yet.

use crate::installation::Installation;
use crate::steps;
use anyhow::{Result, ensure};
use kennel_tests::kube::eventually;
use kennel_tests::kubectl::Kubectl;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// A second replica with a volume of its own, until dropped.
struct Second(&'static Kubectl);

impl Second {
    fn start(kubectl: &'static Kubectl) -> Result<Second> {
        let second = Second(kubectl);
        kubectl.apply(&steps::volume_yaml("kennel-data-1", "data-kennel-kdc-1"))?;
        second.scale(2)?;
        Ok(second)
    }

    fn scale(&self, replicas: u8) -> Result<()> {
        let replicas = format!("--replicas={replicas}");
        self.0.run(&["scale", "statefulset/kennel-kdc", "-n", "kennel-system", &replicas]).map(|_| ())
    }

    /// What its log says, or that of its container before a restart.
    fn log(&self) -> Result<String> {
        let log = |options: &[&str]| {
            let run = self.0.attempt(&[&["logs", "kennel-kdc-1", "-n", "kennel-system"], options].concat(), "")?;
            Ok::<_, anyhow::Error>(run.stdout + &run.stderr)
        };
        Ok(log(&[])? + &log(&["--previous"])?)
    }

    fn stop(&self) -> Result<()> {
        self.scale(1)?;
        self.0.wait(LIMIT, &["wait", "--for=delete", "pod/kennel-kdc-1", "-n", "kennel-system"])?;
        self.0.wait(LIMIT, &["delete", "pvc", "data-kennel-kdc-1", "--ignore-not-found", "-n", "kennel-system"])?;
        self.0.wait(LIMIT, &["delete", "persistentvolume", "kennel-data-1", "--ignore-not-found"]).map(|_| ())
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            println!("the second replica does not go: {error:#}");
        }
    }
}

#[test]
fn a_second_replica_does_not_start_says_why_and_is_a_problem_while_the_first_goes_on() -> Result<()> {
    let dev = Installation::dev()?;
    let second = Second::start(dev.kubectl())?;
    eventually(LIMIT, "the second replica refuses to start", || {
        let log = second.log()?;
        ensure!(log.contains("the realm has a store already"), "its log says something else:\n{log}");
        Ok(Some(()))
    })?;
    // On its way out: as long as a replica refuses connections, `kennel status` asks it again for more than a minute.
    second.scale(1)?;
    let status = dev.status()?;
    ensure!(status.lines().any(|line| line.starts_with("- kennel-kdc-1: not ready")), "no such problem:\n{status}");
    dev.deployment("cart").login("HTTP/web.shop")
}
