//! Which installation stands in the cluster. There is room for one: the first test that asks for an installation makes it, the
//! next tests find it, and a test that asks for another one first takes away what stands. Tests take turns.
//!
//! In the order of their names, which is the order of `--test-threads=1`, the tests make each installation once.

use crate::image;
use crate::steps;
use crate::with_everything::setup;
use anyhow::{Result, bail};
use kennel_tests::kubectl::Kubectl;
use kennel_tests::process::Group;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

static STATE: Mutex<State> = Mutex::new(State { standing: Standing::Unknown, failures: BTreeMap::new() });

struct State {
    standing: Standing,
    /// In a line, why an installation could not be made. Nothing makes it a second time: all tests that need it fail at once.
    failures: BTreeMap<Overlay, String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Overlay {
    Dev,
    Everything,
}

enum Standing {
    /// What an earlier process left, or a set-up that failed, or a test that makes objects of its own.
    Unknown,
    Nothing,
    /// deploy/overlays/dev and deploy/examples/shop.
    Dev {
        /// And those of pods.yaml.
        pods: bool,
    },
    /// deploy/overlays/cert-manager with all components, and the shop.
    Everything {
        /// Ends with the installation.
        cert_manager: Group,
    },
}

/// A turn with the cluster and what stands in it, for the time of one test.
pub(crate) struct Installation {
    state: MutexGuard<'static, State>,
    kubectl: &'static Kubectl,
}

impl Installation {
    /// deploy/overlays/dev and deploy/examples/shop, ready.
    pub(crate) fn dev() -> Result<Installation> {
        Installation::dev_and(false)
    }

    /// The same with the pods of pods.yaml, which become ready in their time.
    pub(crate) fn dev_with_pods() -> Result<Installation> {
        Installation::dev_and(true)
    }

    /// The KDC with everything that can be added to it, and the shop, ready.
    pub(crate) fn everything() -> Result<Installation> {
        Installation::with(Overlay::Everything)
    }

    /// A cluster without anything of ours, in which the test may make what it likes.
    pub(crate) fn scratch() -> Result<Installation> {
        let mut turn = Installation::turn()?;
        turn.remove()?;
        turn.state.standing = Standing::Unknown;
        Ok(turn)
    }

    pub(crate) fn kubectl(&self) -> &'static Kubectl {
        self.kubectl
    }

    /// Takes away what stands, as users do.
    pub(crate) fn remove(&mut self) -> Result<()> {
        // Where this fails, nobody knows what stands.
        match std::mem::replace(&mut self.state.standing, Standing::Unknown) {
            Standing::Unknown => steps::clear(self.kubectl)?,
            Standing::Nothing => {}
            Standing::Dev { pods } => {
                if pods {
                    steps::remove_pods(self.kubectl)?;
                }
                steps::remove_dev(self.kubectl)?;
            }
            Standing::Everything { cert_manager } => setup::remove(self.kubectl, cert_manager)?,
        }
        self.state.standing = Standing::Nothing;
        Ok(())
    }

    fn dev_and(wanted: bool) -> Result<Installation> {
        let mut turn = Installation::with(Overlay::Dev)?;
        let kubectl = turn.kubectl;
        if let Standing::Dev { pods } = &mut turn.state.standing
            && *pods != wanted
        {
            *pods = true;
            if wanted {
                steps::make_pods(kubectl)?
            } else {
                steps::remove_pods(kubectl)?
            }
            *pods = wanted;
        }
        Ok(turn)
    }

    fn with(overlay: Overlay) -> Result<Installation> {
        let mut turn = Installation::turn()?;
        if turn.state.standing.is(overlay) {
            return Ok(turn);
        }
        if let Some(failure) = turn.state.failures.get(&overlay) {
            bail!("this installation failed for an earlier test, which says more: {failure}");
        }
        if let Err(error) = turn.make(overlay) {
            turn.state.standing = Standing::Unknown;
            let reason = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
            turn.state.failures.insert(overlay, reason);
            return Err(error);
        }
        Ok(turn)
    }

    fn make(&mut self, overlay: Overlay) -> Result<()> {
        self.remove()?;
        self.state.standing = match overlay {
            Overlay::Dev => {
                steps::install_dev(self.kubectl)?;
                Standing::Dev { pods: false }
            }
            Overlay::Everything => Standing::Everything { cert_manager: setup::install(self.kubectl)? },
        };
        Ok(())
    }

    fn turn() -> Result<Installation> {
        let state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Installation { state, kubectl: image::cluster_with_images()?.kubectl() })
    }
}

impl Standing {
    fn is(&self, overlay: Overlay) -> bool {
        match self {
            Standing::Unknown | Standing::Nothing => false,
            Standing::Dev { .. } => overlay == Overlay::Dev,
            Standing::Everything { .. } => overlay == Overlay::Everything,
        }
    }
}
