//! What an error says of the change that was asked for: whether it may be there, and whether asking again is of use.

use super::{Error, body::Cause};
use crate::error::kind::ErrorKind;

impl Error {
    /// Whether HubSpot cannot have done what was asked: it was never reached, or refused before doing anything.
    pub(crate) fn was_not_carried_out(&self) -> bool {
        self.last_did_nothing() && !self.perhaps_before()
    }

    /// The same of the last attempt alone.
    pub(super) fn last_did_nothing(&self) -> bool {
        match self.kind() {
            // What broke off after this status was a refusal.
            _ if self.0.status.is_some_and(|status| (300..500).contains(&status)) => true,
            ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::Decode
            | ErrorKind::NoOutcome
            | ErrorKind::Property
            | ErrorKind::TooLarge
            | ErrorKind::Journal
            | ErrorKind::Panic
            | ErrorKind::Dropped
            | ErrorKind::Server => false,
            // Inside a batch there is no status of its own.
            kind if kind.is_response() => self.0.status.is_some(),
            _ => true,
        }
    }

    /// Whether an earlier attempt at a write, or an earlier request with it, may have carried it out.
    pub(crate) fn perhaps_before(&self) -> bool {
        self.0.perhaps_before && !self.only_reads()
    }

    /// Adds that an earlier attempt, or an earlier request with it, may have carried it out.
    pub(crate) fn after_what_may_be_done(self) -> Self {
        self.with(|e| e.perhaps_before = true)
    }

    /// Whether it is about a write that HubSpot may have carried out.
    pub(crate) fn may_be_carried_out(&self) -> bool {
        !self.only_reads() && !self.was_not_carried_out()
    }

    /// Whether HubSpot refused what it was asked for, and would again. Neither a conflict with another change lasts, nor
    /// what the response does not say.
    pub(crate) fn is_lasting(&self) -> bool {
        let may_pass = match self.0.body.cause {
            Some(Cause::UnreadBody) => true,
            cause => self.kind() == ErrorKind::Conflict && cause != Some(Cause::Exists),
        };
        self.is_refused() && !may_pass
    }

    /// Whether HubSpot refused what it was asked for: neither for a token, a scope, a permission, a limit or a fault of the
    /// server, nor what HubSpot never saw, such as the page of a gateway. What a read was refused for says nothing of the
    /// write that was to follow, unless it is that there is no such object type.
    pub(crate) fn is_refused(&self) -> bool {
        let was_asked = !self.only_reads() || self.0.body.cause == Some(Cause::ObjectType);
        was_asked
            && self.is_about_request()
            && match self.0.status {
                // Inside a batch there is no status of its own, and that of a success is not the error's.
                None | Some(200..=299) => {
                    matches!(self.category(), Some("VALIDATION_ERROR" | "OBJECT_NOT_FOUND" | "CONFLICT"))
                }
                Some(status) => matches!(status, 400 | 404 | 409 | 410 | 422),
            }
    }
}
