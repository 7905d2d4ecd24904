//! HTTP clients, one for each runtime.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use reqwest::Url;
use tokio::runtime::{Handle, Id};

use crate::{error::Result, per_runtime::PerRuntime, transport::connection::ConnectionSettings};

/// A connection lives in a task of the runtime that it was made in. Where that runtime does not run any more, whatever is
/// sent over it waits for ever, so each runtime has an HTTP client of its own, with the same settings.
///
/// One that a user gives is used in all of them: its settings are not known here.
#[derive(Clone)]
pub(crate) struct HttpClient(Arc<Clients>);

struct Clients {
    connection: ConnectionSettings,
    base_url: Url,
    allow_insecure_http: bool,
    first: reqwest::Client,
    /// The runtime of the first one.
    home: OnceLock<Id>,
    others: PerRuntime<reqwest::Client>,
}

impl HttpClient {
    /// For a base URL that has been checked.
    pub(crate) fn new(connection: ConnectionSettings, base_url: &Url, allow_insecure_http: bool) -> Result<Self> {
        let first = connection.clone().build(base_url, allow_insecure_http)?;
        let (base_url, home, others) = (base_url.clone(), OnceLock::new(), PerRuntime::default());
        Ok(Self(Arc::new(Clients { connection, base_url, allow_insecure_http, first, home, others })))
    }

    /// Whether it is the caller's, with settings that are not known here.
    pub(crate) fn is_given(&self) -> bool {
        self.0.connection.client.is_some()
    }

    /// The one that was made first.
    pub(crate) fn first(&self) -> &reqwest::Client {
        &self.0.first
    }

    /// The one of this runtime.
    pub(crate) fn get(&self) -> Result<reqwest::Client> {
        let clients = &*self.0;
        let Some(runtime) = Handle::try_current().ok().filter(|_| !self.is_given()) else {
            return Ok(clients.first.clone());
        };
        let runtime = runtime.id();
        if *clients.home.get_or_init(|| runtime) == runtime {
            return Ok(clients.first.clone());
        }
        if let Some(client) = clients.others.get(runtime) {
            return Ok(client);
        }
        let client = clients.connection.clone().build(&clients.base_url, clients.allow_insecure_http)?;
        Ok(clients.others.keep(runtime, client))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}
