//! The answer to a batch.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use serde_json::{Value, json};

use crate::{
    call::Call,
    crm::{object_type::ObjectType, time::Time},
    http::response::{add, json_response},
    server::Server,
};

/// What becomes of the inputs of a batch.
pub(crate) struct BatchAnswer {
    started_at: Time,
    server: Arc<Server>,
    pub(crate) results: Vec<Value>,
    pub(crate) errors: Vec<Value>,
    /// Whether it has the members that hold nothing as well.
    pub(crate) with_empty_members: bool,
}

impl BatchAnswer {
    pub(crate) fn begin(call: &Call) -> Self {
        Self {
            started_at: Time::now(),
            server: Arc::clone(&call.server),
            results: Vec::new(),
            errors: Vec::new(),
            with_empty_members: false,
        }
    }

    /// Adds one error for all objects of a type that do not exist.
    pub(crate) fn add_unknown(&mut self, object_type: &ObjectType, ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        let message = format!(
            "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
            object_type.upper()
        );
        self.errors.push(json!({
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": message,
            "context": {"ids": ids},
        }));
    }

    /// With the status `success`, or 207 when there are errors.
    pub(crate) fn finish(self, success: StatusCode) -> Response {
        let status = if self.errors.is_empty() { success } else { StatusCode::MULTI_STATUS };
        self.finish_as(status)
    }

    /// With this status, whether there are errors or not.
    pub(crate) fn finish_as(self, status: StatusCode) -> Response {
        let mut body = json!({
            "status": "COMPLETE",
            "startedAt": self.started_at.to_string(),
            "completedAt": Time::now().max(self.started_at).to_string(),
        });
        if self.with_empty_members {
            add(&mut body, "requestedAt", Value::Null);
            add(&mut body, "links", json!({}));
        }
        // Moved rather than copied: some thousand results are no rarity.
        add(&mut body, "results", Value::Array(self.server.settings.ordered(self.results)));
        if !self.errors.is_empty() {
            add(&mut body, "numErrors", json!(self.errors.len()));
            add(&mut body, "errors", Value::Array(self.errors));
        }
        json_response(status, &body)
    }
}
