//! The steps by which a plan is carried out.

use std::{
    collections::{HashMap, HashSet},
    future::{self, IntoFuture},
    mem,
    pin::{Pin, pin},
};

use futures_util::{
    FutureExt, StreamExt,
    future::{Either, Fuse, FusedFuture, select},
    stream,
};

use super::{
    apply::Apply,
    existing::{Existing, Reader},
    plan::{Plan, pair, pairs},
    present,
    types::Types,
};
use crate::{
    association::Association,
    associations::{
        bulk::{Bulk, Change, Input, Journal, Outcome, Recorded},
        reconcile::applied::{Applied, FailedChange},
    },
    client::Client,
    error::{Error, Result},
    ids::PartnerClientId,
    transport::call_options::CallOptions,
};

/// Outcomes that are noted at once, where so many are ready.
const NOTED: usize = 2_000;
const OPERATION: &str = "reconcile";

pub(super) struct Run<'a> {
    pub(super) apply: Apply<'a>,
    applied: Applied,
    /// Additions that are sent again after a refusal, and that an attempt before it may have made.
    perhaps_made: HashSet<&'a Association>,
}

/// A change that is to be sent, with its place in the journal: there, removals come after additions.
type Open<'a> = (u64, &'a Association);

impl<'a> Run<'a> {
    pub(super) fn new(apply: Apply<'a>) -> Self {
        Self { apply, applied: Applied::default(), perhaps_made: HashSet::new() }
    }

    pub(super) async fn run<S>(mut self, existing: &Existing, mut stop: Pin<&mut Fuse<S>>) -> Result<Applied>
    where
        S: Future<Output = ()>,
    {
        let plan = self.apply.plan;
        if !self.apply.even_if_changed {
            present::check(plan, existing)?;
        }
        if let Some(journal) = &mut self.apply.journal {
            let client = &self.apply.client;
            journal.begin(OPERATION, client.server(), client.api_version())?;
        }
        let there = &existing.there;
        let labeled = pairs(there.iter().filter(|change| !plan.is_unlabeled(change)));
        // It may be listed only because of a label.
        let by_itself = |change: &Association| !plan.is_unlabeled(change) || !labeled.contains(&pair(change));
        let is_added = |change: &Association| there.contains(change) && by_itself(change);
        let add = self.open(&plan.add, 0, Change::Associate, is_added)?;
        // Beside a label that stays, the unlabelled type of a pair is no association of its own.
        let removed: HashSet<_> = plan.remove.iter().collect();
        let is_label = |change: &&Association| !plan.is_unlabeled(change);
        let stay = pairs(there.iter().filter(is_label).filter(|change| !removed.contains(change)));
        let go = pairs(plan.remove.iter().filter(is_label));
        let is_beside = |change: &Association| {
            plan.is_unlabeled(change) && go.contains(&pair(change)) && stay.contains(&pair(change))
        };
        let is_removed = |change: &Association| !there.contains(change) || is_beside(change);
        let mut remove = self.open(&plan.remove, plan.add.len() as u64, Change::Dissociate, is_removed)?;
        // The unlabelled type of a pair is removed only after its labels, in whichever batches they are.
        remove.sort_by_key(|&(_, change)| (pair(change), plan.is_unlabeled(change)));

        self.settle(Change::Associate, add, stop.as_mut()).await;
        if self.is_over(stop.as_ref()) {
            self.applied.leave(remove.into_iter().map(|(_, change)| change));
            return Ok(self.applied);
        }
        let mut gone: Vec<_> = plan.remove.iter().filter(|change| !there.contains(change)).collect();
        let mut waiting = remove;
        loop {
            let (remove, held_back) = self.hold_back(waiting);
            gone.extend(remove.iter().map(|(_, change)| *change));
            self.settle(Change::Dissociate, remove, stop.as_mut()).await;
            if self.is_over(stop.as_ref()) {
                return Ok(self.applied);
            }
            let again = self.unblocked(mem::take(&mut gone));
            let failed = self.applied.failed_additions.len() + again.len();
            self.settle(Change::Associate, again, stop.as_mut()).await;
            let goes_on = self.applied.failed_additions.len() < failed && !held_back.is_empty();
            if self.is_over(stop.as_ref()) || !goes_on {
                return Ok(self.applied);
            }
            waiting = held_back;
        }
    }

    /// Whether nothing more is to be sent.
    fn is_over<S: Future>(&self, stop: Pin<&Fuse<S>>) -> bool {
        stop.is_terminated() || self.applied.journal_error.is_some()
    }

