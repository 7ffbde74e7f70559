//! What may follow the words of a command line: kubectl asks its plugin so, by a program `kubectl_complete-kennel`. Shells that complete
//! `kennel` itself have scripts of their own (`kennel completion`).

use clap::{Arg, Command};
use std::fmt::Write;

/// Cobra's directive that leaves nothing to the shell: `ShellCompDirectiveNoFileComp`.
const NOTHING_ELSE: u8 = 4;
/// Cobra's directive that lets the shell complete names of files: `ShellCompDirectiveDefault`.
const FILES_TOO: u8 = 0;

/// A word that may stand there, and what it is.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    word: String,
    about: String,
}

/// Returns the answer for kubectl: a line for each candidate, with its description behind a tab, then the directive. The last one of
/// `words` is to be completed, and may be empty.
pub(crate) fn for_kubectl(mut kennel: Command, words: &[String]) -> String {
    kennel.build();
    let candidates = candidates(&kennel, words);
    let directive = if candidates.is_empty() { FILES_TOO } else { NOTHING_ELSE };
    let mut answer = String::new();
    for Candidate { word, about } in candidates {
        // Writing to a String cannot fail.
        let _ = writeln!(answer, "{word}\t{about}");
    }
    let _ = writeln!(answer, ":{directive}");
    answer
}

fn candidates(kennel: &Command, words: &[String]) -> Vec<Candidate> {
    let (last, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (&**last, before));
    let (command, option) = walk(kennel, before);
    let mut found = match option {
        Some(option) => values(option),
        None if last.starts_with('-') => options(command).into_iter().chain(operands(command)).collect(),
        None => commands(command).into_iter().chain(operands(command)).collect(),
    };
    found.retain(|candidate| candidate.word.starts_with(last));
    found
}

/// The command that the words lead to, and the option that waits for its value.
fn walk<'c>(kennel: &'c Command, words: &[String]) -> (&'c Command, Option<&'c Arg>) {
    let (mut command, mut option) = (kennel, None);
    for word in words {
        option = match option {
            Some(_) => None,
            None if word.starts_with('-') => waiting_option(command, word),
            None => {
                command = command.find_subcommand(word).unwrap_or(command);
                None
            }
        };
    }
    (command, option)
}

/// The option of a word, where its value is the next word.
fn waiting_option<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let is_named = |arg: &&Arg| match word.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => word.strip_prefix('-').is_some_and(|short| short.chars().eq(arg.get_short())),
    };
    command.get_opts().find(is_named).filter(|arg| arg.get_action().takes_values())
}

fn values(arg: &Arg) -> Vec<Candidate> {
    let about = |help: Option<&clap::builder::StyledStr>| first_line(help.map(ToString::to_string));
    let values = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
    values.map(|value| Candidate { word: value.get_name().to_owned(), about: about(value.get_help()) }).collect()
}

fn operands(command: &Command) -> Vec<Candidate> {
    command.get_positionals().flat_map(values).collect()
}

fn options(command: &Command) -> Vec<Candidate> {
    let of_arg = |arg: &Arg| {
        let about = first_line(arg.get_help().map(ToString::to_string));
        let long = arg.get_long().map(|long| format!("--{long}"));
        let short = arg.get_short().map(|short| format!("-{short}"));
        let words = long.into_iter().chain(short);
        words.map(|word| Candidate { word, about: about.clone() }).collect::<Vec<_>>()
    };
    command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set()).flat_map(of_arg).collect()
}

fn commands(command: &Command) -> Vec<Candidate> {
    let of_command = |sub: &Command| {
        let about = first_line(sub.get_about().map(ToString::to_string));
        let names = std::iter::once(sub.get_name()).chain(sub.get_visible_aliases());
        names.map(|word| Candidate { word: word.to_owned(), about: about.clone() }).collect::<Vec<_>>()
    };
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).flat_map(of_command).collect()
}

fn first_line(text: Option<String>) -> String {
    text.as_deref().and_then(|text| text.lines().next()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::builder::PossibleValuesParser;

    fn kennel() -> Command {
        let output = Arg::new("output").short('o').long("output").help("The form").value_parser(["text", "json"]);
        let words = Arg::new("words").num_args(0..).value_parser(PossibleValuesParser::new(["-randkey", "+allow_svr"]));
        let access = Command::new("access").about("Who may").subcommand(Command::new("suggest"));
        Command::new("kennel")
            .subcommand(Command::new("status").about("Shows it\nand more").arg(output))
            .subcommand(access)
            .subcommand(Command::new("add_principal").visible_alias("ank").disable_help_flag(true).arg(words))
    }

    fn complete(line: &str) -> String {
        for_kubectl(kennel(), &line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_options_and_values_are_completed_where_they_may_stand() {
        assert_eq!(complete("sta"), "status\tShows it\n:4\n");
        assert_eq!(complete("access sug"), "suggest\t\n:4\n");
        assert_eq!(complete("status --ou"), "--output\tThe form\n:4\n");
        for option in ["-o", "--output"] {
            assert_eq!(complete(&format!("status {option} ")), "text\t\njson\t\n:4\n", "{option}");
        }
        assert_eq!(complete("status -o json "), ":0\n", "the value is there");
        assert_eq!(complete("ank -ra"), "-randkey\t\n:4\n");
        assert_eq!(complete("add_principal +"), "+allow_svr\t\n:4\n");
        assert!(complete("").contains("ank\t"), "names of kadmin's commands too");
    }

    #[test]
    fn what_is_not_known_is_left_to_the_shell() {
        assert_eq!(complete("status ./a-fi"), ":0\n");
        assert_eq!(for_kubectl(kennel(), &[]).lines().last(), Some(":4"), "no word is an empty one");
    }
}
