//! Failures between this process and Redis.

use std::fmt;

use ::redis::{Client, ErrorKind, RedisError, RetryMethod};

use super::server::NEWER;
use crate::{auth::redact::redact, error::Error};

/// A server that was demoted in a failover.
pub(super) const READ_ONLY: &str = "READONLY";
/// What ends by itself, beside what the client knows: a failover, a long script, too many clients.
const PASSING: [&str; 4] = [READ_ONLY, "NOREPLICAS", "BUSY", "max number of clients reached"];

/// What to do about what Redis says, by its code.
const REMEDIES: [(&str, &str); 10] = [
    ("NOAUTH", GIVE_PASSWORD),
    ("WRONGPASS", CORRECT_PASSWORD),
    ("NOPERM", PERMIT),
    // Inside a script, of Redis and of Valkey.
    ("The user executing the script", PERMIT),
    ("ACL failure", PERMIT),
    ("WRONGTYPE", "give another prefix, or remove that key if nothing needs it"),
    ("OOM", "raise `maxmemory`, or remove jobs that are finished, and go on"),
    ("MISCONF", "correct what Redis says about its disk, and go on"),
    ("MOVED", CLUSTER),
    ("CROSSSLOT", CLUSTER),
];
/// The same by its words: the client leaves out the code where the database cannot be selected.
const REMEDIES_BY_WORDS: [(&str, &str); 4] = [
    ("Authentication required", GIVE_PASSWORD),
    ("has no permissions", PERMIT),
    ("DB index is out of range", "give the number of a database that this Redis has, at the end of the URL"),
    ("not allowed in cluster mode", CLUSTER),
];
const GIVE_PASSWORD: &str = "give the user and the password in the URL";
const CORRECT_PASSWORD: &str = "correct the user and the password in the URL, or leave them out if Redis has none";
const PERMIT: &str = "permit this user the commands and keys that the documentation lists";
const CLUSTER: &str = "give the address of a Redis with cluster mode disabled, as Redis Cluster is not supported";
const OTHERWISE: &str = "check the user, the password and the user's permissions in Redis, and its log";

/// By the error's code, or inside its text: there scripts of a Redis before version 7 have it.
pub(super) fn says(error: &RedisError, what: &str) -> bool {
    let inside = format!(": -{what} ");
    // A script of a Redis from version 7 on has it before the text.
    let begins = |detail: &str| detail.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    error.code() == Some(what) || error.detail().is_some_and(|detail| begins(detail) || detail.contains(&inside))
}

fn remedy(error: &RedisError) -> &'static str {
    match error.kind() {
        // Of a refused AUTH, the client tells nothing that Redis says.
        ErrorKind::AuthenticationFailed => return CORRECT_PASSWORD,
        ErrorKind::RESP3NotSupported => return NEWER,
        _ => {}
    }
    let by_code = REMEDIES.iter().find(|(code, _)| says(error, code));
    let has_words = |words: &str| error.detail().is_some_and(|detail| detail.contains(words));
    let by_words = || REMEDIES_BY_WORDS.iter().find(|(words, _)| has_words(words));
    by_code.or_else(by_words).map_or(OTHERWISE, |(_, remedy)| remedy)
}

/// A failure between this process and Redis. It names the server and never the password.
#[derive(Debug)]
pub(super) struct Trouble {
    message: String,
    /// Redis was not reached, or did not reply: it may come back by itself.
    pub(super) unreachable: bool,
    remedy: &'static str,
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
        let remedy = remedy(error);
        // Redis repeats the name of a user who may not do something.
        let settings = client.get_connection_info().redis_settings();
        let error = [settings.username(), settings.password()]
            .into_iter()
            .flatten()
            .fold(error.to_string(), |text, secret| redact(&text, secret));
        Self { message: format!("Redis at {address}{key}: {error}"), unreachable: passing, remedy, elsewhere: None }
    }

    pub(super) fn slow(address: &str) -> Self {
        Self::passing(format!("Redis at {address} did not reply in time"))
    }

    fn passing(message: String) -> Self {
        Self { message, unreachable: true, remedy: OTHERWISE, elsewhere: None }
    }

    pub(super) fn odd(address: &str, key: &str) -> Self {
        let message = format!("Redis at {address}, key {key}: the reply is not one of this version's script");
        let remedy = "use one version of this crate with this key";
        Self { message, unreachable: false, remedy, elsewhere: None }
    }

    pub(super) fn elsewhere(error: Error) -> Self {
        Self { message: error.message().to_owned(), unreachable: false, remedy: OTHERWISE, elsewhere: Some(error) }
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
        Self::invalid_input("Redis", None, format!("refuses the request ({})", trouble.message), trouble.remedy)
    }
}
