//! Taking inputs, grouping them, keeping requests under way, giving outcomes.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{
    Stream, StreamExt,
    stream::{BoxStream, Fuse, FuturesUnordered},
};
use tokio::{
    runtime::Id,
    time::{Sleep, sleep},
};

use super::{
    attribution::pair,
    journal::Recorded,
    progress::Tally,
    running::{Batch, Running},
    sender::{Numbered, Sender, Settled},
};
use crate::{
    association::Association,
    associations::bulk::{
        input::Input, journal::Journal, outcome::Outcome, progress::OnProgress, settings::Bulk, strategy::Strategy,
    },
    error::{Error, Result},
    ids::ObjectType,
    task::{guard, in_runtime},
};

/// How long a group waits for more from an input that has nothing ready. One request a second for an object type is a
/// small part of any rate limit.
const LINGER: Duration = Duration::from_secs(1);

/// The digest of an input that cannot be sent, of which a journal never keeps anything.
const NOT_SENT: u64 = 0;

pub(super) struct Engine<T> {
    inputs: Fuse<BoxStream<'static, Input<T>>>,
    sender: Arc<Sender>,
    journal: Option<Journal>,
    /// Why nothing more is sent.
    refused: Option<Error>,
    on_progress: Option<OnProgress>,
    in_input_order: bool,
    concurrency: usize,
    /// How many inputs a batch takes.
    most: usize,
    /// How many inputs may be taken whose outcomes were not given.
    bound: usize,
    taken: usize,
    ended: bool,
    next_index: u64,
    groups: HashMap<ObjectType, Batch<T>>,
    linger: Option<Linger>,
    ready: VecDeque<Batch<T>>,
    running: FuturesUnordered<Running<T>>,
    /// Outcomes to be given. In the order of the inputs, the first is that of `next_outcome`, and those that are missing are
    /// not known yet.
    settled: VecDeque<Option<Outcome<T>>>,
    next_outcome: u64,
    tally: Tally,
}

impl<T> Engine<T> {
    pub(super) fn new(bulk: Bulk<T>) -> Self {
        let concurrency = bulk.concurrency;
        let most = match bulk.strategy {
            Strategy::Single => 1,
            Strategy::Batch | Strategy::Automatic => bulk.change.most(),
        };
        let total = match bulk.inputs.size_hint() {
            (least, Some(most)) if least == most => Some(most as u64),
            _ => None,
        };
        let Bulk { client, change, strategy, options, mut journal, including_labels, lease, doubts, .. } = bulk;
        let begin = |journal: &mut Journal| journal.begin(change.operation(), client.server(), client.api_version());
        let begun = journal.as_mut().map_or(Ok(()), begin);
        // With invalid options nothing is sent either, and the journal is left alone.
        let refused = begun.err();
        Self {
            inputs: bulk.inputs.fuse(),
            sender: Arc::new(Sender { client, change, strategy, options, including_labels, lease, doubts }),
            journal,
            refused,
            on_progress: bulk.on_progress,
            in_input_order: bulk.in_input_order,
            concurrency,
            most,
            bound: concurrency.saturating_mul(most).saturating_mul(2),
            taken: 0,
            ended: false,
            next_index: 0,
            groups: HashMap::new(),
            linger: None,
            ready: VecDeque::new(),
            running: FuturesUnordered::new(),
            settled: VecDeque::new(),
            next_outcome: 0,
            tally: Tally::new(total),
        }
    }

    /// Why nothing more is sent.
    pub(super) fn refused(&self) -> Option<&Error> {
        self.refused.as_ref()
    }

