//! What spans, events and observers are told of a call.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use hubspot_partner_clients::{
    AccessToken, Attempt, CallEnd, CallMeta, Client, ClientBuilder, CorrelationId, Error, ErrorKind, Observer,
    RateLimit, RetryPolicy, TokenFuture, TokenProvider, oauth::OAuthApp,
};
use hubspot_simulator as simulator;
use hubspot_simulator::{Fault, RateLimits, Simulator};
use tokio::time::{sleep, timeout};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    dispatcher::DefaultGuard,
    field::{Field, Visit},
    span,
};

use crate::support::RawServer;

// What is captured.

type Fields = BTreeMap<&'static str, String>;

#[derive(Clone, Debug)]
struct Span {
    name: &'static str,
    level: Level,
    fields: Fields,
}

#[derive(Clone, Debug)]
struct Told {
    level: Level,
    fields: Fields,
    /// The span it was told in, by its place in the list.
    span: Option<usize>,
}

#[derive(Default)]
struct Capture {
    spans: Vec<Span>,
    events: Vec<Told>,
    entered: Vec<usize>,
}

/// Keeps the spans and events of this crate, as long as the guards live.
#[derive(Clone, Default)]
struct Tracing(Arc<Mutex<Capture>>);

impl Tracing {
    /// The tests of one program share the callsites. With a single dispatcher a callsite that is first met on a thread
    /// without it is switched off for all (`tracing_core::callsite`), so there is another.
    fn start() -> (Self, (Dispatch, DefaultGuard)) {
        let this = Self::default();
        let other = Dispatch::new(Self::default());
        let guard = tracing::dispatcher::set_default(&Dispatch::new(this.clone()));
        (this, (other, guard))
    }

    fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().spans.clone()
    }

    fn events(&self) -> Vec<Told> {
        self.0.lock().unwrap().events.clone()
    }

    /// The fields of the only span.
    #[track_caller]
    fn span(&self) -> Fields {
        let spans = self.spans();
        assert_eq!(spans.len(), 1, "{spans:?}");
        assert_eq!(spans[0].name, "hubspot.call");
        spans[0].fields.clone()
    }

    /// One field of every event, `-` where it is not there.
    fn of_events(&self, name: &str) -> Vec<String> {
        self.events().iter().map(|event| event.fields.get(name).map_or("-", String::as_str).to_owned()).collect()
    }
}

fn place(id: &span::Id) -> usize {
    usize::try_from(id.into_u64()).unwrap() - 1
}

impl Subscriber for Tracing {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("hubspot_partner_clients")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields::new();
        attributes.record(&mut Values(&mut fields));
        let metadata = attributes.metadata();
        let spans = &mut self.0.lock().unwrap().spans;
        spans.push(Span { name: metadata.name(), level: *metadata.level(), fields });
        span::Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Values(&mut self.0.lock().unwrap().spans[place(id)].fields));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Values(&mut fields));
        let mut capture = self.0.lock().unwrap();
        let span = capture.entered.last().copied();
        capture.events.push(Told { level: *event.metadata().level(), fields, span });
    }

    fn enter(&self, id: &span::Id) {
        self.0.lock().unwrap().entered.push(place(id));
    }

    fn exit(&self, id: &span::Id) {
        assert_eq!(self.0.lock().unwrap().entered.pop(), Some(place(id)));
    }
}

struct Values<'a>(&'a mut Fields);

impl Visit for Values<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

/// What an observer has heard, in order.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Item>>>);

