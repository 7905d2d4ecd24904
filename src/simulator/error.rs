//! The error answers, with the bodies HubSpot sends.

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    response::{CORRELATION_ID, json_response},
    state::NotFound,
};

/// An error answer; its correlation id, in header and body, is made when it is sent.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    body: Value,
}

impl Failure {
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            json!({
                "message": "Authentication credentials not found. Send a bearer token this simulator knows in the \
                            Authorization header.",
                "category": "INVALID_AUTHENTICATION",
            }),
        )
    }

    pub(super) fn missing_scope(scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            json!({
                "message": "The token has not been granted all scopes this call requires.",
                "category": "MISSING_SCOPES",
                "errors": [{
                    "message": "One of these scopes is required.",
                    "context": {"requiredGranularScopes": [scope]},
                }],
            }),
        )
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({"message": message.into(), "category": "VALIDATION_ERROR"}))
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({"message": "resource not found", "category": "OBJECT_NOT_FOUND"}))
    }

    pub(super) fn no_route(method: &Method, path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({"message": format!("No route for {method} {path}")}))
    }

    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body }
    }
}

impl From<NotFound> for Failure {
    fn from(error: NotFound) -> Self {
        match error {
            // HubSpot sends this one without a category.
            NotFound::ObjectType(text) => Self::new(
                StatusCode::BAD_REQUEST,
                json!({"message": format!("Unable to infer object type from: {text}")}),
            ),
            NotFound::PartnerClient(_) => Self::not_found(),
            NotFound::AssociationType { .. } => Self::validation(error.to_string()),
            NotFound::Target { to, id } => {
                let object_type = to.singular().to_ascii_uppercase();
                Self::new(
                    StatusCode::BAD_REQUEST,
                    json!({
                        "message": "One or more associations are invalid",
                        "category": "VALIDATION_ERROR",
                        "context": {
                            "INVALID_OBJECT_IDS": [format!("{object_type}={id} is not valid")],
                            "objectId": [id],
                            "objectType": [object_type],
                        },
                    }),
                )
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { status, mut body } = self;
        let correlation_id = Uuid::new_v4().to_string();
        body["status"] = json!("error");
        body["correlationId"] = json!(correlation_id);
        ([(CORRELATION_ID, correlation_id)], json_response(status, &body)).into_response()
    }
}

/// HubSpot's answer to a known path with another method; the one error body without a correlation id.
pub(super) fn method_not_allowed() -> Response {
    json_response(StatusCode::METHOD_NOT_ALLOWED, &json!({"detail": "Method Not Allowed"}))
}
