//! The table.

use crate::load::Measured;
use std::time::Duration;

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
            "{:<9} {:<12} {:>11} {:>15} {:>18} {:>8} {:>8}",
            "exchange", "server", "requests/s", "CPU us/request", "(rounds)", "p50 us", "p99 us"
        );
        for (at, row) in self.rows.iter().enumerate() {
            row.print();
            let before = at.checked_sub(1).and_then(|before| self.rows.get(before));
            if let Some(other) = before.filter(|other| other.exchange == row.exchange) {
                let (cpu, rate) = (other.cpu_per_request() / row.cpu_per_request(), row.rate() / other.rate());
                println!("{:<9} {} takes 1/{cpu:.2} of the CPU, and answers {rate:.2} times as many", "", row.server);
            }
        }
        println!();
    }
}

impl Row {
    fn print(&self) {
        let rounds: Vec<String> = self.runs.iter().map(|run| format!("{:.1}", cpu_per_request(run))).collect();
        let mut latencies: Vec<Duration> = self.runs.iter().flat_map(|run| run.latencies.iter().copied()).collect();
        latencies.sort_unstable();
        println!(
            "{:<9} {:<12} {:>11.0} {:>15.2} {:>18} {:>8} {:>8}",
            self.exchange,
            self.server,
            self.rate(),
            self.cpu_per_request(),
            rounds.join(" "),
            percentile(&latencies, 50).as_micros(),
            percentile(&latencies, 99).as_micros(),
        );
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
