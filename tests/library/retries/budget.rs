//! The retries that a client may spend: what costs one, and what comes back.

use std::sync::atomic::{AtomicBool, Ordering};

use hubspot_partner_clients::{AccessToken, TokenFuture, TokenProvider};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_failing_hubspot_is_not_hit_harder_by_its_clients() {
    let (simulator, client) = hubspot(|builder| builder.retry_budget(50)).await;
    simulator.inject(Fault::status(503));
    for _ in 0..300 {
        associate(&client).await.unwrap_err();
    }
    assert_eq!(simulator.requests().len(), 300 + 50, "the budget is all that is sent in addition");

    simulator.clear_faults();
    simulator.clear_requests();
    for _ in 0..100 {
        associate(&client).await.unwrap();
    }
    simulator.inject(Fault::status(503));
    for _ in 0..100 {
        associate(&client).await.unwrap_err();
    }
    assert_eq!(simulator.requests().len(), 200 + 10, "ten successes earn a retry");
}

/// How often a call is sent that fails each time, until the budget is used up.
async fn attempts_at_a_fault(simulator: &Simulator, client: &Client) -> u32 {
    simulator.clear_faults();
    simulator.inject(Fault::status(503));
    let error = associate(client).await.unwrap_err();
    simulator.clear_faults();
    error.attempts()
}

#[tokio::test(start_paused = true)]
async fn a_success_gives_back_the_retries_that_it_paid_for_and_no_others() {
    let (simulator, client) = hubspot(|builder| builder.retry_budget(6)).await;
    // Two are paid for, and two after a 429 are not.
    let faults = [429, 503, 429, 503].map(|status| Some(Fault::status(status)));
    simulator.inject(Fault::script(faults));
    associate(&client).await.unwrap();
    assert_eq!(attempts_at_a_fault(&simulator, &client).await, 5);
    assert_eq!(attempts_at_a_fault(&simulator, &client).await, 1 + 2, "6 were there again");
    // Nothing is left, and retries that cost nothing give back no more than a call without any.
    for success in 1..=10 {
        simulator.inject(Fault::status(429).times(4));
        associate(&client).await.unwrap();
        if success == 9 {
            assert_eq!(attempts_at_a_fault(&simulator, &client).await, 1);
        }
    }
    assert_eq!(attempts_at_a_fault(&simulator, &client).await, 1 + 1);
    assert_eq!(attempts_at_a_fault(&simulator, &client).await, 1);
}

/// A provider whose token is unknown until it is refused.
struct Renewed(Arc<AtomicBool>, String);

impl TokenProvider for Renewed {
    fn access_token(&self) -> TokenFuture<'_> {
        let token = if self.0.load(Ordering::Relaxed) { self.1.as_str() } else { "unknown" };
        Box::pin(async move { Ok(AccessToken::new(token)?) })
    }

    fn invalidate(&self, _: &AccessToken) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_sent_again_with_another_token_whatever_the_policy_says_and_at_no_cost() {
    let simulator = Simulator::start().await.unwrap();
    let is_known = Arc::new(AtomicBool::new(false));
    let provider = Renewed(Arc::clone(&is_known), simulator.access_token().to_owned());
    let client = Client::builder().base_url(simulator.base_url()).token_provider(provider);
    let client = client.rate_limit(RateLimit::unlimited()).retry_budget(1).build().unwrap();
    simulator.inject(Fault::status(503).times(1));
    associate(&client).await.unwrap();
    assert_eq!(simulator.requests().len(), 3, "a 401, a 503, and a success");
    assert_eq!(attempts_at_a_fault(&simulator, &client).await, 1 + 1, "what the 503 cost is there again");
    for _ in 0..5 {
        simulator.clear_requests();
        is_known.store(false, Ordering::Relaxed);
        client.associate(512).with("companies", 9001).as_type(1001).retry(RetryPolicy::never()).await.unwrap();
        assert_eq!(simulator.requests().len(), 2);
    }
    assert_eq!(attempts_at_a_fault(&simulator, &client).await, 1, "five successes give back half a retry");
}
