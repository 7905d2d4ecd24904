//! Carrying a plan out.

use std::{
    fmt,
    future::{self, IntoFuture},
    pin::{Pin, pin},
};

use futures_util::{
    FutureExt,
    future::{Either, select},
};

use super::{
    existing::{Existing, Reader},
    run::Run,
    types::Types,
};
use crate::{
    association::Association,
    associations::{
        bulk::Journal,
        reconcile::{applied::Applied, plan::Plan},
    },
    client::Client,
    error::{Error, Result},
    transport::call_options::{CallOptions, settings},
};

type OnProgress<'a> = Box<dyn FnMut(&Applied) + Send + 'a>;

/// A plan to be carried out: await it, or call [`send`](Self::send). See [`Plan::apply`].
///
/// Timeouts, retries and headers hold for each request; without any, those of the [`Reconcile`](super::Reconcile) that the
/// plan comes from.
#[must_use = "nothing is changed until it is awaited"]
pub struct Apply<'a> {
    pub(super) plan: &'a Plan,
    pub(super) client: Client,
    pub(super) options: CallOptions,
    max_removals: Option<u64>,
    account: Option<String>,
    pub(super) remove_anyway: bool,
    pub(super) journal: Option<Journal>,
    pub(super) on_progress: Option<OnProgress<'a>>,
}

settings!(Apply<'_>, options);

impl<'a> Apply<'a> {
    pub(super) fn new(plan: &'a Plan, client: &Client) -> Self {
        Self {
            plan,
            client: client.clone(),
            options: plan.options.0.clone(),
            max_removals: plan.max_removals,
            account: None,
            remove_anyway: false,
            journal: None,
            on_progress: None,
        }
    }

    /// How many associations the plan may remove. A plan that would remove more is refused whole, before anything is sent.
    ///
    /// Without it, a plan may remove at most 100, and has to leave at least half as many associations as the partner clients
    /// have now; additions count.
    pub fn max_removals(mut self, associations: u64) -> Self {
        self.max_removals = Some(associations);
        self
    }

    /// Names the HubSpot account that the client's token is of. A plan that was made [of another](super::Reconcile::account)
    /// is refused.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Removes what is to be removed even from partner clients whose additions failed, as where HubSpot limits how many
    /// associations they may have. What was refused is then tried once more.
    pub fn remove_anyway(mut self) -> Self {
        self.remove_anyway = true;
        self
    }

    /// Remembers what is settled, additions and removals alike. A run with the same plan and journal goes on where the one
    /// before stopped: an addition that HubSpot has refused is not tried again, unless a removal may have made room for it.
    ///
    /// What HubSpot lists has the last word: a change that the journal has and HubSpot does not is sent again.
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Tells what was done so far, each time that more of it is known.
    pub fn on_progress(mut self, told: impl FnMut(&Applied) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(told));
        self
    }

    /// Carries it out.
    ///
    /// # Errors
    /// Nothing was changed then. [`Error::is_invalid_input`] for a plan that removes too many, that was made of another
    /// server, or that is no longer true: the message names the differences. [`Error::is_journal`] for a journal of another
    /// plan. Otherwise, what kept the present state from being read.
    pub async fn send(self) -> Result<Applied> {
        self.run_until(future::pending()).await
    }

    /// As [`send`](Self::send), but stops when `stop` does, and tells what is settled by then. Requests under way are
    /// dropped, and HubSpot may carry them out.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<Applied> {
        self.options.check()?;
        let plan = self.plan;
        if plan.is_empty() {
            return Ok(Applied::default());
        }
        plan.check_removals_against(self.max_removals)?;
        self.check_origin()?;
        let mut stop = pin!(stop.fuse());
        let existing = match select(stop.as_mut(), pin!(existing(plan, &self.client, &self.options))).await {
            Either::Left(_) => {
                return Ok(Applied { unsettled: (plan.add.len() + plan.remove.len()) as u64, ..Applied::default() });
            }
            Either::Right((existing, _)) => existing?,
        };
        Run::new(self).run(&existing, stop).await
    }

    fn check_origin(&self) -> Result<()> {
        let (made_of, server) = (&self.plan.server, &self.client.raw.baseurl);
        let refuse = |reason, remedy| Err(Error::invalid_input("the plan", None, reason, remedy));
        if made_of != server {
            return refuse(
                format!("was made for {made_of}, not for {server}"),
                "use the same base URL, or make a new plan",
            );
        }
        let (made_in, version) = (self.plan.api_version, self.client.api_version());
        if made_in != version {
            let reason = format!("was made in API version {made_in}, not in {version}");
            return refuse(reason, "use a client of the same version, or make a new plan");
        }
        match (&self.plan.account, &self.account) {
            (Some(made_of), Some(account)) if made_of != account => {
                let reason = format!("was made for the account {made_of:?}, not for {account:?}");
                refuse(reason, "use a token of the same account, or make a new plan")
            }
            _ => Ok(()),
        }
    }
}

async fn existing(plan: &Plan, client: &Client, options: &CallOptions) -> Result<Existing> {
    let Plan { to_object_type: to_type, partner_clients, .. } = plan;
    let types = Types::read(client, to_type, options).await?;
    for Association { association_type, .. } in plan.add.iter().chain(&plan.remove).chain(&plan.keep) {
        let name = types.listed(association_type.as_str())?;
        if name != *association_type {
            let (given, reason) = (Some(association_type.as_str()), format!("is called {name} in plans"));
            return Err(Error::invalid_input("association type", given, reason, "use that name, or make a new plan"));
        }
    }
    Reader { client, to_type, types: &types, options }.read(partner_clients).await
}

impl<'a> IntoFuture for Apply<'a> {
    type Output = Result<Applied>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for Apply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Apply")
            .field("plan", &self.plan)
            .field("options", &self.options)
            .field("max_removals", &self.max_removals)
            .field("remove_anyway", &self.remove_anyway)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// Carries the plan out: await what this gives, after setting on it what should hold.
    ///
    /// What the plan was made from is read again first. Then what is to be added is made, in batches as by
    /// [`Client::associate_many`], and then what is to be removed is removed, but only from partner clients all of whose
    /// additions are in. A plan that was carried out in part goes on where it stopped, and one that was carried out whole
    /// changes nothing.
    pub fn apply<'a>(&'a self, client: &Client) -> Apply<'a> {
        Apply::new(self, client)
    }
}
