//! `kennel audit tail`: the decisions of the KDC as they are made. The KDC ends each answer within a minute, so that a permission
//! that was taken away counts; the command goes on where it was, and says what it missed.

use crate::api::{AdminApi, Lines, Refused};
use crate::commands::audit::line;
use crate::output::{Colors, is_closed_pipe, plain, print};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use clap::ValueEnum;
use kennel_wire::admin::{AccountRef, DecisionLine, DecisionOutcome, DecisionRecord, DecisionsQuery};
use std::process::ExitCode;
use std::time::Duration;

/// First pause after an answer that broke; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Options of `kennel audit tail`.
#[derive(Debug, clap::Args)]
pub(crate) struct TailArgs {
    /// Only decisions about servers of this namespace [default: all namespaces, which needs a permission for all of them].
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Only decisions about this client: NAMESPACE/ACCOUNT, or a principal with or without realm.
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,
    /// Only decisions about this server: NAMESPACE/ACCOUNT, or a principal with or without realm.
    #[arg(long, value_name = "SERVER")]
    target: Option<String>,
    /// Only decisions that ended so; may be given several times.
    #[arg(long, value_name = "OUTCOME", value_enum, value_delimiter = ',')]
    outcome: Vec<Outcome>,
    /// Number of past decisions to begin with, before filters; the KDC retains a bounded number.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    last: u32,
    /// End after the past decisions.
    #[arg(long)]
    no_follow: bool,
    /// Form of the lines.
    #[arg(long, short, value_enum, default_value_t = LineFormat::Text)]
    output: LineFormat,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LineFormat {
    /// For people.
    Text,
    /// For programs: the lines of the admin API.
    Json,
}

/// How a request ended, as an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Outcome {
    /// A ticket was issued.
    Allowed,
    /// A ticket was issued that Enforce would deny.
    WouldDeny,
    /// No KerberosAccess allows it.
    Denied,
    /// Refused for another reason.
    Refused,
}

/// Prints decisions until it is interrupted, or the past ones.
pub(crate) async fn run(args: &TailArgs) -> anyhow::Result<ExitCode> {
    let mut tail = Tail { args, colors: Colors::of_stdout(), position: None, met: 0 };
    let mut pause = FIRST_PAUSE;
    loop {
        let met = tail.met;
        let failure = match tail.one_answer().await {
            Ok(()) if args.no_follow => return Ok(ExitCode::SUCCESS),
            Ok(()) => None,
            Err(error) if is_closed_pipe(&error) || tail.is_final(&error) => return Err(error),
            Err(error) => Some(error),
        };
        pause = if tail.met > met { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        if let Some(error) = failure {
            let asked = error.downcast_ref::<Refused>().and_then(|refused| refused.after);
            pause = asked.unwrap_or(pause).min(LONGEST_PAUSE);
            eprintln!("kennel: {error:#}; again in {} s", pause.as_secs());
            tokio::time::sleep(pause).await;
        } else if tail.met == met {
            // An answer that ended without a line: no reason to ask at full speed.
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }
}

/// A stream of decisions over several answers.
struct Tail<'a> {
    args: &'a TailArgs,
    colors: Colors,
    /// The KDC's process and the sequence number that was reached.
    position: Option<(String, u64)>,
    /// Lines that were read.
    met: u64,
}

impl Tail<'_> {
    async fn one_answer(&mut self) -> anyhow::Result<()> {
        // Each answer over a connection of its own: the pod may be another one, and a token has an end.
        let api = AdminApi::new(connect(&self.args.kdc, self.args.namespace.as_deref()).await?);
        let mut lines: Lines = api.decisions(&self.query()).await?;
        while let Some(line) = lines.next().await? {
            self.met += 1;
            if let Some(text) = self.shown(&line) {
                print(&text)?;
            }
        }
        Ok(())
    }

    fn query(&self) -> DecisionsQuery {
        let (instance, after) = self.position.clone().unzip();
        let limit = after.is_none().then_some(self.args.last);
        DecisionsQuery { namespace: self.args.namespace.clone(), instance, after, follow: !self.args.no_follow, limit }
    }

    /// A refusal that another attempt would not change. Before the first answer, every error is final: the options may be wrong.
    fn is_final(&self, error: &anyhow::Error) -> bool {
        match error.downcast_ref::<Refused>() {
            // A token that ended while the stream went on: the next attempt shows the newest one.
            Some(refused) => !(refused.retryable || refused.status.as_u16() == 401 && self.position.is_some()),
            None => self.position.is_none(),
        }
    }

    /// Takes in a line, and returns what is printed of it.
    fn shown(&mut self, line: &str) -> Option<String> {
        let read = match serde_json::from_str(line) {
            Ok(read) => read,
            Err(error) => return Some(format!("kennel: a line of the KDC cannot be read: {error}\n")),
        };
        let text = match &read {
            DecisionLine::Start(start) => {
                let is_first = self.position.is_none();
                if is_first && !self.args.no_follow {
                    // An empty screen would not say whether anything is connected.
                    let whose =
                        self.args.namespace.as_ref().map_or("all namespaces".into(), |n| format!("namespace {n}"));
                    eprintln!(
                        "kennel: decisions of {} about servers of {whose}, as they are made",
                        plain(&start.realm)
                    );
                }
                let went_on = is_first || start.resumed;
                self.position = Some((start.instance.clone(), start.after));
                (!went_on)
                    .then(|| "--- the KDC started again: decisions before that may be missing here ---\n".to_owned())
            }
            DecisionLine::Decision(decision) => {
                self.reached(decision.sequence);
                self.is_wanted(decision).then(|| line::text(decision, self.colors))
            }
            DecisionLine::Lost(lost) => {
                self.reached(lost.sequence);
                Some(format!("--- {} decisions are missing here: the KDC no longer had them ---\n", lost.lost))
            }
            DecisionLine::Heartbeat(beat) => {
                self.reached(beat.sequence);
                return None;
            }
            DecisionLine::Unknown => return None,
        };
        match self.args.output {
            LineFormat::Text => text,
            LineFormat::Json => (text.is_some() || matches!(read, DecisionLine::Start(_))).then(|| format!("{line}\n")),
        }
    }

    fn reached(&mut self, sequence: u64) {
        if let Some((_, position)) = &mut self.position {
            *position = sequence;
        }
    }

    fn is_wanted(&self, decision: &DecisionRecord) -> bool {
        let TailArgs { client, target, outcome, .. } = self.args;
        let is_named = |wanted: &Option<String>, name: &Option<String>, account: &Option<AccountRef>| {
            wanted.as_ref().is_none_or(|wanted| names(wanted, name.as_deref(), account.as_ref()))
        };
        is_named(client, &decision.client, &decision.client_account)
            && is_named(target, &decision.server, &decision.server_account)
            && (outcome.is_empty() || outcome.iter().any(|outcome| outcome.is(decision.outcome)))
    }
}

