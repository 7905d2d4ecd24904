//! Failures between this process and Redis.

use std::fmt;

use ::redis::{Client, ErrorKind, RedisError, RetryMethod};

use crate::{auth::redact::redact, error::Error};

/// A server that was demoted in a failover.
pub(super) const READ_ONLY: &str = "READONLY";
/// What ends by itself, beside what the client knows: a failover, a long script, too many clients.
const PASSING: [&str; 4] = [READ_ONLY, "NOREPLICAS", "BUSY", "max number of clients reached"];

/// By the error's code, or inside its text: there scripts of a Redis before version 7 have it.
pub(super) fn says(error: &RedisError, what: &str) -> bool {
    let inside = format!(": -{what} ");
    error.code() == Some(what) || error.detail().is_some_and(|detail| detail == what || detail.contains(&inside))
}

/// A failure between this process and Redis. It names the server and never the password.
#[derive(Debug)]
pub(super) struct Trouble {
    message: String,
    /// Redis was not reached, or did not reply: it may come back by itself.
    pub(super) unreachable: bool,
    /// The error if Redis has nothing to do with it.
    elsewhere: Option<Error>,
}

impl Trouble {
    /// `address` is that of the server, and `client` knows the secrets that an error may repeat.
    pub(super) fn new(client: &Client, address: &str, key: Option<&str>, error: &RedisError) -> Self {
        if error.is_timeout() {
            return Self::slow(address);
        }
        if error.kind() == ErrorKind::Parse {
            return Self::passing(format!("the server at {address} is not Redis"));
        }
        // Such as LOADING after a restart.
        let passing = error.is_io_error()
            || error.is_unrecoverable_error() && error.kind() != ErrorKind::AuthenticationFailed
            || matches!(error.retry_method(), RetryMethod::WaitAndRetry)
            || PASSING.iter().any(|what| says(error, what));
        let key = key.filter(|_| !passing).map(|key| format!(", key {key}")).unwrap_or_default();
        // Redis repeats the name of a user who may not do something.
        let settings = client.get_connection_info().redis_settings();
        let error = [settings.username(), settings.password()]
            .into_iter()
            .flatten()
            .fold(error.to_string(), |text, secret| redact(&text, secret));
        Self { message: format!("Redis at {address}{key}: {error}"), unreachable: passing, elsewhere: None }
    }

    pub(super) fn slow(address: &str) -> Self {
        Self::passing(format!("Redis at {address} did not reply in time"))
    }

    fn passing(message: String) -> Self {
        Self { message, unreachable: true, elsewhere: None }
    }

    pub(super) fn elsewhere(error: Error) -> Self {
        Self { message: error.message().to_owned(), unreachable: false, elsewhere: Some(error) }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Trouble {}

/// While something is set up.
impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        if let Some(error) = trouble.elsewhere {
            return error;
        }
        if trouble.unreachable {
            return Self::unreachable(trouble.message);
        }
        let remedy = "check the user, the password and the user's permissions in Redis, and that the key is not used for something else";
        Self::invalid_input("Redis", None, format!("refuses the request ({})", trouble.message), remedy)
    }
}
