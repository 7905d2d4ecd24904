//! What each answer of HubSpot's, and of what stands before it, is told to be: its kind, whether it is tried again, what to do.

use std::time::Duration;

use hubspot_partner_clients::{
    Client, Error, ErrorKind, RateLimit, RetryPolicy, Update,
    oauth::{OAuthApp, OAuthToken},
};

use tokio::io::AsyncWriteExt;

use crate::support::{
    RawServer,
    tcp::{read_request, say_nothing},
};

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

#[tokio::test]
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

#[tokio::test]
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

#[tokio::test]
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

#[tokio::test]
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

/// The ways in which the body of a response cannot be read that has this head.
fn unreadable(status: u16) -> [String; 3] {
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    [
        format!("{head}content-length: 500\r\n\r\n{{"),
        format!("{head}content-encoding: gzip\r\ncontent-length: 12\r\n\r\nnot so, here"),
        format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_body_cannot_be_read_is_told_by_its_status() {
    use ErrorKind::{Conflict, Forbidden, Locked, RateLimited, Refused, Server, Unauthorized};
    for (status, kind, again) in [
        (400, Refused, false),
        (401, Unauthorized, false),
        (403, Forbidden, false),
        (409, Conflict, false),
        (423, Locked, true),
        (429, RateLimited, true),
        (500, Server, false),
        (503, Server, false),
    ] {
        for answer in unreadable(status) {
            let server = RawServer::answering(answer.clone()).await;
            let client = client_of(&server);
            let error = client.update(512).set("name", "x").await.unwrap_err();
            assert_eq!((error.kind(), error.attempts() == 2), (kind, again), "{answer}: {error}");
            assert_eq!(error.status(), Some(status), "{answer}: {error}");
            assert!(error.message().contains("; its body cannot be read: the "), "{error}");
            assert!(std::error::Error::source(&error).is_some());
            let raw = Error::from(client.raw().get().partner_client_id(512).send().await.unwrap_err());
            assert_eq!((raw.kind(), raw.status()), (kind, Some(status)), "{answer}: {raw}");
            assert!(raw.message().contains("; its body cannot be read: the "), "{raw}");
            for error in [error, raw] {
                assert!(!error.remedy().contains("does not come from HubSpot"), "{answer}: {}", error.remedy());
                assert!(!error.remedy().contains("as the message says"), "{answer}: {}", error.remedy());
            }
        }
    }
    // What may be repeated is, and a success is not known to be one.
    for answer in unreadable(503) {
        let error = client_of(&RawServer::answering(answer).await).get(512).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (Server, 2), "{error}");
    }
    for (answer, kind) in
        unreadable(200).into_iter().zip([ErrorKind::Transport, ErrorKind::Decode, ErrorKind::Transport])
    {
        let error = client_of(&RawServer::answering(answer).await).update(512).set("name", "x").await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (kind, 1), "{error}");
    }
}

/// It would say whether it is HubSpot's, and so whether the object is missing or the path.
#[tokio::test(start_paused = true)]
async fn a_404_whose_body_cannot_be_read_claims_nothing_of_the_path_or_the_object() {
    use ErrorKind::{Decode, Transport};
    for (answer, (kind, again)) in
        unreadable(404).into_iter().zip([(Transport, true), (Decode, false), (Transport, true)])
    {
        let client = client_of(&RawServer::answering(answer.clone()).await);
        let error = client.update(512).set("name", "x").await.unwrap_err();
        let raw = Error::from(client.raw().get().partner_client_id(512).send().await.unwrap_err());
        for error in [&error, &raw] {
            assert_eq!((error.kind(), error.status()), (kind, Some(404)), "{answer}: {error}");
            assert_eq!(error.attempts() == 2, again, "{answer}: {error}");
            assert!(!error.is_not_found() && error.message().contains("; its body cannot be read: the "), "{error}");
            assert!(!error.remedy().contains("carried out"), "{answer}: {}", error.remedy());
        }
    }
    // A head that HubSpot has signed says that it is HubSpot's.
    for answer in unreadable(404) {
        let server = RawServer::answering(answer.replace("\r\nconn", "\r\nx-hubspot-correlation-id: x\r\nconn")).await;
        assert!(client_of(&server).get(512).await.unwrap_err().is_not_found(), "{answer}");
    }
}

#[tokio::test]
async fn a_refusal_whose_body_does_not_come_in_time_is_told_by_its_status() {
    for (status, kind) in [(401, ErrorKind::Unauthorized), (503, ErrorKind::Server)] {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 500\r\n\r\n{{");
        let server = RawServer::start(move |mut stream, _| {
            let head = head.clone();
            async move {
                read_request(&mut stream).await;
                stream.write_all(head.as_bytes()).await.unwrap();
                say_nothing(stream).await
            }
        });
        let client = Client::builder().base_url(&server.await.base_url).access_token("t");
        let client = client.timeout(Duration::from_millis(300)).build().unwrap();
        let error = client.update(512).set("name", "x").await.unwrap_err();
        assert_eq!((error.kind(), error.status(), error.attempts()), (kind, Some(status), 1), "{error}");
        assert!(error.message().contains("did not respond in time"), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_token_endpoint_whose_body_cannot_be_read_is_told_by_its_status() {
    for (status, says) in [(401, "client secret"), (429, "Wait ten seconds"), (503, "Try again")] {
        for answer in unreadable(status) {
            let server = RawServer::answering(answer.clone()).await;
            let token = token_of(&server);
            let client = Client::builder().base_url("http://127.0.0.1:1").token_provider(token).build().unwrap();
            let error = client.association_types("companies").await.unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::Token, Some(status)), "{answer}: {error}");
            assert!(error.remedy().contains(says), "{answer}: {}", error.remedy());
        }
    }
}

/// It was accepted, or a part of it was done.
#[tokio::test]
async fn an_unreadable_success_is_told_as_carried_out_by_its_status() {
    let signed = "x-hubspot-correlation-id: x\r\n";
    for (status, headers, done) in
        [(200, signed, true), (201, signed, true), (202, signed, false), (207, signed, false), (200, "", false)]
    {
        let body = format!("{HTML}{}", " ".repeat(1_000));
        let server = RawServer::answering(answer(status, headers, &body)).await;
        let client = Client::builder().base_url(&server.base_url).access_token("t").max_response_bytes(1_000);
        let error = client.build().unwrap().update(512).set("name", "x").await.unwrap_err();
        assert!(error.is_too_large(), "{status}: {error}");
        assert_eq!(error.remedy().contains("HubSpot carried it out"), done, "{status} {headers}: {}", error.remedy());
        let error = failed(Call::Update, status, headers, HTML).await;
        let accepted = matches!(status, 202 | 207);
        let kind = if accepted { ErrorKind::NoOutcome } else { ErrorKind::Decode };
        assert_eq!(error.kind(), kind, "{status}: {error}");
        assert_eq!(error.remedy().contains("HubSpot carried it out"), done, "{status} {headers}: {}", error.remedy());
    }
}

#[tokio::test]
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

#[tokio::test]
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
        (401, "", r#"{"error":"access_denied"}"#, InvalidGrant, "Connect the account again"),
        // A firewall.
        (403, "", r#"{"error":"access_denied","error_description":"blocked by policy"}"#, Token, "Nothing was sent"),
        (503, "", r#"{"error":"access_denied"}"#, Token, "Try again"),
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

#[tokio::test]
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
