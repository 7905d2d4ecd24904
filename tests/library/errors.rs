//! Every error body that HubSpot and its gateways are known to send, and what is made of it.

use httpmock::MockServer;
use hubspot_partner_clients::{CorrelationId, Error};
use uuid::Uuid;

use crate::support::{RawServer, client_at, http};

const ID: &str = "c033cdaa-2c40-4a64-ae48-b4cec88dad24";

async fn answered(status: u16, content_type: &str, body: &str) -> Error {
    let server = MockServer::start_async().await;
    server
        .mock_async(|_, then| {
            then.status(status).header("content-type", content_type).body(body);
        })
        .await;
    associate(&server.base_url()).await
}

async fn json(status: u16, body: &str) -> Error {
    let error = answered(status, "application/json", body).await;
    assert_eq!(error.status(), Some(status));
    assert_eq!(error.operation(), Some("associate"));
    assert_eq!(error.body_excerpt(), Some(body));
    error
}

async fn associate(base_url: &str) -> Error {
    client_at(base_url, "t").associate(512).with("companies", 9001).as_type(1).await.unwrap_err()
}

#[tokio::test]
async fn a_validation_error() {
    let error = json(
        400,
        &format!(
            r#"{{"status":"error","message":"Property values were not valid: []","category":"VALIDATION_ERROR","correlationId":"{ID}"}}"#
        ),
    )
    .await;
    assert_eq!(error.category(), Some("VALIDATION_ERROR"));
    assert_eq!(error.message(), "Property values were not valid: []");
    assert_eq!(error.correlation_id(), Some(&CorrelationId::Uuid(Uuid::parse_str(ID).unwrap())));
    assert!(!error.is_retryable() && !error.is_invalid_input() && !error.is_decode());
    assert_eq!(
        error.to_string(),
        format!(
            "associate: HubSpot answered 400 VALIDATION_ERROR: Property values were not valid: [] (correlation id {ID})"
        )
    );
    assert_eq!(error.remedy(), "Correct the properties and values that the message names.");
}

