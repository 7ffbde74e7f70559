//! Answers and secrets from standard input, with their prompts on standard output, as libkrb5 asks for them.

use crate::output::print;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::SignalFd;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal};
use std::os::fd::AsFd;
use zeroize::Zeroizing;

/// Why there is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPassword {
    /// Standard input ended.
    CannotRead,
    /// The second one differs.
    Mismatch,
}

impl NoPassword {
    /// libkrb5's text.
    pub(crate) fn text(self) -> &'static str {
        match self {
            NoPassword::CannotRead => "Cannot read password",
            NoPassword::Mismatch => "Password mismatch",
        }
    }
}

/// A line of standard input without its end; `None` where there is none.
pub(crate) fn read_line() -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::new());
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(Some(line))
}

/// Asks a question, and returns the answer. Standard input that has ended is an empty answer.
pub(crate) fn ask(question: &str) -> anyhow::Result<String> {
    print(question)?;
    Ok(read_line()?.map(|line| line.to_string()).unwrap_or_default())
}

/// Asks for a password, and with `again` for the same a second time. Nothing of it is shown.
pub(crate) fn ask_password(prompt: &str, again: Option<&str>) -> anyhow::Result<Result<Zeroizing<String>, NoPassword>> {
    let Some(password) = ask_secret(prompt)? else { return Ok(Err(NoPassword::CannotRead)) };
    let Some(again) = again else { return Ok(Ok(password)) };
    Ok(match ask_secret(again)? {
        None => Err(NoPassword::CannotRead),
        Some(second) if second == password => Ok(password),
        Some(_) => Err(NoPassword::Mismatch),
    })
}

fn ask_secret(prompt: &str) -> anyhow::Result<Option<Zeroizing<String>>> {
    print(&format!("{prompt}: "))?;
    let answer = if io::stdin().is_terminal() { without_echo() } else { read_line() };
    print("\n")?;
    Ok(answer?)
}

/// Reads a line from a terminal that does not show it. An interrupt ends the process, after the terminal shows input again.
fn without_echo() -> io::Result<Option<Zeroizing<String>>> {
    let before = tcgetattr(io::stdin())?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    let mut interrupts = SigSet::empty();
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().for_each(|signal| interrupts.add(signal));
    interrupts.thread_block()?;
    tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &silent)?;
    let was_interrupted = wait_for_line(&interrupts);
    let line = match was_interrupted {
        Ok(None) => read_line(),
        Ok(Some(_)) => Ok(None),
        Err(error) => Err(error.into()),
    };
    restore(&before, &interrupts)?;
    if let Ok(Some(signal)) = was_interrupted {
        raise(signal)?;
    }
    line
}

fn restore(before: &Termios, interrupts: &SigSet) -> io::Result<()> {
    let shown = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, before);
    interrupts.thread_unblock()?;
    Ok(shown?)
}

/// Returns once a line can be read, or with the signal that came before.
fn wait_for_line(interrupts: &SigSet) -> Result<Option<Signal>, Errno> {
    let signals = SignalFd::new(interrupts)?;
    let stdin = io::stdin();
    loop {
        let mut watched =
            [PollFd::new(stdin.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error),
        }
        let [line, signal] = watched.map(|fd| fd.any().unwrap_or(false));
        if signal && let Some(found) = signals.read_signal()? {
            return Ok(Some(
                i32::try_from(found.ssi_signo).ok().and_then(|n| Signal::try_from(n).ok()).unwrap_or(Signal::SIGINT),
            ));
        }
        if line {
            return Ok(None);
        }
    }
}
