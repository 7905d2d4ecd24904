//! What a newcomer reads when the first association does not come about: what happened, and what to do next.

#[cfg(feature = "cli")]
#[path = "support/cli.rs"]
mod cli;
mod support;

use httpmock::MockServer;
use hubspot_partner_clients::{
    Client, Error, RetryPolicy,
    simulator::{READ_SCOPE, Simulator},
};
use support::client_at;

const ASSOCIATION: [&str; 4] = ["512", "companies", "9001", "partner_client_to_company"];

async fn refused(client: &Client, [partner_client, to_type, to_id, association_type]: [&str; 4]) -> Error {
    client.associate(partner_client).with(to_type, to_id).as_type(association_type).await.unwrap_err()
}

/// What `Display` and the remedy have to contain.
#[track_caller]
fn assert_told(error: &Error, happened: &[&str], remedy: &str) {
    for part in happened {
        assert!(error.to_string().contains(part), "{part:?} is not in {error}");
    }
    assert!(error.remedy().contains(remedy), "{remedy:?} is not in {:?}, the remedy of {error}", error.remedy());
}

/// An address where nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_token_that_hubspot_does_not_know_and_one_without_the_scope() {
    let hubspot = Simulator::builder().token("reader", [READ_SCOPE]).start().await.unwrap();
    let unknown = refused(&client_at(hubspot.base_url(), "unknown"), ASSOCIATION).await;
    assert_told(&unknown, &["HubSpot answered 401"], "Check HUBSPOT_ACCESS_TOKEN");
    let reader = refused(&client_at(hubspot.base_url(), "reader"), ASSOCIATION).await;
    assert_told(&reader, &["403 MISSING_SCOPES", "crm.objects.partner-clients.write"], "the scopes named");
}

#[tokio::test]
async fn each_part_of_an_association_that_may_be_wrong_has_a_remedy_of_its_own() {
    let hubspot = Simulator::start().await.unwrap();
    let client = client_at(hubspot.base_url(), hubspot.access_token());
    let [partner_client, to_type, to_id, association_type] = ASSOCIATION;
    let wrong = refused(&client, ["513", to_type, to_id, association_type]).await;
    assert_told(&wrong, &["404 OBJECT_NOT_FOUND"], "Check the id, and that the token");
    let wrong = refused(&client, [partner_client, "widgets", to_id, association_type]).await;
    assert_told(&wrong, &["400", "widgets"], "Check the object type: a name such as companies");
    let wrong = refused(&client, [partner_client, to_type, "9009", association_type]).await;
    assert_told(&wrong, &["400", "COMPANY=9009 is not valid"], "Check the id of the other object");
    let wrong = refused(&client, [partner_client, to_type, to_id, "partner_client_to_compny"]).await;
    assert_told(&wrong, &["400", "partner_client_to_compny"], "`association_types` lists");
}

#[tokio::test]
async fn no_connection_says_to_where() {
    let url = nowhere();
    let client = Client::builder().base_url(&url).access_token("t").retry(RetryPolicy::never()).build().unwrap();
    let error = refused(&client, ASSOCIATION).await;
    assert_told(&error, &["no connection to ", url.trim_start_matches("http://")], "Check the network");
}

#[tokio::test]
async fn a_base_url_that_is_not_hubspot_s_is_suspected() {
    let hubspot = Simulator::start().await.unwrap();
    let with_path = client_at(&format!("{}/crm", hubspot.base_url()), hubspot.access_token());
    assert_told(&refused(&with_path, ASSOCIATION).await, &["404", "/crm/crm/v3"], "Check the base URL");

    for status in [200, 404, 405, 501] {
        let website = MockServer::start_async().await;
        website
            .mock_async(|_, then| {
                then.status(status).header("content-type", "text/html").body("<html><h1>A website</h1></html>");
            })
            .await;
        let error = refused(&client_at(&website.base_url(), "t"), ASSOCIATION).await;
        assert_told(&error, &[], "base URL");
    }
    for (url, trouble) in [("api.hubapi.com", "is not a URL"), ("http://api.hubapi.com", "in the clear")] {
        let error = Client::builder().base_url(url).access_token("t").build().unwrap_err();
        assert_told(&error, &[url, trouble, "https"], "the value that the message names");
    }
}

#[tokio::test]
async fn a_type_that_does_not_fit_the_properties_is_not_put_down_to_the_base_url() {
    let hubspot = Simulator::builder().partner_client("513", [("name", "Globex")]).start().await.unwrap();
    let found = client_at(hubspot.base_url(), hubspot.access_token()).get("513").properties(["name"]).await.unwrap();
    let number = found.properties_as::<Number>().map(|read| read.name).unwrap_err();
    assert_told(&number, &["partner client 513", "`name`", "Globex"], "Correct the type");
    let missing = found.properties_as::<Domain>().map(|read| read.domain).unwrap_err();
    assert_told(&missing, &["partner client 513", "`domain`"], "ask for the property");
    for error in [number, missing] {
        assert!(error.is_decode() && !error.remedy().contains("base URL"), "{}", error.remedy());
    }
}

#[derive(serde::Deserialize)]
struct Number {
    name: u32,
}

