//! A running simulator, as the test that started it sees it.

use std::{fmt, io, ops::Deref, sync::Arc};

use tokio::task::JoinHandle;

use crate::{
    faults::fault::Fault, http::journal::RecordedRequest, portal::Portal, server::Server,
    simulated_account::SimulatedAccount,
};

/// A running in-process HubSpot; dropping it stops it.
///
/// It stands for its first account as well: the methods of [`SimulatedAccount`] are there for that one.
pub struct Simulator {
    first: SimulatedAccount,
    task: JoinHandle<io::Result<()>>,
}

impl Simulator {
    pub(crate) fn new(first: SimulatedAccount, task: JoinHandle<io::Result<()>>) -> Self {
        Self { first, task }
    }

    /// The address to use in place of `https://api.hubapi.com`: `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.server().base_url()
    }

    /// The account with an id; `None` without one ([`SimulatorBuilder::account`](crate::SimulatorBuilder::account)).
    #[must_use]
    pub fn account(&self, account_id: u64) -> Option<SimulatedAccount> {
        self.accounts().find(|account| account.account_id() == account_id)
    }

    /// All accounts, the first one first.
    pub fn accounts(&self) -> impl Iterator<Item = SimulatedAccount> {
        let account = |portal: &Portal| SimulatedAccount::new(Arc::clone(self.server()), portal.id);
        self.server().portals.iter().map(account)
    }

    /// Every request since the start or the last [`clear_requests`](Self::clear_requests), in order of arrival,
    /// refused ones included.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.server().journal().requests()
    }

    /// Empties the journal. It grows by every request, so long runs want this now and then.
    pub fn clear_requests(&self) {
        self.server().journal().clear();
    }

    /// Injects a fault, behind those injected before.
    pub fn inject(&self, fault: Fault) {
        self.server().faults().inject(fault);
    }

    /// Ends all faults for requests that are yet to come.
    pub fn clear_faults(&self) {
        self.server().faults().clear();
    }

    /// Serves until the runtime shuts down: for a program that is nothing but a simulator.
    ///
    /// Dropping the returned future stops the simulator.
    ///
    /// # Errors
    ///
    /// When the server stops with a failure.
    pub async fn stopped(mut self) -> io::Result<()> {
        (&mut self.task).await?
    }

    fn server(&self) -> &Arc<Server> {
        self.first.server()
    }
}

/// The first account, or the only one.
impl Deref for Simulator {
    type Target = SimulatedAccount;

    fn deref(&self) -> &SimulatedAccount {
        &self.first
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("base_url", &self.base_url())
            .field("access_token", &"[redacted]")
            .finish_non_exhaustive()
    }
}
