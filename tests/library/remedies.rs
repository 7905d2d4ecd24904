//! What each answer of HubSpot's, and of what stands before it, is told to be: its kind, whether it is tried again, what to do.

use std::time::Duration;

use hubspot_partner_clients::{
    Client, Error, ErrorKind, RateLimit, RetryPolicy, Update,
    oauth::{OAuthApp, OAuthToken},
};

use crate::support::RawServer;

const HTML: &str = "<html><h1>Not for you</h1></html>";

#[derive(Debug, Clone, Copy)]
enum Call {
    Associate,
    Update,
    Get,
    Search,
}

use Call::{Associate, Get, Search};

fn client_of(server: &RawServer) -> Client {
    let client = Client::builder().base_url(&server.base_url).access_token("t").rate_limit(RateLimit::unlimited());
    client.retry(RetryPolicy::default().max_attempts(2)).build().unwrap()
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let kind = if body.starts_with('{') { "application/json" } else { "text/html" };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

async fn failed(call: Call, status: u16, headers: &str, body: &str) -> Error {
    let server = RawServer::answering(answer(status, headers, body)).await;
    let client = client_of(&server);
    match call {
        Associate => client.associate(512).with("companies", 9001).as_type("a").await.map(drop),
        Call::Update => client.update(512).set("name", "x").await.map(drop),
        Get => client.get(512).await.map(drop),
        Search => client.search().await.map(drop),
    }
    .unwrap_err()
}

/// The call, status, headers and body; the kind; whether it was tried again; what the remedy says and what it may not say.
type Row<'a> = (Call, u16, &'a str, &'a str, ErrorKind, bool, &'a [&'a str], &'a [&'a str]);

async fn check(rows: &[Row<'_>]) {
    for (call, status, headers, body, kind, again, says, says_not) in rows {
        let error = failed(*call, *status, headers, body).await;
        let told = format!("{call:?} {status} {headers}{body}\n{error}\n{}", error.remedy());
        assert_eq!(error.kind(), *kind, "{told}");
        assert_eq!(error.status(), Some(*status), "{told}");
        assert_eq!(error.attempts() == 2, *again, "{told}");
        assert!(says.iter().all(|part| error.remedy().contains(part)), "{told}");
        assert!(!says_not.iter().any(|part| error.remedy().contains(part)), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_what_has_to_be_corrected() {
    use ErrorKind::Refused;
    check(&[
        (Call::Update, 400, "", r#"{"status":"error","message":"Property values were not valid: []","category":"VALIDATION_ERROR","correlationId":"x"}"#, Refused, false, &["properties"], &["association"]),
        (Associate, 400, "", r#"{"status":"error","message":"Unable to infer object type from: widgets","correlationId":"x"}"#, Refused, false, &["object type"], &["association type", "base URL"]),
        (Get, 400, "", r#"{"status":"error","message":"Unable to infer object type from: widgets","correlationId":"x"}"#, Refused, false, &["object type"], &[]),
        (Associate, 400, "", r#"{"status":"error","message":"Invalid object or event type id: 0-9999","correlationId":"x"}"#, Refused, false, &["object type"], &["association type"]),
        (Associate, 400, "", r#"{"status":"error","message":"One or more associations are invalid","category":"VALIDATION_ERROR","correlationId":"x","context":{"INVALID_OBJECT_IDS":["CONTACT=38374264688 is not valid"],"objectId":["38374264688"],"objectType":["CONTACT"]}}"#, Refused, false, &["id of the other object"], &["type"]),
        (Associate, 400, "", r#"{"status":"error","message":"One or more associations are invalid","category":"VALIDATION_ERROR","correlationId":"x","context":{"INVALID_ASSOCIATION_TYPE_ID":["999"]}}"#, Refused, false, &["association type", "`association_types`"], &["object"]),
        (Associate, 400, "", r#"{"status":"error","message":"invalid","category":"VALIDATION_ERROR","correlationId":"x","errors":[{"message":"no","context":{"INVALID_ASSOCIATION_TYPE_ID":["999"]}}]}"#, Refused, false, &["association type"], &["object"]),
        (Get, 400, "", r#"{"status":"error","message":"The cursor is not valid","category":"VALIDATION_ERROR","correlationId":"x"}"#, Refused, false, &["as the message says"], &[]),
        (Associate, 400, "", r#"{"status":"error","message":"Property values were not valid","category":"VALIDATION_ERROR","correlationId":"x","errors":[{"message":"bad id"}]}"#, Refused, false, &["properties and values"], &["association type"]),
        (Associate, 400, "", r#"{"status":"error","message":"Ungültige Eingabe","category":"VALIDATION_ERROR","correlationId":"x"}"#, Refused, false, &["as the message says"], &["association type"]),
        (Associate, 400, "", HTML, Refused, false, &["base URL", "proxy"], &["association type"]),
        (Associate, 407, "", "", Refused, false, &["proxy's user name and password"], &[]),
        (Get, 414, "", "", Refused, false, &["URL is too long", "fewer properties"], &["base URL"]),
        (Get, 414, "x-hubspot-correlation-id: x\r\n", HTML, Refused, false, &["URL is too long"], &[]),
        (Call::Update, 413, "x-hubspot-correlation-id: x\r\n", "", Refused, false, &["less in one request"], &[]),
        (Associate, 302, "location: https://elsewhere.example/\r\n", "", ErrorKind::Redirect, false, &["redirects to"], &[]),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_and_its_scopes_are_told_apart_from_an_account_and_a_firewall() {
    use ErrorKind::{Forbidden, MissingScope, Unauthorized};
    check(&[
        (Associate, 401, "", r#"{"status":"error","message":"m","category":"INVALID_AUTHENTICATION","correlationId":"x"}"#, Unauthorized, false, &["HUBSPOT_ACCESS_TOKEN"], &["scope"]),
        (Associate, 401, "", r#"{"status":"error","message":"m","category":"EXPIRED_AUTHENTICATION","correlationId":"x"}"#, Unauthorized, false, &["has expired", "HUBSPOT_ACCESS_TOKEN"], &["does not know"]),
        (Associate, 403, "", r#"{"status":"error","message":"m","category":"MISSING_SCOPES","correlationId":"x","errors":[{"message":"One of these","context":{"requiredGranularScopes":["crm.objects.partner-clients.write"]}}]}"#, MissingScope, false, &["scopes named"], &[]),
        (Associate, 403, "", r#"{"status":"error","message":"m","category":"MISSING_SCOPES","correlationId":"x"}"#, MissingScope, false, &["crm.objects.partner-clients.write"], &["scopes named"]),
        (Associate, 403, "", r#"{"status":"error","message":"This account is suspended","correlationId":"x"}"#, Forbidden, false, &["account"], &["scope", "firewall"]),
        (Associate, 403, "", HTML, Forbidden, false, &["proxy or firewall"], &["token", "scope"]),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_missing_is_told_apart_from_a_path_that_is() {
    use ErrorKind::{NotFound, UnknownPath};
    check(&[
        (
            Get,
            404,
            "",
            r#"{"status":"error","message":"resource not found","category":"OBJECT_NOT_FOUND","correlationId":"x"}"#,
            NotFound,
            false,
            &["Check the id"],
            &["base URL"],
        ),
        (
            Get,
            404,
            "",
            r#"{"status":"error","message":"resource not found","correlationId":"x"}"#,
            NotFound,
            false,
            &["Check the id"],
            &["base URL"],
        ),
        (Get, 404, "x-hubspot-correlation-id: x\r\n", HTML, NotFound, false, &["Check the id"], &["base URL"]),
        (Get, 404, "X-HubSpot-NotFound: true\r\n", HTML, NotFound, false, &["Check the id"], &["base URL"]),
        (Get, 404, "x-hubspot-correlation-id: x\r\n", "", NotFound, false, &["Check the id"], &["base URL"]),
        (Get, 404, "", HTML, UnknownPath, false, &["Check the base URL"], &[]),
        (Get, 404, "", "{}", UnknownPath, false, &["Check the base URL"], &[]),
        (Get, 405, "", r#"{"detail":"Method Not Allowed"}"#, UnknownPath, false, &["Check the base URL"], &[]),
    ])
    .await;
    assert!(failed(Get, 404, "X-HubSpot-NotFound: true\r\n", HTML).await.is_not_found());
    assert!(!failed(Get, 404, "", HTML).await.is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_says_what_to_look_at() {
    use ErrorKind::Conflict;
    let changed = r#"{"status":"error","message":"The object has changed meanwhile","correlationId":"x"}"#;
    check(&[
        (
            Call::Update,
            409,
            "",
            changed,
            Conflict,
            false,
            &["changed in the meantime", "read it again"],
            &["Correct the request"],
        ),
        (
            Call::Update,
            409,
            "",
            r#"{"status":"error","message":"m","category":"CONFLICT","correlationId":"x"}"#,
            Conflict,
            false,
            &["read it again"],
            &["Correct the request"],
        ),
        (
            Call::Update,
            409,
            "",
            r#"{"status":"error","message":"m","category":"OBJECT_ALREADY_EXISTS","correlationId":"x"}"#,
            Conflict,
            false,
            &["already exists"],
            &["changed", "Correct the request"],
        ),
        (Call::Update, 409, "", HTML, Conflict, false, &["base URL"], &["changed"]),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_says_how_long_to_wait() {
    use ErrorKind::{DailyLimit, Locked, RateLimited};
    let limit = |policy: &str| {
        format!(
            r#"{{"status":"error","message":"You have reached your limit.","errorType":"RATE_LIMIT","correlationId":"x","policyName":"{policy}","groupName":"g"}}"#
        )
    };
    let (rolling, secondly, daily) = (limit("TEN_SECONDLY_ROLLING"), limit("SECONDLY"), limit("DAILY"));
    check(&[
        (Associate, 429, "", &rolling, RateLimited, true, &["ten seconds"], &[]),
        (Associate, 429, "", "", RateLimited, true, &["ten seconds"], &[]),
        (Associate, 429, "retry-after: 61\r\n", &rolling, RateLimited, false, &["61 seconds"], &["ten seconds"]),
        (Associate, 429, "retry-after: 3\r\n", &rolling, RateLimited, true, &["3 seconds"], &["ten seconds"]),
        (Associate, 429, "retry-after: 0\r\n", &rolling, RateLimited, true, &["ten seconds"], &["0 seconds"]),
        (Associate, 429, "retry-after: 1\r\n", &rolling, RateLimited, true, &["1 second "], &["ten seconds"]),
        (Search, 429, "", &secondly, RateLimited, true, &["a second", "five searches"], &["ten seconds"]),
        (Associate, 429, "", &daily, DailyLimit, false, &["midnight"], &["ten seconds"]),
        (Call::Update, 429, "", &rolling, RateLimited, true, &["ten seconds"], &[]),
        (
            Call::Update,
            423,
            "",
            r#"{"status":"error","message":"locked","correlationId":"x"}"#,
            Locked,
            true,
            &["two seconds"],
            &[],
        ),
        (Call::Update, 423, "retry-after: 5\r\n", "", Locked, true, &["in 5 seconds"], &["two seconds"]),
        (Call::Update, 477, "", "", Locked, true, &["being moved", "24 hours"], &[]),
        (Call::Update, 477, "retry-after: 7201\r\n", "", Locked, false, &["being moved", "in 3 hours"], &["24 hours"]),
        (Call::Update, 477, "retry-after: 300\r\n", "", Locked, false, &["in 5 minutes"], &["24 hours"]),
    ])
    .await;
    let error = failed(Associate, 429, "retry-after: 61\r\n", &rolling).await;
    assert_eq!((error.retry_after(), error.is_rate_limited()), (Some(Duration::from_secs(61)), true));
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_server_says_whether_to_repeat_the_call() {
    use ErrorKind::Server;
    let body = r#"{"status":"error","message":"internal error","correlationId":"x"}"#;
    check(&[
        (Associate, 500, "", body, Server, true, &["Try again", "no harm", "correlation id"], &["base URL"]),
        (Get, 500, "", body, Server, true, &["Try again", "no harm"], &[]),
        (
            Call::Update,
            500,
            "",
            body,
            Server,
            false,
            &["Check whether `update` was carried out", "correlation id"],
            &["Try again"],
        ),
        (Associate, 502, "", HTML, Server, true, &["Try again", "base URL", "proxy"], &["correlation id"]),
        (Associate, 503, "retry-after: 30\r\n", HTML, Server, true, &["Try again in 30 seconds"], &[]),
        (Associate, 504, "", "", Server, true, &["Try again"], &[]),
        (Associate, 521, "", "", Server, true, &["Try again"], &[]),
        (Associate, 524, "", "", Server, true, &["Try again"], &[]),
        (Call::Update, 524, "", "", Server, false, &["Check whether `update` was carried out"], &[]),
        (Associate, 522, "", "", Server, false, &["base URL", "proxy"], &[]),
        (Associate, 526, "", "", Server, false, &["base URL", "proxy"], &[]),
        (Associate, 501, "", HTML, Server, false, &["Check the base URL"], &["Try again"]),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_says_whether_to_repeat_the_call() {
    let silent = RawServer::start(|stream, _| async move {
        let _stream = stream;
        std::future::pending().await
    });
    let ending = RawServer::start(|_, _| async { None });
    for (server, kind) in [(silent.await, ErrorKind::Timeout), (ending.await, ErrorKind::Transport)] {
        let client = client_of(&server);
        let associated = client.associate(512).with("companies", 9001).as_type("a").await.unwrap_err();
        let updated = client.update(512).set("name", "x").await.unwrap_err();
        assert_eq!((associated.kind(), updated.kind()), (kind, kind));
        assert!(associated.remedy().contains("repeating it does no harm"), "{}", associated.remedy());
        assert!(updated.remedy().contains("Check whether `update` was carried out"), "{}", updated.remedy());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_breaks_off_was_a_refusal() {
    for (status, again) in [(429, true), (500, false), (200, false)] {
        let cut = format!("HTTP/1.1 {status} X\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{{");
        let server = RawServer::answering(cut).await;
        let error = client_of(&server).update(512).set("name", "x").await.unwrap_err();
        assert_eq!((error.kind(), error.attempts() == 2), (ErrorKind::Transport, again), "{status}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_a_batch_is_told_as_one_alone_is() {
    for (category, kind, says) in [
        ("OBJECT_NOT_FOUND", ErrorKind::NotFound, "Check the id"),
        ("CONFLICT", ErrorKind::Conflict, "read it again"),
        ("OBJECT_ALREADY_EXISTS", ErrorKind::Conflict, "already exists"),
        ("MISSING_SCOPES", ErrorKind::MissingScope, "crm.objects.partner-clients.write"),
        ("RATE_LIMITS", ErrorKind::RateLimited, "ten seconds"),
        ("VALIDATION_ERROR", ErrorKind::Refused, "as the message says"),
        ("SOMETHING_NEW", ErrorKind::Refused, "as the message says"),
    ] {
        let body = format!(
            r#"{{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{{"status":"error","category":"{category}","message":"m"}}]}}"#
        );
        let server = RawServer::answering(answer(207, "", &body)).await;
        let outcomes = client_of(&server).batch_update([Update::of(512).set("name", "x")]).send().await;
        let error = outcomes[0].as_ref().unwrap_err();
        assert_eq!((error.kind(), error.category(), error.status()), (kind, Some(category), None), "{error}");
        assert!(error.remedy().contains(says), "{category}: {}", error.remedy());
    }
}

fn token_of(server: &RawServer) -> OAuthToken {
    let app = OAuthApp::builder("id", "secret").base_url(&server.base_url);
    app.retry(RetryPolicy::never()).build().unwrap().token("refresh").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_failure_to_get_a_token_says_whether_to_connect_the_account_again() {
    use ErrorKind::{InvalidGrant, Token};
    for (status, headers, body, kind, says) in [
        (
            400,
            "",
            r#"{"error":"invalid_grant","error_description":"d","status":"BAD_REFRESH_TOKEN","message":"m"}"#,
            InvalidGrant,
            "Connect the account again",
        ),
        (
            400,
            "",
            r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#,
            InvalidGrant,
            "Connect the account again",
        ),
        (
            400,
            "",
            r#"{"status":"BAD_HUB","message":"missing or unknown hub id","error":"access_denied"}"#,
            InvalidGrant,
            "Connect the account again",
        ),
        (
            400,
            "",
            r#"{"status":"BAD_HUB","message":"missing or unknown hub id"}"#,
            InvalidGrant,
            "Connect the account again",
        ),
        (
            400,
            "",
            r#"{"status":"BAD_AUTH_CODE","message":"missing or unknown auth code"}"#,
            InvalidGrant,
            "Connect the account again",
        ),
        (400, "", r#"{"status":"BAD_CLIENT_ID","message":"missing or unknown client id"}"#, Token, "client secret"),
        (401, "", r#"{"error":"invalid_client"}"#, Token, "client secret"),
        (400, "", r#"{"status":"BAD_REDIRECT_URI","message":"m"}"#, Token, "redirect URI"),
        (429, "retry-after: 7\r\n", "", Token, "Wait 7 seconds"),
        (404, "", HTML, Token, "base URL and the token path"),
        (400, "", r#"{"message":"something else"}"#, Token, "Nothing was sent"),
    ] {
        let server = RawServer::answering(answer(status, headers, body)).await;
        let client =
            Client::builder().base_url("http://127.0.0.1:1").token_provider(token_of(&server)).build().unwrap();
        let error = client.association_types("companies").await.unwrap_err();
        assert_eq!((error.kind(), error.is_token()), (kind, true), "{body}: {error:?}");
        assert_eq!(error.is_invalid_grant(), kind == InvalidGrant);
        assert!(error.remedy().contains(says), "{body}: {}", error.remedy());
    }
}

#[tokio::test(start_paused = true)]
async fn what_hubspot_names_is_shown_once_and_bounded() {
    let shown = async |body: &str| failed(Associate, 400, "", body).await.to_string();
    for (body, expected) in [
        (
            r#"{"message":"One or more associations are invalid","category":"VALIDATION_ERROR","context":{"INVALID_ASSOCIATION_TYPE_ID":["999"]}}"#,
            "associate: HubSpot answered 400 VALIDATION_ERROR: One or more associations are invalid; INVALID_ASSOCIATION_TYPE_ID: 999",
        ),
        (
            r#"{"message":"invalid","context":{"INVALID_OBJECT_IDS":["CONTACT=5 is not valid"],"objectId":["5"],"objectType":["CONTACT"]}}"#,
            "associate: HubSpot answered 400: invalid; CONTACT=5 is not valid",
        ),
        (
            r#"{"message":"object 512 is invalid","context":{"ids":["51","512"],"propertyName":"name"}}"#,
            "associate: HubSpot answered 400: object 512 is invalid; ids: 51; propertyName: name",
        ),
        (
            r#"{"message":"Invalid input","errors":[{"message":"bad id","code":"X","context":{"id":[42]}},{"message":"Invalid input"},{"message":"bad id"},{"code":"Y"}]}"#,
            "associate: HubSpot answered 400: Invalid input; bad id; id: 42; Y",
        ),
        (
            "{\"message\":\"a\\u001b[2Jb\\nc\\u009bd\",\"context\":{\"x\":\"\\u202eevil\"}}",
            "associate: HubSpot answered 400: a\\u{1b}[2Jb c\\u{9b}d; x: \\u{202e}evil",
        ),
    ] {
        assert_eq!(shown(body).await, expected);
    }
    let many: Vec<String> = (0..5_000).map(|id| format!("COMPANY={id} is not valid")).collect();
    let many =
        shown(&serde_json::json!({"message": "invalid", "context": {"INVALID_OBJECT_IDS": many}}).to_string()).await;
    assert!(many.contains("COMPANY=9 is not valid; and 4990 more") && many.len() < 1_000, "{many}");
    let long = "ü".repeat(100_000);
    let long = shown(
        &serde_json::json!({"message": "m", "errors": [{"message": long}], "context": {"a": [long]}}).to_string(),
    )
    .await;
    assert!(long.len() < 1_000, "{} bytes", long.len());
}
