//! What goes wrong in the middle of a rotation.

use crate::cast::{Cast, NAMESPACE, Pod};
use crate::outage::Outages;
use crate::world::World;
use anyhow::Result;
use std::thread::sleep;
use std::time::Duration;

/// One mischief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// None: the plain case.
    Peace,
    /// kill -9 of the KDC, each time at another moment.
    KdcKilled,
    /// kill -9 of every service's agent; each starts again.
    AgentsKilled,
    /// An agent of each service is paused for longer than a rotation waits without a word, and continues.
    AgentsPaused,
    /// The spare pod of each service is deleted, and another comes.
    PodsReplaced,
    /// The API server answers nothing for a while.
    ApiFrozen,
}

impl Trouble {
    pub(crate) const ALL: [Trouble; 6] = [
        Trouble::Peace,
        Trouble::KdcKilled,
        Trouble::AgentsKilled,
        Trouble::PodsReplaced,
        Trouble::ApiFrozen,
        Trouble::AgentsPaused,
    ];

    /// Befalls the realm, and is over when this returns.
    pub(crate) fn befall(self, world: &mut World<'_>, cast: &mut Cast, outages: &Outages, round: usize) -> Result<()> {
        match self {
            Trouble::Peace => {}
            Trouble::KdcKilled => {
                sleep(Duration::from_millis(u64::try_from(round)? * 370 % 5000));
                outages.during(|| world.realm.kill_and_restart())?;
            }
            Trouble::AgentsKilled => {
                sleep(Duration::from_millis(u64::try_from(round)? * 230 % 2000));
                for service in &mut cast.services {
                    service.pod.kill_agent()?;
                    service.spare.kill_agent()?;
                }
                sleep(Duration::from_secs(1));
                for service in &mut cast.services {
                    service.pod.start_agent(world)?;
                    service.spare.start_agent(world)?;
                }
            }
            Trouble::AgentsPaused => {
                let paused = |service: &crate::cast::Service, paused| match (round / Trouble::ALL.len()) % 2 {
                    0 => service.spare.pause_agent(paused),
                    _ => service.pod.pause_agent(paused),
                };
                cast.services.iter().try_for_each(|service| paused(service, true))?;
                sleep(Duration::from_secs(13));
                cast.services.iter().try_for_each(|service| paused(service, false))?;
            }
            Trouble::PodsReplaced => {
                for service in &mut cast.services {
                    world.delete(NAMESPACE, "pod", &service.spare.name)?;
                    let account = service.pod.account.clone();
                    service.spare = Pod::start(world, &account, &format!("{account}-{}", round + 10))?;
                }
            }
            Trouble::ApiFrozen => {
                world.api.freeze(true)?;
                sleep(Duration::from_secs(8));
                world.api.freeze(false)?;
            }
        }
        Ok(())
    }
}
