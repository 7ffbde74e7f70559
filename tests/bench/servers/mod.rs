//! The servers that are compared, with the same principals in each.
//!
//! | module | what |
//! |---|---|
//! | [`kennel`] | `kennel-kdc serve` on a store that was prepared |
//! | [`mit`] | MIT's krb5kdc |
//! | [`bare`] | servers that send back what comes, for scale |

pub(crate) mod bare;
pub(crate) mod kennel;
mod mit;

use crate::requests::{self, User};
use anyhow::Result;
use kennel_crypto::Enctype;
use kennel_tests::exchange::Actors;
use std::time::Duration;

pub(crate) const REALM: &str = "BENCH.TEST";
const SERVICE: &str = "HTTP/web.shop";
const PASSWORD: &str = "secret";

/// One that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    pub(crate) process_id: u32,
    /// From the start of the process to its first answer.
    pub(crate) started_in: Duration,
}

/// Which principals there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    /// Who asks.
    pub(crate) users: usize,
    /// Others, who are only there.
    pub(crate) others: usize,
    /// Of everybody's keys.
    pub(crate) enctype: Enctype,
}

/// Both KDCs.
pub(crate) struct Servers {
    kennel: kennel::Kennel,
    mit: mit::Mit,
    population: Population,
}

impl Servers {
    /// Starts both.
    pub(crate) fn start(population: Population) -> Result<Servers> {
        let mit = mit::Mit::start(&population)?;
        Ok(Servers { kennel: kennel::Kennel::start(&population)?, mit, population })
    }

    pub(crate) fn both(&self) -> [Server; 2] {
        [self.mit.server, self.kennel.server]
    }

    pub(crate) fn users(&self) -> Result<Vec<User>> {
        users(&self.population)
    }
}

/// Those who ask, with their keys.
pub(crate) fn users(population: &Population) -> Result<Vec<User>> {
    let user = |name: String| {
        let actors = Actors::new(REALM, &name, PASSWORD, SERVICE)?;
        let key = requests::key(population.enctype, &actors, PASSWORD)?;
        Ok(User { actors, key })
    };
    population.users().map(user).collect()
}

impl Population {
    fn users(&self) -> impl Iterator<Item = String> {
        (0..self.users).map(|number| format!("user{number}"))
    }

    fn others(&self) -> impl Iterator<Item = String> {
        (0..self.others).map(|number| format!("HTTP/host{number}.other.svc.cluster.local"))
    }
}