impl Outcome {
    fn is(self, outcome: DecisionOutcome) -> bool {
        let own = match self {
            Outcome::Allowed => DecisionOutcome::Allowed,
            Outcome::WouldDeny => DecisionOutcome::WouldDeny,
            Outcome::Denied => DecisionOutcome::Denied,
            Outcome::Refused => DecisionOutcome::Refused,
        };
        own == outcome
    }
}

/// Whether a word of the command line names a principal or its account.
fn names(wanted: &str, principal: Option<&str>, account: Option<&AccountRef>) -> bool {
    let without_realm = principal.and_then(|name| name.rsplit_once('@')).map(|(name, _)| name);
    principal == Some(wanted)
        || without_realm == Some(wanted)
        || account.is_some_and(|account| account.to_string() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::audit::line::tests::denied;
    use clap::Parser;
    use kennel_wire::admin::{LostDecisions, StreamStart};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        tail: TailArgs,
    }

    fn args(options: &[&str]) -> TailArgs {
        Line::try_parse_from([&["tail"], options].concat()).unwrap().tail
    }

    fn tail(args: &TailArgs) -> Tail<'_> {
        Tail { args, colors: Colors::none(), position: None, met: 0 }
    }

    fn json(line: &DecisionLine) -> String {
        serde_json::to_string(line).unwrap()
    }

    fn start(instance: &str, resumed: bool, after: u64) -> String {
        json(&DecisionLine::Start(StreamStart { realm: "R".into(), instance: instance.into(), resumed, after }))
    }

    #[test]
    fn the_stream_goes_on_where_it_was_and_tells_of_a_new_process() {
        let args = args(&["-n", "shop", "--last", "5"]);
        let mut tail = tail(&args);
        assert_eq!((tail.query().limit, tail.query().after, tail.query().follow), (Some(5), None, true));
        assert_eq!(tail.shown(&start("i", false, 2)), None, "the first answer resumes nothing, and misses nothing");
        assert!(tail.shown(&json(&DecisionLine::Decision(denied()))).unwrap().contains("DENIED"));
        let next = tail.query();
        assert_eq!((next.instance.as_deref(), next.after, next.limit), (Some("i"), Some(7), None));
        assert_eq!(tail.shown(&start("i", true, 7)), None);
        assert!(tail.shown(&start("j", false, 0)).unwrap().contains("started again"));
    }

    #[test]
    fn what_is_lost_is_told_whatever_the_filters_are() {
        let args = args(&["--client", "nobody"]);
        let mut tail = tail(&args);
        tail.shown(&start("i", false, 2));
        let lost = json(&DecisionLine::Lost(LostDecisions { lost: 3, sequence: 10 }));
        assert!(tail.shown(&lost).unwrap().contains("3 decisions are missing"));
        assert_eq!(tail.query().after, Some(10));
        assert_eq!(tail.shown(&json(&DecisionLine::Decision(denied()))), None);
    }

    #[test]
    fn filters_take_accounts_principals_and_outcomes() {
        let shows = |options: &[&str]| tail(&args(options)).is_wanted(&denied());
        for wanted in ["shop/batch", "batch.shop", "batch.shop@R"] {
            assert!(shows(&["--client", wanted]), "{wanted}");
        }
        assert!(shows(&["--target", "shop/web", "--outcome", "denied"]));
        assert!(shows(&["--target", "HTTP/web.shop.svc.cluster.local", "--outcome", "allowed,denied"]));
        for other in [["--client", "batch"], ["--target", "shop/web2"], ["--outcome", "would-deny"]] {
            assert!(!shows(&other), "{other:?}");
        }
    }

    #[test]
    fn programs_get_the_lines_of_the_api_without_the_signs_of_life() {
        let args = args(&["-o", "json"]);
        let mut tail = tail(&args);
        let (first, decision) = (start("i", false, 2), json(&DecisionLine::Decision(denied())));
        assert_eq!(tail.shown(&first), Some(format!("{first}\n")));
        assert_eq!(tail.shown(&decision), Some(format!("{decision}\n")));
        assert_eq!(tail.shown(r#"{"type":"heartbeat","sequence":9}"#), None);
        assert_eq!(tail.query().after, Some(9));
        assert_eq!(tail.shown(r#"{"type":"weather"}"#), None);
    }
}
