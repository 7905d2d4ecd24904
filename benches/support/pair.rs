//! Two ways to do the same, timed in turns, so that whatever else the machine does hits both.

use std::time::{Duration, Instant};

use criterion::Criterion;

/// So many calls in a row by one side, then by the other.
const TURN: u64 = 16;

/// What was measured, for the table at the end.
#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    name: String,
    ours: f64,
    bare: Option<f64>,
}

impl Table {
    /// Times both sides; each makes as many calls as it is told to.
    pub fn pair(
        &mut self,
        criterion: &mut Criterion,
        name: &str,
        mut ours: impl FnMut(u64),
        mut bare: impl FnMut(u64),
    ) {
        let mut samples = [Vec::new(), Vec::new()];
        let mut group = criterion.benchmark_group(name);
        for (side, of) in ["this crate", "by hand"].into_iter().enumerate() {
            group.bench_function(of, |bencher| {
                bencher.iter_custom(|calls| {
                    let mut taken = [Duration::ZERO; 2];
                    let mut left = calls;
                    while left > 0 {
                        let turn = left.min(TURN);
                        taken[0] += timed(|| ours(turn));
                        taken[1] += timed(|| bare(turn));
                        left -= turn;
                    }
                    for (samples, taken) in samples.iter_mut().zip(taken) {
                        samples.push(taken.as_secs_f64() / calls as f64);
                    }
                    taken[side]
                });
            });
        }
        group.finish();
        let [ours, bare] = samples.map(median);
        self.0.extend(ours.map(|ours| Row { name: name.to_owned(), ours, bare }));
    }

    /// Takes the times of what has no counterpart.
    pub fn single(&mut self, criterion: &mut Criterion, name: &str, mut ours: impl FnMut(u64) -> Duration) {
        let mut samples = Vec::new();
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|calls| {
                let taken = ours(calls);
                samples.push(taken.as_secs_f64() / calls as f64);
                taken
            });
        });
        self.0.extend(median(samples).map(|ours| Row { name: name.to_owned(), ours, bare: None }));
    }

    /// The medians in microseconds, as a Markdown table.
    pub fn print(&self) {
        println!("| | this crate | by hand | difference | ratio |\n|---|---|---|---|---|");
        for Row { name, ours, bare } in &self.0 {
            let us = |seconds: f64| format!("{:.2} µs", seconds * 1e6);
            match bare {
                Some(bare) => {
                    let (difference, ratio) = (us(ours - bare), ours / bare);
                    println!("| {name} | {} | {} | {difference} | {ratio:.3} |", us(*ours), us(*bare));
                }
                None => println!("| {name} | {} | | | |", us(*ours)),
            }
        }
    }
}

pub fn timed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

fn median(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied()
}
