//! Advanced use of a client: another account, the state of the rate limit, and the generated client.
#![cfg(feature = "client")]

use std::sync::Arc;

use crate::{
    auth::provider::{TokenProvider, Tokens},
    cache::Cache,
    client::Client,
    generated,
    rate_limit::{limiter::RateLimitStatus, rolling_window::RollingWindow},
    transport::{Inner, shared::Shared},
};

impl Client {
    /// Creates a client for another account. It uses the same connections and settings, but its own token,
    /// [`RollingWindow`] and retry budget.
    ///
    /// ```
    /// # fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// use hubspot_partner_clients::AccessToken;
    /// let token = AccessToken::new("pat-eu1-0000")?;
    /// let second = client.for_account(token);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn for_account(&self, tokens: impl TokenProvider + 'static) -> Self {
        let shared = &self.raw.inner.shared;
        let inner = Inner::new(Shared {
            association_types: Cache::default(),
            version: shared.version,
            base_path: shared.base_path,
            http: shared.http.clone(),
            tokens: Tokens::new(tokens),
            limiter: Arc::new(RollingWindow::new(shared.limit)),
            limit: shared.limit,
            budget: shared.budget.renewed(),
            retry: shared.retry,
            timeout: shared.timeout,
            call_timeout: shared.call_timeout,
            max_response_bytes: shared.max_response_bytes,
            observer: shared.observer.clone(),
            server: shared.server.clone(),
        });
        let raw = generated::Client::new_with_client(&self.raw.baseurl, self.raw.client.clone(), inner);
        Self { raw: Arc::new(raw) }
    }

    /// Returns what the rate limiter knows: the limit, how much of it is used, and the daily figures once a response has
    /// contained them.
    pub fn rate_limit_status(&self) -> RateLimitStatus {
        self.raw.inner.shared.limiter.status()
    }

    /// Returns the generated client, for operations and parameters that the facade does not cover. Its calls use the same
    /// token, rate limit and retries, and `?` turns their errors into [`Error`](crate::Error).
    ///
    /// It has the operations of every version of HubSpot's API. It refuses one that the client's
    /// [version](Client::api_version) does not have before anything is sent, and names the operation to call instead.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let archived = client
    ///     .raw()
    ///     .list()
    ///     .archived(true)
    ///     .limit(20)
    ///     .send()
    ///     .await?;
    /// println!("{} archived", archived.results.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw(&self) -> &generated::Client {
        &self.raw
    }
}