    /// The refused additions to records that have lost an association since. HubSpot limits how many a record may have, so
    /// there may be room now.
    fn unblocked(&mut self, gone: Vec<&Association>) -> Vec<Open<'a>> {
        let kept: HashSet<_> = self.applied.failed_removals.iter().map(|failed| &failed.association).collect();
        let (clients, objects): (HashSet<_>, HashSet<_>) =
            gone.into_iter().filter(|change| !kept.contains(change)).map(pair).unzip();
        let (again, failed): (Vec<_>, Vec<_>) = mem::take(&mut self.applied.failed_additions).into_iter().partition(
            |FailedChange { association, error }| {
                let has_room =
                    clients.contains(&association.partner_client_id) || objects.contains(&association.to_object_id);
                has_room && error.is_refused()
            },
        );
        self.applied.failed_additions = failed;
        let again: HashMap<_, _> = again.into_iter().map(|failed| (failed.association, failed.error)).collect();
        let again = (0..).zip(&self.apply.plan.add).filter_map(|(place, change)| {
            if again.get(change)?.perhaps_before() {
                self.perhaps_made.insert(change);
            }
            Some((place, change))
        });
        again.collect()
    }

    /// What is still to be sent of some changes.
    fn open(
        &mut self,
        changes: &'a [Association],
        first: u64,
        kind: Change,
        is_done: impl Fn(&Association) -> bool,
    ) -> Result<Vec<Open<'a>>> {
        let mut open = Vec::new();
        for (place, change) in (first..).zip(changes) {
            let recorded = match &mut self.apply.journal {
                Some(journal) => journal.find(place, || change.digest())?,
                None => None,
            };
            match (is_done(change), recorded) {
                // An earlier run's work as well, where the journal says so.
                (true, _) => self.applied.already_done.push(change.clone()),
                (false, Some(Recorded::Failed(error))) => self.failed(kind, change, error),
                (false, _) => open.push((place, change)),
            }
        }
        Ok(open)
    }

    /// The removals of partner clients whose additions are all in, and the others.
    fn hold_back(&mut self, remove: Vec<Open<'a>>) -> (Vec<Open<'a>>, Vec<Open<'a>>) {
        if self.apply.remove_anyway {
            return (remove, Vec::new());
        }
        let failed = self.applied.failed_additions.iter().map(|failed| &failed.association.partner_client_id);
        let incomplete: HashSet<&PartnerClientId> = failed.collect();
        let (held_back, remove): (Vec<_>, Vec<_>) =
            remove.into_iter().partition(|(_, change)| incomplete.contains(&change.partner_client_id));
        self.applied.held_back = held_back.iter().map(|(_, change)| (*change).clone()).collect();
        (remove, held_back)
    }

    async fn settle<S>(&mut self, kind: Change, open: Vec<Open<'a>>, stop: Pin<&mut Fuse<S>>)
    where
        S: Future<Output = ()>,
    {
        let inputs: Vec<Input> = open.iter().map(|(_, change)| (*change).into()).collect();
        let mut bulk = Bulk::new(&self.apply.client, kind, stream::iter(inputs).boxed());
        bulk.options = self.apply.options.clone();
        let mut outcomes = bulk.outcomes().ready_chunks(NOTED).take_until(stop);
        let (mut open, mut settled) = (open.into_iter(), 0);
        while let Some(mut outcomes) = outcomes.next().await {
            for (outcome, (_, change)) in outcomes.iter_mut().zip(open.as_slice()) {
                if self.perhaps_made.contains(change)
                    && let Err(error) = &mut outcome.result
                {
                    *error = error.clone().after_what_may_be_done();
                }
            }
            let recorded =
                self.apply.journal.as_mut().map_or(Ok(()), |journal| record(journal, open.as_slice(), &outcomes));
            settled += outcomes.len() as u64;
            for (outcome, (_, change)) in outcomes.into_iter().zip(open.by_ref()) {
                match outcome.result {
                    Ok(()) => *self.count(kind) += 1,
                    Err(error) => self.failed(kind, change, error),
                }
            }
            if let Some(callback) = &mut self.apply.on_progress {
                callback(&self.applied);
            }
            if let Err(error) = recorded {
                self.applied.journal_error = Some(error);
                break;
            }
        }
        let is_unchanged = outcomes.into_inner().into_inner().stop();
        let left = (settled..).zip(open.map(|(_, change)| change));
        let (unchanged, doubtful): (Vec<_>, Vec<_>) =
            left.partition(|&(index, change)| is_unchanged(index) && !self.perhaps_made.contains(change));
        self.applied.unsettled.extend(doubtful.into_iter().map(|(_, change)| change.clone()));
        self.applied.leave(unchanged.into_iter().map(|(_, change)| change));
    }

    fn count(&mut self, kind: Change) -> &mut u64 {
        match kind {
            Change::Associate => &mut self.applied.added,
            Change::Dissociate => &mut self.applied.removed,
        }
    }

    fn failed(&mut self, kind: Change, change: &Association, error: Error) {
        let failed = match kind {
            Change::Associate => &mut self.applied.failed_additions,
            Change::Dissociate => &mut self.applied.failed_removals,
        };
        failed.push(FailedChange { association: change.clone(), error });
    }
}

