//! Kinds of errors.

/// Kind of an [`Error`](crate::Error), to match on. The [table of errors](crate#errors) says what to do about each.
///
/// ```
/// use hubspot_partner_clients::{Error, ErrorKind};
///
/// fn exit_code(error: &Error) -> i32 {
///     match error.kind() {
///         ErrorKind::Unauthorized => 3,
///         ErrorKind::RateLimited => 4,
///         _ => 1,
///     }
/// }
/// ```
///
/// New versions may add kinds, so a `match` needs an arm for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value that cannot be sent. Nothing was sent.
    InvalidInput,
    /// A secret is missing or malformed: an access token, a client id, a client secret or a refresh token. Nothing was
    /// sent.
    Credentials,
    /// The token provider returned no token. Nothing was sent.
    Token,
    /// The refresh token or the code is no longer valid, so the account has to be connected again. Nothing was sent.
    InvalidGrant,
    /// The rate limiter failed; one that processes share can. Nothing was sent.
    Limiter,
    /// The call timeout leaves no time for the rate limiter's permit, or for a response that another call asked for.
    /// Nothing was sent.
    QueueTimeout,
    /// Redis cannot be reached, or does not reply.
    Redis,
    /// No connection could be made. Nothing was sent.
    Connect,
    /// No connection could be made because TLS failed, usually because a certificate is not trusted. Nothing was sent.
    Tls,
    /// No response came in time. The request may have been carried out.
    Timeout,
    /// The connection was lost, or the response is not HTTP. The request may have been carried out.
    Transport,
    /// The response does not match HubSpot's API description. If it has the status 200, 201 or 204 and HubSpot's correlation
    /// id, the request was carried out; without the id, it may come from another server.
    Decode,
    /// HubSpot's response to a batch says nothing about this input, its response to a write does not say that it was carried
    /// out, or the workers of a job ended before they reported it. It may have been carried out.
    NoOutcome,
    /// The properties do not fit the type that they were to be read into.
    Property,
    /// The response is larger than permitted. If it has the status 200, 201 or 204 and HubSpot's correlation id, the request
    /// was carried out.
    TooLarge,
    /// The journal of a run cannot be read, written or used for this run.
    Journal,
    /// Your code panicked: an observer, a token provider, a limiter, a store or the callback of `on_new_refresh_token`. The
    /// request may have been carried out. If the call is about one object and the error has the status 200, 201 or 204 and
    /// HubSpot's correlation id, it was. An error of a 2xx response that says otherwise is not replaced by this one.
    Panic,
    /// The call was dropped before it ended; only an [`Observer`](crate::Observer) sees this kind. If an attempt had
    /// started, the request may have been carried out.
    Dropped,
    /// The server redirects to where the client does not follow. Nothing was done. Without a status, an
    /// [`http_client`](crate::ClientBuilder::http_client) of yours has followed, and the request may have been carried out.
    Redirect,
    /// HubSpot does not know the token, or the token has expired (401). Nothing was done.
    Unauthorized,
    /// The token lacks a scope (403). Nothing was done.
    MissingScope,
    /// HubSpot forbids the request for another reason than a scope (403). Nothing was done.
    Forbidden,
    /// The object does not exist, or the token may not see it. Nothing was done.
    NotFound,
    /// The server does not know the path or the method (404, 405): its response does not look like HubSpot's, or HubSpot
    /// says so. Nothing was done.
    UnknownPath,
    /// Something else exists or has changed already (409). Nothing was done.
    Conflict,
    /// HubSpot's rate limit is used up for the moment (429). Nothing was done.
    RateLimited,
    /// The account's daily limit is used up (429). Nothing was done.
    DailyLimit,
    /// HubSpot has locked the object, or is moving the account, for some time (423, 477). Nothing was done.
    Locked,
    /// HubSpot refuses the request: any other 4xx, or an error in a response with a success status. Nothing was done.
    Refused,
    /// The server failed (5xx), or HubSpot says inside a batch that it failed. The request may have been carried out.
    Server,
}

impl ErrorKind {
    pub(super) const ALL: [Self; 30] = [
        Self::InvalidInput,
        Self::Credentials,
        Self::Token,
        Self::InvalidGrant,
        Self::Limiter,
        Self::QueueTimeout,
        Self::Redis,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Transport,
        Self::Decode,
        Self::NoOutcome,
        Self::Property,
        Self::TooLarge,
        Self::Journal,
        Self::Panic,
        Self::Dropped,
        Self::Redirect,
        Self::Unauthorized,
        Self::MissingScope,
        Self::Forbidden,
        Self::NotFound,
        Self::UnknownPath,
        Self::Conflict,
        Self::RateLimited,
        Self::DailyLimit,
        Self::Locked,
        Self::Refused,
        Self::Server,
    ];

    /// The kind's name, such as `rate_limited`. Spans carry it as `error.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Credentials => "credentials",
            Self::Token => "token",
            Self::InvalidGrant => "invalid_grant",
            Self::Limiter => "limiter",
            Self::QueueTimeout => "queue_timeout",
            Self::Redis => "redis",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Decode => "decode",
            Self::NoOutcome => "no_outcome",
            Self::Property => "property",
            Self::TooLarge => "too_large",
            Self::Journal => "journal",
            Self::Panic => "panic",
            Self::Dropped => "dropped",
            Self::Redirect => "redirect",
            Self::Unauthorized => "unauthorized",
            Self::MissingScope => "missing_scope",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::UnknownPath => "unknown_path",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::DailyLimit => "daily_limit",
            Self::Locked => "locked",
            Self::Refused => "refused",
            Self::Server => "server",
        }
    }

    /// Whether HubSpot, or what stands in its place, answered with an error.
    pub(super) fn is_response(self) -> bool {
        matches!(
            self,
            Self::Redirect
                | Self::Unauthorized
                | Self::MissingScope
                | Self::Forbidden
                | Self::NotFound
                | Self::UnknownPath
                | Self::Conflict
                | Self::RateLimited
                | Self::DailyLimit
                | Self::Locked
                | Self::Refused
                | Self::Server
        )
    }
}