    /// Gives up what is under way, and tells by their indexes the inputs that were certainly not changed.
    pub(super) fn stop(self) -> impl Fn(u64) -> bool + use<T> {
        let waiting = self.groups.values().chain(&self.ready).flat_map(|batch| &batch.inputs).map(|input| input.index);
        let running = self.running.iter().flat_map(Running::stop);
        // Nothing is sent for want of a journal either.
        let is_unchanged = |error: &Error| error.changed_nothing() || error.is_journal();
        let settled = self.settled.iter().flatten();
        let settled = settled.filter(|outcome| outcome.replayed || outcome.result.as_ref().is_err_and(is_unchanged));
        let unchanged: HashSet<_> = waiting.chain(running).chain(settled.map(|outcome| outcome.index)).collect();
        let next = self.next_index;
        move |index| index >= next || unchanged.contains(&index)
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Outcome<T>>> {
        match in_runtime() {
            // A timer ends with its runtime.
            Ok(here) => drop(self.linger.take_if(|linger| linger.runtime != here.id())),
            Err(error) => drop(self.refused.get_or_insert(error)),
        }
        loop {
            if let Some(outcome) = self.next() {
                return Poll::Ready(Some(outcome));
            }
            self.take_inputs(cx);
            self.flush_where_due(cx);
            self.start();
            match self.running.poll_next_unpin(cx) {
                Poll::Ready(Some((batch, settled))) => self.end(batch, settled),
                _ if self.has_next() => {}
                Poll::Ready(None) if self.ended => {
                    self.report_progress();
                    return Poll::Ready(None);
                }
                // Woken by the input, or by the time a group has waited.
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn has_next(&self) -> bool {
        matches!(self.settled.front(), Some(Some(_)))
    }

    fn next(&mut self) -> Option<Outcome<T>> {
        if !self.has_next() {
            return None;
        }
        let outcome = self.settled.pop_front().flatten()?;
        self.next_outcome += 1;
        self.taken -= 1;
        Some(outcome)
    }

    fn take_inputs(&mut self, cx: &mut Context<'_>) {
        while !self.ended && self.taken < self.bound {
            match self.inputs.poll_next_unpin(cx) {
                Poll::Ready(Some(input)) => self.take(input),
                Poll::Ready(None) => {
                    self.ended = true;
                    self.flush();
                }
                Poll::Pending => {
                    if !self.groups.is_empty() && self.linger.is_none() {
                        match Linger::start() {
                            Ok(linger) => self.linger = Some(linger),
                            Err(error) => {
                                self.refused.get_or_insert(error);
                                self.flush();
                            }
                        }
                    }
                    return;
                }
            }
        }
    }

    fn take(&mut self, Input { association, value }: Input<T>) {
        let index = self.next_index;
        self.next_index += 1;
        self.taken += 1;
        self.tally.seen();
        let before = self.before(index, association.as_ref().ok());
        match (before, association) {
            (Some((result, replayed)), association) => {
                self.keep(Outcome { index, association: association.ok(), value, result, replayed });
            }
            (None, Err(error)) => {
                self.keep(Outcome { index, association: None, value, result: Err(error), replayed: false });
            }
            (None, Ok(association)) => {
                let group = self.groups.entry(association.to_object_type.clone());
                let group = group.or_insert_with(|| Batch { inputs: Vec::new(), values: Vec::new() });
                group.inputs.push(Numbered { index, association });
                group.values.push(value);
                if group.inputs.len() >= self.most {
                    let full = Batch { inputs: mem::take(&mut group.inputs), values: mem::take(&mut group.values) };
                    self.groups.retain(|_, group| !group.inputs.is_empty());
                    self.ready.push_back(full);
                    // It need not wait until the bound is reached.
                    self.start();
                }
            }
        }
    }

    /// The result of an input of which nothing is to be sent, and whether it is the journal's.
    fn before(&mut self, index: u64, association: Option<&Association>) -> Option<(Result<()>, bool)> {
        if self.refused.is_none()
            && let Some(journal) = &self.journal
        {
            match journal.find(index, || association.map_or(NOT_SENT, Association::digest)) {
                Ok(recorded) => {
                    return recorded.map(|recorded| match recorded {
                        Recorded::Made => (Ok(()), true),
                        Recorded::Failed(error) => (Err(error), true),
                    });
                }
                Err(error) => self.refused = Some(error),
            }
        }
        self.refused.clone().map(|error| (Err(error), false))
    }

    /// Sends groups that are not full where waiting for more would be in vain or too long.
    fn flush_where_due(&mut self, cx: &mut Context<'_>) {
        let waited = self.linger.as_mut().is_some_and(|linger| linger.sleep.as_mut().poll(cx).is_ready());
        let stuck = self.taken >= self.bound && self.running.is_empty() && self.ready.is_empty();
        if waited || stuck {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.linger = None;
        let mut groups: Vec<_> = self.groups.drain().map(|(_, group)| group).collect();
        groups.sort_by_key(|group| group.inputs.first().map(|input| input.index));
        self.ready.extend(groups);
    }

    fn start(&mut self) {
        if let Some(error) = self.refused.clone() {
            for Batch { inputs, values } in mem::take(&mut self.ready) {
                for (Numbered { index, association }, value) in inputs.into_iter().zip(values) {
                    let (association, result) = (Some(association), Err(error.clone()));
                    self.keep(Outcome { index, association, value, result, replayed: false });
                }
            }
        }
        while self.running.len() < self.concurrency {
            let Some(batch) = self.next_batch() else { return };
            self.tally.started(batch.inputs.len());
            self.running.push(Running::start(&self.sender, batch));
        }
    }

    /// The next batch. On dated versions, where the labels of two objects are set at once, it is one that has no pair of
    /// objects which is under way or in a batch before it: what is set last would take away what was set before, and the
    /// unlabelled type is removed after the labels only where it comes after them.
    fn next_batch(&mut self) -> Option<Batch<T>> {
        if !self.sender.is_dated() {
            return self.ready.pop_front();
        }
        let running = self.running.iter().flat_map(|running| running.inputs.iter());
        let mut before: HashSet<_> = running.map(|input| pair(&input.association)).collect();
        let place = self.ready.iter().position(|batch| {
            let pairs = batch.inputs.iter().map(|input| pair(&input.association));
            let is_free = !pairs.clone().any(|pair| before.contains(&pair));
            before.extend(pairs);
            is_free
        })?;
        self.ready.remove(place)
    }

    fn end(&mut self, Batch { inputs, values }: Batch<T>, settled: Result<Settled>) {
        let (settled, missing) = match settled {
            Ok(settled) => (settled, Error::interrupted()),
            Err(error) => (Settled::default(), error),
        };
        self.tally.ended(inputs.len(), &settled.effort);
        let mut results = settled.results.into_iter();
        let outcomes = inputs.into_iter().zip(values).map(|(Numbered { index, association }, value)| {
            let result = results.next().flatten().unwrap_or_else(|| Err(missing.clone()));
            Outcome { index, association: Some(association), value, result, replayed: false }
        });
        let outcomes = outcomes.collect();
        self.settle(outcomes);
        self.report_progress();
    }

    /// Has outcomes recorded before they are given. One that cannot be is given all the same; then nothing more is sent.
    fn settle(&mut self, outcomes: Vec<Outcome<T>>) {
        if let Some(journal) = &mut self.journal {
            for Outcome { index, association, result, .. } in &outcomes {
                journal.record(*index, association.as_ref().map_or(NOT_SENT, Association::digest), result);
            }
            if let Err(error) = journal.flush() {
                self.refused = self.refused.take().or(Some(error));
            }
        }
        outcomes.into_iter().for_each(|outcome| self.keep(outcome));
    }

    fn keep(&mut self, outcome: Outcome<T>) {
        self.tally.settled(&outcome.result, outcome.replayed);
        if !self.in_input_order {
            return self.settled.push_back(Some(outcome));
        }
        // Less than the inputs that are taken, all of which are in memory.
        let place = (outcome.index - self.next_outcome) as usize;
        if place >= self.settled.len() {
            self.settled.resize_with(place + 1, || None);
        }
        if let Some(slot) = self.settled.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    fn report_progress(&mut self) {
        if let Some(callback) = &mut self.on_progress
            && let Some(progress) = self.tally.news(&self.sender.client.rate_limit_status())
        {
            callback(progress);
        }
    }
}

/// How long a group still waits, by a timer of this runtime.
struct Linger {
    runtime: Id,
    sleep: Pin<Box<Sleep>>,
}

impl Linger {
    /// # Errors
    /// In a runtime without timers, where Tokio panics.
    fn start() -> Result<Self> {
        let runtime = in_runtime()?.id();
        let sleep = guard("waiting for more inputs", || Box::pin(sleep(LINGER)))?;
        Ok(Self { runtime, sleep })
    }
}

#[cfg(all(test, feature = "simulator"))]
mod tests {
    use hubspot_simulator::Simulator;
    use tempfile::TempDir;

    use super::*;
    use crate::client::Client;

    #[tokio::test]
    async fn a_journal_that_cannot_be_written_at_the_last_batch_is_told() {
        let simulator = Simulator::builder().start().await.unwrap();
        let client = Client::builder().access_token(simulator.access_token()).base_url(simulator.base_url());
        let directory = TempDir::new().unwrap();
        let journal = Journal::open(directory.path().join("run.journal"), "test").unwrap();
        let inputs = [("512", ("companies", "9001"), "partner_client_to_company")];
        let mut outcomes = client.build().unwrap().associate_many(inputs).journal(journal).outcomes();
        outcomes.0.journal.as_mut().unwrap().close();

        assert_eq!(outcomes.next().await.unwrap().result, Ok(()));
        assert!(outcomes.next().await.is_none());
        let error = outcomes.journal_error().unwrap();
        assert!(error.is_journal() && error.to_string().contains("cannot be written"), "{error}");
    }
}
