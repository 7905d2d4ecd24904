//! The simulator's faults.

use std::{ops::Deref, time::Duration};

use chrono::{DateTime, Utc};
use hubspot_simulator::{Fault, OAuthApp, Simulator, SimulatorBuilder};
use reqwest::{Client, Method, Response, redirect::Policy};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

pub(crate) const PARTNER_CLIENT: &str = "/crm/v3/objects/partner_clients/512";
pub(crate) const ASSOCIATION: &str = "/crm/v3/objects/partner_clients/512/associations/companies/9001/1001";
pub(crate) const ASSOCIATIONS: &str = "/crm/v3/objects/partner_clients/512/associations/companies";
pub(crate) const TYPES: &str = "/crm/v3/associations/partner_clients/companies/types";

/// A simulator and a caller that keeps its connections and follows no redirect.
pub(crate) struct Served {
    simulator: Simulator,
    http: Client,
}

impl Served {
    pub(crate) async fn by(simulator: SimulatorBuilder) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { simulator: simulator.start().await.unwrap(), http }
    }
}

impl Deref for Served {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}

pub(crate) async fn with(fault: Fault) -> Served {
    Served::by(Simulator::builder().fault(fault)).await
}

pub(crate) async fn send(served: &Served, method: Method, path: &str) -> reqwest::Result<Response> {
    let url = format!("{}{path}", served.base_url());
    served.http.request(method, url).bearer_auth(served.access_token()).send().await
}

pub(crate) async fn get(simulator: &Served) -> Response {
    send(simulator, Method::GET, PARTNER_CLIENT).await.unwrap()
}

pub(crate) async fn associate(simulator: &Served) -> reqwest::Result<Response> {
    send(simulator, Method::PUT, ASSOCIATION).await
}

pub(crate) fn statuses(simulator: &Simulator) -> Vec<Option<u16>> {
    simulator.requests().iter().map(|request| request.status()).collect()
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    Some(response.headers().get(name)?.to_str().unwrap())
}

/// The statuses of the next `count` requests.
pub(crate) async fn next(simulator: &Served, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(get(simulator).await.status().as_u16());
    }
    statuses
}

