//! What a bulk run that is stopped says of the inputs that have no outcome: those that it tells to have changed nothing have
//! not, and it tells so of all whose requests HubSpot refused or never had.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use futures_util::{FutureExt, StreamExt};
use hubspot_partner_clients::{
    AccessToken, Association, Attempt, Client, Observer, RetryPolicy, TokenFuture, TokenProvider,
    bulk::{Bulk, Strategy},
};
use hubspot_simulator::{
    AssociationCategory, Fault, InvalidAssociations, RateLimits, RecordedRequest, Simulator, UnlabeledCompanions,
};
use serde_json::Value;
use tokio::time::sleep;

use crate::support::{client_speaking, crm, sized};

const FOR_EVER: Duration = Duration::from_secs(600);

type Triple = (u64, u64, u64);

/// The associations of some partner clients with companies.
fn state(hubspot: &Simulator) -> BTreeSet<Triple> {
    let of = |client: u64| {
        let all = hubspot.associations(&client.to_string()).into_iter();
        all.map(move |made| (client, made.to_object_id.parse().unwrap(), made.type_id))
    };
    (1..=4).flat_map(of).collect()
}

/// Whether a request changes something.
fn writes(request: &RecordedRequest) -> bool {
    let reads = ["/read", "/labels", "/types"].iter().any(|end| request.path().ends_with(end));
    request.method() != "GET" && !reads
}

/// The pairs that a request is to change.
fn named(request: &RecordedRequest) -> BTreeSet<(u64, u64)> {
    let mut ids = request.path().split('/').filter_map(|part| part.parse().ok());
    let mut pairs: BTreeSet<_> = ids.next().zip(ids.next()).into_iter().collect();
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let id = |of: &Value| of["id"].as_str().and_then(|id| id.parse().ok());
    for input in body["inputs"].as_array().into_iter().flatten() {
        let to = input["to"].as_array().cloned().unwrap_or_else(|| vec![input["to"].clone()]);
        pairs.extend(to.iter().filter_map(|to| id(&input["from"]).zip(id(to))));
    }
    pairs
}

// Any run, any responses to its requests, one of which is held back while the run is stopped.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_became_of_its_requests_a_stopped_run_tells_what_certainly_changed_nothing() {
    let (mut unchanged, mut doubtful) = (0, 0);
    for seed in 0..sized(200, 60) as u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (version, is_removal) = (["v3", "2026-09"][random.usize(0..2)], random.bool());
        let strategy = [Strategy::Automatic, Strategy::Batch, Strategy::Single][random.usize(0..3)];
        let concurrency = random.usize(1..=3);
        let mut inputs: Vec<Triple> = (0..random.usize(1..=30))
            .map(|_| (random.u64(1..=4), random.u64(1..=9), [7, 36][random.usize(0..2)]))
            .collect();
        let mut seen = BTreeSet::new();
        inputs.retain(|input| seen.insert(*input));
        let modes = [InvalidAssociations::RefuseNaming, InvalidAssociations::Refuse, InvalidAssociations::Partial];
        let mut builder = crm(4, 8)
            .invalid_associations(modes[random.usize(0..3)])
            .unlabeled_companions(UnlabeledCompanions::Never)
            .association_type("companies", 7, "partner_client_to_company_unlabeled")
            .association_label("companies", AssociationCategory::UserDefined, 36, "Payer");
        if is_removal {
            for (client, company, kind) in inputs.iter().filter(|input| input.1 < 9) {
                builder = builder.association(client.to_string(), "companies", company.to_string(), kind.to_string());
            }
        }
        let hubspot = builder.start().await.unwrap();
        let before = state(&hubspot);
        // Without failures of the server it is known which requests changed nothing.
        let is_exact = concurrency == 1 && random.bool();
        let held = random.usize(0..12);
        let answers = (0..held).map(|_| match random.u8(0..10) {
            0..5 => None,
            5..8 => Some(Fault::status([400, 404, 409, 403][random.usize(0..4)])),
            _ if is_exact => None,
            8 => Some(Fault::status(502).after_operation()),
            _ => Some(Fault::reset()),
        });
        let mut answers: Vec<_> = answers.collect();
        let is_carried_out = random.bool();
        let hold = Fault::delay(FOR_EVER);
        answers.push(Some(if is_carried_out { hold.after_operation() } else { hold }));
        hubspot.inject(Fault::script(answers));

        let client = client_speaking(&hubspot, version);
        let associations: Vec<_> = inputs
            .iter()
            .map(|(client, company, kind)| Association::new(*client, "companies", *company, kind.to_string()))
            .collect();
        let bulk: Bulk =
            if is_removal { client.dissociate_many(associations) } else { client.associate_many(associations) };
        let bulk = bulk.strategy(strategy).concurrency(concurrency).as_they_come();
        let mut outcomes = bulk.retry(RetryPolicy::never()).outcomes();
        let mut has_outcome = BTreeSet::new();
        let is_held = async {
            while hubspot.requests().len() <= held {
                sleep(Duration::from_millis(1)).await;
            }
        };
        // Others may be ready.
        let most = if random.bool() { usize::MAX } else { random.usize(1..6) };
        let all = async {
            while let Some(outcome) = outcomes.next().await {
                has_outcome.insert(outcome.index as usize);
                if has_outcome.len() == most {
                    break;
                }
            }
        };
        tokio::select! {
            () = all => {}
            () = is_held => {}
        }
        let is_unchanged = outcomes.stop();
        // What others sent beside the one that is held back.
        sleep(Duration::from_millis(if concurrency > 1 { 20 } else { 0 })).await;
        let after = state(&hubspot);
        let last = hubspot.requests().get(held).filter(|held| writes(held)).map(named).unwrap_or_default();
        for (index, input) in inputs.iter().enumerate().filter(|(index, _)| !has_outcome.contains(index)) {
            let is_changed = before.contains(input) != after.contains(input);
            let told = is_unchanged(index as u64);
            assert!(!(told && is_changed), "{seed}: {input:?} of {inputs:?} was changed");
            // What is not there is removed as well, unless dated versions refuse it.
            let is_possible = before.contains(input) == is_removal || version != "v3";
            if is_exact && is_possible && !is_changed && !last.contains(&(input.0, input.1)) {
                assert!(
                    told,
                    "{seed} {version} {strategy:?} removal {is_removal}: {input:?} was certainly not changed"
                );
            }
            *(if told { &mut unchanged } else { &mut doubtful }) += 1;
        }
    }
    assert!(unchanged > 50 && doubtful > 50, "{unchanged} {doubtful}");
}