#[tokio::test]
async fn a_message_in_parts_is_shown_as_one() {
    for (message, shown) in [
        (r#"["no name", null, "no domain"]"#, "no name; no domain"),
        (r#"{"message": "no name", "code": 7}"#, "no name"),
        (r#"{"text": "no name"}"#, r#"{"text":"no name"}"#),
        (r#"[{"message": ["no name"]}, 7]"#, "no name; 7"),
        (r#""名前が無効です""#, "名前が無効です"),
    ] {
        let body = format!(r#"{{"status":"error","message":{message},"category":"C","correlationId":"{ID}"}}"#);
        assert_eq!(json(400, &body).await.message(), shown);
    }
}

#[tokio::test]
async fn an_unknown_object_type_has_no_category() {
    let error =
        json(400, r#"{"status":"error","message":"Unable to infer object type from: widgets","correlationId":"x"}"#)
            .await;
    assert_eq!(error.category(), None);
    assert_eq!(error.message(), "Unable to infer object type from: widgets");
    assert_eq!(error.correlation_id(), Some(&CorrelationId::Text("x".into())));
}

#[tokio::test]
async fn an_invalid_object_id_is_named_in_the_context() {
    let error = json(
        400,
        r#"{"status":"error","message":"One or more associations are invalid","category":"VALIDATION_ERROR","correlationId":"x","context":{"INVALID_OBJECT_IDS":["CONTACT=38374264688 is not valid"],"objectId":["38374264688"],"objectType":["CONTACT"]}}"#,
    )
    .await;
    assert_eq!(error.context()["INVALID_OBJECT_IDS"], ["CONTACT=38374264688 is not valid"]);
    assert_eq!(error.context()["objectId"], ["38374264688"]);
}

#[tokio::test]
async fn an_unknown_and_an_expired_token() {
    for category in ["INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION"] {
        let error =
            json(401, &format!(r#"{{"status":"error","message":"m","category":"{category}","correlationId":"x"}}"#))
                .await;
        assert!(error.is_unauthorized() && !error.is_missing_scope() && !error.is_retryable());
        assert_eq!(error.category(), Some(category));
        assert!(error.remedy().contains("HUBSPOT_ACCESS_TOKEN"));
    }
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let error = json(
        403,
        r#"{"status":"error","message":"m","category":"MISSING_SCOPES","correlationId":"x","errors":[{"message":"One or more of the following scopes are required.","context":{"requiredGranularScopes":["crm.objects.partner-clients.write"]}}]}"#,
    )
    .await;
    assert!(error.is_missing_scope());
    assert_eq!(error.required_scopes(), ["crm.objects.partner-clients.write"]);
    assert_eq!(error.details()[0].message.as_deref(), Some("One or more of the following scopes are required."));
    assert!(!json(403, r#"{"message":"This account is suspended"}"#).await.is_missing_scope());
}

#[tokio::test]
async fn an_object_that_is_not_there() {
    let error = json(
        404,
        r#"{"status":"error","message":"resource not found","category":"OBJECT_NOT_FOUND","correlationId":"x"}"#,
    )
    .await;
    assert!(error.is_not_found() && !error.is_retryable());
}

#[tokio::test]
async fn a_conflict_and_a_wrong_method() {
    let error = json(409, r#"{"status":"error","message":"m","category":"CONFLICT","correlationId":"x"}"#).await;
    assert_eq!((error.category(), error.is_retryable()), (Some("CONFLICT"), false));
    let error = json(405, r#"{"detail":"Method Not Allowed"}"#).await;
    assert_eq!(error.message(), "Method Not Allowed");
    assert_eq!(error.correlation_id(), None);
}

#[tokio::test]
async fn a_rate_limit_has_no_category_and_a_daily_one_is_not_retryable() {
    let body = |policy| {
        format!(
            r#"{{"status":"error","message":"You have reached your {policy} limit.","errorType":"RATE_LIMIT","correlationId":"{ID}","policyName":"{policy}","groupName":"g"}}"#
        )
    };
    for policy in ["TEN_SECONDLY_ROLLING", "SECONDLY"] {
        let error = json(429, &body(policy)).await;
        assert!(error.is_rate_limited() && error.is_retryable(), "{policy}");
        assert_eq!(error.category(), None);
    }
    let error = json(429, &body("DAILY")).await;
    assert!(error.is_rate_limited() && !error.is_retryable());
    assert!(error.remedy().contains("midnight"));
}

#[tokio::test]
async fn which_statuses_are_retryable() {
    for status in [423, 477, 500, 502, 503, 504, 521, 523, 524] {
        assert!(json(status, "{}").await.is_retryable(), "{status}");
    }
    for status in [400, 401, 403, 404, 405, 409, 414, 501, 522, 525, 526] {
        assert!(!json(status, "{}").await.is_retryable(), "{status}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_leaves_status_and_text() {
    let html = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    for content_type in ["text/html", "application/json"] {
        let error = answered(502, content_type, html).await;
        assert_eq!((error.status(), error.body_excerpt()), (Some(502), Some(html)));
        assert!(error.is_retryable() && !error.is_decode());
    }
    let error = json(500, r#"{"status":"error","message":"inter"#).await;
    assert_eq!(error.category(), None);
    for odd in ["null", "[]", "7", r#"{"message":7,"category":[],"errors":"x","context":7,"correlationId":{}}"#] {
        assert_eq!(json(503, odd).await.status(), Some(503), "{odd}");
    }
}

#[tokio::test]
async fn an_empty_body_leaves_the_status_and_the_header_s_correlation_id() {
    let server = MockServer::start_async().await;
    server.mock_async(|_, then| drop(then.status(504).header("x-hubspot-correlation-id", ID))).await;
    let error = associate(&server.base_url()).await;
    assert_eq!((error.status(), error.body_excerpt()), (Some(504), None));
    assert_eq!(error.correlation_id().unwrap().to_string(), ID);
    assert!(!error.message().is_empty());
}

#[tokio::test]
async fn a_blank_name_is_none() {
    let server = MockServer::start_async().await;
    let body = r#"{"status":"error","message":"no","category":" ","correlationId":""}"#;
    server
        .mock_async(|_, then| {
            then.status(400).header("x-hubspot-correlation-id", ID).body(body);
        })
        .await;
    let error = associate(&server.base_url()).await;
    assert_eq!((error.category(), error.correlation_id().unwrap().to_string()), (None, ID.to_owned()));
    for (category, id) in [("", " "), (" VALIDATION_ERROR ", " x\n")] {
        let body = serde_json::json!({"message": "no", "category": category, "correlationId": id});
        let error = json(400, &body.to_string()).await;
        assert_eq!(error.category(), Some(category.trim()).filter(|name| !name.is_empty()));
        let id = Some(id.trim()).filter(|id| !id.is_empty());
        assert_eq!(error.correlation_id().map(ToString::to_string).as_deref(), id);
    }
}

/// It signs nothing.
#[tokio::test]
async fn a_blank_correlation_id_in_a_header_is_none() {
    let signed = "x-hubspot-correlation-id: \r\ncontent-length";
    let server = RawServer::answering(http(404, "text/html", "<html>").replacen("content-length", signed, 1)).await;
    let client = client_at(&server.base_url, "t");
    let raw = Error::from(client.raw().get().partner_client_id("1").send().await.unwrap_err());
    for error in [associate(&server.base_url).await, raw] {
        assert_eq!((error.correlation_id(), error.is_not_found()), (None, false));
    }
}

#[tokio::test]
async fn an_empty_message_is_none() {
    for body in [r#"{"message":""}"#, r#"{"message":" \n","category":"VALIDATION_ERROR"}"#] {
        assert!(json(400, body).await.to_string().ends_with(": the response gives no reason"), "{body}");
    }
    assert_eq!(json(400, r#"{"message":"","detail":"Bad"}"#).await.message(), "Bad");
    for body in [
        r#"{"error":{"code":403,"message":"no quota"}}"#,
        r#"{"timestamp":1,"status":404,"error":"no quota","path":"/"}"#,
        r#"{"error":true,"title":"no quota","status":400}"#,
        r#"{"error":["no quota"]}"#,
        r#"{"Message":"no quota"}"#,
    ] {
        assert_eq!(json(400, body).await.message(), "no quota", "{body}");
    }
    // The generated client gets an error that it can decode.
    let server = RawServer::json(502, "").await;
    let client = client_at(&server.base_url, "t");
    let error = Error::from(client.raw().get().partner_client_id("1").send().await.unwrap_err());
    assert_eq!((error.status(), error.message()), (Some(502), "the response gives no reason"));
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_still_show() {
    let mut answer = http(500, "text/plain", "x").into_bytes();
    *answer.last_mut().unwrap() = 0xff;
    let server = RawServer::answering(answer).await;
    let error = associate(&server.base_url).await;
    assert_eq!((error.status(), error.body_excerpt()), (Some(500), Some("\u{fffd}")));
}

#[tokio::test]
async fn an_excerpt_is_bounded() {
    let error = answered(500, "text/plain", &"ü".repeat(5_000)).await;
    let excerpt = error.body_excerpt().unwrap();
    assert!(excerpt.len() <= 1024 && excerpt.starts_with("üüü") && excerpt.ends_with('…'));
}

#[tokio::test]
async fn an_error_is_bounded_whatever_the_answer_repeats() {
    let long = "ü".repeat(500_000);
    let body = format!(
        r#"{{"message":"{long}","category":"{long}","correlationId":"{long}","context":{{"INVALID_OBJECT_IDS":["{long}"]}}}}"#
    );
    let object = format!(r#""{long}""#);
    for (status, body) in [(400, &body), (200, &object)] {
        let error = associate(&RawServer::json(status, body).await.base_url).await;
        let shown = format!("{error} {error:?}");
        assert!(shown.len() < 32 * 1024, "{} bytes", shown.len());
        assert!(error.message().len() <= 8 * 1024 && error.message().ends_with('…'));
    }
}

#[tokio::test]
async fn a_refused_connection() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error = associate(&closed).await;
    assert!(error.is_connect() && error.is_retryable() && !error.is_timeout());
    assert_eq!(error.status(), None);
}

#[tokio::test]
async fn an_answer_cut_short() {
    let server =
        RawServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{\"id\":").await;
    let error = associate(&server.base_url).await;
    assert!(error.is_retryable() && !error.is_connect(), "{error:?}");
    assert_eq!(error.status(), Some(200));
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let client = hubspot_partner_clients::Client::builder()
        .base_url(base_url)
        .access_token("t")
        .timeout(std::time::Duration::from_millis(50))
        .build()
        .unwrap();
    let error = client.associate(512).with("companies", 9001).as_type(1).await.unwrap_err();
    assert!(error.is_timeout() && error.is_retryable() && !error.is_connect(), "{error:?}");
    drop(listener);
}

#[tokio::test]
async fn the_generated_client_s_errors_become_the_same_error() {
    let server = MockServer::start_async().await;
    server
        .mock_async(|_, then| {
            then.status(404)
                .body(r#"{"message":"resource not found","category":"OBJECT_NOT_FOUND","correlationId":"x"}"#);
        })
        .await;
    let client = client_at(&server.base_url(), "t");
    let error = Error::from(client.raw().get().partner_client_id("1").send().await.unwrap_err());
    assert!(error.is_not_found());
    assert_eq!(error.message(), "resource not found");
    assert_eq!(error.correlation_id(), Some(&CorrelationId::Text("x".into())));

    let gateway = RawServer::json(502, "<html>").await;
    let client = client_at(&gateway.base_url, "t");
    let error = Error::from(client.raw().get().partner_client_id("1").send().await.unwrap_err());
    assert_eq!((error.status(), error.message()), (Some(502), "<html>"));

    let error = Error::from(client.raw().get().partner_client_id("..").send().await.unwrap_err());
    assert!(error.is_invalid_input(), "{error:?}");
}

/// Of the same answer, the generated client's error and the facade's, as far as anybody can tell them apart.
#[tokio::test]
async fn an_error_of_the_generated_client_knows_what_the_facade_s_knows() {
    let headers = "x-hubspot-correlation-id: 0190c5f2-8a0e-7c55-9b1d-0123456789ab\r\nretry-after: 7\r\n";
    for (status, body) in [
        (400, r#"{"message":"no","category":"VALIDATION_ERROR"}"#),
        (404, r#"{"message":"gone","category":"OBJECT_NOT_FOUND","correlationId":"x"}"#),
        (429, "{}"),
        (502, r#"{"status":"error"}"#),
        (301, ""),
        (200, "<html>"),
        (200, "[5]"),
        (200, r#"{"id":{}}"#),
    ] {
        let answer =
            http(status, "application/json", body).replacen("content-length", &format!("{headers}content-length"), 1);
        let server = RawServer::answering(answer).await;
        let client = client_at(&server.base_url, "t");
        let facade = client.get("1").await.unwrap_err();
        let raw = Error::from(client.raw().get().partner_client_id("1").send().await.unwrap_err());
        assert_eq!((raw.operation(), raw.attempts()), (Some("get"), 1));
        let told = |error: &Error| {
            let known = (error.kind(), error.status(), error.last_status(), error.retry_after());
            (known, error.correlation_id().cloned(), error.to_string(), error.remedy())
        };
        assert_eq!(told(&raw), told(&facade), "{status} {body}");
    }
    let unreachable = client_at("http://127.0.0.1:1", "t");
    let raw = Error::from(unreachable.raw().get().partner_client_id("1").send().await.unwrap_err());
    assert_eq!((raw.operation(), raw.attempts(), raw.is_connect()), (Some("get"), 1, true));
}

#[tokio::test]
async fn an_error_is_data_for_logs_and_apis() {
    let body = format!(
        r#"{{"status":"error","message":"no scope","category":"MISSING_SCOPES","correlationId":"{ID}","errors":[{{"message":"one of these","context":{{"requiredGranularScopes":["a.read","a.write"]}}}}]}}"#
    );
    let error = json(403, &body).await;
    let told = serde_json::to_value(&error).unwrap();
    let expected = serde_json::json!({
        "kind": "missing_scope",
        "message": "no scope",
        "remedy": error.remedy(),
        "operation": "associate",
        "attempts": 1,
        "status": 403,
        "lastStatus": 403,
        "category": "MISSING_SCOPES",
        "correlationId": ID,
        "errors": [{ "message": "one of these", "context": { "requiredGranularScopes": ["a.read", "a.write"] } }],
        "requiredScopes": ["a.read", "a.write"],
    });
    assert_eq!(told, expected);

    let refused = client_at("http://localhost:9", "t").get("1.5").await.unwrap_err();
    let told = serde_json::to_value(&refused).unwrap();
    let members: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(members, ["attempts", "kind", "message", "remedy"], "{told}");
}

#[tokio::test]
async fn an_error_as_data_is_bounded_and_holds_no_token() {
    let ids: Vec<String> = (0..5_000).map(|id| format!("\"{id} of super-secret-token\"")).collect();
    let body = format!(
        r#"{{"message":"{}","category":"VALIDATION_ERROR","context":{{"ids":[{}]}}}}"#,
        "wrong: super-secret-token ".repeat(10_000),
        ids.join(",")
    );
    let server = MockServer::start_async().await;
    server
        .mock_async(|_, then| {
            then.status(400).header("content-type", "application/json").body(body);
        })
        .await;
    let client = client_at(&server.base_url(), "super-secret-token");
    let error = client.associate(512).with("companies", 9001).as_type(1).await.unwrap_err();
    let told = serde_json::to_string(&error).unwrap();
    assert!(told.len() <= 66 * 1024, "{}", told.len());
    assert!(!told.contains("super-secret-token"));
    assert!(told.contains("\"kind\":\"refused\"") && told.contains("wrong: "), "{told}");
}

#[tokio::test]
async fn errors_are_equal_if_they_say_the_same() {
    let missing = || json(404, r#"{"message":"resource not found","category":"OBJECT_NOT_FOUND"}"#);
    let (one, other) = (missing().await, missing().await);
    assert_eq!(one, other);
    assert_eq!(one, one.clone());
    assert_ne!(one, json(404, r#"{"message":"not here","category":"OBJECT_NOT_FOUND"}"#).await);
    assert_ne!(one, json(410, r#"{"message":"resource not found","category":"OBJECT_NOT_FOUND"}"#).await);
    let outcome: hubspot_partner_clients::Result<()> = Err(one);
    assert_eq!(outcome, Err(other));
}
