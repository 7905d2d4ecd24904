//! Options of one call, and the facts known about it afterwards.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use reqwest::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::{
    error::{Error, Result},
    transport::{doubts::Doubt, lease::Lease, retry::RetryPolicy},
};

/// The settings of one call. Most calls have none, and they are moved often, so they take no room until one is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallOptions(Option<Box<Settings>>);

/// What is `None` is the client's.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) timeout: Option<Duration>,
    pub(crate) call_timeout: Option<Duration>,
    /// When the call timeout is over, of a request of a call that takes several.
    pub(crate) deadline: Option<Instant>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Nothing is sent once it has ended.
    pub(crate) lease: Option<Lease>,
    /// What notes its requests.
    pub(crate) doubt: Option<Doubt>,
    /// Whether the body is the token that the request is sent with.
    pub(crate) token_in_body: bool,
    /// The first setting that cannot be used.
    pub(crate) invalid: Option<Error>,
}

static NONE: Settings = Settings {
    timeout: None,
    call_timeout: None,
    deadline: None,
    retry: None,
    headers: Vec::new(),
    lease: None,
    doubt: None,
    token_in_body: false,
    invalid: None,
};

impl Deref for CallOptions {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for CallOptions {
    fn deref_mut(&mut self) -> &mut Settings {
        self.0.get_or_insert_with(|| Box::new(NONE.clone()))
    }
}

impl CallOptions {
    /// The settings of all requests of a call, which share its time from now on: its own call timeout, or that of the client.
    ///
    /// # Errors
    /// For a setting that cannot be used.
    pub(crate) fn shared(mut self, of_client: Option<Duration>) -> Result<Self> {
        self.check()?;
        if let Some(total) = self.call_timeout.or(of_client)
            && self.deadline.is_none()
        {
            self.call_timeout = Some(total);
            self.deadline = Some(Instant::now() + total);
        }
        Ok(self)
    }

    /// Whether a request would be sent in the same way, whatever time it has in all.
    pub(crate) fn sends_like(&self, other: &Self) -> bool {
        (self.timeout, self.retry, &self.headers) == (other.timeout, other.retry, &other.headers)
    }
}

/// Headers that the transport or the HTTP library answers for.
const RESERVED: [&str; 7] =
    ["authorization", "connection", "content-length", "content-type", "host", "te", "transfer-encoding"];

impl Settings {
    pub(crate) fn header(&mut self, name: &str, value: &str) {
        let refuse = |reason, remedy| Error::invalid_input("header", Some(name), reason, remedy);
        let checked = if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            Err(refuse("is set by the client", "leave it out"))
        } else {
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(mut value)) => {
                    // It may be a secret of a proxy's.
                    value.set_sensitive(true);
                    Ok((name, value))
                }
                (Err(_), _) => Err(refuse("is not a header name", "use letters, digits and dashes")),
                (_, Err(_)) => Err(refuse("has a value that cannot be sent", "use visible ASCII characters")),
            }
        };
        match checked {
            Ok(header) => self.headers.push(header),
            Err(error) => self.invalid = self.invalid.take().or(Some(error)),
        }
    }

    /// How many requests are under way at once. Zero is refused when the requests are sent.
    pub(crate) fn concurrency(&mut self, requests: usize) -> usize {
        if let Err(error) = check_concurrency(requests) {
            self.invalid = self.invalid.take().or(Some(error));
        }
        requests.max(1)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(error) = &self.invalid {
            return Err(error.clone());
        }
        check_timeout("timeout", self.timeout)?;
        check_timeout("call timeout", self.call_timeout)?;
        self.retry.map_or(Ok(()), |retry| retry.check())
    }
}

/// How many requests are under way at once where nobody says; the rate limiter has the last word.
pub(crate) const CONCURRENCY: usize = 4;

pub(crate) fn check_concurrency(requests: usize) -> Result<()> {
    match requests {
        0 => Err(Error::invalid_input("concurrency", Some("0"), "allows no request", "give 1 or more")),
        _ => Ok(()),
    }
}

/// A day is longer than HubSpot's longest pause.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn check_timeout(field: &str, timeout: Option<Duration>) -> Result<()> {
    let refuse = |timeout: Duration, reason, remedy| {
        Err(Error::invalid_input(field, Some(&format!("{}s", timeout.as_secs_f64())), reason, remedy))
    };
    match timeout {
        Some(timeout) if timeout.is_zero() => refuse(timeout, "leaves no time", "give more than zero"),
        Some(timeout) if timeout > MAX_TIMEOUT => refuse(timeout, "is too long", "give 24 hours at most"),
        _ => Ok(()),
    }
}

/// Gives a builder the settings that every call has; the last argument is where it keeps them.
macro_rules! settings {
    ($builder:ty, $($options:ident).+ $(, $value:ident)?) => {
        impl$(<$value>)? $builder {
            /// Limits each attempt, instead of the client's [timeout](crate::ClientBuilder::timeout).
            pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
                self.$($options).+.timeout = Some(timeout);
                self
            }

            /// Limits the whole call, including the time that it waits for the rate limiter and between attempts,
            /// instead of the client's [call timeout](crate::ClientBuilder::call_timeout). It limits each request of a
            /// stream, a bulk run, a plan, or a call that takes any number of inputs.
            pub fn call_timeout(mut self, timeout: std::time::Duration) -> Self {
                self.$($options).+.call_timeout = Some(timeout);
                self
            }

            /// Sets when a failed attempt is retried, instead of the client's [policy](crate::ClientBuilder::retry).
            pub fn retry(mut self, policy: crate::transport::retry::RetryPolicy) -> Self {
                self.$($options).+.retry = Some(policy);
                self
            }

            /// Adds a header. One that the client sets itself, such as `Authorization`, is an error when the call is
            /// sent.
            pub fn header(mut self, name: &str, value: &str) -> Self {
                self.$($options).+.header(name, value);
                self
            }
        }
    };
}
pub(crate) use settings;

/// Gives a call's builder its common settings, `send`, `send_with_meta` and `.await`.
///
/// The builder has a field `options: CallOptions` and a method `run(self) -> Result<(Output, CallMeta)>`.
macro_rules! call {
    ($(#[$doc:meta])* $builder:ident => $output:ty) => {
        crate::transport::call_options::settings!($builder, options);

        impl $builder {
            $(#[$doc])*
            pub async fn send(self) -> crate::error::Result<$output> {
                Ok(self.run().await?.0)
            }

            /// Like [`send`](Self::send), and also returns facts about the call, such as its correlation id.
            ///
            /// # Errors
            /// The same as for [`send`](Self::send). The [`Error`](crate::Error) has the facts about a failed call.
            pub async fn send_with_meta(self) -> crate::error::Result<($output, crate::transport::call_meta::CallMeta)> {
                self.run().await
            }
        }

        impl std::future::IntoFuture for $builder {
            type Output = crate::error::Result<$output>;
            type IntoFuture = std::pin::Pin<Box<dyn Future<Output = Self::Output> + Send>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.send())
            }
        }
    };
}
pub(crate) use call;
