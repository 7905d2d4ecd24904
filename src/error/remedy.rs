//! What to do about an error.

use super::{Error, Kind};

impl Error {
    /// What to do next, in a sentence.
    pub fn remedy(&self) -> &'static str {
        match self.0.kind {
            Kind::InvalidInput => "Correct the value that the message names.",
            Kind::Token if self.is_invalid_grant() => {
                "Connect the account again: send its user through the authorisation page."
            }
            Kind::Token => "See what the token provider says; nothing was sent.",
            Kind::Limiter => "See what the rate limiter says; nothing was sent.",
            Kind::Connect if self.0.message.contains("Redis") => {
                "See what the message says of Redis, and check the Redis URL and the network to it."
            }
            Kind::Connect if self.0.message.contains("certificate") => {
                "If a proxy inspects TLS, trust its certificate with `root_certificates`; otherwise check the base URL."
            }
            Kind::Connect => "Check the network, the proxy and the base URL.",
            Kind::Timeout => {
                "Try again; making an association twice is harmless, but look before you repeat an update."
            }
            Kind::Transport => "Try again; if it goes on, check the network, the proxy and the base URL.",
            Kind::Decode => "Check that the base URL is HubSpot's; if it is, report the excerpt to this crate.",
            Kind::Property => {
                "Correct the type that the properties are read into, or ask for the property where the call left it out."
            }
            Kind::TooLarge => "Ask for fewer properties or smaller pages, or give a larger max_response_bytes.",
            Kind::Journal => "Put the journal right as the message says, then start the run again.",
            Kind::Response => self.remedy_of_answer(),
        }
    }

    fn remedy_of_answer(&self) -> &'static str {
        let status = self.0.status.unwrap_or_default();
        match status {
            300..=399 => {
                "Give the base URL that the service redirects to; redirects to another origin are not followed."
            }
            400 if matches!(self.operation(), Some("associate" | "dissociate")) => self.remedy_of_refused_association(),
            401 => {
                "Check HUBSPOT_ACCESS_TOKEN, or wherever the token comes from: HubSpot does not know it, or it has expired."
            }
            403 if self.is_missing_scope() => "Give the app or key the scopes named, then create the token anew.",
            403 => "Check that the token belongs to the account that is meant, and that the account is in order.",
            404 if self.category() == Some("OBJECT_NOT_FOUND") => {
                "Check the id, and that the token belongs to the account that holds the object."
            }
            404 | 405 | 501 => {
                "Check the base URL, which is https://api.hubapi.com for HubSpot, without a path; then the ids."
            }
            429 if self.is_daily_limit() => {
                "The account's daily allowance is used up; it comes back at midnight of the account's time zone."
            }
            429 => "Wait ten seconds and send fewer requests at once.",
            423 => "Wait two seconds or more and try again.",
            477 => "The account is being moved; try again later, within 24 hours.",
            500.. if self.0.correlation_id.is_none() => "Try again; if it goes on, check the base URL and any proxy.",
            500.. => "Try again; if it goes on, give HubSpot's support the correlation id.",
            _ => "Correct the request as the message says.",
        }
    }

    /// HubSpot answers 400 for three different mistakes; its texts tell them apart.
    fn remedy_of_refused_association(&self) -> &'static str {
        if self.0.message.starts_with("Unable to infer object type") {
            "Check the object type: a name such as companies, or an id such as 2-1234567."
        } else if self.context().contains_key("INVALID_OBJECT_IDS") {
            "Check the id of the other object, and that the token belongs to the account that holds it."
        } else {
            "Check the association type: `association_types` lists those there are."
        }
    }
}
