//! Connections to Redis: checked when they are made, made anew when they are lost, and never waited for longer than the
//! timeout.

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, FromRedisValue, RedisError, ServerErrorKind,
    aio::MultiplexedConnection,
};
use reqwest::Url;
use tokio::{runtime::Handle, time::timeout};

use super::{
    script::Invocation,
    server::{Server, too_old},
    trouble::{READ_ONLY, Trouble, says},
};
use crate::{
    error::{Error, Result},
    per_runtime::PerRuntime,
    task::{Task, guard_future, in_runtime},
    transport::call_options::check_timeout,
};

const PREFIX: &str = "hubspot-partner-clients";
const TIMEOUT: Duration = Duration::from_secs(1);

/// Handle to a Redis server. Clones share its connections, one for each runtime.
///
/// Needs Redis 6.2 or later, Valkey, or a server that speaks their protocol and runs their scripts. Redis Cluster is not
/// supported.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    client: Client,
    address: String,
    prefix: String,
    timeout: Duration,
    warning: OnceLock<String>,
    /// A connection lives in a task of the runtime that it was made in.
    connections: PerRuntime<Slot>,
}

/// Locked while it is made, and only by a task: whoever waits for it may not be polled any more.
type Slot = Arc<tokio::sync::Mutex<Option<MultiplexedConnection>>>;

impl Redis {
    /// Connects with the default settings.
    ///
    /// # Errors
    /// The same as for [`RedisBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// Configures a handle in code. The URL is `redis://[user][:password@]host[:port][/database]`, `rediss://…` for TLS
    /// (needs the feature `rustls`), or `unix:///path`.
    ///
    /// Connecting by `rediss://` installs aws-lc-rs as the process's rustls provider if it has none. A program that wants
    /// another has to install it before.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder { url: url.into(), prefix: PREFIX.to_owned(), timeout: TIMEOUT, root_certificates: None }
    }

    /// What you should know about this Redis, to show to whoever runs it: that it may delete jobs and tokens when its
    /// memory is full, because its `maxmemory-policy` is one of `allkeys-…`. [`RedisBuilder::connect`] logs it as well.
    /// `None` also if the Redis user may not run `INFO`.
    pub fn warning(&self) -> Option<&str> {
        self.0.warning.get().map(String::as_str)
    }

    /// The name of what is kept for an account.
    pub(super) fn key(&self, parts: &[&str]) -> String {
        [&[self.0.prefix.as_str()], parts].concat().join(":")
    }

    pub(super) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// The error for a Redis whose version shows only when it is used.
    pub(super) fn too_old(&self) -> Error {
        too_old(&self.0.address, "a version before 6.2")
    }

    /// Runs a script on a key, and loads it first if Redis does not know it. A script may run twice, because it is not
    /// known whether a command arrived before its connection ended: running twice has to do no harm.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        key: &str,
        script: &Invocation<'_>,
    ) -> std::result::Result<T, Trouble> {
        // Connecting and loading the script have round trips of their own.
        let outcome = self.in_time(async {
            if let Some(mut connection) = self.made() {
                match script.run(&mut connection).await {
                    // Redis was restarted or replaced while nobody used the connection: a new one may do.
                    Err(error) if error.is_connection_dropped() || says(&error, READ_ONLY) => self.forget(),
                    outcome => return outcome,
                }
            }
            script.run(&mut self.connection().await?).await
        });
        let trouble = match outcome.await? {
            Ok(value) => return Ok(value),
            Err(error) => Trouble::new(&self.0.client, &self.0.address, Some(key), &error),
        };
        if trouble.unreachable {
            self.forget();
        }
        Err(trouble)
    }

    /// Of a reply that the script never gives.
    pub(super) fn odd_reply(&self, key: &str) -> Trouble {
        Trouble::odd(&self.0.address, key)
    }

    /// Waits no longer than the timeout. Without a runtime, or in one without timers or sockets, it fails and does not
    /// panic.
    async fn in_time<T>(
        &self,
        asked: impl Future<Output = std::result::Result<T, RedisError>>,
    ) -> std::result::Result<std::result::Result<T, RedisError>, Trouble> {
        in_runtime().map_err(Trouble::elsewhere)?;
        let asked = guard_future("asking Redis", async { timeout(3 * self.0.timeout, asked).await });
        asked.await.map_err(Trouble::elsewhere)?.map_err(|_| Trouble::slow(&self.0.address))
    }

    /// The place of this runtime's connection.
    fn slot(&self) -> Slot {
        let runtime = Handle::current().id();
        let connections = &self.0.connections;
        connections.get(runtime).unwrap_or_else(|| connections.keep(runtime, Slot::default()))
    }

    fn made(&self) -> Option<MultiplexedConnection> {
        self.slot().try_lock().ok()?.clone()
    }

    fn forget(&self) {
        // One that is being made is new.
        if let Ok(mut slot) = self.slot().try_lock() {
            slot.take();
        }
    }

    async fn connection(&self) -> std::result::Result<MultiplexedConnection, RedisError> {
        let (this, slot) = (self.clone(), self.slot());
        let connecting = Task::spawn(async move {
            let mut slot = slot.lock().await;
            if let Some(connection) = &*slot {
                return Ok(connection.clone());
            }
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(this.0.timeout))
                .set_response_timeout(Some(this.0.timeout));
            let connection = this.0.client.get_multiplexed_async_connection_with_config(&config).await?;
            Ok(slot.insert(connection).clone())
        });
        let stopped = |error: Error| io::Error::other(error.message().to_owned());
        connecting.map_err(stopped)?.await.map_err(stopped)?
    }
}

/// Without the password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("address", &self.0.address)
            .field("prefix", &self.0.prefix)
            .field("timeout", &self.0.timeout)
            .finish_non_exhaustive()
    }
}

