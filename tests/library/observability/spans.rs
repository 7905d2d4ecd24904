//! Spans and events.

use super::*;

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
