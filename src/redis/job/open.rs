//! Batch that a worker has claimed, and what its outcomes come to.

use std::{collections::BTreeMap, error::Error as _};

use crate::error::{Error, kind::ErrorKind};

pub(super) struct Open {
    pub(super) entry: String,
    pub(super) number: u64,
    pub(super) tries: u64,
    /// How many leases on it have ended without a report.
    pub(super) leases: u64,
    pub(super) inputs: usize,
    /// How many of them have no outcome.
    pub(super) left: usize,
    pub(super) errors: BTreeMap<usize, Error>,
}

impl Open {
    /// The error that says that HubSpot cannot be reached, so that this was no attempt.
    pub(super) fn out_of_reach(&self) -> Option<&Error> {
        self.errors.values().find(|error| reached_nobody(error)).or_else(|| self.out_of_time())
    }

    /// The error of a batch of which nothing was sent in time. Where there was a response to it or to a part of it, the next
    /// attempt may end like this one.
    fn out_of_time(&self) -> Option<&Error> {
        let lacked_time = |error: &&Error| error.kind() == ErrorKind::QueueTimeout && error.last_status().is_none();
        let is_unsent = self.errors.len() == self.inputs
            && self.errors.values().all(|error| lacked_time(&error) || error.is_invalid_input());
        self.errors.values().find(lacked_time).filter(|_| is_unsent)
    }

    /// An error that may not come again.
    pub(super) fn passing(&self) -> Option<&Error> {
        self.errors.values().find(|error| !error.is_lasting() && !error.is_invalid_input())
    }
}

/// Whether HubSpot is out of reach: there was no permit or token, no connection in time or at all, or somebody else answered.
fn reached_nobody(error: &Error) -> bool {
    let transport = error.source().and_then(|source| source.downcast_ref::<reqwest::Error>());
    let is_ours = error.is_limiter() || error.is_token();
    is_ours || error.is_connect() || error.is_foreign() || transport.is_some_and(reqwest::Error::is_connect)
}
