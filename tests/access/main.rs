//! Tickets and packets agree: each case's declaration, judged in both layers against what somebody wrote by hand. See README.md.
#![allow(clippy::indexing_slicing, reason = "what is not there is Null in JSON, or ends the test")]

mod case;
mod packets;
mod tickets;

use crate::case::{Case, scenarios, shop, topologies};
use anyhow::{Context, Result, ensure};

#[test]
fn the_shop_lets_through_and_issues_exactly_what_is_written_down() -> Result<()> {
    judge(shop()?, |case| Ok(packets::judge(case)? + tickets::judge(case)?))
}

#[test]
fn the_policies_of_the_examples_let_through_exactly_what_is_written_down() -> Result<()> {
    judge(scenarios()?, packets::judge)
}

#[test]
fn the_policies_of_each_topology_let_through_exactly_what_is_written_down() -> Result<()> {
    judge(topologies()?, packets::judge)
}

#[test]
fn the_kdc_issues_exactly_the_tickets_of_the_examples() -> Result<()> {
    judge(scenarios()?, tickets::judge)
}

#[test]
fn the_kdc_issues_exactly_the_tickets_of_each_topology() -> Result<()> {
    judge(topologies()?, tickets::judge)
}

/// Judges every case, and names those that fail.
fn judge(cases: Vec<Case>, judge: impl Fn(&Case) -> Result<usize>) -> Result<()> {
    let mut failures = Vec::new();
    for case in &cases {
        match judge(case).with_context(|| case.name.clone()) {
            Ok(judged) => println!("{}: {judged} pairs", case.name),
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    ensure!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
    Ok(())
}
