//! Makes calls for callgrind to count; `benches/instructions` says how.
//!
//! `serve` prints the URL of a server and serves until its input ends; `SIDE CALLS URL` makes so many calls there.

mod support;

use std::hint::black_box;

fn main() {
    // `cargo bench` appends an argument of its own.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", what] => {
            println!("{}", support::serve(what));
            let _ = std::io::stdin().read_line(&mut String::new());
        }
        [side, calls, url] => {
            let calls = calls.parse().expect("a number of calls");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(make(side, calls, url));
        }
        _ => println!("run benches/instructions"),
    }
}

async fn make(side: &str, calls: usize, url: &str) {
    let (ours, dated, bare) = (support::ours(url), support::ours_dated(url), support::Bare::new(url));
    for _ in 0..calls {
        match side {
            "ours-associate" => drop(black_box(support::associate(&ours).await)),
            "bare-associate" => drop(black_box(bare.associate().await)),
            "ours-dated" => drop(black_box(support::associate_dated(&dated).await)),
            "bare-dated" => drop(black_box(bare.associate_dated().await)),
            "ours-list" => drop(black_box(support::list(&ours).await)),
            "bare-list" => drop(black_box(bare.list().await)),
            other => panic!("no such side: {other}"),
        }
    }
}
