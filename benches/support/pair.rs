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
    ours: Taken<f64>,
    bare: Option<Taken<f64>>,
}

/// What something took: time on the clock, and of the processor's by this thread, where the system tells it.
#[derive(Clone, Copy, Default)]
pub struct Taken<T> {
    pub wall: T,
    pub cpu: T,
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
                    let mut taken = [Taken::<Duration>::default(); 2];
                    let mut left = calls;
                    while left > 0 {
                        let turn = left.min(TURN);
                        taken[0].add(timed(|| ours(turn)));
                        taken[1].add(timed(|| bare(turn)));
                        left -= turn;
                    }
                    for (samples, taken) in samples.iter_mut().zip(taken) {
                        samples.push(taken.per(calls));
                    }
                    taken[side].wall
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
                samples.push(Taken { wall: taken, cpu: Duration::ZERO }.per(calls));
                taken
            });
        });
        self.0.extend(median(samples).map(|ours| Row { name: name.to_owned(), ours, bare: None }));
    }

    /// The medians in microseconds, as a Markdown table.
    pub fn print(&self) {
        println!("| | this crate | by hand | difference | ratio | CPU | CPU by hand | difference |");
        println!("|---|---|---|---|---|---|---|---|");
        let us = |seconds: f64| format!("{:.2} µs", seconds * 1e6);
        for Row { name, ours, bare } in &self.0 {
            match bare {
                Some(bare) => {
                    let ratio = ours.wall / bare.wall;
                    let [wall, cpu] = [(ours.wall, bare.wall), (ours.cpu, bare.cpu)]
                        .map(|(ours, bare)| [us(ours), us(bare), us(ours - bare)].join(" | "));
                    println!("| {name} | {wall} | {ratio:.3} | {cpu} |");
                }
                None => println!("| {name} | {} | | | | | | |", us(ours.wall)),
            }
        }
    }
}

impl Taken<Duration> {
    fn add(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }

    fn per(self, calls: u64) -> Taken<f64> {
        let per = |time: Duration| time.as_secs_f64() / calls as f64;
        Taken { wall: per(self.wall), cpu: per(self.cpu) }
    }
}

pub fn timed(run: impl FnOnce()) -> Taken<Duration> {
    let (cpu, started) = (cpu(), Instant::now());
    run();
    Taken { wall: started.elapsed(), cpu: self::cpu().saturating_sub(cpu) }
}

/// How long this thread has run. Linux adds to it whenever the thread begins to wait, as every call does.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or_default();
    Duration::from_nanos(nanoseconds)
}

fn median(samples: Vec<Taken<f64>>) -> Option<Taken<f64>> {
    let middle = |of: fn(&Taken<f64>) -> f64| {
        let mut values: Vec<_> = samples.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Some(Taken { wall: middle(|taken| taken.wall)?, cpu: middle(|taken| taken.cpu)? })
}
