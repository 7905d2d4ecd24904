//! The operations on the account that a token belongs to.

use axum::{http::StatusCode, response::Response};
use serde_json::{Value, json};

use crate::{
    call::Call,
    crm::time::Time,
    http::{limits::Today, response::json_response},
};

/// `GET /account-info/{version}/details`, for any token.
pub(crate) async fn details(call: Call) -> Response {
    let body = json!({
        "portalId": call.caller.portal().id,
        "accountType": "STANDARD",
        "timeZone": "UTC",
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    });
    json_response(StatusCode::OK, &body)
}

/// `GET /account-info/{version}/api-usage/daily/private-apps`: the limit of a day, or nothing without one.
pub(crate) async fn api_usage(call: Call) -> Response {
    let usage = |Today { limit, used, ends_at }| {
        json!({
            "name": "private-apps-api-calls-daily",
            "usageLimit": limit,
            "currentUsage": used,
            "collectedAt": Time::now().to_string(),
            "fetchStatus": "SUCCESS",
            "resetsAt": ends_at.to_string(),
        })
    };
    let results: Value = call.portal().limiter.today().into_iter().map(usage).collect();
    json_response(StatusCode::OK, &json!({"results": results}))
}
