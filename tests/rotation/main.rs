//! Nobody notices: clients and acceptors of stock libraries at work without pause, while every key of their realm rotates and
//! whatever can go wrong does. README.md beside this says how to run it.
#![allow(clippy::indexing_slicing, reason = "what is not there is Null in JSON, or ends the test")]

// Tests of an API server and of this program share it; each needs a part.
#[allow(dead_code)]
#[path = "../kube/world.rs"]
mod world;

mod cast;
mod clients;
mod keys;
mod outage;
mod trouble;

use crate::cast::Cast;
use crate::clients::{Clients, Tally};
use crate::keys::Keys;
use crate::outage::Outages;
use crate::trouble::Trouble;
use crate::world::World;
use anyhow::{Result, ensure};
use kennel_tests::kube::Api;
use std::time::{Duration, Instant};

/// Short limits: old keys go within the run. Tickets live long enough for an agent to be paused.
const SEED: &str = "[realm]\nmax_life = \"180s\"\nmax_renewable_life = \"180s\"\nclock_skew = \"30s\"\n\
                    [realm.rotation]\npropagation = \"2s\"\nprogress_deadline = \"10s\"\n\
                    [[principal]]\nname = \"alice\"\npassword = \"secret\"\n[[principal]]\nname = \"host/self.test\"\n";
/// Rotations of the short form, and the variable that says how many instead.
const ROTATIONS: u64 = 60;
const ROTATIONS_OF: &str = "KENNEL_SOAK_ROTATIONS";
/// An order reaches its end within this time once everybody is back.
const ROUND: Duration = Duration::from_secs(90);

#[test]
fn no_login_fails_while_every_key_rotates_and_whatever_can_go_wrong_does() -> Result<()> {
    let wanted = std::env::var(ROTATIONS_OF).ok().and_then(|text| text.parse().ok()).unwrap_or(ROTATIONS);
    let api = Api::alone()?;
    let mut world = World::seeded(&api, "", SEED)?;
    let mut cast = Cast::enter(&world)?;
    let mut keys = Keys::new(&world, &cast)?;
    let outages = Outages::default();
    let clients = Clients::start(&cast, &outages);
    let (begun, mut rounds) = (Instant::now(), 0);
    let outcome = loop {
        if keys.rotations() >= wanted && rounds >= Trouble::ALL.len() {
            break Ok(());
        }
        if let Err(error) = round(&mut world, &mut cast, &mut keys, &outages, rounds).and_then(|()| cast.check()) {
            break Err(error);
        }
        rounds += 1;
        if clients.tally().has_failures() {
            break Ok(());
        }
    };
    // Tickets of the last keys, and of those before.
    std::thread::sleep(Duration::from_secs(5));
    let tally = clients.stop();
    report(&tally, &keys, rounds, begun.elapsed());
    outcome?;
    tally.check()
}

/// Orders new keys for all, does some mischief meanwhile, undoes it, and waits until every order is carried out.
fn round(world: &mut World<'_>, cast: &mut Cast, keys: &mut Keys, outages: &Outages, number: usize) -> Result<()> {
    let trouble = Trouble::ALL[number % Trouble::ALL.len()];
    keys.order_all(world)?;
    trouble.befall(world, cast, outages, number)?;
    let deadline = Instant::now() + ROUND;
    while !keys.look(world)? {
        let late = keys.late();
        ensure!(Instant::now() < deadline, "after {trouble:?}, these did not rotate within {ROUND:?}: {late:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn report(tally: &Tally, keys: &Keys, rounds: usize, took: Duration) {
    println!(
        "{} rotations, {} of krbtgt among them, in {rounds} rounds and {} s",
        keys.rotations(),
        keys.krbtgt_rotations(),
        took.as_secs()
    );
    println!("{tally}");
}
