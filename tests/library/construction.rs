//! How a client is made, and what is refused.

use std::{process::Command, time::Duration};

use hubspot_partner_clients::{Client, ClientBuilder, Error};
use hubspot_simulator::Simulator;

fn at(url: &str) -> Result<Client, Error> {
    Client::builder().access_token("t").base_url(url).build()
}

#[test]
fn https_or_loopback_only() {
    for url in [
        "https://api.hubapi.com",
        "https://api.hubapi.com/",
        "https://proxy.example/hubspot",
        "http://localhost:8080",
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://[::1]:9",
    ] {
        assert!(at(url).is_ok(), "{url}");
    }
    for url in
        ["http://api.hubapi.com", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://10.0.0.1"]
    {
        let error = at(url).unwrap_err();
        assert!(error.is_invalid_input());
        assert!(error.message().contains("in the clear"), "{error}");
        assert!(Client::builder().access_token("t").base_url(url).allow_insecure_http().build().is_ok(), "{url}");
    }
}

/// As a program with several clients, or one that keeps its settings in a struct, has them.
#[tokio::test]
async fn a_builder_can_be_kept_and_used_again() {
    #[derive(Default, Clone)]
    struct Settings {
        builder: ClientBuilder,
    }
    let simulator = Simulator::start().await.unwrap();
    let settings = Settings {
        builder: Settings::default().builder.base_url(simulator.base_url()).access_token(simulator.access_token()),
    };
    let quick = settings.clone().builder.timeout(Duration::from_secs(1)).build().unwrap();
    for client in [quick, settings.builder.build().unwrap()] {
        client.list().await.unwrap();
    }
    assert!(ClientBuilder::default().build().unwrap_err().message().contains("access token is missing"));
}

#[test]
fn a_base_url_that_is_none_is_refused_by_name() {
    for (url, reason) in [
        ("", "is not a URL"),
        ("api.hubapi.com", "is not a URL"),
        ("ftp://api.hubapi.com", "neither https nor http"),
        ("https://api.hubapi.com?x=1", "query or a fragment"),
        ("https://api.hubapi.com#x", "query or a fragment"),
    ] {
        let error = at(url).unwrap_err();
        assert!(error.message().starts_with("base URL \""), "{error}");
        assert!(error.message().contains(reason), "{error}");
    }
    let error = at("https://user:hunter2@api.hubapi.com").unwrap_err();
    assert!(error.message().contains("contains credentials"));
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn a_timeout_of_zero_is_refused_by_name() {
    let error = Client::builder().access_token("t").timeout(Duration::ZERO).build().unwrap_err();
    assert_eq!(error.message(), "timeout \"0s\" leaves no time: give more than zero");
}

#[tokio::test]
async fn a_loopback_address_is_reached_past_a_proxy() {
    let simulator = Simulator::start().await.unwrap();
    let program = std::env::current_exe().unwrap();
    let output = tokio::task::spawn_blocking({
        let (url, token) = (simulator.base_url().to_owned(), simulator.access_token().to_owned());
        move || {
            child(&program)
                .env("HUBSPOT_BASE_URL", url)
                .env("HUBSPOT_ACCESS_TOKEN", token)
                .env("HTTP_PROXY", "http://127.0.0.1:1")
                .env("http_proxy", "http://127.0.0.1:1")
                .output()
        }
    })
    .await
    .unwrap()
    .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("outcome: made"), "{output:?}");
    assert_eq!(simulator.associations("512").len(), 1);
}

#[test]
fn the_environment_s_variables_are_checked_by_name() {
    let program = std::env::current_exe().unwrap();
    let outcome = |command: &mut Command| String::from_utf8(command.output().unwrap().stdout).unwrap();
    let missing = outcome(&mut child(&program));
    assert!(missing.contains("outcome: HUBSPOT_ACCESS_TOKEN is not set"), "{missing}");
    let insecure =
        outcome(child(&program).env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_BASE_URL", "http://example.com"));
    assert!(insecure.contains("in the clear"), "{insecure}");
    let empty = outcome(child(&program).env("HUBSPOT_ACCESS_TOKEN", ""));
    assert!(empty.contains("HUBSPOT_ACCESS_TOKEN is empty"), "{empty}");
    for (written, trouble) in [
        ("\"s3cret\"", "begins or ends with a quotation mark"),
        ("s3cret\"", "begins or ends with a quotation mark"),
        ("'s3cret", "begins or ends with a quotation mark"),
        ("s3 cret", "contains a space"),
        ("Bearer s3cret", "\"Bearer\""),
    ] {
        let shown = outcome(child(&program).env("HUBSPOT_ACCESS_TOKEN", written));
        assert!(shown.contains("HUBSPOT_ACCESS_TOKEN ") && shown.contains(trouble), "{shown}");
        assert!(!shown.contains("s3"), "{shown}");
    }
    let mut build = child(&program);
    let trimmed = outcome(build.env("CHILD", "build").env("HUBSPOT_ACCESS_TOKEN", " t\r\n"));
    assert!(trimmed.contains("outcome: Ok("), "{trimmed}");
    let mut build = child(&program);
    let hubspot = outcome(build.env("CHILD", "build").env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_BASE_URL", ""));
    assert!(hubspot.contains(r#"base_url: "https://api.hubapi.com""#), "an empty one is not set: {hubspot}");
    for (set, made) in [("", "v3"), ("2026-09", "2026-09"), (" V3\n", "v3")] {
        let mut build = child(&program);
        build.env("CHILD", "build").env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_API_VERSION", set);
        let shown = outcome(&mut build);
        assert!(shown.contains(&format!("api_version: ApiVersion({made})")), "{set:?}: {shown}");
    }
    let unknown = outcome(child(&program).env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_API_VERSION", "2026"));
    assert!(unknown.contains("HUBSPOT_API_VERSION \"2026\" is not"), "{unknown}");
}

#[tokio::test]
async fn a_user_agent_names_the_application_too() {
    let simulator = Simulator::start().await.unwrap();
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    builder.user_agent_suffix("my-app/1.0").build().unwrap().association_types("companies").await.unwrap();
    let agent = concat!("hubspot-partner-clients-rust/", env!("CARGO_PKG_VERSION"), " my-app/1.0");
    assert_eq!(simulator.requests()[0].header("user-agent"), Some(agent));
    let error = Client::builder().access_token("t").user_agent_suffix("a\nb").build().unwrap_err();
    assert!(error.message().starts_with("user agent suffix \"a\\nb\" cannot be sent"), "{error}");
}

#[tokio::test]
async fn an_http_client_of_one_s_own_is_used_and_contradicting_settings_are_refused() {
    let simulator = Simulator::start().await.unwrap();
    let own = reqwest::Client::builder().user_agent("own/1").build().unwrap();
    let builder = || Client::builder().access_token(simulator.access_token()).http_client(own.clone());
    builder().base_url(simulator.base_url()).build().unwrap().association_types("companies").await.unwrap();
    assert_eq!(simulator.requests()[0].header("user-agent"), Some("own/1"));
    for (error, setting) in [
        (builder().proxy("http://127.0.0.1:1").build(), "proxy"),
        (builder().connect_timeout(Duration::from_secs(1)).build(), "connect timeout"),
        (builder().root_certificates("x").build(), "root certificate"),
        (builder().max_idle_connections(1).build(), "max idle connections"),
    ] {
        let error = error.unwrap_err();
        assert!(error.message().starts_with(&format!("{setting} cannot be set beside http_client")), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_set() {
    let proxy = crate::support::RawServer::json(200, r#"{"results":[]}"#).await;
    let client = Client::builder().access_token("t").base_url("http://hubspot.invalid").allow_insecure_http();
    let client = client.proxy(proxy.base_url.clone()).build().unwrap();
    client.association_types("companies").await.unwrap();
    assert!(
        proxy.received()[0].starts_with("GET http://hubspot.invalid/crm/v3/associations/"),
        "{:?}",
        proxy.received()
    );

    let error = Client::builder().access_token("t").proxy("http://user:hunter2@").build().unwrap_err();
    assert!(error.message().starts_with("proxy is not a URL") && !format!("{error:?}").contains("hunter2"), "{error}");
    let token = Client::builder().base_url("pat-na1-hunter2").access_token("x").build().unwrap_err();
    assert!(
        token.message().starts_with("base URL is not a URL") && !format!("{token:?}").contains("hunter2"),
        "{token}"
    );
}

/// Its name is looked up by the proxy, which is led to `server`. Returns the name.
async fn socks(listener: tokio::net::TcpListener, server: String) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut client, _) = listener.accept().await.unwrap();
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting[0], 5, "version 5");
    client.read_exact(&mut vec![0; greeting[1].into()]).await.unwrap();
    client.write_all(&[5, 0]).await.unwrap();
    let mut connect = [0; 5];
    client.read_exact(&mut connect).await.unwrap();
    assert_eq!(connect[..4], [5, 1, 0, 3], "to connect to a name");
    let mut name = vec![0; connect[4].into()];
    client.read_exact(&mut name).await.unwrap();
    client.read_exact(&mut [0; 2]).await.unwrap();
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    if let Ok(mut server) = tokio::net::TcpStream::connect(server).await {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
    String::from_utf8(name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socks_proxy_is_used() {
    let hubspot = crate::support::RawServer::json(200, r#"{"results":[]}"#).await;
    let server = hubspot.base_url.trim_start_matches("http://").to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("socks5h://{}", listener.local_addr().unwrap());
    let led = tokio::spawn(socks(listener, server));
    let client = Client::builder().access_token("t").base_url("http://hubspot.invalid").allow_insecure_http();
    client.proxy(proxy).build().unwrap().association_types("companies").await.unwrap();
    assert!(hubspot.received()[0].starts_with("GET /crm/v3/associations/"), "{:?}", hubspot.received());
    assert_eq!(led.await.unwrap(), "hubspot.invalid");

    // And where the environment names it.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("socks5h://{}", listener.local_addr().unwrap());
    let led = tokio::spawn(socks(listener, "127.0.0.1:1".to_owned()));
    let mut child = child(&std::env::current_exe().unwrap());
    for name in ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child.env("ALL_PROXY", proxy).env("HUBSPOT_BASE_URL", "https://hubspot.invalid").env("HUBSPOT_ACCESS_TOKEN", "t");
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    assert!(led.is_finished(), "{output:?}");
    assert_eq!(led.await.unwrap(), "hubspot.invalid");
}

/// The proxy would see the token, and may be anywhere.
#[tokio::test]
async fn a_proxy_that_would_see_the_token_needs_leave() {
    for proxy in ["http://127.0.0.1:1", "http://proxy.example:3128", "https://proxy.example", "socks5://127.0.0.1:1"] {
        for base_url in ["http://127.0.0.1:2", "http://localhost:2", "http://[::1]:2"] {
            let builder = || Client::builder().access_token("t").base_url(base_url).proxy(proxy);
            let error = builder().build().unwrap_err();
            assert!(error.is_invalid_input() && error.message().starts_with("proxy would see the token"), "{error}");
            if !proxy.starts_with("socks") {
                builder().allow_insecure_http().build().unwrap();
            }
        }
    }
    Client::builder().access_token("t").proxy("http://127.0.0.1:1").build().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_without_certificates_speaks_plain_http_and_says_what_https_lacks() {
    let simulator = Simulator::start().await.unwrap();
    let program = std::env::current_exe().unwrap();
    let bare = || {
        let mut command = child(&program);
        command.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent");
        command.env("HUBSPOT_ACCESS_TOKEN", simulator.access_token());
        command
    };
    let outcome = |command: &mut Command| String::from_utf8(command.output().unwrap().stdout).unwrap();
    let plain = outcome(bare().env("HUBSPOT_BASE_URL", simulator.base_url()));
    assert!(plain.contains("outcome: made"), "{plain}");
    // The platform's own TLS finds out with the first connection.
    if cfg!(all(feature = "rustls", not(feature = "native-tls"))) {
        let tls = outcome(bare().env("CHILD", "build"));
        assert!(tls.contains("TLS of the HTTP client cannot be set up"), "{tls}");
        assert!(tls.contains("`ca-certificates`") && tls.contains("SSL_CERT_FILE"), "{tls}");
    }
}

#[test]
fn a_root_certificate_that_is_none_is_refused() {
    let error = Client::builder().access_token("t").root_certificates("not PEM").build().unwrap_err();
    assert!(error.message().starts_with("root certificate is not PEM"), "{error}");
}

/// What building a client in this environment comes to.
fn built(environment: &[(&str, &str)]) -> String {
    let mut child = child(&std::env::current_exe().unwrap());
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child.env("CHILD", "build").env("HUBSPOT_ACCESS_TOKEN", "t").envs(environment.iter().copied());
    let output = child.output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_proxy_in_the_environment_that_cannot_be_read_is_refused_by_the_variable_s_name() {
    const UNREADABLE: &str = "http://user:hunter2#@proxy:3128";
    let unreadables = [
        UNREADABLE,
        "http://user:12#hunter2@proxy:3128",
        "http://user:12/hunter2@proxy:3128",
        "http://user:12?hunter2@proxy:3128",
        "http://user:12@hunter2@proxy:3128",
        "user:12@hunter2@proxy:3128",
        "socks5h://user:12@hunter2@proxy:1080",
        "ftp://hunter2:3128",
        "hunter2 proxy",
        "://hunter2",
        "http://",
    ];
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        for unreadable in unreadables {
            let refused = built(&[(name, unreadable)]);
            assert!(
                refused.contains("outcome: Err") && refused.contains(&format!("{name} is not the URL")),
                "{refused}"
            );
            assert!(!refused.contains("hunter2"), "{refused}");
        }
        assert!(built(&[(name, "http://user:p%23%40ss@proxy:3128")]).contains("outcome: Ok"));
        for readable in
            ["proxy:3128", "proxy", "http://proxy:3128/", "socks5h://user:x@proxy:1080", "http://[::1]:3128"]
        {
            assert!(built(&[(name, readable)]).contains("outcome: Ok"), "{readable}");
        }
    }
    let local = ("HUBSPOT_BASE_URL", "http://127.0.0.1:1");
    for harmless in [
        &[("HTTPS_PROXY", UNREADABLE), ("NO_PROXY", "example.com, .hubapi.com")][..],
        &[("HTTPS_PROXY", UNREADABLE), ("no_proxy", "*")],
        &[("HTTPS_PROXY", UNREADABLE), ("REQUEST_METHOD", "GET")],
        &[("HTTP_PROXY", UNREADABLE)],
        &[("HTTPS_PROXY", UNREADABLE), ("HTTP_PROXY", UNREADABLE), local],
        // The first of the two that is set counts, even if it is empty.
        &[("HTTPS_PROXY", ""), ("https_proxy", UNREADABLE)],
        &[("HTTPS_PROXY", "http://proxy:3128"), ("https_proxy", UNREADABLE), ("ALL_PROXY", UNREADABLE)],
    ] {
        let built = built(harmless);
        assert!(built.contains("outcome: Ok"), "{harmless:?}: {built}");
    }
    let refused = built(&[("HTTPS_PROXY", ""), ("all_proxy", UNREADABLE)]);
    assert!(refused.contains("all_proxy is not the URL"), "{refused}");
}

/// This test program again, in an environment of its own.
fn child(program: &std::path::Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "construction::in_a_child_process", "--nocapture"])
        .env_remove("HUBSPOT_ACCESS_TOKEN")
        .env_remove("HUBSPOT_BASE_URL")
        .env_remove("HUBSPOT_API_VERSION")
        .env("CHILD", "1");
    command
}

#[tokio::test]
async fn in_a_child_process() {
    if std::env::var_os("CHILD").is_none() {
        return;
    }
    if std::env::var_os("CHILD").is_some_and(|what| what == "build") {
        return println!("outcome: {:?}", Client::from_env());
    }
    let outcome = match Client::from_env() {
        Ok(client) => client.associate(512).with("companies", 9001).as_type(1001).await.map(|_| ()),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => println!("outcome: made"),
        Err(error) => println!("outcome: {error}"),
    }
}
