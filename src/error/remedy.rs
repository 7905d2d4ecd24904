//! What to do about an error.

use super::{Error, Kind};

impl Error {
    /// What to do next, in a sentence.
    pub fn remedy(&self) -> &'static str {
        let associating = matches!(self.0.operation, Some("associate" | "dissociate"));
        match (self.0.kind, self.0.status) {
            (Kind::InvalidInput, _) => "Correct the value that the message names.",
            (Kind::Token, _) if self.is_invalid_grant() => {
                "Connect the account again: send its user through the authorisation page."
            }
            (Kind::Limiter, _) => "See what the rate limiter says; nothing was sent.",
            (Kind::Token, _) => "See what the token provider says; nothing was sent.",
            (Kind::Connect, _) => "Check the network, the proxy and the base URL.",
            (Kind::Timeout, _) => "Try again; an association may be made twice without harm.",
            (Kind::Transport, _) => "Try again; if it goes on, check the network, the proxy and the base URL.",
            (Kind::Decode, _) => "Check that the base URL is HubSpot's; if it is, report the excerpt to this crate.",
            (Kind::TooLarge, _) => "Ask for fewer properties or smaller pages, or give a larger max_response_bytes.",
            (Kind::Journal, _) => "Put the journal right as the message says, then start the run again.",
            (_, Some(300..=399)) => {
                "Give the base URL that the service redirects to; redirects to another origin are not followed."
            }
            (_, Some(401)) => "Check HUBSPOT_ACCESS_TOKEN: the token is unknown to HubSpot or has expired.",
            (_, Some(403)) => "Give the app or key the scopes named, then create the token anew.",
            (_, Some(404)) => "Check the id, and that the token belongs to the account that holds the object.",
            (_, Some(400)) if associating => {
                "Check the object type and id; `association_types` lists the association types that exist."
            }
            (_, Some(429)) if self.is_daily_limit() => {
                "The account's daily allowance is used up; it comes back at midnight of the account's time zone."
            }
            (_, Some(429)) => "Wait ten seconds and send fewer requests at once.",
            (_, Some(423)) => "Wait two seconds or more and try again.",
            (_, Some(477)) => "The account is being moved; try again later, within 24 hours.",
            (_, Some(500..)) => "Try again; if it goes on, give HubSpot's support the correlation id.",
            _ => "Correct the request as the message says.",
        }
    }
}