#[tokio::test(start_paused = true)]
async fn a_status_comes_with_the_error_body_of_hubspot() {
    for (status, category) in [
        (400, Some("VALIDATION_ERROR")),
        (401, Some("INVALID_AUTHENTICATION")),
        (403, Some("MISSING_SCOPES")),
        (404, Some("OBJECT_NOT_FOUND")),
        (409, Some("CONFLICT")),
        (423, None),
        (429, None),
        (477, None),
        (500, None),
        (502, None),
        (503, None),
        (504, None),
        (521, None),
        (524, None),
    ] {
        let simulator = with(Fault::status(status)).await;
        let response = get(&simulator).await;
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "retry-after"), if status == 477 { Some("60") } else { None });
        let id = header(&response, "x-hubspot-correlation-id").unwrap().to_owned();
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["status"], &body["correlationId"]), (&"error".into(), &id.into()));
        assert!(!body["message"].as_str().unwrap().is_empty());
        assert_eq!(body["category"].as_str(), category, "{body}");
        assert_eq!(statuses(&simulator), [Some(status)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_ends_no_answer_becomes_500() {
    for status in [0, 100, 199, 600, 1000] {
        let simulator = with(Fault::empty(status)).await;
        assert_eq!(get(&simulator).await.status(), 500, "{status}");
        assert_eq!(statuses(&simulator), [Some(500)], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_two_rate_limits_can_be_told_apart() {
    for (fault, policy) in [(Fault::status(429), "TEN_SECONDLY_ROLLING"), (Fault::daily_limit(), "DAILY")] {
        let response = get(&with(fault).await).await;
        assert_eq!(response.status(), 429);
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["policyName"], &body["errorType"]), (&policy.into(), &"RATE_LIMIT".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_comes_in_seconds_rounded_up() {
    for (wait, header_value) in [(Duration::from_secs(86_400), "86400"), (Duration::from_millis(1_001), "2")] {
        let simulator = with(Fault::status(477).retry_after(wait)).await;
        assert_eq!(header(&get(&simulator).await, "retry-after"), Some(header_value));
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_comes_as_an_http_date() {
    let simulator = with(Fault::status(423).retry_after_date(Duration::from_secs(90))).await;
    let before = Utc::now();
    let response = get(&simulator).await;
    let text = header(&response, "retry-after").unwrap();
    assert!(text.ends_with(" GMT") && text.len() == 29, "{text}");
    let wait = DateTime::parse_from_rfc2822(text).unwrap().to_utc() - before;
    assert!((90_000..95_000).contains(&wait.num_milliseconds()), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_html_page_comes_under_its_own_type_or_as_json() {
    for (fault, content_type) in
        [(Fault::html(502), "text/html; charset=utf-8"), (Fault::html(502).as_json(), "application/json")]
    {
        let response = get(&with(fault).await).await;
        assert_eq!((response.status().as_u16(), header(&response, "content-type")), (502, Some(content_type)));
        assert_eq!(header(&response, "x-hubspot-correlation-id"), None, "a gateway knows none");
        assert!(response.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_be_empty_a_redirect_or_no_json() {
    let response = get(&with(Fault::empty(503)).await).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-length")), (503, Some("0")));

    let response = get(&with(Fault::redirect(307, "https://elsewhere.example/a?b")).await).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "location")),
        (307, Some("https://elsewhere.example/a?b"))
    );
    assert_eq!(header(&get(&with(Fault::redirect(302, "a\nb")).await).await, "location"), None);

    let response = get(&with(Fault::invalid_json()).await).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (200, Some("application/json")));
    assert!(response.json::<Value>().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_error_can_echo_what_must_stay_secret() {
    let fault = Fault::echo_credentials(400);
    let simulator = Served::by(Simulator::builder().oauth_app(OAuthApp::new("id", "s", "r")).fault(fault)).await;
    let response = get(&simulator).await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert!(body["message"].as_str().unwrap().contains(&format!("Bearer {}", simulator.access_token())), "{body}");

    let url = format!("{}/oauth/v3/token", simulator.base_url());
    let response = Client::new().post(url).body("client_secret=hush").send().await.unwrap();
    assert!(response.text().await.unwrap().contains("client_secret=hush"));
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_on_tokios_clock_and_a_caller_that_leaves_before_its_end_is_not_served() {
    let simulator = with(Fault::delay(Duration::from_secs(100))).await;
    let began = Instant::now();
    assert_eq!(associate(&simulator).await.unwrap().status(), 200);
    assert_eq!(began.elapsed().as_secs(), 100);
    assert_eq!(simulator.associations("512").len(), 1);

    for (fault, made) in
        [(Fault::delay(Duration::from_secs(100)), 0), (Fault::delay(Duration::from_secs(100)).after_operation(), 1)]
    {
        let simulator = with(fault).await;
        let late = tokio::time::timeout(Duration::from_secs(99), associate(&simulator)).await;
        assert!(late.is_err());
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(simulator.associations("512").len(), made);
        assert_eq!(statuses(&simulator), [None]);
    }
}

#[tokio::test(start_paused = true)]
async fn another_fault_can_be_delayed() {
    let simulator = with(Fault::status(524).delayed(Duration::from_secs(100))).await;
    let began = Instant::now();
    assert_eq!(get(&simulator).await.status(), 524);
    assert_eq!(began.elapsed().as_secs(), 100);
}

/// What a plain socket receives in answer to a GET, up to the end of the connection.
async fn received(simulator: &Simulator) -> (Vec<u8>, std::io::Result<()>) {
    let mut socket = TcpStream::connect(simulator.base_url().trim_start_matches("http://")).await.unwrap();
    let token = simulator.access_token();
    let request = format!("GET {PARTNER_CLIENT} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = socket.read_to_end(&mut bytes).await.map(|_| ());
    (bytes, end)
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_one_of_tcp_before_the_first_byte() {
    let simulator = with(Fault::reset().times(2)).await;
    let (bytes, end) = received(&simulator).await;
    assert_eq!((bytes.len(), end.unwrap_err().kind()), (0, std::io::ErrorKind::ConnectionReset));

    assert!(associate(&simulator).await.unwrap_err().is_request());
    assert!(simulator.associations("512").is_empty(), "struck before the operation");
    assert_eq!(statuses(&simulator), [None, None]);
    assert_eq!(associate(&simulator).await.unwrap().status(), 200, "later connections are untouched");
}

#[tokio::test(start_paused = true)]
async fn a_reset_strikes_a_connection_that_has_served_before() {
    let simulator = Simulator::start().await.unwrap();
    let http = Client::new();
    let get = || http.get(format!("{}{PARTNER_CLIENT}", simulator.base_url())).bearer_auth(simulator.access_token());
    assert_eq!(get().send().await.unwrap().bytes().await.unwrap().first(), Some(&b'{'));
    simulator.inject(Fault::reset().times(1));
    assert!(get().send().await.is_err());
    assert_eq!(get().send().await.unwrap().status(), 200);
    assert_eq!(statuses(&simulator), [Some(200), None, Some(200)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_be_lost_after_the_operation() {
    for fault in [Fault::reset(), Fault::html(502), Fault::status(500), Fault::truncated_body()] {
        let simulator = with(fault.after_operation()).await;
        if let Ok(response) = associate(&simulator).await {
            let read = response.status() == 200 && response.bytes().await.is_ok();
            assert!(!read);
        }
        assert_eq!(simulator.associations("512").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_truncated_body_ends_before_its_content_length() {
    let simulator = with(Fault::truncated_body()).await;
    let (bytes, end) = received(&simulator).await;
    end.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
    assert!(head.starts_with("HTTP/1.1 200"));
    assert_eq!(body.len(), length / 2);

    let response = get(&simulator).await;
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
    assert_eq!(statuses(&simulator), [Some(200), Some(200)]);
    assert_eq!(send(&simulator, Method::DELETE, ASSOCIATION).await.unwrap().status(), 204, "nothing to cut");
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_whole_in_the_end() {
    let whole = get(&Served::by(Simulator::builder()).await).await.content_length().unwrap();
    let simulator = with(Fault::slow_body(20, Duration::from_secs(3))).await;
    let began = Instant::now();
    let mut response = get(&simulator).await;
    assert_eq!(began.elapsed().as_secs(), 0, "the head comes at once");
    assert_eq!(response.content_length(), Some(whole));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.unwrap() {
        assert!(piece.len() <= 20);
        body.extend_from_slice(&piece);
    }
    assert_eq!(began.elapsed().as_secs(), 3 * whole.div_ceil(20));
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["id"], "512");

    let simulator = with(Fault::slow_body(0, Duration::from_millis(1))).await;
    assert_eq!(get(&simulator).await.json::<Value>().await.unwrap()["id"], "512", "at least one byte a piece");
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_outlasts_any_patience() {
    let simulator = with(Fault::endless_body().times(1)).await;
    let mut response = get(&simulator).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (200, Some("application/json")));
    assert_eq!(response.content_length(), None);
    let mut received = 0;
    while received < 20_000_000 {
        received += response.chunk().await.unwrap().unwrap().len();
    }
    drop(response);
    assert_eq!(get(&simulator).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_fault_as_text_can_have_retry_after() {
    for (fault, wait) in [("503:retry-after=30s", "30"), ("477:x1:retry-after=86400s", "86400"), ("reset:x0", "")] {
        let simulator = with(fault.parse().unwrap()).await;
        assert_eq!(header(&get(&simulator).await, "retry-after").unwrap_or_default(), wait, "{fault}");
    }
    for wrong in ["503:retry-after=soon", "503:retry-after=-1s", "503:retry-after=86401s"] {
        let problem = wrong.parse::<Fault>().unwrap_err();
        assert!(problem.contains(wrong.split_once(':').unwrap().1), "{problem}");
    }
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_each_form_that_is_documented_or_recorded() {
    let form =
        [("grant_type", "refresh_token"), ("client_id", "app"), ("client_secret", "s"), ("refresh_token", "unknown")];
    let refused = async |fault: Option<&str>| -> (u16, Value) {
        let builder = Simulator::builder().oauth_app(OAuthApp::new("app", "s", "r"));
        let builder = fault.into_iter().fold(builder, |builder, fault| builder.fault(fault.parse().unwrap()));
        let simulator = Served::by(builder).await;
        assert_eq!(get(&simulator).await.status(), if fault == Some("400") { 400 } else { 200 });
        let url = format!("{}/oauth/2026-09/token", simulator.base_url());
        let response = Client::new().post(url).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    };
    let documented = refused(None).await;
    assert_eq!((documented.0, &documented.1["error"]), (400, &"invalid_grant".into()));
    assert_eq!(refused(Some("400")).await, documented);
    let (status, body) = refused(Some("bad-refresh-token")).await;
    assert_eq!((status, &body["status"], body.get("error")), (400, &"BAD_REFRESH_TOKEN".into(), None));
    let (status, body) = refused(Some("bad-hub")).await;
    assert_eq!((status, &body["status"], &body["error"]), (400, &"BAD_HUB".into(), &"access_denied".into()));
}
