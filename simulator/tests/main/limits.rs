//! The simulator's rate limits.

use std::time::Duration;

use hubspot_simulator::{OAuthApp, RateLimits, Simulator, SimulatorBuilder};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::support::cpu;

const PARTNER_CLIENT: &str = "/crm/v3/objects/partner_clients/512";

/// A caller that keeps its connection.
struct Caller {
    http: Client,
    simulator: Simulator,
}

impl Caller {
    async fn of(simulator: SimulatorBuilder) -> Self {
        Self { http: Client::new(), simulator: simulator.start().await.unwrap() }
    }

    async fn get(&self) -> Response {
        self.get_as(self.simulator.access_token()).await
    }

    async fn get_as(&self, token: &str) -> Response {
        let url = format!("{}{PARTNER_CLIENT}", self.simulator.base_url());
        self.http.get(url).bearer_auth(token).send().await.unwrap()
    }

    async fn search(&self) -> Response {
        let url = format!("{}/crm/v3/objects/partner_clients/search", self.simulator.base_url());
        self.http.post(url).bearer_auth(self.simulator.access_token()).send().await.unwrap()
    }

    /// How many of `requests` are accepted.
    async fn accepted(&self, requests: usize) -> usize {
        let mut accepted = 0;
        for _ in 0..requests {
            accepted += usize::from(self.get().await.status() == 200);
        }
        accepted
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    Some(response.headers().get(format!("x-hubspot-ratelimit-{name}"))?.to_str().unwrap())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_nothing_is_refused_and_no_header_tells_of_one() {
    let caller = Caller::of(Simulator::builder()).await;
    assert_eq!(caller.accepted(300).await, 300);
    let response = caller.get().await;
    for name in ["max", "remaining", "interval-milliseconds", "daily", "daily-remaining"] {
        assert_eq!(header(&response, name), None, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_rolls_and_an_accepted_request_leaves_it_after_exactly_ten_seconds() {
    let caller = Caller::of(Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(3))).await;
    assert_eq!(caller.accepted(1).await, 1);
    advance(seconds(4)).await;
    assert_eq!(caller.accepted(5).await, 2);
    advance(seconds(6) - Duration::from_millis(1)).await;
    assert_eq!(caller.accepted(1).await, 0, "the first request still counts 9.999 s later");
    advance(Duration::from_millis(1)).await;
    assert_eq!(caller.accepted(3).await, 1, "only the first request has left the window after 10 s");
    advance(seconds(4)).await;
    assert_eq!(caller.accepted(3).await, 2, "refused requests did not count");
}

#[tokio::test(start_paused = true)]
async fn headers_tell_how_things_stand_on_answers_of_every_status() {
    let limits = RateLimits::default().per_ten_seconds(2).per_day(100);
    let caller = Caller::of(Simulator::builder().rate_limits(limits)).await;
    for (status, remaining, today) in [(200, "1", "99"), (200, "0", "98"), (429, "0", "98")] {
        let response = caller.get().await;
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "max"), Some("2"));
        assert_eq!(header(&response, "remaining"), Some(remaining));
        assert_eq!(header(&response, "interval-milliseconds"), Some("10000"));
        assert_eq!(header(&response, "daily"), Some("100"));
        assert_eq!(header(&response, "daily-remaining"), Some(today));
    }
    advance(seconds(10)).await;
    let url = format!("{}/crm/v3/objects/partner_clients/1", caller.simulator.base_url());
    let missing = caller.http.get(url).bearer_auth(caller.simulator.access_token()).send().await.unwrap();
    assert_eq!((missing.status().as_u16(), header(&missing, "remaining")), (404, Some("1")));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_has_hubspots_body() {
    for (limits, search, policy, message) in [
        (
            RateLimits::default().per_ten_seconds(0),
            false,
            "TEN_SECONDLY_ROLLING",
            "You have reached your ten_secondly_rolling limit.",
        ),
        (RateLimits::default().per_day(0), false, "DAILY", "You have reached your daily limit."),
        (RateLimits::default().searches_per_second(0), true, "SECONDLY", "You have reached your secondly limit."),
    ] {
        let caller = Caller::of(Simulator::builder().rate_limits(limits)).await;
        let response = if search { caller.search().await } else { caller.get().await };
        assert_eq!(response.status(), 429);
        let id = response.headers()["x-hubspot-correlation-id"].to_str().unwrap().to_owned();
        assert_eq!(
            response.json::<Value>().await.unwrap(),
            json!({
                "status": "error", "message": message, "errorType": "RATE_LIMIT", "correlationId": id,
                "policyName": policy, "groupName": "simulator",
            })
        );
        assert_eq!(caller.simulator.requests()[0].status(), Some(429));
    }
}

#[tokio::test(start_paused = true)]
async fn searches_have_a_window_of_one_second_to_themselves() {
    let limits = RateLimits::default().per_ten_seconds(1).searches_per_second(5);
    let caller = Caller::of(Simulator::builder().rate_limits(limits)).await;
    for refused in [false, false, false, false, false, true] {
        let response = caller.search().await;
        assert_eq!(response.status() == 429, refused);
        assert_eq!(header(&response, "max"), None);
        assert_eq!(header(&response, "daily"), None);
    }
    assert_eq!(caller.accepted(2).await, 1);
    advance(Duration::from_millis(999)).await;
    assert_eq!(caller.search().await.status(), 429);
    advance(Duration::from_millis(1)).await;
    assert_ne!(caller.search().await.status(), 429);
}

#[tokio::test(start_paused = true)]
async fn the_daily_limit_ends_with_the_day() {
    let caller = Caller::of(Simulator::builder().rate_limits(RateLimits::default().per_day(2))).await;
    advance(seconds(23 * 3600)).await;
    assert_eq!(caller.accepted(3).await, 2);
    advance(seconds(3599)).await;
    assert_eq!(caller.accepted(1).await, 0);
    advance(seconds(1)).await;
    assert_eq!(caller.accepted(3).await, 2);
}

#[tokio::test(start_paused = true)]
async fn calls_on_associations_have_a_day_of_their_own_and_count_in_that_of_all() {
    let limits: RateLimits = "4/day,2/day-associations".parse().unwrap();
    assert_eq!(limits, RateLimits::default().per_day(4).associations_per_day(2));
    let caller = Caller::of(Simulator::builder().rate_limits(limits)).await;
    let types = async |path: &str| {
        let url = format!("{}{path}", caller.simulator.base_url());
        caller.http.get(url).bearer_auth(caller.simulator.access_token()).send().await.unwrap()
    };
    let (v3, dated) = (
        "/crm/v3/associations/partner_clients/companies/types",
        "/crm/associations/2026-09/partner_clients/companies/labels",
    );
    for (path, left) in [(v3, "3"), (dated, "2")] {
        let answer = types(path).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "daily-remaining")), (200, Some(left)));
    }
    for path in [v3, dated] {
        let refused = types(path).await;
        assert_eq!((refused.status().as_u16(), header(&refused, "daily-remaining")), (429, Some("2")));
        assert_eq!(refused.json::<Value>().await.unwrap()["policyName"], "DAILY");
    }
    assert_eq!(caller.accepted(3).await, 2, "the others go on until the day of all ends");
    advance(seconds(24 * 3600)).await;
    assert_eq!((types(v3).await.status(), caller.accepted(1).await), (200.try_into().unwrap(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_new_limit_holds_at_once_and_for_what_was_accepted_before_it() {
    let caller = Caller::of(Simulator::builder()).await;
    assert_eq!(caller.accepted(4).await, 4);
    caller.simulator.set_rate_limits(RateLimits::default().per_ten_seconds(5));
    assert_eq!(caller.accepted(3).await, 1);
    caller.simulator.set_rate_limits(RateLimits::default().per_ten_seconds(7));
    assert_eq!(caller.accepted(3).await, 2);
    caller.simulator.set_rate_limits(RateLimits::default().per_ten_seconds(3));
    let refused = caller.get().await;
    assert_eq!((header(&refused, "max"), header(&refused, "remaining")), (Some("3"), Some("0")));
    caller.simulator.set_rate_limits(RateLimits::default());
    assert_eq!(caller.accepted(3).await, 3);
}

#[tokio::test(start_paused = true)]
async fn each_token_has_its_own_allowance_and_an_unknown_one_is_refused_before_the_limit() {
    let simulator = Simulator::builder()
        .token("other", ["crm.objects.partner-clients.read"])
        .rate_limits(RateLimits::default().per_ten_seconds(1));
    let caller = Caller::of(simulator).await;
    assert_eq!(caller.accepted(2).await, 1);
    assert_eq!(caller.get_as("other").await.status(), 200);
    assert_eq!(caller.get_as("other").await.status(), 429);
    for _ in 0..2 {
        let unknown = caller.get_as("unknown").await;
        assert_eq!((unknown.status().as_u16(), header(&unknown, "max")), (401, None));
    }
}

#[tokio::test(start_paused = true)]
async fn all_access_tokens_of_an_app_share_an_allowance() {
    let simulator = Simulator::builder()
        .oauth_app(OAuthApp::new("id", "secret", "refresh"))
        .rate_limits(RateLimits::default().per_ten_seconds(1));
    let caller = Caller::of(simulator).await;
    for status in [200, 429] {
        let url = format!("{}/oauth/v3/token", caller.simulator.base_url());
        let form = "grant_type=refresh_token&client_id=id&client_secret=secret&refresh_token=refresh";
        let form_type = "application/x-www-form-urlencoded";
        let answer = caller.http.post(url).header("content-type", form_type).body(form).send().await.unwrap();
        let grant: Value = answer.json().await.unwrap();
        assert_eq!(caller.get_as(grant["access_token"].as_str().unwrap()).await.status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_requests_under_a_limit_are_quick() {
    let caller = Caller::of(Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(5_000))).await;
    let began = cpu();
    assert_eq!(caller.accepted(10_000).await, 5_000);
    let refused = caller.simulator.requests().iter().filter(|request| request.status() == Some(429)).count();
    assert_eq!(refused, 5_000);
    let took = cpu() - began;
    assert!(took < seconds(60), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn searches_count_in_the_day_and_tell_of_it_alone() {
    let limits = RateLimits::default().per_ten_seconds(10).per_day(3);
    let caller = Caller::of(Simulator::builder().rate_limits(limits)).await;
    assert_eq!(caller.accepted(1).await, 1);
    let response = caller.search().await;
    assert_eq!((header(&response, "daily"), header(&response, "daily-remaining")), (Some("3"), Some("1")));
    assert_eq!((header(&response, "max"), header(&response, "remaining")), (None, None));
    assert_ne!(caller.search().await.status(), 429);
    assert_eq!(caller.search().await.status(), 429);
    assert_eq!(caller.accepted(1).await, 0);
}

#[tokio::test]
async fn a_missing_scope_is_answered_without_the_limits() {
    let builder = Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(10)).token("nobody", ["x"]);
    let caller = Caller::of(builder).await;
    let url = format!("{}/crm/v3/objects/partner_clients", caller.simulator.base_url());
    let response = reqwest::Client::new().get(url).bearer_auth("nobody").send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "max")), (403, None));
}
