//! The error answers, with the bodies HubSpot sends.

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    auth::scopes::WRITE_SCOPE,
    crm::{association_type::TypeKey, not_found::NotFound, object_type::ObjectType, object_types::ObjectTypes},
    http::response::{CORRELATION_ID, add, json_response},
};

/// The message with which HubSpot refuses to associate.
pub(crate) const INVALID_ASSOCIATIONS: &str = "One or more associations are invalid";

/// An error answer; its correlation id, in header and body, is made when it is sent.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    body: Value,
    /// Whether an object does not exist, for which there is another form as well.
    no_object: bool,
}

/// Marks the answer to a request for an object that does not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoObject;

impl Failure {
    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            json!({
                "message": "Authentication credentials not found. Send a bearer token this simulator knows in the \
                            Authorization header.",
                "category": "INVALID_AUTHENTICATION",
            }),
        )
    }

    pub(crate) fn expired() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            json!({"message": "The OAuth token used to make this call expired.", "category": "EXPIRED_AUTHENTICATION"}),
        )
    }

    /// The token has none of these scopes.
    pub(crate) fn missing_scopes(scopes: &[String]) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            json!({
                "message": "The token has not been granted all scopes this call requires.",
                "category": "MISSING_SCOPES",
                "errors": [{
                    "message": "One of these scopes is required.",
                    "context": {"requiredGranularScopes": scopes},
                }],
            }),
        )
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({"message": message.into(), "category": "VALIDATION_ERROR"}))
    }

    /// A body that HubSpot refuses without a category.
    pub(crate) fn uncategorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({"message": message.into()}))
    }

    /// Names the objects that cannot be associated.
    pub(crate) fn invalid_objects(objects: &[(ObjectType, String)]) -> Self {
        let (types, ids): (Vec<_>, Vec<_>) = objects.iter().map(|(object_type, id)| (object_type.upper(), id)).unzip();
        let context = json!({"INVALID_OBJECT_IDS": invalid_object_ids(objects), "objectId": ids, "objectType": types});
        Self::validation(INVALID_ASSOCIATIONS).with("context", context)
    }

    /// Names the association types that are unknown.
    pub(crate) fn invalid_definitions(keys: &[TypeKey]) -> Self {
        Self::validation(INVALID_ASSOCIATIONS).with("context", invalid_definitions_context(keys))
    }

    /// A batch that names the same association twice.
    pub(crate) fn duplicate_associations() -> Self {
        Self::validation("Duplicate associations found in batch input. Associations must be unique")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({"message": "resource not found", "category": "OBJECT_NOT_FOUND"}))
    }

    /// An object that a request names does not exist.
    pub(crate) fn no_object() -> Self {
        Self { no_object: true, ..Self::not_found() }
    }

    /// HubSpot sends this one without a category.
    pub(crate) fn rate_limited(policy: Policy) -> Self {
        let name = policy.name();
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            json!({
                "message": format!("You have reached your {} limit.", name.to_ascii_lowercase()),
                "errorType": "RATE_LIMIT",
                "policyName": name,
                "groupName": "simulator",
            }),
        )
    }

    /// What HubSpot could send with a status. Where its category is not known, there is none.
    pub(crate) fn with_status(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::validation("Property values were not valid"),
            401 => Self::unauthenticated(),
            403 => Self::missing_scopes(&[WRITE_SCOPE.to_owned()]),
            404 => Self::not_found(),
            409 => Self::new(status, json!({"message": "The object has changed meanwhile", "category": "CONFLICT"})),
            429 => Self::rate_limited(Policy::TenSecondly),
            477 => Self::new(status, json!({"message": "The account is being migrated"})),
            _ => Self::new(status, json!({"message": status.canonical_reason().unwrap_or("internal error")})),
        }
    }

    pub(crate) fn message(self, message: String) -> Self {
        self.with("message", json!(message))
    }

    /// Adds a member to the body.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        add(&mut self.body, name, value);
        self
    }

    /// HubSpot's answer to a known path with another method; the one error body without a correlation id.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, json!({"detail": "Method Not Allowed"}))
    }

    /// A property that cannot name an object.
    pub(crate) fn not_unique(types: &ObjectTypes, object_type: &ObjectType, property: &str) -> Self {
        Self::validation(format!(
            "Unable to perform update/upsert by non-unique {} property {property} in portal ID {}",
            object_type.id(),
            types.account_id()
        ))
    }

    /// An object that has a value which no two may have.
    pub(crate) fn exists(message: String) -> Self {
        Self::new(StatusCode::CONFLICT, json!({"message": message, "category": "CONFLICT"}))
    }

    pub(crate) fn no_route(method: &Method, path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({"message": format!("No route for {method} {path}")}))
    }

    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, no_object: false }
    }
}

impl From<NotFound> for Failure {
    fn from(error: NotFound) -> Self {
        match error {
            // HubSpot sends these two without a category.
            NotFound::ObjectType(text) => {
                let message = if is_type_id(&text) {
                    format!("Invalid object or event type id: {text}")
                } else {
                    format!("Unable to infer object type from: {text}")
                };
                Self::uncategorized(message)
            }
            NotFound::Object { .. } => Self::no_object(),
            NotFound::AssociationType { .. } | NotFound::Unlabeled { .. } => Self::validation(error.to_string()),
            NotFound::Target { to, id } => Self::invalid_objects(&[(to, id)]),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { status, mut body, no_object } = self;
        if status == StatusCode::METHOD_NOT_ALLOWED {
            return json_response(status, &body);
        }
        let correlation_id = Uuid::new_v4().to_string();
        add(&mut body, "status", json!("error"));
        add(&mut body, "correlationId", json!(correlation_id));
        let mut response = ([(CORRELATION_ID, correlation_id)], json_response(status, &body)).into_response();
        if no_object {
            response.extensions_mut().insert(NoObject);
        }
        response
    }
}

/// How HubSpot names objects that cannot be associated: `COMPANY=9002 is not valid`.
pub(crate) fn invalid_object_ids(objects: &[(ObjectType, String)]) -> Vec<String> {
    objects.iter().map(|(object_type, id)| format!("{}={id} is not valid", object_type.upper())).collect()
}

/// How HubSpot names association types that are unknown.
pub(crate) fn invalid_definitions_context(keys: &[TypeKey]) -> Value {
    let specs: Vec<_> = keys.iter().map(TypeKey::to_string).collect();
    let problems: Vec<_> = keys.iter().map(|key| format!("{key} is not a valid association definition id")).collect();
    json!({"associationSpec": specs, "INVALID_ASSOCIATION_TYPE_ID": problems})
}

/// Whether a text looks like an object type's id: `0-9999`.
fn is_type_id(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(meta, id)| number(meta) && number(id))
}

/// A limit, by the name it has in an answer 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    TenSecondly,
    Daily,
    Secondly,
}

impl Policy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TenSecondly => "TEN_SECONDLY_ROLLING",
            Self::Daily => "DAILY",
            Self::Secondly => "SECONDLY",
        }
    }
}
