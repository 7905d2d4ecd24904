//! Settings for applying a plan.

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

/// Call that applies a plan: await it, or call [`send`](Self::send). See [`Plan::apply`].
///
/// Timeouts, retries and headers apply to each request. Without any, those of the [`Reconcile`](super::Reconcile) that
/// made the plan apply.
#[must_use = "nothing is changed until it is awaited"]
pub struct Apply<'a> {
    pub(super) plan: &'a Plan,
    pub(super) client: Client,
    pub(super) options: CallOptions,
    pub(super) max_removals: Option<u64>,
    pub(super) account: Option<String>,
    pub(super) remove_anyway: bool,
    pub(super) even_if_changed: bool,
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
            even_if_changed: false,
            journal: None,
            on_progress: None,
        }
    }

    /// Sets how many associations the plan may remove. A plan that removes more is refused as a whole, before anything
    /// is sent.
    ///
    /// By default a plan may remove at most 100 associations, and has to leave at least half as many as the partner
    /// clients have now, additions included.
    pub fn max_removals(mut self, associations: u64) -> Self {
        self.max_removals = Some(associations);
        self
    }

    /// Sets the HubSpot account that the client's token is for. A plan that was made for
    /// [another](super::Reconcile::account) is refused.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Carries out the removals even for partner clients whose additions failed, for example because HubSpot limits how
    /// many associations they may have. The failed additions are then tried once more.
    pub fn remove_anyway(mut self) -> Self {
        self.remove_anyway = true;
        self
    }

    /// Applies the plan although other associations of its partner clients have changed since it was made. Nothing but the
    /// plan's own additions and removals is changed.
    ///
    /// Without this, such a plan is refused. A plan that [reverses](Plan::undo) what a program did needs it as soon as
    /// somebody else goes on working.
    pub fn even_if_changed(mut self) -> Self {
        self.even_if_changed = true;
        self
    }

    /// Records the outcomes of additions and removals. A run with the same plan and journal resumes where the earlier
    /// one stopped. An addition that HubSpot refused is not tried again, unless a removal may have made room for it.
    ///
    /// HubSpot's own list has precedence: a change that the journal has and HubSpot does not is sent again.
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Calls `callback` with the result so far, each time that more of it is known.
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
            .field("even_if_changed", &self.even_if_changed)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// Applies the plan: await the call, after any settings.
    ///
    /// First, everything that the plan was made from is read again. Then associations are added, in batches like
    /// [`Client::associate_many`], and then removed, but only from partner clients all of whose additions succeeded. A
    /// plan that was carried out in part resumes where it stopped, and one that was carried out whole changes nothing.
    pub fn apply<'a>(&'a self, client: &Client) -> Apply<'a> {
        Apply::new(self, client)
    }
}
