//! Connecting an account by OAuth, and access tokens that renew themselves.

mod authorization;
mod calls;
mod endpoint;
mod refresh_token;
mod renewal;
mod runtimes;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use httpmock::MockServer;
use hubspot_partner_clients::{
    ApiVersion, Client, Error, RateLimit, RetryPolicy, TokenProvider,
    oauth::{Grant, OAuthApp, OAuthAppBuilder, OAuthToken},
};
use hubspot_simulator as simulator;
use hubspot_simulator::{Fault, READ_SCOPE, RecordedRequest, Simulator, WRITE_SCOPE};
use reqwest::Url;
use tokio::{
    task::JoinSet,
    time::{Instant, advance, sleep, timeout},
};

use crate::support::{RawServer, client_at};

const ID: &str = "client-1";
const SECRET: &str = "secret/&+=1";
const REFRESH: &str = "refresh-1";
const REDIRECT: &str = "https://app.example/connected?from=hubspot";
const LIFETIME: Duration = Duration::from_secs(1800);

fn installed() -> simulator::OAuthApp {
    simulator::OAuthApp::new(ID, SECRET, REFRESH)
}

async fn hubspot(app: simulator::OAuthApp) -> Simulator {
    Simulator::builder().oauth_app(app).start().await.unwrap()
}

fn builder(simulator: &Simulator) -> OAuthAppBuilder {
    OAuthApp::builder(ID, SECRET).base_url(simulator.base_url())
}

/// An app that asks once.
fn app(simulator: &Simulator) -> OAuthApp {
    builder(simulator).retry(RetryPolicy::never()).build().unwrap()
}

/// An app that asks as often as the default policy says.
fn persistent_app(simulator: &Simulator) -> OAuthApp {
    builder(simulator).build().unwrap()
}

fn client_with(base_url: &str, token: OAuthToken) -> Client {
    Client::builder()
        .base_url(base_url)
        .token_provider(token)
        .rate_limit(RateLimit::unlimited())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

fn client(simulator: &Simulator) -> Client {
    client_with(simulator.base_url(), app(simulator).token(REFRESH).unwrap())
}

/// A token that keeps what it tells of refresh tokens.
fn telling(simulator: &Simulator, told: &Arc<Mutex<Vec<String>>>) -> OAuthToken {
    let told = Arc::clone(told);
    app(simulator).token(REFRESH).unwrap().on_new_refresh_token(move |token| {
        told.lock().unwrap().push(token);
        ready(Ok::<_, Infallible>(()))
    })
}

async fn call(client: &Client) -> Result<(), Error> {
    client.association_types("companies").await.map(|_| ())
}

async fn calls_at_once(client: &Client, calls: usize) -> Vec<Result<(), Error>> {
    let mut set = JoinSet::new();
    for _ in 0..calls {
        let client = client.clone();
        set.spawn(async move { call(&client).await });
    }
    set.join_all().await
}

fn is_for_a_token(request: &RecordedRequest) -> bool {
    request.path().starts_with("/oauth/")
}

/// The forms that the token endpoint received.
fn asked(simulator: &Simulator) -> Vec<BTreeMap<String, String>> {
    let parse = |request: &RecordedRequest| {
        let form = String::from_utf8(request.body().to_vec()).unwrap();
        Url::parse(&format!("http://form?{form}")).unwrap().query_pairs().into_owned().collect()
    };
    simulator.requests().iter().filter(|request| is_for_a_token(request)).map(parse).collect()
}

fn times_asked(simulator: &Simulator) -> usize {
    asked(simulator).len()
}

/// The `Authorization` headers and statuses of the calls.
fn answered(simulator: &Simulator) -> Vec<(String, Option<u16>)> {
    let requests = simulator.requests();
    let calls = requests.iter().filter(|request| !is_for_a_token(request));
    calls.map(|call| (call.header("authorization").unwrap().to_owned(), call.status())).collect()
}

async fn connected(simulator: &Simulator, app: &OAuthApp) -> Grant {
    let code = simulator.authorize(REDIRECT, None).unwrap();
    app.exchange(&code, REDIRECT, None).await.unwrap()
}