/// Counts the attempts of associating that have ended.
#[derive(Default)]
struct Ended(AtomicUsize);

impl Observer for Ended {
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        self.0.fetch_add(usize::from(attempt.operation.id.ends_with("associate")), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn what_waits_for_the_rate_limit_when_a_run_is_stopped_certainly_changed_nothing() {
    for is_refused in [false, true] {
        let hubspot = crm(1, 8).rate_limits(RateLimits::default().per_ten_seconds(3)).start().await.unwrap();
        let ended = Arc::new(Ended::default());
        let client = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token());
        let client = client.observer(Arc::clone(&ended)).build().unwrap();
        if is_refused {
            hubspot.inject(Fault::status(429).retry_after(Duration::from_secs(30)).on("associate"));
        } else {
            for _ in 0..3 {
                client.get(1).await.unwrap();
            }
        }
        let inputs = (1..=8_u64).map(|company| (1_u64, ("companies", company), "owner"));
        let mut outcomes = client.associate_many(inputs).strategy(Strategy::Single).concurrency(2).outcomes();
        let waits = async {
            let is_waiting = || match is_refused {
                true => ended.0.load(Ordering::SeqCst) == 2,
                false => client.rate_limit_status().general.waiting == 2,
            };
            while !is_waiting() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            outcome = outcomes.next() => panic!("it does not wait: {outcome:?}"),
            () = waits => {}
        }
        assert!((0..8).all(outcomes.stop()), "refused: {is_refused}");
        assert_eq!(hubspot.association_count(), 0);
    }
}

/// A provider that holds up the second who asks, and with him the thread, until somebody lets him go.
struct Turnstile {
    token: AccessToken,
    asked: AtomicUsize,
    arrives: Sender<()>,
    goes: Mutex<Receiver<()>>,
}

impl TokenProvider for Turnstile {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            if self.asked.fetch_add(1, Ordering::SeqCst) == 1 {
                self.arrives.send(()).unwrap();
                self.goes.lock().unwrap().recv().unwrap();
            }
            Ok(self.token.clone())
        })
    }
}

/// The task of a request may go on in another thread while the run is stopped.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_to_have_changed_nothing_is_not_sent_afterwards() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let (arrives, arrived) = channel();
    let (go, goes) = channel();
    let token = AccessToken::new(hubspot.access_token()).unwrap();
    let provider = Turnstile { token, asked: AtomicUsize::new(0), arrives, goes: Mutex::new(goes) };
    let ended = Arc::new(Ended::default());
    let client = Client::builder().base_url(hubspot.base_url()).token_provider(provider).observer(Arc::clone(&ended));
    let client = client.build().unwrap();
    // There is a connection from now on.
    client.get(1).await.unwrap();
    let mut outcomes = client.associate_many([(1_u64, ("companies", 1_u64), "owner")]).outcomes();
    assert!(outcomes.next().now_or_never().is_none());
    arrived.recv().unwrap();
    let is_unchanged = outcomes.stop();
    assert!(is_unchanged(0));
    go.send(()).unwrap();
    sleep(Duration::from_millis(200)).await;
    assert_eq!((hubspot.association_count(), hubspot.requests().len()), (0, 1));
    assert_eq!(ended.0.load(Ordering::SeqCst), 0, "none was begun");
}
