//! Refreshing a token ahead of its end.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_token_is_refreshed_ahead_of_its_end_while_calls_go_on_with_the_old_one() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    call(&client).await.unwrap();
    advance(LIFETIME * 5 / 6 - Duration::from_secs(1)).await;
    call(&client).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(times_asked(&simulator), 1, "not yet due");

    advance(Duration::from_secs(1)).await;
    simulator.inject(Fault::delay(Duration::from_secs(5)).on("oauth_token"));
    let due = Instant::now();
    for _ in 0..3 {
        call(&client).await.unwrap();
    }
    assert!(due.elapsed() < Duration::from_secs(1), "no call waits: {:?}", due.elapsed());
    sleep(Duration::from_secs(6)).await;
    assert_eq!(times_asked(&simulator), 2);
    call(&client).await.unwrap();
    call(&client).await.unwrap();

    let tokens: Vec<String> = answered(&simulator).into_iter().map(|(token, _)| token).collect();
    assert!(tokens[..5].iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert!(tokens[5..].iter().all(|token| *token == tokens[5]), "{tokens:?}");
    assert_ne!(tokens[0], tokens[5]);
    assert_eq!(times_asked(&simulator), 2);
}

#[tokio::test(start_paused = true)]
async fn no_call_is_refused_over_several_lifetimes() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    for _ in 0..100 {
        call(&client).await.unwrap();
        sleep(Duration::from_secs(61)).await;
    }
    let answered = answered(&simulator);
    assert_eq!(answered.len(), 100);
    assert!(answered.iter().all(|(_, status)| *status == Some(200)), "{answered:?}");
    assert_eq!(times_asked(&simulator), 4, "6,039 seconds, and one refresh every 1,500");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_about_to_end_is_not_sent() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    call(&client).await.unwrap();
    for pause in [LIFETIME - Duration::from_secs(1), LIFETIME * 3] {
        advance(pause).await;
        call(&client).await.unwrap();
    }
    let sent = answered(&simulator);
    assert!(sent.iter().all(|(_, status)| *status == Some(200)), "{sent:?}");
    assert!(sent[0].0 != sent[1].0 && sent[1].0 != sent[2].0, "each by a new token: {sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_ahead_of_the_end_fails_no_call_and_is_repeated_after_a_pause() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    call(&client).await.unwrap();
    sleep(LIFETIME * 5 / 6).await;
    simulator.inject(Fault::status(500).on("oauth_token"));
    for _ in 0..9 {
        call(&client).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(times_asked(&simulator), 2, "one that failed");
    simulator.clear_faults();
    sleep(Duration::from_secs(2)).await;
    call(&client).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(times_asked(&simulator), 3, "one more");
    call(&client).await.unwrap();
    let answered = answered(&simulator);
    assert_ne!(answered.first().unwrap().0, answered.last().unwrap().0);
    assert!(answered.iter().all(|(_, status)| *status == Some(200)), "{answered:?}");
}