#[derive(Clone, Debug)]
enum Item {
    Attempt { operation: &'static str, number: u32, duration: Duration, status: Option<u16>, error: Option<Error> },
    Call { operation: &'static str, duration: Duration, meta: CallMeta, error: Option<Error> },
}

impl Heard {
    fn items(&self) -> Vec<Item> {
        self.0.lock().unwrap().clone()
    }

    /// In words: the number and status of an attempt, the attempts and status of a call, and whether it failed.
    fn in_short(&self) -> Vec<String> {
        let status = |status: Option<u16>| status.map_or("-".to_owned(), |status| status.to_string());
        let outcome = |error: &Option<Error>| if error.is_some() { "failed" } else { "ok" };
        let items = self.items();
        let words = items.iter().map(|item| match item {
            Item::Attempt { operation, number, status: s, error, .. } => {
                format!("{operation} attempt {number}: {} {}", status(*s), outcome(error))
            }
            Item::Call { operation, meta, error, .. } => {
                format!("{operation} call of {}: {} {}", meta.attempts, status(meta.status), outcome(error))
            }
        });
        words.collect()
    }
}

impl Observer for Heard {
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        self.0.lock().unwrap().push(Item::Attempt {
            operation: attempt.operation.id,
            number: attempt.number,
            duration: attempt.duration,
            status: attempt.status,
            error: attempt.error.cloned(),
        });
    }

    fn on_call(&self, call: &CallEnd<'_>) {
        self.0.lock().unwrap().push(Item::Call {
            operation: call.operation.id,
            duration: call.duration,
            meta: call.meta.clone(),
            error: call.error.cloned(),
        });
    }
}

// The calls.

fn builder(base_url: &str, token: &str) -> ClientBuilder {
    Client::builder().base_url(base_url).access_token(token).rate_limit(RateLimit::unlimited())
}

async fn hubspot() -> (Simulator, Client) {
    let simulator = Simulator::start().await.unwrap();
    let client = builder(simulator.base_url(), simulator.access_token()).build().unwrap();
    (simulator, client)
}

async fn observed() -> (Simulator, Client, Heard) {
    let heard = Heard::default();
    let simulator = Simulator::start().await.unwrap();
    let client = builder(simulator.base_url(), simulator.access_token()).observer(heard.clone()).build().unwrap();
    (simulator, client, heard)
}

async fn associate(client: &Client) -> Result<(), Error> {
    client.associate(512).with("companies", 9001).as_type(1001).await.map(|_| ())
}

async fn association_types(client: &Client) -> Result<(), Error> {
    client.association_types("companies").await.map(|_| ())
}

struct NoToken;

impl TokenProvider for NoToken {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async { Err("the vault is sealed".into()) })
    }
}

struct NeverAToken;

impl TokenProvider for NeverAToken {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::pending())
    }
}

fn fields(pairs: &[(&'static str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

// Spans and events.

#[tokio::test]
async fn a_call_is_one_span_with_opentelemetry_s_names() {
    let (tracing, _guards) = Tracing::start();
    let (_simulator, client) = hubspot().await;
    let call = client.associate(512).with("companies", 9001).as_type(1001);
    let (_, meta) = call.send_with_meta().await.unwrap();
    let Some(CorrelationId::Uuid(id)) = meta.correlation_id else { panic!("{meta:?}") };
    let template =
        "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}/{toObjectId}/{associationType}";
    assert_eq!(
        tracing.span(),
        fields(&[
            ("otel.kind", "client"),
            ("http.request.method", "PUT"),
            ("url.template", template),
            ("server.address", "127.0.0.1"),
            ("hubspot.operation_id", "associate"),
            ("http.response.status_code", "200"),
            ("http.request.resend_count", "0"),
            ("hubspot.correlation_id", &id.to_string()),
        ])
    );
    assert_eq!(tracing.spans()[0].level, Level::INFO);
}

#[tokio::test]
async fn an_attempt_is_one_event_in_the_call_s_span() {
    let (tracing, _guards) = Tracing::start();
    let (_simulator, client) = hubspot().await;
    associate(&client).await.unwrap();
    let events = tracing.events();
    assert_eq!(events.len(), 1, "{events:?}");
    let mut told = events[0].fields.clone();
    told.remove("duration_ms").unwrap().parse::<u64>().unwrap();
    let expected = [
        ("message", "attempt ended"),
        ("hubspot.operation_id", "associate"),
        ("http.request.resend_count", "0"),
        ("http.response.status_code", "200"),
    ];
    assert_eq!((told, events[0].span, events[0].level), (fields(&expected), Some(0), Level::DEBUG));
}

#[tokio::test(start_paused = true)]
async fn attempts_that_failed_are_counted_but_a_call_that_came_right_has_no_error() {
    let (tracing, _guards) = Tracing::start();
    let (simulator, client) = hubspot().await;
    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::reset())]));
    associate(&client).await.unwrap();
    let span = tracing.span();
    assert_eq!((span["http.request.resend_count"].as_str(), span["http.response.status_code"].as_str()), ("2", "200"));
    assert_eq!(span.get("error.type"), None);
    assert_eq!(tracing.of_events("http.request.resend_count"), ["0", "1", "2"]);
    assert_eq!(tracing.of_events("http.response.status_code"), ["503", "-", "200"]);
    assert_eq!(tracing.of_events("error.type"), ["server", "transport", "-"]);
    assert!(tracing.events().iter().all(|event| event.span == Some(0)));
}

