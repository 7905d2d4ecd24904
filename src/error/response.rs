//! Errors from HubSpot's responses, for a whole call or for one input of a batch.

use reqwest::header::HeaderMap;

use super::{Error, body::ErrorBody};
use crate::{
    error::{
        correlation_id::{CORRELATION_ID, CorrelationId},
        excerpt::{MAX_EXCERPT, bounded, excerpt},
        kind::ErrorKind,
    },
    generated::types,
    reading,
};

/// A larger body is no error alone.
const MAX_ERROR: usize = 16 * 1024;
/// Of a message that is the same for many.
const MAX_COMMON: usize = 256;
/// Why an error of the description can be written as JSON.
pub(crate) const JSON: &str = "its fields are texts, lists and maps of texts";

impl Error {
    /// One item's error inside a batch that HubSpot answered.
    #[allow(clippy::expect_used, reason = "an empty body would hide what HubSpot said")]
    pub(crate) fn in_batch(error: &types::StandardError) -> Self {
        let body = serde_json::to_string(error).expect(JSON);
        let parsed = ErrorBody::parse(&body);
        let message = parsed.message.clone().unwrap_or_else(|| fallback_message(207).to_owned());
        Self::new(parsed.kind(None), message).with(|e| {
            e.body = ErrorBody { is_hubspots: true, ..parsed };
            e.body_excerpt = Some(excerpt(&body, MAX_EXCERPT));
        })
    }

    /// The error of a batch for one of its inputs: of what it names, only that which is about the input, and the same in the
    /// message. It takes an error [without names](Self::without_names).
    pub(crate) fn about(&self, key: &str, entries: &[&str], details: Vec<types::ErrorDetail>) -> Self {
        self.clone().with(|e| {
            let entries: Vec<_> = entries.iter().map(|entry| excerpt(entry, MAX_EXCERPT)).collect();
            e.message = format!("{}: {}", e.message, entries.join(", "));
            e.body.context = [(key.to_owned(), entries)].into();
            e.body.details = details;
        })
    }

    /// The same of all partner clients that HubSpot does not know.
    pub(crate) fn naming_unknown<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Self {
        let ids: Vec<_> = ids.map(str::to_owned).collect();
        self.clone().with(|e| {
            let noun = if ids.len() == 1 { "partner client" } else { "partner clients" };
            let remedy = "check the ids and the account of the token, or leave them out with `skip_unknown`";
            e.message = bounded(format!("HubSpot does not know the {noun} {}: {remedy}", ids.join(", ")));
            e.body.context = [("ids".to_owned(), ids)].into();
            e.body.details.clear();
        })
    }

    /// What the thousands of inputs that it names have in common.
    pub(crate) fn without_names(&self) -> Self {
        self.clone().with(|e| {
            e.message = excerpt(&e.message, MAX_COMMON);
            e.body.message = None;
            e.body.context.clear();
            e.body.details.clear();
        })
    }

    /// Whether the response was a success of which nothing can be read.
    pub(crate) fn is_unread_success(&self) -> bool {
        matches!(self.kind(), ErrorKind::Decode | ErrorKind::NoOutcome | ErrorKind::TooLarge)
            && self.status().is_some_and(|status| (200..300).contains(&status))
    }

    /// The same response, for an input of a batch that it does not mention.
    pub(crate) fn without_outcome(self) -> Self {
        self.with(|e| {
            e.kind = ErrorKind::NoOutcome;
            e.message = bounded(format!("HubSpot's response to the batch cannot be read: {}", e.message));
        })
    }

    pub(crate) fn no_outcome() -> Self {
        Self::new(ErrorKind::NoOutcome, "HubSpot's response to the batch does not mention this input")
    }

    pub(crate) fn unattributed(property: &str) -> Self {
        let message = format!(
            "HubSpot's response does not say which objects have this value of the property {property:?}: it is not \
             complete, or holds objects with another value or none"
        );
        Self::new(ErrorKind::NoOutcome, message)
    }

    /// A response other than a success; its body may be anything.
    pub(crate) fn response(status: u16, body: &str) -> Self {
        let parsed = ErrorBody::parse(body);
        let message = match &parsed.message {
            Some(message) => message.clone(),
            None => fallback_message(status).to_owned(),
        };
        Self::new(parsed.kind(Some(status)), message).with(|e| {
            e.status = Some(status);
            e.correlation_id = parsed.correlation_id.as_deref().map(CorrelationId::from);
            e.body = parsed;
            e.body_excerpt = (!body.is_empty()).then(|| excerpt(body, MAX_EXCERPT));
        })
    }

    /// What the response to a single call says where it has the status of a success and is an error all the same.
    pub(crate) fn in_success(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let names_error = |quote: usize| {
            body.get(quote + 1..).and_then(|word| word.get(..5)).is_some_and(|word| word.eq_ignore_ascii_case(b"error"))
        };
        if body.len() > MAX_ERROR || !memchr::memchr_iter(b'"', body).any(names_error) {
            return None;
        }
        let json = reading::json(body)?;
        let is_error = || json.get("status")?.as_str()?.eq_ignore_ascii_case("error").then(|| json.get("message"))?;
        // Errors and nothing else.
        let list = |name: &str| json.get(name)?.as_array().filter(|values| values.iter().any(|value| !value.is_null()));
        let has_errors_alone = || list("errors").is_some() && list("results").is_none() && json.get("id").is_none();
        let is_error = is_error().is_some() || has_errors_alone();
        let text = String::from_utf8_lossy(body);
        let error = is_error.then(|| Self::response(status, &text).with_headers(headers))?;
        Some(match error.is_of_hubspot() {
            true => error,
            false => Self::undecodable(&format!("it is an error: {}", error.message()), &text),
        })
    }

    /// Adds facts from the headers of the response: a gateway of HubSpot's own responds in HTML, but signs it.
    pub(crate) fn with_headers(self, headers: &HeaderMap) -> Self {
        let signed = headers.contains_key(&CORRELATION_ID) || headers.contains_key("x-hubspot-notfound");
        if !signed {
            return self;
        }
        self.with(|e| {
            e.body.is_hubspots = true;
            e.kind = e.body.kind(e.status);
        })
    }
}

fn fallback_message(status: u16) -> &'static str {
    match status {
        300..=399 => "a redirect that is not followed",
        _ => "the response gives no reason",
    }
}