#[derive(serde::Deserialize)]
struct Domain {
    domain: String,
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn a_redis_that_is_not_there_is_not_put_down_to_the_base_url() {
    let url = nowhere().replace("http", "redis");
    let error = hubspot_partner_clients::redis::Redis::connect(&*url).await.unwrap_err();
    assert!(error.is_connect() && !error.remedy().contains("base URL"), "{}", error.remedy());
    assert_told(&error, &[url.trim_start_matches("redis://")], "Redis URL");
}

#[cfg(feature = "cli")]
mod tool {
    use super::{
        ASSOCIATION, READ_SCOPE, Simulator,
        cli::{Ran, run, tool, tool_at},
        nowhere,
        support::{RawServer, http},
    };

    fn associate(hubspot: &Simulator, association: [&str; 4], environment: &[(&str, &str)]) -> Ran {
        let mut command = tool_at(hubspot, &[&["associate"][..], &association].concat());
        command.envs(environment.iter().copied());
        run(command)
    }

    /// The lines on standard error, and the exit code.
    #[track_caller]
    fn assert_told(ran: &Ran, code: i32, happened: &[&str], remedy: &str) {
        assert_eq!((ran.code, &*ran.out), (Some(code), ""), "{}", ran.err);
        let (error, what_to_do) = ran.err.split_once("\nwhat to do: ").unwrap_or_else(|| panic!("{}", ran.err));
        assert!(happened.iter().all(|part| error.contains(part)), "{happened:?} is not in {error}");
        assert!(what_to_do.contains(remedy), "{remedy:?} is not in {what_to_do}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn says_what_happened_and_what_to_do() {
        let hubspot = Simulator::builder().token("reader", [READ_SCOPE]).start().await.unwrap();
        let [partner_client, to_type, to_id, association_type] = ASSOCIATION;
        let token = |token| associate(&hubspot, ASSOCIATION, &[("HUBSPOT_ACCESS_TOKEN", token)]);
        assert_told(&token("unknown"), 3, &["401"], "Check HUBSPOT_ACCESS_TOKEN");
        assert_told(&token("reader"), 3, &["403", "crm.objects.partner-clients.write"], "the scopes named");

        let wrong = |association| associate(&hubspot, association, &[]);
        let object_type = wrong([partner_client, "widgets", to_id, association_type]);
        assert_told(&object_type, 1, &["widgets"], "Check the object type");
        let object = wrong([partner_client, to_type, "9009", association_type]);
        assert_told(&object, 1, &["COMPANY=9009 is not valid"], "Check the id of the other object");
        let close = wrong([partner_client, to_type, to_id, "partner_client_to_compny"]);
        assert_told(&close, 1, &["partner_client_to_compny"], "Did you mean partner_client_to_company?");

        let base_url = |url: &str| associate(&hubspot, ASSOCIATION, &[("HUBSPOT_BASE_URL", url)]);
        assert_told(&base_url(&format!("{}/crm", hubspot.base_url())), 1, &["404"], "Check the base URL");
        assert_told(&base_url("api.hubapi.com"), 2, &["is not a URL"], "the value that the message names");
        let url = nowhere();
        assert_told(&base_url(&url), 4, &["no connection to ", url.trim_start_matches("http://")], "Check the network");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn names_nothing_that_only_a_program_can_call() {
        let hubspot = Simulator::start().await.unwrap();
        let with = |base_url: &str, arguments: &[&str]| {
            let mut command = tool_at(&hubspot, arguments);
            command.env("HUBSPOT_BASE_URL", base_url);
            run(command)
        };
        let huge = RawServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await;
        let unknown_type = r#"{"message":"m","category":"VALIDATION_ERROR","context":{"INVALID_ASSOCIATION_TYPE_ID":["9 is no type"]}}"#;
        let unknown_type = RawServer::json(400, unknown_type).await;
        let associate = [&["associate"][..], &ASSOCIATION].concat();
        let clear = with("http://api.hubapi.com", &["list"]);
        assert_told(&clear, 2, &["would send the token in the clear", "use https"], "the value that the message names");
        let credentials = with("https://user:password@api.hubapi.com", &["list"]);
        assert_told(&credentials, 2, &["holds credentials", "goes into HUBSPOT_ACCESS_TOKEN"], "the value that");
        let names = vec!["a_property"; 1_000].join(",");
        let long = with(hubspot.base_url(), &["list", "--properties", &names]);
        assert_told(&long, 2, &["ask for fewer"], "the value that the message names");
        assert_told(&with(&huge.base_url, &["list"]), 1, &["larger than"], "Ask for fewer properties");
        assert_told(&with(&unknown_type.base_url, &associate), 1, &["400"], "`types` lists");
        let json = with(&unknown_type.base_url, &[&["--json"][..], &associate].concat());
        assert!(json.error()["remedy"].as_str().unwrap().contains("`types` lists"), "{}", json.err);
        for ran in
            [clear, credentials, long, with(&huge.base_url, &["list"]), with(&unknown_type.base_url, &associate), json]
        {
            for name in ["allow_insecure_http", "access_token", "batch_read", "max_response_bytes", "association_types"]
            {
                assert!(!ran.err.contains(name), "{}", ran.err);
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_fault_of_hubspot_s_has_an_exit_code_of_its_own() {
        for status in [500, 501, 522, 525, 526, 599] {
            let gateway = RawServer::answering(http(status, "text/html", "<html>")).await;
            let arguments = ["dissociate", "512", "companies", "9001", "owner", "--base-url", &gateway.base_url];
            let mut command = tool(&arguments);
            command.env("HUBSPOT_ACCESS_TOKEN", "t");
            assert_told(&run(command), 4, &[&status.to_string()], "");
        }
    }
}
