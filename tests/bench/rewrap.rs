//! What a rotation of the master key costs those who ask meanwhile: requests of one process before it, during it and after it.

use crate::load::{self, Transport};
use crate::report::Report;
use crate::requests::{Exchange, Requests};
use crate::servers::Population;
use crate::servers::kennel::Kennel;
use crate::{Args, servers};
use anyhow::{Result, ensure};
use kennel_store::master_key_file;
use kennel_tests::binary::kennel as kennel_program;
use kennel_tests::process;
use rand::rngs::OsRng;
use std::process::Command;

/// Asks for service tickets over UDP. The CPU time is that of all threads, and so includes the rotation's own.
pub(crate) fn measure(args: &Args, population: Population) -> Result<()> {
    let kennel = Kennel::start(&population)?;
    let users = servers::users(&population)?;
    println!("== a rotation of the master key over {} principals", population.users + population.others + 2);
    let mut report = Report::default();
    let mut round = |state| {
        let requests = Requests::make(Exchange::Tgs, &users, kennel.server.port, args.requests)?;
        let (server, tag) = (kennel.server, Exchange::Tgs.reply_tag());
        let run = load::run(Transport::Udp, server.port, server.process_id, &requests.messages, tag, args.under_way)?;
        report.add(Exchange::Tgs.name(), state, run);
        anyhow::Ok(())
    };
    for _ in 0..args.rounds {
        round("before")?;
    }
    let key = kennel.folder().join("master.key");
    let next = master_key_file::next_of(&key);
    master_key_file::create(&next, &mut OsRng)?;
    let socket = kennel.folder().join("admin.sock");
    process::run(Command::new(kennel_program()?).args(["master-key", "rotate", "--socket"]).arg(socket), "")?.ok()?;
    let mut rounds = 0;
    // The next key takes the file of the old one at the end.
    while next.exists() {
        round("during")?;
        rounds += 1;
    }
    ensure!(rounds > 1, "the rotation was over before a round was: more principals (--others) make it last");
    for _ in 0..args.rounds {
        round("after")?;
    }
    report.print(Transport::Udp.name());
    Ok(())
}
