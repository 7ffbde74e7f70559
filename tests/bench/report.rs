//! The table.

use crate::load::Measured;
use std::time::Duration;

/// Most rounds of which a row says the CPU time.
const MOST_ROUNDS: usize = 5;

/// Runs by what was asked and of whom, in the order in which they first came.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    exchange: &'static str,
    server: &'static str,
    runs: Vec<Measured>,
}

impl Report {
    /// Adds a run.
    pub(crate) fn add(&mut self, exchange: &'static str, server: &'static str, run: Measured) {
        match self.rows.iter_mut().find(|row| row.exchange == exchange && row.server == server) {
            Some(row) => row.runs.push(run),
            None => self.rows.push(Row { exchange, server, runs: vec![run] }),
        }
    }

    /// Prints all rows, and under each pair of servers the ratio of their CPU time.
    pub(crate) fn print(&self, title: &str) {
        println!("{title}");
        println!(
            "{:<9} {:<12} {:>11} {:>15} {:>26} {:>8} {:>8}",
            "exchange", "server", "requests/s", "CPU us/request", "(rounds)", "p50 us", "p99 us"
        );
        let echo = self.rows.iter().find(|row| row.exchange == "echo");
        for (at, row) in self.rows.iter().enumerate() {
            row.print();
            let before = at.checked_sub(1).and_then(|before| self.rows.get(before));
            if let Some(other) = before.filter(|other| other.exchange == row.exchange) {
                row.print_beside(other, echo);
            }
        }
        println!();
    }
}

impl Row {
    fn print(&self) {
        let rounds = self.runs.iter().take(MOST_ROUNDS).map(|run| format!("{:.1}", cpu_per_request(run)));
        let more = (self.runs.len() > MOST_ROUNDS).then(|| format!("and {} more", self.runs.len() - MOST_ROUNDS));
        let rounds: Vec<String> = rounds.chain(more).collect();
        let mut latencies: Vec<Duration> = self.runs.iter().flat_map(|run| run.latencies.iter().copied()).collect();
        latencies.sort_unstable();
        println!(
            "{:<9} {:<12} {:>11.0} {:>15.2} {:>26} {:>8} {:>8}",
            self.exchange,
            self.server,
            self.rate(),
            self.cpu_per_request(),
            rounds.join(" "),
            percentile(&latencies, 50).as_micros(),
            percentile(&latencies, 99).as_micros(),
        );
    }

    /// The ratio to another server, with its spread over the rounds, and to the bare echo.
    fn print_beside(&self, other: &Row, echo: Option<&Row>) {
        let ratios =
            other.runs.iter().zip(&self.runs).map(|(other, own)| cpu_per_request(other) / cpu_per_request(own));
        let (least, most) =
            ratios.fold((f64::MAX, 0.0_f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
        let (cpu, rate) = (other.cpu_per_request() / self.cpu_per_request(), self.rate() / other.rate());
        print!(
            "{:<9} {}: 1/{cpu:.1} of the CPU (1/{least:.1} to 1/{most:.1}), {rate:.1} times the rate",
            "", self.server
        );
        match echo {
            Some(echo) => println!(", {:.2} times the bare echo", self.cpu_per_request() / echo.cpu_per_request()),
            None => println!(),
        }
    }

    fn requests(&self) -> f64 {
        self.runs.iter().map(|run| run.requests as f64).sum()
    }

    fn rate(&self) -> f64 {
        self.requests() / self.runs.iter().map(|run| run.elapsed.as_secs_f64()).sum::<f64>()
    }

    fn cpu_per_request(&self) -> f64 {
        self.runs.iter().map(|run| run.cpu.as_secs_f64() * 1e6).sum::<f64>() / self.requests()
    }
}

fn cpu_per_request(run: &Measured) -> f64 {
    run.cpu.as_secs_f64() * 1e6 / run.requests as f64
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(at).copied().unwrap_or_default()
}