/// Writes the outcomes of the first of these changes, before they are told.
fn record(journal: &mut Journal, open: &[Open<'_>], outcomes: &[Outcome]) -> Result<()> {
    for (outcome, (place, change)) in outcomes.iter().zip(open) {
        journal.record(*place, change.digest(), &outcome.result);
    }
    journal.flush()
}

impl Apply<'_> {
    /// Applies the plan.
    ///
    /// # Errors
    /// Nothing was changed. [`Error::is_invalid_input`] for a plan that removes too many associations, that was made
    /// from another server, or that is out of date: the message names the differences. [`Error::is_journal`] for a
    /// journal of another plan. Otherwise, the error that kept the existing associations from being read.
    pub async fn send(self) -> Result<Applied> {
        self.run_until(future::pending()).await
    }

    /// Like [`send`](Self::send), but also ends when `stop` does, and returns what was done by then. Requests in flight
    /// are dropped, and HubSpot may carry them out.
    ///
    /// # Errors
    /// The same as for [`send`](Self::send).
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
                let mut applied = Applied::default();
                applied.leave(plan.add.iter().chain(&plan.remove));
                return Ok(applied);
            }
            Either::Right((existing, _)) => existing?,
        };
        Run::new(self).run(&existing, stop).await
    }

    fn check_origin(&self) -> Result<()> {
        let (made_of, server) = (self.plan.server.as_str(), self.client.server());
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
            (Some(made_of), None) => refuse(
                format!("was made for the account {made_of:?}, and none is named"),
                "name the account that the token belongs to",
            ),
            (None, Some(account)) => {
                refuse(format!("was made without an account, not for {account:?}"), "make a new plan for the account")
            }
            _ => Ok(()),
        }
    }
}

impl<'a> IntoFuture for Apply<'a> {
    type Output = Result<Applied>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

async fn existing(plan: &Plan, client: &Client, options: &CallOptions) -> Result<Existing> {
    let Plan { to_object_type: to_type, partner_clients, .. } = plan;
    let types = Types::read(client, to_type, options).await?;
    for Association { association_type, .. } in plan.add.iter().chain(&plan.remove).chain(&plan.keep) {
        let name = types.in_plan(association_type)?;
        if name != *association_type {
            let (given, reason) = (Some(association_type.as_str()), format!("is called {name} in plans"));
            return Err(Error::invalid_input("association type", given, reason, "use that, or make a new plan"));
        }
    }
    Reader { client, to_type, types: &types, options }.read(partner_clients).await
}

#[cfg(all(test, feature = "simulator"))]
mod tests {
    use hubspot_simulator::Simulator;
    use tempfile::TempDir;

    use super::*;

    #[tokio::test]
    async fn what_a_journal_that_cannot_be_written_keeps_from_being_sent_did_not_fail_and_may_not_have_changed() {
        let ids = || (1..=1_500).map(|id: u64| id.to_string());
        let builder = Simulator::builder().without_seed().partner_client("1", [("name", "x")]);
        let builder = ids().fold(builder.association_type("companies", 7, "owner"), |builder, id| {
            builder.object("companies", id.clone(), [("name", "x")]).association("1", "companies", id, "7")
        });
        let simulator = builder.start().await.unwrap();
        let client = Client::builder().access_token(simulator.access_token()).base_url(simulator.base_url());
        let client = client.build().unwrap();
        let plan = client.reconcile(["1"], "companies", Vec::<Association>::new()).plan().await.unwrap();
        let directory = TempDir::new().unwrap();
        let mut journal = Journal::open(directory.path().join("run.journal"), "test").unwrap();
        let (server, version) = (client.server(), client.api_version());
        journal.begin(OPERATION, server, version).unwrap();
        journal.close();

        let mut run = Run::new(plan.apply(&client).journal(journal));
        let remove = (0..).zip(&plan.remove).collect();
        run.settle(Change::Dissociate, remove, pin!(future::pending::<()>().fuse())).await;
        let applied = run.applied;
        assert!(applied.journal_error.is_some() && applied.failures().next().is_none());
        assert_eq!((applied.removed + applied.unsettled.len() as u64, applied.is_complete()), (1_500, false));
        // A run takes no more than eight hundred at once, so the rest was not sent.
        let changed = applied.changed(&plan);
        assert!((100..=800).contains(&changed.remove.len()), "{}", changed.remove.len());
        assert_eq!(changed.remove.len() + changed.keep.len(), 1_500);
    }
}
