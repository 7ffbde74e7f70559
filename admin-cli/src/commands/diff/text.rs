//! The difference for people: a line for each change.

use crate::commands::diff::answer::Answer;
use crate::commands::diff::compare::Call;
use crate::commands::diff::losers::Losers;
use crate::commands::diff::outside::OutsideCallers;
use crate::output::{Colors, plain};

pub(super) fn text(answer: &Answer, colors: Colors) -> String {
    let difference = &answer.difference;
    let mut out = String::new();
    let mut line = |sign: &str, said: &str| {
        let said = format!("{sign} {}", plain(said));
        let said = match sign {
            "+" => colors.good(&said),
            "-" | "!" => colors.bad(&said),
            _ => colors.caution(&said),
        };
        out += &format!("{said}\n");
    };
    difference.lost.iter().for_each(|lost| line("-", &format!("ticket: {}", call(lost))));
    difference.gained.iter().for_each(|gained| line("+", &format!("ticket: {}", call(gained))));
    difference.ends.iter().for_each(|changed| line("~", &format!("ticket: {}", call(changed))));
    for mode in &difference.modes {
        line("~", &format!("mode: {} {} -> {}", mode.server, mode.from, mode.to));
    }
    for (sign, policies) in
        [("-", &difference.policies.removed), ("+", &difference.policies.added), ("~", &difference.policies.changed)]
    {
        policies.iter().for_each(|policy| line(sign, policy));
    }
    for problem in &answer.problems {
        line("!", &format!("{}: {}", problem.object, problem.message));
    }
    if difference.is_empty() {
        out += "no difference: the same tickets, the same policies\n";
    }
    answer.would_lose_access.iter().for_each(|losers| out += &losers_text(losers, colors));
    out + &outside_text(&answer.calls_without_kerberos, colors)
}

fn outside_text(all: &[OutsideCallers], colors: Colors) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut out =
        "calls without Kerberos that Enforce would drop (networkOnly and alwaysAllow let them in):\n".to_owned();
    for OutsideCallers { server, callers } in all {
        for caller in callers {
            out += &format!("{}\n", colors.bad(&plain(&format!("! {caller} -> {server}"))));
        }
    }
    out
}

fn call(call: &Call) -> String {
    let Call { server, client, service_class, access, until } = call;
    let class = service_class.as_ref().map(|class| format!(" ({class})")).unwrap_or_default();
    let until = until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
    format!("{client} -> {server}{class}{until}, by KerberosAccess {access}")
}

fn losers_text(losers: &Losers, colors: Colors) -> String {
    let since = &losers.since;
    let mut out = match losers.pairs.len() {
        0 => format!("nobody who got a ticket since {since} would lose it under Enforce\n"),
        _ => format!("clients that got tickets since {since}, and that Enforce would deny:\n"),
    };
    for pair in &losers.pairs {
        let class = pair.service_class.as_ref().map(|class| format!(" ({class})")).unwrap_or_default();
        let said = format!("! {} -> {}{class}: {} tickets, last {}", pair.client, pair.server, pair.tickets, pair.last);
        out += &format!("{}\n", colors.bad(&plain(&said)));
    }
    if losers.forgotten > 0 {
        out += &format!("{} pairs were forgotten since then, and may lose access as well\n", losers.forgotten);
    }
    out
}
