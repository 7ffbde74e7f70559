//! The signals that stop the process in order, and the one that makes it open its files again.

use anyhow::Context;
use std::io::IsTerminal;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, which stop, and SIGHUP, after which the trail and the log go on in new files.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    hangup_stops: bool,
}

/// A signal that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// The process shall stop; the name of the signal.
    Stop(&'static str),
    /// The files of the trail and of the log were moved away (logrotate).
    Reopen,
}

impl Signals {
    /// Installs handlers for the signals, which from then on no longer end the process at once.
    pub(crate) fn new() -> anyhow::Result<Signals> {
        let listen = |kind| signal(kind).context("signals cannot be received");
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            hangup_stops: false,
        })
    }

    /// The same for a program that a person runs: where standard output is a terminal, SIGHUP says that the terminal is closed, and
    /// stops the process too.
    pub(crate) fn of_a_person() -> anyhow::Result<Signals> {
        Ok(Signals { hangup_stops: std::io::stdout().is_terminal(), ..Signals::new()? })
    }

    /// Waits for a signal.
    pub(crate) async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Received::Stop("SIGINT"),
            _ = self.hangup.recv() => if self.hangup_stops { Received::Stop("SIGHUP") } else { Received::Reopen },
        }
    }

    /// Waits for a signal to stop, before any file is open that SIGHUP could be about.
    pub(crate) async fn stop(&mut self) -> &'static str {
        loop {
            if let Received::Stop(signal) = self.next().await {
                return signal;
            }
        }
    }
}
