//! Advice on what to do about an error.

use std::{borrow::Cow, time::Duration};

use super::{Error, body::Cause};
use crate::{
    error::kind::ErrorKind,
    spec::{Operation, operation},
};

const CHECK_BASE_URL: &str =
    "Check the base URL, which is https://api.hubapi.com for HubSpot, without a path; then the ids.";
const CHECK_ASSOCIATION_TYPE: &str = "Check the association type: `association_types` lists the existing ones.";

impl Error {
    /// What to do next, in a sentence or two. It follows from the kind of the error, what HubSpot says is wrong, how
    /// long it asks to wait, and whether the operation may be repeated without harm.
    pub fn remedy(&self) -> Cow<'static, str> {
        let remedy = match (self.kind(), self.0.beneath) {
            (ErrorKind::Token, Some(beneath)) => self.remedy_of_token(beneath),
            (kind, _) => self.remedy_of(kind),
        };
        match self.perhaps_before() && self.last_did_nothing() {
            true => format!("{remedy} An earlier request may have carried it out.").into(),
            false => remedy,
        }
    }

    fn remedy_of(&self, kind: ErrorKind) -> Cow<'static, str> {
        match kind {
            ErrorKind::InvalidInput => "Correct the value that the message names.".into(),
            ErrorKind::Credentials => {
                "Set the secret that the message names to exactly the value that HubSpot shows.".into()
            }
            ErrorKind::Token => "Check the token provider; the message repeats what it said. Nothing was sent.".into(),
            ErrorKind::InvalidGrant => {
                "Connect the account again: send its user through the authorisation page.".into()
            }
            ErrorKind::Limiter => "Check the rate limiter; the message repeats what it said. Nothing was sent.".into(),
            ErrorKind::QueueTimeout => {
                let when = self.in_time().unwrap_or_else(|| "later".to_owned());
                format!("Nothing was sent. Try again {when}, send fewer calls at once, or give the call more time.")
                    .into()
            }
            ErrorKind::Redis => "Check what the message says about Redis, the Redis URL, and the network to it.".into(),
            ErrorKind::Connect => "Check the network, the proxy and the base URL.".into(),
            ErrorKind::Tls => {
                "If a proxy inspects TLS, trust its certificate with `root_certificates`; if this machine has \
                               no certificates, install its package `ca-certificates` or name a file of them in \
                               SSL_CERT_FILE; otherwise check the base URL."
                    .into()
            }
            ErrorKind::Timeout => self.repeated("").into(),
            ErrorKind::Transport => {
                self.repeated(" If it persists, check the network, the proxy and the base URL.").into()
            }
            ErrorKind::Decode if self.was_carried_out() => {
                let what = self.what_to_report();
                format!(
                    "HubSpot carried it out, so check the result before you repeat it. Report the {what} to this crate."
                )
                .into()
            }
            ErrorKind::Decode => {
                let what = self.what_to_report();
                format!("Check that the base URL is HubSpot's; if it is, report the {what} to this crate.").into()
            }
            ErrorKind::NoOutcome if self.0.body.cause == Some(Cause::WorkersEnded) => {
                "Find out from the workers' own logs why they ended, and correct that. Then have the batch tried again with \
                 `Job::retry`, which does no harm if it was carried out."
                    .into()
            }
            ErrorKind::NoOutcome => self.repeated("").into(),
            ErrorKind::Property => {
                "Correct the type that the properties are read into, or ask for the property where the \
                                    call left it out."
                    .into()
            }
            ErrorKind::TooLarge if self.was_carried_out() => {
                "HubSpot carried it out, so check the result before you repeat it; to read such a response, raise \
                 max_response_bytes."
                    .into()
            }
            ErrorKind::TooLarge => "Ask for fewer properties or smaller pages, or raise max_response_bytes.".into(),
            ErrorKind::Journal => "Fix the journal as the message says, then start the run again.".into(),
            ErrorKind::Dropped => self.repeated("").into(),
            ErrorKind::Panic => "Fix the code that panicked; the message repeats what it said.".into(),
            _ => self.remedy_of_response(kind),
        }
    }

    /// Where a whole list is odd, no single response says so.
    fn what_to_report(&self) -> &'static str {
        if self.0.body_excerpt.as_ref().is_some_and(|excerpt| !excerpt.is_empty()) { "excerpt" } else { "message" }
    }

    fn remedy_of_response(&self, kind: ErrorKind) -> Cow<'static, str> {
        match kind {
            ErrorKind::Redirect if self.status().is_none() => {
                let write = if self.writes() { format!(" {}", self.repeated("")) } else { String::new() };
                format!("Build your http_client with `redirect::Policy::none()`.{write}").into()
            }
            ErrorKind::Redirect => {
                "If the server redirects to another origin, the message names it: use that as the base URL, because such \
                 redirects are not followed. Otherwise check the base URL and any proxy."
                    .into()
            }
            ErrorKind::Unauthorized if self.category() == Some("EXPIRED_AUTHENTICATION") => {
                "The token has expired: put a new one into HUBSPOT_ACCESS_TOKEN, or wherever it comes from. An OAuth app \
                 renews its tokens by itself with the refresh token."
                    .into()
            }
            ErrorKind::Unauthorized => "Check HUBSPOT_ACCESS_TOKEN, or wherever the token comes from: HubSpot does not know \
                                        it, or it has expired."
                .into(),
            ErrorKind::MissingScope if self.required_scopes().is_empty() && !self.scopes().is_empty() => {
                let alternatives: Vec<_> = self.scopes().iter().map(|all| all.join(" and ")).collect();
                format!("Give the app or key the scope {}, then create a new token.", alternatives.join(" or ")).into()
            }
            ErrorKind::MissingScope => "Give the app or key the scopes named, then create a new token.".into(),
            ErrorKind::Forbidden | ErrorKind::Refused | ErrorKind::Conflict if self.lost_its_reason() => {
                "Repeat the call to learn the reason: the response broke off before it. If it persists, check the base URL, and \
                 any proxy or firewall on the way."
                    .into()
            }
            ErrorKind::Forbidden | ErrorKind::Refused | ErrorKind::Conflict if !self.0.body.is_hubspots => {
                self.remedy_of_foreign_refusal().into()
            }
            ErrorKind::Forbidden => {
                "Check that the token belongs to the right account, and that the account is in good standing.".into()
            }
            ErrorKind::NotFound => {
                "Check the id, and that the token belongs to the account that holds the object.".into()
            }
            ErrorKind::UnknownPath => CHECK_BASE_URL.into(),
            ErrorKind::Conflict if self.0.body.cause == Some(Cause::Exists) => {
                "It already exists: find it by what the message names, and use that one.".into()
            }
            ErrorKind::Conflict => {
                "It was changed in the meantime: read it again, then repeat the change if it is still right.".into()
            }
            ErrorKind::DailyLimit => {
                "The account's daily limit is used up; it is reset at midnight in the account's time zone.".into()
            }
            ErrorKind::RateLimited => self.remedy_of_rate_limit(),
            ErrorKind::Locked => self.remedy_of_lock(),
            ErrorKind::Server => self.remedy_of_fault(),
            _ => self.remedy_of_refusal().into(),
        }
    }

    /// Whether neither the body of the response nor its status says what to do.
    fn lost_its_reason(&self) -> bool {
        self.0.body.cause == Some(Cause::UnreadBody) && !matches!(self.status(), Some(407 | 413 | 414))
    }

    fn remedy_of_token(&self, beneath: ErrorKind) -> Cow<'static, str> {
        match (self.0.body.cause, beneath) {
            (Some(Cause::OAuthApp), _) | (_, ErrorKind::Unauthorized) => {
                "Check the client id and the client secret: HubSpot shows them on the app's Auth page.".into()
            }
            (Some(Cause::RedirectUri), _) => {
                "Check the redirect URI: it must be registered for the app, and be the same in both steps.".into()
            }
            (_, ErrorKind::Token | ErrorKind::Refused | ErrorKind::Forbidden) => self.remedy_of(ErrorKind::Token),
            // A refresh can be repeated, and has no ids.
            (_, ErrorKind::Timeout | ErrorKind::Transport) => {
                "Try again; if it persists, check what the message names, the network, the proxy and the base URL of the \
                 OAuth app."
                    .into()
            }
            (_, ErrorKind::NotFound | ErrorKind::UnknownPath) => {
                "Check the base URL and the token path of the OAuth app.".into()
            }
            _ => self.remedy_of(beneath),
        }
    }

    fn remedy_of_rate_limit(&self) -> Cow<'static, str> {
        match (self.0.retry_after.filter(|delay| !delay.is_zero()), self.0.body.cause) {
            (Some(delay), _) => format!("Wait {} and send fewer requests at once.", in_words(delay)).into(),
            (None, Some(Cause::Secondly)) => {
                "Wait a second and search less often: all programs on the account share five searches a second.".into()
            }
            (None, _) => "Wait ten seconds and send fewer requests at once.".into(),
        }
    }

    fn remedy_of_lock(&self) -> Cow<'static, str> {
        match (self.status(), self.in_time()) {
            (Some(477), Some(when)) => format!("The account is being moved; try again {when}.").into(),
            (Some(477), None) => "The account is being moved; try again later, within 24 hours.".into(),
            (_, Some(when)) => format!("It is temporarily locked; try again {when}.").into(),
            (_, None) => "Wait two seconds or more and try again.".into(),
        }
    }

    fn remedy_of_fault(&self) -> Cow<'static, str> {
        let who = if self.0.correlation_id.is_some() {
            " If it persists, give HubSpot's support the correlation id."
        } else {
            " If it persists, check the base URL and any proxy."
        };
        match self.status() {
            Some(501 | 505) => CHECK_BASE_URL.into(),
            _ => self.repeated(who).into(),
        }
    }

    fn remedy_of_foreign_refusal(&self) -> &'static str {
        match self.status() {
            Some(407) => "Put the proxy's user name and password into the proxy's URL.",
            Some(414) => "The URL is too long: ask for fewer properties, or use batch_read.",
            _ => "The response does not come from HubSpot: check the base URL, and any proxy or firewall on the way.",
        }
    }

    /// HubSpot responds with 400 to many mistakes.
    fn remedy_of_refusal(&self) -> &'static str {
        match (self.0.body.cause, self.status()) {
            (Some(Cause::ObjectType), _) => {
                "Check the object type: a name such as companies, or an id such as 2-1234567."
            }
            (Some(Cause::AssociationType), _) => CHECK_ASSOCIATION_TYPE,
            (Some(Cause::AssociatedObject), _) => {
                "Check the id of the other object, and that the token belongs to the account that holds it."
            }
            (_, Some(414)) => "The URL is too long: ask for fewer properties, or use batch_read.",
            (_, Some(413)) => "Send less in one request.",
            (Some(Cause::MissingProperty), _) => {
                "Give the properties that the message names a value in the same write: the account's rules require them."
            }
            (Some(Cause::EditAssociations), _) => {
                "Let an administrator give the user who connected the account the permission to edit associations, or use a \
                 private app or service key, which needs none."
            }
            (Some(Cause::Property), _) => "Correct the properties and values that the message names.",
            _ => "Correct the request as the message says.",
        }
    }

    /// Whether and when to repeat what may have been carried out.
    fn repeated(&self, then: &str) -> String {
        let when = self.in_time().map(|when| format!(" {when}")).unwrap_or_default();
        match self.spec() {
            _ if self.was_not_carried_out() => format!("Try again{when}.{then}"),
            Some(operation) if operation.idempotent => {
                let id = operation.id;
                format!("Try again{when}: `{id}` may have been carried out, but repeating it does no harm.{then}")
            }
            Some(operation) => {
                let id = operation.id;
                format!("Check whether `{id}` was carried out before you repeat it{when}: it may have been.{then}")
            }
            None => {
                format!("Try again{when}; associating twice is harmless, but check before you repeat an update.{then}")
            }
        }
    }

    /// Whether HubSpot itself answered a write with a success, and not that it has accepted it or done a part.
    fn was_carried_out(&self) -> bool {
        self.writes()
            && self.correlation_id().is_some()
            && self.is_of_success()
            && !matches!(self.status(), Some(202 | 207))
    }

    /// Whether the operation changes something at HubSpot.
    fn writes(&self) -> bool {
        let writes = |all: &&[&str]| all.iter().any(|scope| scope.ends_with(".write"));
        !self.scopes().is_empty() && self.scopes().iter().all(writes)
    }

    /// Whether the operation is known to change nothing.
    pub(crate) fn only_reads(&self) -> bool {
        self.spec().is_some() && !self.writes()
    }

    fn spec(&self) -> Option<&'static Operation> {
        self.operation().map(operation).filter(|operation| !operation.method.is_empty())
    }

    /// The alternatives of scopes that the operation needs.
    fn scopes(&self) -> &'static [&'static [&'static str]] {
        self.spec().map(|operation| operation.scopes).unwrap_or_default()
    }

    fn in_time(&self) -> Option<String> {
        self.0.retry_after.filter(|delay| !delay.is_zero()).map(|delay| format!("in {}", in_words(delay)))
    }
}

/// Rounded up, so that nobody comes too early.
fn in_words(delay: Duration) -> String {
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7199 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
