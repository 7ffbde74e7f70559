//! What the command line asks for: a command, a query, or lines; and by which options the programs `kadmin` and `kadmin.local` are
//! called.

use crate::api::AdminApi;
use crate::commands::kadmin::administrator::{Administrator, served_realm};
use crate::commands::kadmin::conversation::{carry_out_lines, carry_out_query, carry_out_words};
use crate::commands::kadmin::desk::Desk;
use crate::commands::kadmin::failure::Right;
use crate::commands::kadmin::remote::login::Login;
use crate::commands::kadmin::session::{Session, Source};
use crate::commands::kadmin::time::date::Now;
use crate::krb5_conf::default_realm;
use crate::output::OutputFormat;
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use anyhow::{Context, bail};
use std::process::ExitCode;

/// What MIT's kadmin says, with bells, where it leaves the cache of the caller as it was.
const NOT_DESTROYED: &str = "\n\x07\x07\x07Administration credentials NOT DESTROYED.\n";

/// Options of kadmin's commands, which stand before the command.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KadminArgs {
    /// Carries out one line of kadmin, such as "addprinc -randkey HTTP/x".
    #[arg(short = 'q', long = "query", value_name = "LINE", help_heading = "Commands of kadmin")]
    pub(crate) query: Option<String>,
    /// Realm, which must be that of the KDC.
    #[arg(short = 'r', long, value_name = "REALM", help_heading = "Commands of kadmin")]
    pub(crate) realm: Option<String>,
    /// Exit code 1 where a command failed: without it, those of -q and of standard input end with 0, as MIT's do.
    #[arg(long, env = "KENNEL_STRICT", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Commands of kadmin")]
    pub(crate) strict: bool,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text, help_heading = "Commands of kadmin")]
    pub(crate) output: OutputFormat,
    #[command(flatten)]
    pub(crate) kdc: KdcArgs,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// One command, as words of the command line.
    Command(Vec<String>),
    /// One command, as a line.
    Query(String),
    /// Lines of standard input, or of a person.
    Lines,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// Name of the program in its messages and its prompt.
    pub(crate) program: String,
    /// The principal in the first line of the output; `None`: `USER/admin`.
    pub(crate) principal: Option<String>,
    /// How the first line of the output ends: `with password`.
    pub(crate) credentials: String,
    /// The login at the server of kadmin's protocol; `None`: the admin API carries out the commands.
    pub(crate) login: Option<Login>,
    pub(crate) work: Work,
    pub(crate) args: KadminArgs,
}

impl Invocation {
    /// The call of `kennel`.
    pub(crate) fn of_kennel(work: Work, args: KadminArgs) -> Invocation {
        Invocation {
            program: "kennel".to_owned(),
            principal: None,
            credentials: "with password".to_owned(),
            login: None,
            work,
            args,
        }
    }

    /// Carries out what is asked for.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let Invocation { program, principal, credentials, login, work, args } = self;
        let source = if matches!(work, Work::Command(_)) { Source::CommandLine } else { Source::Lines };
        let session = Session::new(&program, source, args.output, args.strict);
        let authenticating = |who: &str| session.info(&format!("Authenticating as principal {who} {credentials}.\n"));
        let reached = match &login {
            None => reach(&args).await,
            Some(login) => {
                authenticating(&login.shown)?;
                login.make().await.map(|remote| (Administrator::Remote(Box::new(remote)), login.realm.clone()))
            }
        };
        let (admin, realm) = match reached {
            Ok(reached) => reached,
            Err(error) => {
                eprintln!("{program}: {error:#} while initializing {program} interface");
                return Ok(ExitCode::FAILURE);
            }
        };
        if login.is_none() {
            authenticating(&principal.unwrap_or_else(|| administrator_of(&realm)))?;
        }
        let mut desk = Desk { session, admin, realm, now: Now::of_system() };
        match work {
            Work::Command(words) => carry_out_words(&mut desk, &words).await?,
            Work::Query(line) => carry_out_query(&mut desk, &line).await?,
            Work::Lines => carry_out_lines(&mut desk).await?,
        }
        if source == Source::Lines && login.is_some_and(|login| login.is_by_cache()) {
            eprint!("{NOT_DESTROYED}");
        }
        Ok(desk.session.exit_code())
    }
}

/// The KDC, and its realm.
async fn reach(args: &KadminArgs) -> anyhow::Result<(Administrator, String)> {
    let api = AdminApi::new(connect(&args.kdc, None).await?);
    let served = served_realm(&api).await.map_err(|failure| anyhow::anyhow!(failure.text(Right::List)))?;
    let realm = match (served, &args.realm) {
        (Some(served), Some(asked)) if served != *asked => bail!("the KDC serves the realm {served}, not {asked}"),
        (Some(served), _) => served,
        (None, Some(asked)) => asked.clone(),
        (None, None) => default_realm().context("krb5.conf names no default realm: give -r REALM")?,
    };
    Ok((Administrator::Api(api), realm))
}

/// The principal of whoever names none.
pub(crate) fn administrator_of(realm: &str) -> String {
    format!("{}/admin@{realm}", user())
}

fn user() -> String {
    std::env::var("USER").ok().filter(|user| !user.is_empty()).unwrap_or_else(|| "root".to_owned())
}
