//! What spans, events and observers are told of a call.

mod observers;
mod spans;

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