/// Configures a [`Redis`]; see [`Redis::builder`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `connect`"]
pub struct RedisBuilder {
    url: String,
    prefix: String,
    timeout: Duration,
    root_certificates: Option<Vec<u8>>,
}

impl RedisBuilder {
    /// Sets the beginning of all key names; the default is `hubspot-partner-clients`. Processes with the same prefix
    /// share their data.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Limits connecting and each command; the default is 1 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Trusts the certificates in this PEM text instead of the platform's. Needs a URL with TLS.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Checks the settings and connects.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`], naming the setting, for
    /// - a URL that is not one of Redis, or one with TLS without the feature `rustls`;
    /// - a root certificate that is not valid, or one without TLS;
    /// - an empty prefix;
    /// - a timeout of zero or of more than a day;
    /// - a user or password that Redis rejects;
    /// - a Redis before version 6.2, a node of a Redis Cluster, or a Sentinel.
    ///
    /// [`Error::is_connect`] if Redis cannot be reached, or is a read-only replica, as in a failover. No error shows the
    /// password.
    pub async fn connect(self) -> Result<Redis> {
        if self.prefix.is_empty() {
            return Err(Error::invalid_input("Redis prefix", None, "is empty", "give a name, or leave it out"));
        }
        check_timeout("Redis timeout", Some(self.timeout))?;
        in_runtime()?;
        let client = open(&self.url, self.root_certificates)?;
        let redis = Redis(Arc::new(Inner {
            address: address(client.get_connection_info().addr()),
            client,
            prefix: self.prefix,
            timeout: self.timeout,
            warning: OnceLock::new(),
            connections: PerRuntime::default(),
        }));
        let asked = async {
            let mut connection = redis.connection().await?;
            match ::redis::cmd("PING").query_async::<()>(&mut connection).await {
                // It has replied, and nothing here needs it to say PONG.
                Err(error) if error.kind() != ErrorKind::Server(ServerErrorKind::NoPerm) => Err(error),
                _ => Server::ask(&mut connection).await,
            }
        };
        let server = redis.in_time(asked).await?;
        let server = server.map_err(|error| Trouble::new(&redis.0.client, &redis.0.address, None, &error))?;
        server.check(&redis.0.address)?;
        if let Some(warning) = server.warning(&redis.0.address) {
            tracing::warn!("{warning}");
            redis.0.warning.get_or_init(|| warning);
        }
        Ok(redis)
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn open(url: &str, root_certificates: Option<Vec<u8>>) -> Result<Client> {
    let refuse = |reason: &str| {
        let remedy = "give one such as \"redis://user:password@localhost:6379/0\", with special characters in user and password \
                      percent-encoded";
        Error::invalid_input("Redis URL", None, format!("cannot be used ({reason})"), remedy)
    };
    // Of a password with a `/`, `?` or `#` in it, a part would be taken for the host, and shown. Nothing of a socket's path is.
    if url
        .split_once("://")
        .filter(|(scheme, _)| !scheme.ends_with("unix"))
        .and_then(|(_, rest)| rest.split_once(['/', '?', '#']))
        .is_some_and(|(_, rest)| rest.contains('@'))
    {
        return Err(refuse("there is an @ after the host"));
    }
    let client = Client::open(url).map_err(|_| refuse(what_is_wrong(url)))?;
    if matches!(client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. }) {
        return with_tls(client, url, root_certificates);
    }
    if root_certificates.is_some() {
        let remedy = "give a URL that begins with \"rediss://\", or leave it out";
        return Err(Error::invalid_input("root certificate", None, "needs TLS", remedy));
    }
    Ok(client)
}

/// What the client says of a URL may repeat any part of it.
fn what_is_wrong(url: &str) -> &'static str {
    let schemes = ["redis:", "rediss:", "valkey:", "valkeys:", "unix:", "redis+unix:", "valkey+unix:"];
    match Url::parse(url) {
        Err(_) => "it is not a URL",
        Ok(url) if !schemes.iter().any(|scheme| url.as_str().starts_with(scheme)) => {
            "it does not begin with redis://, rediss:// or unix://"
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) && !url.scheme().ends_with("unix") => "it names no host",
        Ok(url) if url.query().is_some() => "the part after the question mark is not valid",
        Ok(url) if url.path().len() > 1 => "the database is not a number",
        Ok(_) => "the Redis client rejects it",
    }
}

/// Host and port, and nothing else of the URL.
fn address(address: &ConnectionAddr) -> String {
    match address {
        ConnectionAddr::Unix(_) => "its Unix socket".to_owned(),
        address => address.to_string(),
    }
}

#[cfg(feature = "rustls")]
fn with_tls(client: Client, url: &str, root_certificates: Option<Vec<u8>>) -> Result<Client> {
    use ::redis::TlsCertificates;
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    // Where a program has several, rustls would panic for want of a choice.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
    let Some(pem) = root_certificates else { return Ok(client) };
    let refuse = |reason: &str| Error::invalid_input("root certificate", None, reason, "give the text of a .pem file");
    if CertificateDer::pem_slice_iter(&pem).next().is_none() {
        return Err(refuse("is not PEM"));
    }
    Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert: Some(pem) })
        .map_err(|error| refuse(&format!("cannot be used ({error})")))
}

#[cfg(not(feature = "rustls"))]
fn with_tls(client: Client, _: &str, root_certificates: Option<Vec<u8>>) -> Result<Client> {
    // Another crate has given `redis` TLS of its own.
    match root_certificates {
        None => Ok(client),
        Some(_) => Err(Error::invalid_input(
            "root certificate",
            None,
            "is not supported in this build",
            "enable the feature `rustls`",
        )),
    }
}
