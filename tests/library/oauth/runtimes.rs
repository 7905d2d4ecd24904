//! One token in two runtimes, of which one stands still.

use hubspot_partner_clients::{AccessToken, TokenFuture};
use tokio::runtime::{Builder, Runtime};

use super::*;

/// One that stands still from time to time, and one with a clock that goes on where it has nothing to do.
fn runtimes() -> [Runtime; 2] {
    [false, true].map(|is_paused| Builder::new_current_thread().enable_all().start_paused(is_paused).build().unwrap())
}

fn asked_in<'a>(runtime: &Runtime, token: &'a OAuthToken) -> TokenFuture<'a> {
    let _inside = runtime.enter();
    token.access_token()
}

async fn token_of(token: &OAuthToken) -> Result<AccessToken, Error> {
    token.access_token().await.map_err(|error| *error.downcast::<Error>().unwrap())
}

#[test]
fn a_refused_refresh_token_waits_for_a_refresh_that_never_ends_only_as_long_as_one_may_take() {
    let [stopped, running] = runtimes();
    let server = running.block_on(RawServer::json(400, r#"{"error":"invalid_grant","message":"revoked"}"#));
    let app = OAuthApp::builder(ID, SECRET).base_url(&server.base_url).build().unwrap();
    let token = app.token(REFRESH).unwrap();
    let mut kept = asked_in(&stopped, &token);
    stopped.block_on(async { assert!((&mut kept).now_or_never().is_none()) });
    running.block_on(async {
        assert!(token_of(&token).await.unwrap_err().is_invalid_grant());
        let since = Instant::now();
        for _ in 0..3 {
            assert!(token_of(&token).await.unwrap_err().is_invalid_grant());
        }
        assert!(since.elapsed() < Duration::from_secs(1), "of the paused clock: {:?}", since.elapsed());
    });
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_refresh_that_fails_late_does_not_hasten_that_of_the_token_that_came_meanwhile() {
    let [stopped, running] = runtimes();
    let simulator = running.block_on(hubspot(installed()));
    simulator.inject(Fault::status(503).on("oauth_token").times(1));
    let token = app(&simulator).token(REFRESH).unwrap();
    let mut kept = asked_in(&stopped, &token);
    stopped.block_on(async {
        assert!((&mut kept).now_or_never().is_none());
        // Until its request is sent.
        sleep(Duration::from_millis(300)).await;
    });
    running.block_on(token_of(&token)).unwrap();
    assert_eq!(times_asked(&simulator), 2);
    stopped.block_on(kept).unwrap_err();
    running.block_on(async {
        for _ in 0..3 {
            advance(Duration::from_secs(20)).await;
            token_of(&token).await.unwrap();
            sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(times_asked(&simulator), 2, "it is good for half an hour");
}
