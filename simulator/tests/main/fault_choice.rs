//! Which requests the simulator's faults strike.

use std::time::Duration;

use hubspot_simulator::{Fault, RateLimits, Simulator};
use reqwest::{Client, Method};

use crate::{
    faults::{ASSOCIATION, ASSOCIATIONS, PARTNER_CLIENT, TYPES, associate, get, header, next, send, with},
    support::cpu,
};

#[tokio::test(start_paused = true)]
async fn a_fault_strikes_only_the_operation_it_names() {
    let calls = [
        ("associate", Method::PUT, ASSOCIATION),
        ("dissociate", Method::DELETE, ASSOCIATION),
        ("list_associations", Method::GET, ASSOCIATIONS),
        ("get", Method::GET, PARTNER_CLIENT),
        ("association_types", Method::GET, TYPES),
        ("oauth_token", Method::POST, "/oauth/2026-03/token"),
        ("oauth_token", Method::POST, "/oauth/v3/token"),
        ("oauth_token", Method::POST, "/oauth/v1/token"),
        ("nothing", Method::GET, "/nowhere"),
        ("nothing", Method::POST, PARTNER_CLIENT),
    ];
    for (named, ..) in &calls {
        let simulator = with(Fault::empty(599).on(*named)).await;
        for (operation, method, path) in &calls {
            let struck = send(&simulator, method.clone(), path).await.unwrap().status() == 599;
            assert_eq!(struck, named == operation && *named != "nothing", "{named}: {method} {path}");
        }
    }
    let simulator = with(Fault::empty(599)).await;
    for (_, method, path) in calls {
        assert_eq!(send(&simulator, method, path).await.unwrap().status(), 599, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probability_is_kept_and_a_seed_repeats_itself() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let simulator = with(Fault::empty(503).with_probability(0.25, seed)).await;
        runs.push(next(&simulator, 1_000).await);
    }
    let [first, same, other] = runs.try_into().unwrap();
    let struck = first.iter().filter(|status| **status == 503).count();
    assert!((200..300).contains(&struck), "{struck}");
    assert_eq!(first, same);
    assert_ne!(first, other);
    for (probability, status) in [(0.0, 200), (1.0, 503), (f64::NAN, 200)] {
        let simulator = with(Fault::empty(503).with_probability(probability, 1)).await;
        assert_eq!(next(&simulator, 20).await, [status; 20]);
    }
}

#[tokio::test(start_paused = true)]
async fn shares_given_as_text_draw_apart_and_repeat_themselves() {
    let faults = || ["503:50%:get", "502:50%:association_types"].map(|text| text.parse::<Fault>().unwrap());
    let [first, second] = faults();
    let simulator = with(first).await;
    simulator.inject(second);
    let mut runs = Vec::new();
    for _ in 0..2 {
        let mut struck = [Vec::new(), Vec::new()];
        for _ in 0..64 {
            for (struck, path) in struck.iter_mut().zip([PARTNER_CLIENT, TYPES]) {
                struck.push(send(&simulator, Method::GET, path).await.unwrap().status() != 200);
            }
        }
        assert_ne!(struck[0], struck[1], "each fault draws for itself");
        runs.push(struck);
        simulator.clear_faults();
        let script = Fault::script([Some("500".parse().unwrap()), None]);
        simulator.inject(script);
        next(&simulator, 2).await;
        faults().into_iter().for_each(|fault| simulator.inject(fault));
    }
    assert_eq!(runs[0], runs[1], "and as it did before");
}

#[tokio::test(start_paused = true)]
async fn a_fault_ends_after_its_times_or_when_cleared() {
    let simulator = with(Fault::empty(503).times(2)).await;
    assert_eq!(next(&simulator, 4).await, [503, 503, 200, 200]);
    simulator.inject(Fault::empty(502));
    assert_eq!(next(&simulator, 3).await, [502, 502, 502]);
    simulator.clear_faults();
    assert_eq!(next(&simulator, 1).await, [200]);
    simulator.inject(Fault::empty(502).times(0));
    assert_eq!(next(&simulator, 1).await, [200]);
}

#[tokio::test(start_paused = true)]
async fn a_script_is_followed_in_order_and_then_over() {
    let script = [Some(Fault::empty(500)), None, Some(Fault::empty(502)), Some(Fault::empty(503).on("associate"))];
    let simulator = with(Fault::script(script)).await;
    assert_eq!(next(&simulator, 6).await, [500, 200, 502, 200, 200, 200]);
    simulator
        .inject(Fault::script([Some(Fault::empty(500)), Some(Fault::empty(501))]).retry_after(Duration::from_secs(1)));
    assert_eq!(header(&get(&simulator).await, "retry-after"), Some("1"));
    assert_eq!(header(&get(&simulator).await, "retry-after"), Some("1"));
    assert_eq!(header(&get(&simulator).await, "retry-after"), None);
}

#[tokio::test(start_paused = true)]
async fn a_script_for_one_operation_waits_for_it() {
    let simulator = with(Fault::script([Some(Fault::empty(500)), None, Some(Fault::empty(503))]).on("associate")).await;
    for status in [500, 200, 503, 200] {
        assert_eq!(get(&simulator).await.status(), 200);
        assert_eq!(associate(&simulator).await.unwrap().status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn the_fault_injected_first_strikes_first() {
    let simulator = with(Fault::empty(500).times(1)).await;
    simulator.inject(Fault::script([None]));
    simulator.inject(Fault::empty(502).on("associate"));
    simulator.inject(Fault::empty(503).times(2));
    assert_eq!(next(&simulator, 5).await, [500, 200, 503, 503, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_request_refused_with_401_or_429_uses_no_fault_up() {
    let simulator = with(Fault::empty(503).times(1)).await;
    simulator.set_rate_limits(RateLimits::default().per_ten_seconds(0));
    let url = format!("{}{PARTNER_CLIENT}", simulator.base_url());
    assert_eq!(Client::new().get(url).send().await.unwrap().status(), 401);
    assert_eq!(get(&simulator).await.status(), 429);
    simulator.set_rate_limits(RateLimits::default().per_ten_seconds(2));
    assert_eq!(next(&simulator, 3).await, [503, 200, 429], "a struck request counts against the limit");
}

#[tokio::test(start_paused = true)]
async fn thousands_of_requests_with_faults_are_quick() {
    let mut builder = Simulator::builder();
    for company in 0..100 {
        builder = builder.object("companies", company.to_string(), [("name", "c")]);
    }
    let simulator = builder.start().await.unwrap();
    for _ in 0..5_000 {
        simulator.inject(Fault::empty(503).times(1).on("associate"));
    }
    let http = Client::new();
    let began = cpu();
    for number in 0..10_000 {
        let url = format!(
            "{}/crm/v3/objects/partner_clients/512/associations/companies/{}/1001",
            simulator.base_url(),
            number % 100
        );
        let response = http.put(url).bearer_auth(simulator.access_token()).send().await.unwrap();
        assert_eq!(response.status(), if number < 5_000 { 503 } else { 200 });
        response.bytes().await.unwrap();
    }
    assert_eq!(simulator.associations("512").len(), 100);
    let took = cpu() - began;
    assert!(took < Duration::from_secs(60), "{took:?}");
}
