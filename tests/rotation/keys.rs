//! The keys of the realm, asked for and ordered as an administrator does: by `kennel`.

use crate::cast::{Cast, NAMESPACE};
use crate::world::{SOON, World};
use anyhow::{Context, Result};
use kennel_tests::binary::kennel;
use kennel_tests::kube::eventually;
use kennel_tests::process::{self, Run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// The version in use of each principal.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// What `kennel` is asked for: NAMESPACE/ACCOUNT, and krbtgt/REALM at last.
    asked: Vec<String>,
    first: BTreeMap<String, u64>,
    now: BTreeMap<String, u64>,
    /// Those that were in use when the last order was given.
    before: BTreeMap<String, u64>,
}

impl Keys {
    /// Looks at them for the first time.
    pub(crate) fn new(world: &World<'_>, cast: &Cast) -> Result<Keys> {
        let with_keytab = cast.callers.iter().filter(|caller| caller.has_keytab).map(|caller| &caller.pod.account);
        let accounts = cast.services.iter().map(|service| &service.pod.account).chain(with_keytab);
        let krbtgt = format!("krbtgt/{}", world.realm.name());
        let asked = accounts.map(|account| format!("{}/{account}", world.ns(NAMESPACE))).chain([krbtgt]).collect();
        let mut keys = Keys { asked, ..Keys::default() };
        keys.look(world)?;
        keys.first = keys.now.clone();
        keys.before = keys.now.clone();
        Ok(keys)
    }

    /// Orders a new key for every principal.
    pub(crate) fn order_all(&mut self, world: &World<'_>) -> Result<()> {
        self.before = self.now.clone();
        eventually(SOON, "the order is taken", || {
            run(world, &["rotate", "--all", "--now"])?.ok()?;
            Ok(Some(()))
        })
    }

    /// Asks for all versions. Returns whether all are newer than at the last order.
    pub(crate) fn look(&mut self, world: &World<'_>) -> Result<bool> {
        for asked in &self.asked {
            let said = eventually(SOON, "the KDC says which keys there are", || {
                let said = run(world, &["keys", asked, "-o", "json"])?;
                // Exit code 1: a rotation waits for long.
                Ok(Some(serde_json::from_str::<Value>(&said.stdout).with_context(|| said.to_string())?))
            })?;
            for keys in said["principals"].as_array().into_iter().flatten() {
                let versions = keys["versions"].as_array().into_iter().flatten();
                let active = versions.filter(|version| version["state"] == "Active").find_map(|v| v["kvno"].as_u64());
                if let (Some(name), Some(kvno)) = (keys["principal"].as_str(), active) {
                    self.now.insert(name.to_owned(), kvno);
                }
            }
        }
        Ok(self.late().is_empty())
    }

    /// Those that have not rotated since the last order.
    pub(crate) fn late(&self) -> Vec<&str> {
        let is_late = |(name, kvno): &(&String, &u64)| self.before.get(*name).is_some_and(|before| before >= *kvno);
        self.now.iter().filter(is_late).map(|(name, _)| &**name).collect()
    }

    /// Rotations since the first look.
    pub(crate) fn rotations(&self) -> u64 {
        self.now.iter().map(|(name, kvno)| kvno - self.first.get(name).copied().unwrap_or(1)).sum()
    }

    /// Those of the realm's krbtgt.
    pub(crate) fn krbtgt_rotations(&self) -> u64 {
        let of_krbtgt = self.now.iter().filter(|(name, _)| name.starts_with("krbtgt/"));
        of_krbtgt.map(|(name, kvno)| kvno - self.first.get(name).copied().unwrap_or(1)).sum()
    }
}

/// `kennel` as administrator of the cluster.
fn run(world: &World<'_>, arguments: &[&str]) -> Result<Run> {
    let mut command = Command::new(kennel()?);
    command.args(arguments).env("KUBECONFIG", world.api.kubeconfig());
    command.arg("--server").arg(world.url("")).arg("--ca").arg(world.realm.ca());
    process::run(&mut command, "")
}
