//! Tokens, client secrets and code verifiers show nowhere. `tokens.rs` has the plain cases of an access token.

mod calls;
mod listeners;
mod token_endpoint;
mod values;

use std::{
    fmt::{Debug, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use httpmock::MockServer;
use hubspot_partner_clients::{
    Attempt, CallEnd, Client, Error, Observer, RateLimit, RetryPolicy,
    oauth::{Grant, OAuthApp, OAuthToken},
};
use hubspot_simulator as simulator;
use hubspot_simulator::{Fault, READ_SCOPE, Simulator};
use tracing::{Dispatch, Event, Metadata, Subscriber, span};

use crate::support::{RawServer, client_at, http};

const ID: &str = "client-1";
const ACCESS: &str = "access-5ecre7";
const SECRET: &str = "c11en7-5ecre7";
const REFRESH: &str = "refre5h-5ecre7";
const CODE: &str = "c0de-5ecre7";
const VERIFIER: &str = "ver1f1er-5ecre7";
const REDIRECT: &str = "https://app.example/connected";

/// What every secret above ends in, so that the greater part of one is found as well.
const TELLTALE: &str = "5ecre7";

#[track_caller]
fn assert_hidden(shown: &str) {
    assert!(!shown.is_empty());
    assert!(!shown.contains(TELLTALE), "{shown}");
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

/// All that can be printed of an error.
fn all_of(error: &Error) -> String {
    let mut shown = format!(
        "{error} {error:#} {} {} {:?} {:?} {:?} {:?} {:?}",
        debug(error),
        error.message(),
        error.category(),
        error.correlation_id(),
        error.body_excerpt(),
        error.details(),
        error.context()
    );
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        shown += &format!(" {error} {error:?} {error:#?}");
        source = error.source();
    }
    shown
}

fn app_at(base_url: &str) -> OAuthApp {
    OAuthApp::builder(ID, SECRET).base_url(base_url).retry(RetryPolicy::never()).build().unwrap()
}

async fn hubspot() -> Simulator {
    Simulator::builder().oauth_app(simulator::OAuthApp::new(ID, SECRET, REFRESH)).start().await.unwrap()
}

fn client_with(simulator: &Simulator, token: OAuthToken) -> Client {
    let builder = Client::builder().base_url(simulator.base_url()).token_provider(token);
    builder.rate_limit(RateLimit::unlimited()).retry(RetryPolicy::never()).build().unwrap()
}

async fn call(client: &Client) -> Result<(), Error> {
    client.association_types("companies").await.map(|_| ())
}

/// A server that answers every request the same.
async fn answering(status: u16, headers: &[(&str, &str)], body: &str) -> MockServer {
    let server = MockServer::start_async().await;
    server
        .mock_async(|_, then| {
            let then = then.status(status).body(body);
            headers.iter().fold(then, |then, (name, value)| then.header(*name, *value));
        })
        .await;
    server
}

async fn grant() -> Grant {
    let body = format!(r#"{{"access_token":"{ACCESS}","refresh_token":"{REFRESH}"}}"#);
    let server = answering(200, &[], &body).await;
    app_at(&server.base_url()).exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap()
}
