//! What the facade costs: calls, requests, pages, limiter and token, next to the same by hand.
//!
//! `cargo bench -p benches --bench client` prints a Markdown table at its end.

#[path = "support/pair.rs"]
mod pair;
mod support;

use std::{hint::black_box, pin::pin, task::Poll, time::Duration};

use criterion::Criterion;
use futures_util::future::join_all;
use hubspot_partner_clients::{
    AccessToken, Client, PartnerClientsPage, PermitUsage, RateLimit, RateLimitHeaders, RateLimiter, RollingWindow,
    TokenFuture, TokenProvider, generated::types, spec::RateBucket,
};
use tokio::runtime::Runtime;

use pair::{Table, timed};
use support::{Bare, BarePage, TOKEN, ours};

fn main() {
    let mut criterion =
        Criterion::default().measurement_time(Duration::from_secs(6)).without_plots().configure_from_args();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut table = Table::default();
    associate(&mut table, &mut criterion, &runtime);
    list(&mut table, &mut criterion, &runtime);
    request(&mut table, &mut criterion, &runtime);
    encode(&mut table, &mut criterion);
    decode(&mut table, &mut criterion);
    limiter(&mut table, &mut criterion);
    token(&mut table, &mut criterion, &runtime);
    criterion.final_summary();
    table.print();
}

fn associate(table: &mut Table, criterion: &mut Criterion, runtime: &Runtime) {
    let url = support::serve("associate");
    let (ours, bare) = (ours(&url), Bare::new(&url));
    table.pair(
        criterion,
        "`associate`",
        repeated(runtime, async || drop(black_box(support::associate(&ours).await))),
        repeated(runtime, async || drop(black_box(bare.associate().await))),
    );
    table.pair(
        criterion,
        "`associate`, 32 in flight, each time 32 calls",
        repeated(runtime, async || drop(black_box(join_all((0..32).map(|_| support::associate(&ours))).await))),
        repeated(runtime, async || drop(black_box(join_all((0..32).map(|_| bare.associate())).await))),
    );
    let url = support::serve("dated");
    let (ours, bare) = (support::ours_dated(&url), Bare::new(&url));
    table.pair(
        criterion,
        "`associate` on a dated version",
        repeated(runtime, async || drop(black_box(support::associate_dated(&ours).await))),
        repeated(runtime, async || drop(black_box(bare.associate_dated().await))),
    );
    table.pair(
        criterion,
        "`associate` on a dated version, 32 in flight, each time 32 calls",
        repeated(runtime, async || drop(black_box(join_all((0..32).map(|_| support::associate_dated(&ours))).await))),
        repeated(runtime, async || drop(black_box(join_all((0..32).map(|_| bare.associate_dated())).await))),
    );
}

fn list(table: &mut Table, criterion: &mut Criterion, runtime: &Runtime) {
    let url = support::serve("list");
    let (ours, bare) = (ours(&url), Bare::new(&url));
    table.pair(
        criterion,
        "`list`, 100 objects of 50 properties",
        repeated(runtime, async || drop(black_box(support::list(&ours).await))),
        repeated(runtime, async || drop(black_box(bare.list().await))),
    );
}

/// A source of tokens that never gives one: a call goes as far as its request, and no further.
struct Never;

impl TokenProvider for Never {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::pending())
    }
}

fn request(table: &mut Table, criterion: &mut Criterion, runtime: &Runtime) {
    let url = "http://127.0.0.1:9";
    let ours = Client::builder().base_url(url).token_provider(Never).build().expect("a client");
    let bare = Bare::new(url);
    table.pair(
        criterion,
        "build the request of `associate`",
        repeated(runtime, async || {
            let mut call = pin!(support::associate(&ours));
            std::future::poll_fn(|context| Poll::Ready(black_box(call.as_mut().poll(context).is_pending()))).await;
        }),
        repeated(runtime, async || drop(black_box(bare.request().build()))),
    );
}

#[derive(serde::Serialize)]
struct BareInputs {
    inputs: Vec<BareInput>,
}

#[derive(serde::Serialize)]
struct BareInput {
    from: BareId,
    to: BareId,
    r#type: String,
}

#[derive(serde::Serialize)]
struct BareId {
    id: String,
}

fn encode(table: &mut Table, criterion: &mut Criterion) {
    let bare_id = |id: usize| BareId { id: id.to_string() };
    table.pair(
        criterion,
        "build and encode a batch of 1,000 associations",
        |calls| {
            for _ in 0..calls {
                let id = |id: usize| types::PublicObjectId { id: id.into() };
                let input = |n| types::PublicAssociation { from: id(n), to: id(n + 1), type_: "202".to_owned() };
                let batch = types::BatchInputPublicAssociation { inputs: (0..1_000).map(input).collect() };
                drop(black_box(serde_json::to_vec(&batch)));
            }
        },
        |calls| {
            for _ in 0..calls {
                let input = |n| BareInput { from: bare_id(n), to: bare_id(n + 1), r#type: "202".to_owned() };
                drop(black_box(serde_json::to_vec(&BareInputs { inputs: (0..1_000).map(input).collect() })));
            }
        },
    );
}

fn decode(table: &mut Table, criterion: &mut Criterion) {
    let page = support::page();
    table.pair(
        criterion,
        "decode a page of 100 objects of 50 properties",
        |calls| (0..calls).for_each(|_| drop(black_box(serde_json::from_str::<PartnerClientsPage>(&page)))),
        |calls| (0..calls).for_each(|_| drop(black_box(serde_json::from_str::<BarePage>(&page)))),
    );
}

/// Windows of several sizes while they fill up: the size makes no difference.
fn limiter(table: &mut Table, criterion: &mut Criterion) {
    for (limit, name) in [
        (100, "a permit, taken and settled, a window of 100 almost full"),
        (190, "a permit, taken and settled, a window of 190 almost full"),
        (10_000, "a permit, taken and settled, a window of 10,000 almost full"),
    ] {
        let mut headers = RateLimitHeaders::default();
        headers.limit = Some(limit);
        let mut take = |window: &RollingWindow, used: u32| {
            let permit = window.try_acquire(RateBucket::General).expect("room");
            headers.remaining = Some(limit - used - 1);
            window.release(permit, &PermitUsage::Response { headers, rate_limited: false });
        };
        table.single(criterion, name, |calls| {
            (0..calls)
                .map(|_| {
                    let window = RollingWindow::new(RateLimit::per_ten_seconds(limit));
                    (0..limit - 50).for_each(|used| take(&window, used));
                    timed(|| (limit - 50..limit).for_each(|used| take(&window, used))).wall / 50
                })
                .sum()
        });
    }
}

fn token(table: &mut Table, criterion: &mut Criterion, runtime: &Runtime) {
    let tokens: Box<dyn TokenProvider> = Box::new(AccessToken::new(TOKEN).expect("a token"));
    let mut ask = repeated(runtime, async || drop(black_box(tokens.access_token().await)));
    table.single(criterion, "a token", |calls| timed(|| ask(calls)).wall);
}

/// So many calls, one after another.
fn repeated(runtime: &Runtime, call: impl AsyncFn()) -> impl FnMut(u64) {
    move |calls| {
        runtime.block_on(async {
            for _ in 0..calls {
                call().await;
            }
        });
    }
}
