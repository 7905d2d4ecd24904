//! Workers whose access token is not to be had for a while: they wait for it as long as for HubSpot.

use std::{
    future::{pending, ready},
    time::Duration,
};

use futures_util::future::join_all;
use hubspot_partner_clients::{
    Client, ClientBuilder, TokenFuture, TokenProvider,
    oauth::{OAuthApp, StoreFuture, StoredToken, TokenStore},
    redis::Redis,
};
use tokio::time::Instant;

use crate::job_failures::batches_in_a_hurry;
use crate::redis_server::RedisServer;

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A store whose lock another process has that saves nothing.
struct Locked;

impl TokenStore for Locked {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        Box::pin(ready(Ok(None)))
    }

    fn lock<'a>(&'a self, _: &'a str, _: Duration) -> StoreFuture<'a, Option<u64>> {
        Box::pin(ready(Ok(None)))
    }

    fn save(&self, _: u64, _: StoredToken) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(false)))
    }

    fn unlock(&self, _: u64) -> StoreFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }
}

/// A store, or a source of tokens, that does not answer.
#[derive(Debug)]
struct Silent;

impl TokenStore for Silent {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        Box::pin(pending())
    }

    fn lock<'a>(&'a self, _: &'a str, _: Duration) -> StoreFuture<'a, Option<u64>> {
        Box::pin(pending())
    }

    fn save(&self, _: u64, _: StoredToken) -> StoreFuture<'_, bool> {
        Box::pin(pending())
    }

    fn unlock(&self, _: u64) -> StoreFuture<'_, ()> {
        Box::pin(pending())
    }
}

impl TokenProvider for Silent {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(pending())
    }
}

fn client(with_token: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    with_token(Client::builder().base_url(NOWHERE)).build().unwrap()
}

fn client_with(store: impl TokenStore + 'static) -> Client {
    let app = OAuthApp::builder("app-1", "secret").base_url(NOWHERE).build().unwrap();
    let token = app.token("refresh-token-1").unwrap().store(store);
    client(|client| client.token_provider(token))
}

#[tokio::test]
async fn workers_wait_five_minutes_for_a_token_whose_store_or_source_is_slow_or_away() {
    let (server, away) = (RedisServer::start(), RedisServer::start());
    let store = Redis::connect(away.url()).await.unwrap().token_store("app-1", "account", [7; 32]).await.unwrap();
    drop(away);
    let silent = client(|client| client.token_provider(Silent).call_timeout(Duration::from_secs(60)));
    let clients = [
        ("Redis is away", client_with(store)),
        ("the lock is another's", client_with(Locked)),
        ("the store is silent", client_with(Silent)),
        ("the source is silent", silent),
    ];
    let job = batches_in_a_hurry(&server, 300).await;
    let workers = clients.iter().map(async |(case, client)| {
        let started = Instant::now();
        let error = job.worker(client).run().await.unwrap_err();
        assert!(error.is_token(), "{case}: {error}");
        let waited = started.elapsed().as_secs();
        assert!((300..600).contains(&waited), "{case}: {waited} s, {error}");
    });
    join_all(workers).await;
    assert_eq!(job.status().await.unwrap().settled(), 0);
}

/// Until somebody does something about it.
#[tokio::test]
async fn a_worker_whose_token_store_is_refused_ends_at_once() {
    let server = RedisServer::start();
    let redis = Redis::connect(server.url()).await.unwrap();
    let store = redis.token_store("app-1", "account", [7; 32]).await.unwrap();
    server.number(&["DEL", "hubspot-partner-clients:token:app-1:account"]);
    server.command(&["SET", "hubspot-partner-clients:token:app-1:account", "taken"]);
    let job = batches_in_a_hurry(&server, 1).await;
    let started = Instant::now();
    let error = job.worker(&client_with(store)).run().await.unwrap_err();
    assert!(error.is_token() && started.elapsed() < Duration::from_secs(60), "{error}");
    for part in ["WRONGTYPE", "hubspot-partner-clients:token:app-1:account"] {
        assert!(error.message().contains(part), "{part} in {error}");
    }
}
