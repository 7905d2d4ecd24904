//! What holds of every error.

use hubspot_partner_clients::Error;

/// The access token, the client secret and the authorisation code, so that each answer has been given whatever secret it
/// repeats.
pub const SECRET: &str = "pat-eu1-5ecre7-0123456789";

/// Longer than a message and an excerpt at their longest, each with the escapes of `Debug`.
const LONGEST: usize = 128 * 1024;

/// It is bounded, says what to do, and holds nothing secret.
pub fn check_error(error: &Error) {
    let mut shown = format!("{error} {error:?} {:?} {:?}", error.body_excerpt(), error.correlation_id());
    assert!(!error.remedy().is_empty() && !error.message().is_empty());
    assert!(shown.len() < LONGEST, "{} bytes", shown.len());
    shown += &format!("{:?} {:?} {:?}", error.details(), error.context(), error.required_scopes());
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        shown += &format!(" {error} {error:?}");
        source = error.source();
    }
    hides(&shown);
}

pub fn hides(shown: &str) {
    assert!(!holds_secret(shown), "{shown}");
}

pub fn holds_secret(text: &str) -> bool {
    text.contains(SECRET)
}

/// What a part of a URL means.
pub fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8().unwrap().into_owned()
}
