//! Spans, events, logs and observers get no secret.

use super::*;

/// Hears all that there is, as text.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<String>>);

impl Heard {
    fn add(&self, text: &str) {
        let mut heard = self.0.lock().unwrap();
        heard.push_str(text);
        heard.push('\n');
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = attributes.metadata().name().to_owned();
        attributes.record(&mut Visitor(&mut text));
        self.add(&text);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut text = String::new();
        values.record(&mut Visitor(&mut text));
        self.add(&text);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = event.metadata().target().to_owned();
        event.record(&mut Visitor(&mut text));
        self.add(&text);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Visitor<'a>(&'a mut String);

impl tracing::field::Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Observer for Heard {
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        self.add(&debug(attempt));
        self.add(&attempt.error.map(all_of).unwrap_or_default());
    }

    fn on_call(&self, call: &CallEnd<'_>) {
        self.add(&debug(call));
        self.add(&call.error.map(all_of).unwrap_or_default());
    }
}

#[tokio::test]
async fn no_span_and_no_event_at_any_level_shows_a_secret() {
    let heard = Heard::default();
    // With a single dispatcher a callsite that is first met on a thread without it, as by the test beside this one, is
    // switched off for all (`tracing_core::callsite`).
    let _another = Dispatch::new(Heard::default());
    let _guard = tracing::dispatcher::set_default(&Dispatch::new(heard.clone()));

    let simulator = hubspot().await;
    let app = app_at(simulator.base_url());
    let client = client_with(&simulator, app.token(REFRESH).unwrap());
    call(&client).await.unwrap();
    let issued = simulator.requests()[1].header("authorization").unwrap().replace("Bearer ", "");
    assert!(issued.starts_with("access-sim-"));
    for operation in ["association_types", "oauth_token"] {
        simulator.inject(Fault::echo_credentials(400).on(operation));
        call(&client).await.unwrap_err();
        simulator.expire_tokens();
    }
    app.exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();

    let headers = [("x-hubspot-correlation-id", ACCESS)];
    for (status, body) in [(200, r#"{"results":[]}"#), (200, ACCESS), (500, ACCESS)] {
        let server = answering(status, &headers, body).await;
        let _ = call(&client_at(&server.base_url(), ACCESS)).await;
    }
    let proxy = format!("http://user:{SECRET}@127.0.0.1:1");
    let builder = Client::builder().access_token(ACCESS).retry(RetryPolicy::never()).base_url("http://127.0.0.1:2");
    call(&builder.proxy(proxy).allow_insecure_http().build().unwrap()).await.unwrap_err();

    let text = heard.text();
    assert!(text.contains("hubspot.call") && text.contains("attempt ended"), "{text}");
    assert!(!text.contains(&issued), "{text}");
    assert_hidden(&text);
}

/// Hears what the crates below tell by `log`, in all tests of this program.
struct Log {
    lines: AtomicUsize,
    shown: Mutex<Vec<String>>,
}

static LOG: Log = Log { lines: AtomicUsize::new(0), shown: Mutex::new(Vec::new()) };

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {} {:?}", record.target(), record.args(), record.module_path());
        self.lines.fetch_add(1, Ordering::Relaxed);
        if line.contains(TELLTALE) {
            self.shown.lock().unwrap().push(line);
        }
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn no_crate_below_tells_a_secret_at_any_level() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let heard = Heard::default();
    let _another = Dispatch::new(Heard::default());
    let _guard = tracing::dispatcher::set_default(&Dispatch::new(heard.clone()));

    // HTTP/1 and OAuth, in plain and by a proxy with a password.
    let simulator = hubspot().await;
    let app = app_at(simulator.base_url());
    call(&client_with(&simulator, app.token(REFRESH).unwrap())).await.unwrap();
    app.exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();
    let proxy = format!("http://user:{SECRET}@{}", simulator.base_url().trim_start_matches("http://"));
    let builder = Client::builder().access_token(ACCESS).retry(RetryPolicy::never()).proxy(proxy).allow_insecure_http();
    for base_url in ["http://hubspot.example", "https://hubspot.example"] {
        call(&builder.clone().base_url(base_url).build().unwrap()).await.unwrap_err();
    }
    // HTTP/2, which tells of every frame.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(crate::frames::serve(stream, &[], usize::MAX));
        }
    });
    let http = || reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let client = Client::builder().base_url(&base_url).access_token(ACCESS).http_client(http()).build().unwrap();
    client.dissociate(1).with("companies", 2).as_type(3).header("x-proxy-key", SECRET).await.unwrap();
    let app = OAuthApp::builder(ID, SECRET).base_url(&base_url).http_client(http()).build().unwrap();
    app.exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();
    #[cfg(feature = "redis")]
    for port in [1, simulator.base_url().rsplit(':').next().unwrap().parse::<u16>().unwrap()] {
        let url = format!("redis://{SECRET}:{ACCESS}@127.0.0.1:{port}");
        let error = hubspot_partner_clients::redis::Redis::connect(url).await.unwrap_err();
        assert_hidden(&all_of(&error));
    }

    assert!(LOG.lines.load(Ordering::Relaxed) > 0, "nothing is heard");
    assert_eq!(*LOG.shown.lock().unwrap(), [""; 0]);
    let text = heard.text();
    assert!(text.contains("h2::"), "nothing is heard of HTTP/2");
    assert_hidden(&text);
}

