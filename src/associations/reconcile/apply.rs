//! Settings under which a plan is carried out.

use std::fmt;

use crate::{
    associations::{
        bulk::Journal,
        reconcile::{applied::Applied, plan::Plan},
    },
    client::Client,
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
    pub(super) max_removals: Option<u64>,
    pub(super) account: Option<String>,
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
    pub fn on_progress(mut self, callback: impl FnMut(&Applied) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
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