#[tokio::test(start_paused = true)]
async fn an_event_tells_how_long_the_attempt_took() {
    let (tracing, _guards) = Tracing::start();
    let (simulator, client) = hubspot().await;
    simulator
        .inject(Fault::script([3, 5].map(|seconds| Some(Fault::status(503).delayed(Duration::from_secs(seconds))))));
    associate(&client).await.unwrap();
    let took: Vec<u64> = tracing.of_events("duration_ms").iter().map(|ms| ms.parse::<u64>().unwrap() / 1000).collect();
    assert_eq!(took, [3, 5, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_s_span_and_events_tell_the_kind_of_its_error() {
    let (simulator, client) = hubspot().await;
    let once = |base_url: &str| builder(base_url, "t").retry(RetryPolicy::never());
    let garbled = RawServer::answering("HTTP/1.1 what?\r\n\r\n").await;
    simulator.inject(Fault::delay(Duration::from_secs(3600)).on("get"));
    let slow = client.raw().get().partner_client_id("512");
    let refusing = client.for_account(NoToken);
    let unreachable = once("http://127.0.0.1:1").build().unwrap();
    let garbled = once(&garbled.base_url).build().unwrap();
    let stranger = client.for_account(AccessToken::new("unknown").unwrap());

    let (tracing, _guards) = Tracing::start();
    client.associations(404, "companies").await.unwrap_err();
    stranger.association_types("companies").await.unwrap_err();
    association_types(&unreachable).await.unwrap_err();
    association_types(&garbled).await.unwrap_err();
    client.association_types("deals").header("host", "x").await.unwrap_err();
    refusing.association_types("companies").await.unwrap_err();
    client.association_types("deals").call_timeout(Duration::ZERO).await.unwrap_err();
    timeout(Duration::from_secs(3600), slow.send()).await.unwrap().unwrap_err();

    let of_spans = |name: &str| -> Vec<String> {
        let spans = tracing.spans();
        spans.iter().map(|span| span.fields.get(name).map_or("-", String::as_str).to_owned()).collect()
    };
    let told: Vec<_> = of_spans("http.response.status_code").into_iter().zip(of_spans("error.type")).collect();
    let expected = [
        ("404", "not_found"),
        ("401", "unauthorized"),
        ("-", "connect"),
        ("-", "transport"),
        ("-", "invalid_input"),
        ("-", "token"),
        ("-", "invalid_input"),
        ("-", "timeout"),
    ];
    assert_eq!(told, expected.map(|(status, error)| (status.to_owned(), error.to_owned())));
    let mut of_events = tracing.of_events("error.type");
    of_events.dedup();
    assert_eq!(
        of_events,
        ["not_found", "unauthorized", "connect", "transport", "timeout"],
        "nothing was sent by the rest"
    );
}

#[tokio::test]
async fn a_call_by_the_generated_client_is_a_span_too() {
    let (tracing, _guards) = Tracing::start();
    let (_simulator, client) = hubspot().await;
    client.raw().get().partner_client_id("512").send().await.unwrap();
    let span = tracing.span();
    assert_eq!((span["hubspot.operation_id"].as_str(), span["http.request.method"].as_str()), ("get", "GET"));
    assert_eq!(tracing.events().len(), 1);
}

#[tokio::test]
async fn calls_at_once_have_each_a_span_with_its_own_events() {
    let (tracing, _guards) = Tracing::start();
    let (simulator, client) = hubspot().await;
    simulator.inject(Fault::status(404).on("associate"));
    let (made, listed) = tokio::join!(associate(&client), association_types(&client));
    assert!(made.is_err() && listed.is_ok());
    let (spans, events) = (tracing.spans(), tracing.events());
    assert_eq!((spans.len(), events.len()), (2, 2));
    for event in events {
        let span = &spans[event.span.unwrap()];
        for name in ["hubspot.operation_id", "http.response.status_code", "error.type"] {
            assert_eq!(event.fields.get(name), span.fields.get(name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_refresh_of_the_token_is_no_call() {
    let (tracing, _guards) = Tracing::start();
    let app = simulator::OAuthApp::new("id", "secret", "refresh");
    let simulator = Simulator::builder().oauth_app(app).start().await.unwrap();
    let app = OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let client = Client::builder().base_url(simulator.base_url()).token_provider(app.token("refresh").unwrap());
    association_types(&client.build().unwrap()).await.unwrap();
    assert_eq!(tracing.span()["hubspot.operation_id"], "association_types");
    assert_eq!((tracing.events().len(), simulator.requests().len()), (1, 2));
}

/// Ids would make as many series of a metric as there are objects.
#[tokio::test]
async fn neither_spans_nor_events_hold_an_id_of_an_object() {
    let (tracing, _guards) = Tracing::start();
    let simulator = Simulator::builder()
        .partner_client("5125125", [("name", "Unmistakable")])
        .object("companies", "9009009", [("name", "Acme")])
        .association_type("companies", 1701701, "unmistakable_type")
        .start()
        .await
        .unwrap();
    let client = builder(simulator.base_url(), simulator.access_token()).build().unwrap();
    client.associate(5125125).with("companies", 9009009).as_type(1701701).await.unwrap();
    client.raw().get().partner_client_id("5125125").send().await.unwrap();
    client.associate(5125125).with("companies", 9009009).as_type("no_such_type").await.unwrap_err();
    client.associations(6126126, "companies").after("7117117").await.unwrap_err();
    let told = format!("{:?} {:?}", tracing.spans(), tracing.events());
    for value in ["5125125", "9009009", "1701701", "no_such_type", "6126126", "7117117", "Unmistakable"] {
        assert!(!told.contains(value), "{value}: {told}");
    }
    assert_eq!(tracing.spans().len(), 4);
}

#[tokio::test]
async fn the_server_s_address_is_the_host_alone() {
    let (tracing, _guards) = Tracing::start();
    let server = RawServer::json(200, r#"{"results":[]}"#).await;
    let port = server.base_url.rsplit(':').next().unwrap();
    let client = builder(&format!("http://localhost:{port}/hubspot/"), "t").build().unwrap();
    association_types(&client).await.unwrap();
    association_types(&client.for_account(AccessToken::new("u").unwrap())).await.unwrap();
    let addresses: Vec<String> = tracing.spans().iter().map(|span| span.fields["server.address"].clone()).collect();
    assert_eq!(addresses, ["localhost", "localhost"]);
}

// Observers.

#[tokio::test(start_paused = true)]
async fn an_observer_hears_of_every_attempt_and_once_of_the_call() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::reset())]));
    let call = client.associate(512).with("companies", 9001).as_type(1001);
    let (_, meta) = call.send_with_meta().await.unwrap();
    assert_eq!(
        heard.in_short(),
        [
            "associate attempt 1: 503 failed",
            "associate attempt 2: - failed",
            "associate attempt 3: 200 ok",
            "associate call of 3: 200 ok",
        ]
    );
    let Some(Item::Call { meta: told, .. }) = heard.items().pop() else { unreachable!() };
    assert_eq!(told, meta, "the same as the caller");
}

#[tokio::test(start_paused = true)]
async fn an_observer_hears_why_attempt_and_call_failed() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::status(503).times(5));
    let error = associate(&client).await.unwrap_err();
    let items = heard.items();
    assert_eq!(items.len(), 6);
    for (n, item) in items.iter().enumerate() {
        let (Item::Attempt { error: told, .. } | Item::Call { error: told, .. }) = item;
        let told = told.as_ref().unwrap();
        assert_eq!((told.status(), told.operation()), (Some(503), Some("associate")), "{n}");
    }
    let Some(Item::Call { error: Some(told), meta, .. }) = items.last() else { unreachable!() };
    assert_eq!(told.correlation_id(), error.correlation_id());
    assert_eq!((told.attempts(), meta.attempts, meta.status), (5, 5, Some(503)));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_s_duration_is_its_own_and_a_call_s_holds_the_waits() {
    let heard = Heard::default();
    let limits = RateLimits::default().per_ten_seconds(1);
    let simulator = Simulator::builder().rate_limits(limits).start().await.unwrap();
    let client = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    let client = client.rate_limit(RateLimit::per_ten_seconds(1)).observer(heard.clone()).build().unwrap();
    association_types(&client).await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(2)));
    association_types(&client).await.unwrap();
    let items = heard.items();
    let [_, _, Item::Attempt { duration: own, .. }, Item::Call { duration, meta, .. }] = &items[..] else {
        panic!("{items:?}")
    };
    assert_eq!(own.as_secs(), 2);
    assert!(meta.rate_limit_wait > Duration::from_secs(8), "{meta:?}");
    assert!(*duration >= *own + meta.rate_limit_wait, "{duration:?}");
}

#[tokio::test]
async fn an_observer_hears_of_the_attempt_that_was_refused_for_its_token() {
    let app = simulator::OAuthApp::new("id", "secret", "refresh");
    let simulator = Simulator::builder().oauth_app(app).start().await.unwrap();
    let app = OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let heard = Heard::default();
    let client = Client::builder().base_url(simulator.base_url()).token_provider(app.token("refresh").unwrap());
    let client = client.observer(heard.clone()).build().unwrap();
    association_types(&client).await.unwrap();
    simulator.expire_tokens();
    association_types(&client).await.unwrap();
    assert_eq!(
        heard.in_short()[2..],
        [
            "association_types attempt 1: 401 failed",
            "association_types attempt 2: 200 ok",
            "association_types call of 2: 200 ok"
        ]
    );
}

#[tokio::test]
async fn a_call_that_sends_nothing_is_heard_of_without_an_attempt() {
    let (simulator, client, heard) = observed().await;
    client.association_types("companies").header("host", "x").await.unwrap_err();
    association_types(&client.for_account(NoToken)).await.unwrap_err();
    let words = heard.in_short();
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words.iter().all(|words| words.starts_with("association_types call") && words.ends_with(": - failed")));
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_value_that_is_refused_at_once_makes_no_call() {
    let (tracing, _guards) = Tracing::start();
    let (_simulator, client, heard) = observed().await;
    client.associate("..").with("companies", 9001).as_type(1001).await.unwrap_err();
    assert!(heard.items().is_empty() && tracing.spans().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_is_heard_of_once_as_dropped() {
    let (tracing, _guards) = Tracing::start();
    let heard = Heard::default();
    let simulator = Simulator::start().await.unwrap();
    let client = builder(simulator.base_url(), simulator.access_token()).observer(heard.clone()).build().unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(60)).times(1));
    timeout(Duration::from_secs(1), associate(&client)).await.unwrap_err();
    let at_once = heard.in_short();
    sleep(Duration::from_secs(120)).await;
    assert_eq!(heard.in_short(), ["associate attempt 1: - failed", "associate call of 1: - failed"]);
    assert_eq!(heard.in_short(), at_once);
    let Some(Item::Call { duration, error: Some(error), .. }) = heard.items().pop() else { unreachable!() };
    assert_eq!((error.kind(), error.attempts(), duration.as_secs()), (ErrorKind::Dropped, 1, 1));
    assert_eq!(tracing.span()["error.type"], "dropped");
    assert_eq!(tracing.of_events("error.type"), ["dropped"]);
    assert_eq!(tracing.events()[0].span, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_before_it_is_sent_has_no_attempt() {
    let (_simulator, client, heard) = observed().await;
    let never = client.for_account(NeverAToken);
    timeout(Duration::from_secs(1), associate(&never)).await.unwrap_err();
    assert_eq!(heard.in_short(), ["associate call of 0: - failed"]);
    // One that is never polled is no call.
    drop(client.associate(512).with("companies", 9001).as_type(1001).send());
    assert_eq!(heard.items().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_by_the_generated_client_that_are_dropped_are_heard_of() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::delay(Duration::from_secs(60)))]));
    timeout(Duration::from_secs(30), client.raw().get().partner_client_id("512").send()).await.unwrap_err();
    assert_eq!(heard.in_short(), ["get attempt 1: 503 failed", "get attempt 2: - failed", "get call of 2: 503 failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_out_of_its_total_time_is_heard_of() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::delay(Duration::from_secs(60)));
    let call = client.association_types("companies").call_timeout(Duration::from_secs(5));
    call.await.unwrap_err();
    assert_eq!(heard.in_short(), ["association_types attempt 1: - failed", "association_types call of 1: - failed"]);
    let Some(Item::Call { duration, error: Some(error), .. }) = heard.items().pop() else { unreachable!() };
    assert!(error.is_timeout());
    assert_eq!(duration.as_secs(), 5);
}

#[tokio::test]
async fn an_observer_hears_of_calls_by_the_generated_client_and_for_other_accounts() {
    let (simulator, client, heard) = observed().await;
    client.raw().get().partner_client_id("512").send().await.unwrap();
    let account = client.for_account(AccessToken::new(simulator.access_token()).unwrap());
    association_types(&account).await.unwrap();
    assert_eq!(
        heard.in_short(),
        ["get attempt 1: 200 ok", "get call of 1: 200 ok"]
            .into_iter()
            .chain(["association_types attempt 1: 200 ok", "association_types call of 1: 200 ok"])
            .collect::<Vec<_>>()
    );
}

/// The status of the attempt before must not pass for its own.
#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_has_no_status() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::reset())]));
    let call = client.associate(512).with("companies", 9001).as_type(1001);
    call.retry(RetryPolicy::default().max_attempts(2)).await.unwrap_err();
    assert_eq!(heard.in_short()[..2], ["associate attempt 1: 503 failed", "associate attempt 2: - failed"]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_decoded_is_heard_of_as_a_failure() {
    let (tracing, _guards) = Tracing::start();
    let heard = Heard::default();
    let simulator = Simulator::start().await.unwrap();
    let client = builder(simulator.base_url(), simulator.access_token()).observer(heard.clone()).build().unwrap();
    simulator.inject(Fault::invalid_json());
    assert!(associate(&client).await.unwrap_err().is_decode());
    assert_eq!(heard.in_short(), ["associate attempt 1: 200 ok", "associate call of 1: 200 failed"]);
    assert_eq!(tracing.span()["error.type"], "decode");
}

#[tokio::test]
async fn an_observer_may_be_shared() {
    #[derive(Default)]
    struct Calls(Mutex<u32>);
    impl Observer for Calls {
        fn on_attempt(&self, _: &Attempt<'_>) {
            *self.0.lock().unwrap() += 1;
        }

        fn on_call(&self, _: &CallEnd<'_>) {
            *self.0.lock().unwrap() += 10;
        }
    }
    let simulator = Simulator::start().await.unwrap();
    let calls = Arc::new(Calls::default());
    let chosen_at_run_time: Arc<dyn Observer> = calls.clone();
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    builder.clone().observer(Arc::clone(&calls)).build().unwrap().list().await.unwrap();
    builder.observer(chosen_at_run_time).build().unwrap().list().await.unwrap();
    assert_eq!(*calls.0.lock().unwrap(), 22);
}