#[tokio::test]
async fn an_observer_is_told_no_secret() {
    let heard = Heard::default();
    let headers = [("x-hubspot-correlation-id", ACCESS)];
    let body = format!(r#"{{"message":"bad {ACCESS}","errors":[{{"message":"{ACCESS}"}}]}}"#);
    for (status, body) in [(200, r#"{"results":[]}"#), (400, &body), (500, ACCESS)] {
        let server = answering(status, &headers, body).await;
        let builder = Client::builder().base_url(server.base_url()).access_token(ACCESS).observer(heard.clone());
        let _ = call(&builder.retry(RetryPolicy::never()).build().unwrap()).await;
    }
    let simulator = hubspot().await;
    simulator.inject(Fault::echo_credentials(400).on("oauth_token"));
    let token = app_at(simulator.base_url()).token(REFRESH).unwrap();
    let builder = Client::builder().base_url(simulator.base_url()).token_provider(token).observer(heard.clone());
    call(&builder.build().unwrap()).await.unwrap_err();

    let text = heard.text();
    assert!(text.contains("refresh_token=[redacted]") && text.contains("bad [redacted]"), "{text}");
    assert_hidden(&text);
}

#[tokio::test]
async fn a_short_token_changes_nothing_in_a_success() {
    let server = answering(200, &[], r#"{"results":[{"id":"t","name":"t"}]}"#).await;
    let types = client_at(&server.base_url(), "t").association_types("companies").await.unwrap();
    assert_eq!((types[0].id.as_str(), types[0].name.as_deref()), ("t", Some("t")));
}

#[tokio::test]
async fn a_token_that_an_answer_repeats_with_escapes_does_not_show() {
    let escaped: String = ACCESS.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let deep = "[".repeat(200) + &"]".repeat(200);
    for (status, body) in [
        (200, format!(r#"{{"id":"1","properties":"{escaped}"}}"#)),
        (200, format!(r#"{{"id":"1","properties":"{escaped}","#)),
        (200, format!(r#"{{"deep":{deep},"properties":"{escaped}"}}"#)),
        (400, format!(r#"{{"message":"{escaped}","context":{{"{escaped}":["{escaped}"]}}}}"#)),
    ] {
        let server = answering(status, &[], &body).await;
        let client = client_at(&server.base_url(), ACCESS);
        let error = match client.get(1).await {
            Ok(read) => {
                assert_hidden(&debug(&read));
                continue;
            }
            Err(error) => error,
        };
        assert_hidden(&all_of(&error));
        assert!(!all_of(&error).contains(&escaped[1..]), "it is as good as the token: {error:?}");
        let raw = client.raw().get().partner_client_id(1).send().await.unwrap_err();
        assert_hidden(&debug(&raw));
        assert_hidden(&all_of(&Error::from(raw)));
    }
}
