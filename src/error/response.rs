//! Errors from HubSpot's responses, for a whole call or for one input of a batch.

use reqwest::{Response, header::HeaderMap};
use serde_json::Value;

use super::{
    Error,
    body::{Cause, ErrorBody},
};
use crate::{
    error::{
        correlation_id::{CORRELATION_ID, CorrelationId},
        excerpt::{MAX_EXCERPT, bounded, excerpt},
        kind::ErrorKind,
        network::redirected_to,
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
        let parsed = ErrorBody::parse(&body, None);
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
        matches!(self.kind(), ErrorKind::Decode | ErrorKind::NoOutcome | ErrorKind::TooLarge) && self.is_of_success()
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

    /// For a write of one thing.
    pub(crate) fn unproven() -> Self {
        Self::new(ErrorKind::NoOutcome, "HubSpot's response does not say that this was carried out")
    }

    /// `leases` is how many workers had it and were not heard of again.
    #[cfg(feature = "redis")]
    pub(crate) fn unreported(leases: u64) -> Self {
        let message =
            format!("{leases} workers in a row have ended without a word while they were at the batch of this input");
        Self::new(ErrorKind::NoOutcome, message).with(|e| e.body.cause = Some(Cause::WorkersEnded))
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
        let parsed = ErrorBody::parse(body, Some(status));
        let message = match &parsed.message {
            Some(message) => message.clone(),
            None => fallback_message(status).to_owned(),
        };
        Self::new(parsed.kind(Some(status)), message).with(|e| {
            e.status = Some(status);
            e.correlation_id = parsed.correlation_id.as_deref().and_then(CorrelationId::read);
            e.body = parsed;
            e.body_excerpt = (!body.is_empty()).then(|| excerpt(body, MAX_EXCERPT));
        })
    }

    /// Adds why the body of the response cannot be read, if it cannot. Whose response it is would stand there.
    pub(crate) fn without_reason(self, trouble: Option<Self>) -> Self {
        let Some(trouble) = trouble else { return self };
        self.with(|e| {
            e.message = bounded(format!("{}; its body cannot be read: {}", e.message, trouble.message()));
            e.source = trouble.0.source.clone();
            e.body.cause = Some(Cause::UnreadBody);
            if (e.kind, e.status) == (ErrorKind::UnknownPath, Some(404)) {
                // It may be the object that is missing, or the path.
                e.kind = trouble.kind();
            }
        })
    }

    /// What the response to a single call says where it has the status of a success and is an error all the same. It
    /// is HubSpot's if its headers or its body say so.
    pub(crate) fn in_success(status: u16, is_signed: bool, body: &[u8]) -> Option<Self> {
        // There are more quotation marks than the letter `r` in either case.
        let names_error = |r: usize| {
            let word = r.checked_sub(2).and_then(|quote| body.get(quote..r + 4));
            word.is_some_and(|word| word.eq_ignore_ascii_case(b"\"error"))
        };
        if body.len() > MAX_ERROR || !memchr::memchr2_iter(b'r', b'R', body).any(names_error) {
            return None;
        }
        let json = reading::json(body)?;
        let is_said = |name: &str| json.get(name).is_some_and(|value| !value.is_null());
        let is_error = json.get("status").and_then(Value::as_str).is_some_and(|status| {
            status.trim().eq_ignore_ascii_case("error")
                && ["message", "category", "correlationId"].into_iter().any(is_said)
        });
        // Errors and nothing else.
        let list = |name: &str| json.get(name)?.as_array().filter(|values| values.iter().any(|value| !value.is_null()));
        let has_errors_alone = || list("errors").is_some() && list("results").is_none() && json.get("id").is_none();
        let text = String::from_utf8_lossy(body);
        let error = (is_error || has_errors_alone()).then(|| Self::response(status, &text).signed(is_signed))?;
        Some(match error.is_of_hubspot() {
            true => error,
            false => Self::undecodable(&format!("it is an error: {}", error.message()), &text),
        })
    }

    /// Adds facts from the head of the response: whether it is HubSpot's, and where a redirect leads. That never shows one
    /// of the secrets.
    pub(crate) fn with_head(self, response: &Response, secrets: &[&str]) -> Self {
        let to = redirected_to(response.headers(), response.url(), secrets);
        self.signed_by(response.headers()).redirecting(to.as_deref())
    }

    /// Adds whether the response is HubSpot's: a gateway of HubSpot's own responds in HTML, but signs it.
    pub(crate) fn signed_by(self, headers: &HeaderMap) -> Self {
        self.signed(is_signed(headers))
    }

    /// Adds the other origin that a redirect leads to.
    pub(crate) fn redirecting(self, to: Option<&str>) -> Self {
        match to.filter(|_| self.kind() == ErrorKind::Redirect) {
            Some(to) => self.with(|e| e.message = bounded(format!("{}; the server redirects to {to}", e.message))),
            None => self,
        }
    }

    fn signed(self, is_signed: bool) -> Self {
        if !is_signed {
            return self;
        }
        self.with(|e| {
            e.body.is_hubspots = true;
            e.kind = e.body.kind(e.status);
        })
    }
}

/// Whether the headers of a response say that it is HubSpot's.
pub(crate) fn is_signed(headers: &HeaderMap) -> bool {
    let has_id = headers.get(&CORRELATION_ID).is_some_and(|id| !id.as_bytes().trim_ascii().is_empty());
    has_id || headers.contains_key("x-hubspot-notfound")
}

fn fallback_message(status: u16) -> &'static str {
    match status {
        300..=399 => "a redirect that is not followed",
        _ => "the response gives no reason",
    }
}
