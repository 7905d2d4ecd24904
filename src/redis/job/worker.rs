//! Worker on a job.

use std::{
    collections::BTreeMap,
    error::Error as _,
    fmt,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use uuid::Uuid;

use super::{
    Identity, Job,
    batch::{errors_to_json, inputs_from_json},
    open::Open,
    store::{Binding, Claimant, Claimed, LEASE, PATIENCE, Settled},
};
use crate::{
    associations::bulk::{Bulk, Change, Input, Outcome, Progress},
    client::Client,
    error::{Error, Result},
    redis::trouble::Trouble,
    transport::{
        call_options::{CONCURRENCY, check_concurrency},
        doubts::Doubts,
        lease::{Lease, Moment},
    },
};

/// How often a worker keeps what it has for another lease.
const RENEWAL: Duration = Duration::from_secs(5);
/// How long labels are set after that: a request that was sent at the last moment has as long again as the renewal takes
/// until others may have its pair.
const TERM: Duration = LEASE.saturating_sub(RENEWAL);
/// How often a worker that has nothing to do looks for something.
const LOOK: Duration = Duration::from_secs(1);
/// How long it claims nothing after a batch that did not reach HubSpot.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a batch is tried that fails in a way that may pass.
const TRIES: u64 = 5;
/// How many leases on a batch may end without a report until it is set aside.
const LEASES: u64 = 10;
/// After how many of them a worker has it alone: its other batches would be lost with it, and be suspected as well.
const SHARED_LEASES: u64 = 2;

/// Worker on a job; see [`Job::worker`].
#[must_use = "a worker does nothing until it runs"]
pub struct JobWorker {
    job: Job,
    client: Client,
    concurrency: usize,
    on_progress: Box<dyn FnMut(&Progress) + Send>,
}

impl JobWorker {
    pub(super) fn new(job: Job, client: Client) -> Self {
        Self { job, client, concurrency: CONCURRENCY, on_progress: Box::new(|_| {}) }
    }

    /// Sets how many requests this worker has in flight at once; the default is 4. The worker claims up to twice as
    /// many batches.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests;
        self
    }

    /// Calls `callback` with the progress of this worker, after each batch. [`Job::status`] has that of all workers. An
    /// input that will be tried again counts neither as succeeded nor as failed.
    pub fn on_progress(mut self, callback: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.on_progress = Box::new(callback);
        self
    }

    /// Works until every input of the job has an outcome, and returns what this worker did.
    ///
    /// It waits while the rest is with other workers, has to wait for them, or is not enqueued yet. It also waits, for
    /// up to five minutes, while Redis or HubSpot cannot be reached, while another server such as a gateway responds
    /// instead of HubSpot, while the rate limiter fails and may recover, or while no access token can be obtained for one of
    /// these reasons. If an input fails for a passing reason, such as a server error, any worker sends its whole batch again
    /// later, which does no harm to the inputs that were carried out. After five attempts the failure is the input's outcome,
    /// and the batch is [set aside](Job::set_aside), to be [tried again](Job::retry) once the cause is gone. So is a batch
    /// whose workers have ended ten times in a row without a word, for example because it makes them run out of memory; from
    /// the third time on, a worker has no other batch beside it.
    /// You can drop the future as safely as end the process: other workers claim its batches 15 s later.
    ///
    /// # Errors
    /// Nothing is lost, and other workers continue.
    /// - A token that is missing, rejected or lacks a scope, a user who lacks the permission to edit associations, and
    ///   HubSpot's daily limit. [`Error::is_token`] also if for five minutes there was no token to be had.
    /// - [`Error::is_limiter`] for a limiter that fails for good.
    /// - [`Error::is_invalid_input`] for a job that is not in Redis or belongs to another server, version of HubSpot's
    ///   API or account, for a concurrency of zero, and for a command that Redis rejects.
    /// - [`Error::is_connect`] if Redis or HubSpot cannot be reached for too long.
    /// - [`QueueTimeout`](crate::ErrorKind::QueueTimeout) if for five minutes the call timeout has left no time for the rate
    ///   limit to any input. If a batch runs out of time after a response to it or to a part of it, that is one of its
    ///   attempts, as a server error is.
    pub async fn run(self) -> Result<Progress> {
        self.run_until(pending::<()>()).await
    }

    /// Like [`run`](Self::run), but also ends, without an error, when `stop` does. Its batches go to other workers at
    /// once. Requests in flight may have been carried out, which does no harm. A batch whose request may still set
    /// labels on a dated version goes to others 15 s after the worker's last report.
    ///
    /// # Errors
    /// The same as for [`run`](Self::run).
    pub async fn run_until(self, stop: impl Future) -> Result<Progress> {
        check_concurrency(self.concurrency)?;
        let Identity { id, change, including_labels } = self.job.identity().await?;
        let version = self.client.api_version();
        let (server, account) = (self.client.server().to_owned(), self.job.account_or_empty().to_owned());
        let binding = Binding { server, account, version: version.to_string() };
        self.job.check(&id, &binding, false).await?;
        // Two that set the labels of one pair would take away what the other has set.
        let exclusive = change == Change::Associate && version.is_dated();
        let (part, mut fed) = Part::new(binding.clone(), exclusive);
        let mut run = Run {
            job: self.job,
            id,
            change,
            including_labels,
            client: self.client,
            concurrency: self.concurrency,
            is_bound: false,
            doubts: Doubts::new(),
            part,
            most: self.concurrency.saturating_mul(2),
            look_at: Instant::now(),
            out_of_reach: None,
            before: Progress::default(),
            succeeded: 0,
            failed: 0,
            reported: Progress::default(),
            on_progress: self.on_progress,
        };
        let work = async {
            while !run.work(fed).await? {
                run.leave().await;
                run.before = run.sent();
                (run.part, fed) = Part::new(binding.clone(), exclusive);
            }
            Ok(())
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            _ = stop => Ok(()),
        };
        run.leave().await;
        outcome.map(|()| run.progress())
    }
}

impl fmt::Debug for JobWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobWorker")
            .field("job", &self.job)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

struct Run {
    job: Job,
    id: String,
    change: Change,
    including_labels: bool,
    client: Client,
    concurrency: usize,
    /// Whether the job is known to be of this server and account.
    is_bound: bool,
    /// Whether anything may have been carried out.
    doubts: Doubts,
    part: Part,
    /// How many batches it may have at most.
    most: usize,
    /// When it looks for a batch.
    look_at: Instant,
    /// Since when no batch has reached HubSpot.
    out_of_reach: Option<Instant>,
    /// What the requests of the parts before came to.
    before: Progress,
    /// Inputs that are settled in Redis.
    succeeded: u64,
    failed: u64,
    /// What Redis knows of the progress.
    reported: Progress,
    on_progress: Box<dyn FnMut(&Progress) + Send>,
}

/// What a worker does until it has lost a lease.
struct Part {
    worker: Claimant,
    feed: UnboundedSender<Input>,
    /// How many inputs were fed.
    fed: u64,
    /// What it has claimed, by the index of the first input.
    open: BTreeMap<u64, Open>,
    /// What labels are set under.
    lease: Option<Lease>,
    /// What the requests came to.
    progress: Arc<Mutex<Progress>>,
}

impl Part {
    /// With the inputs that it is fed.
    fn new(binding: Binding, exclusive: bool) -> (Self, UnboundedReceiver<Input>) {
        let (feed, fed) = unbounded_channel();
        let lease = exclusive.then(|| Lease::new(TERM));
        let worker = Claimant { name: Uuid::new_v4().simple().to_string(), binding, exclusive };
        (Self { worker, feed, fed: 0, open: BTreeMap::new(), lease, progress: Arc::default() }, fed)
    }

    fn holds(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::holds)
    }

    fn entries(&self) -> Vec<&str> {
        self.open.values().map(|open| open.entry.as_str()).collect()
    }
}

impl Run {
    fn bulk(&self, fed: UnboundedReceiver<Input>) -> Bulk {
        let inputs = stream::unfold(fed, |mut fed| async { Some((fed.recv().await?, fed)) });
        let latest = Arc::clone(&self.part.progress);
        let bulk = Bulk::new(&self.client, self.change, inputs.boxed()).as_they_come().concurrency(self.concurrency);
        let bulk = bulk.under(self.part.lease.clone()).counted(self.doubts.clone()).on_progress(move |progress| {
            latest.lock().unwrap_or_else(PoisonError::into_inner).clone_from(progress);
        });
        if self.including_labels { bulk.including_labels() } else { bulk }
    }

    /// Works until all is settled. False where its lease has ended before: what it had is others'.
    async fn work(&mut self, fed: UnboundedReceiver<Input>) -> Result<bool> {
        let mut outcomes = self.bulk(fed).outcomes();
        let mut renewal = interval(RENEWAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.part.holds() {
            let goes_on = tokio::select! {
                Some(outcome) = outcomes.next() => self.take(outcome).await?,
                _ = renewal.tick() => self.renew().await?,
                () = sleep_until(self.look_at), if self.part.open.len() < self.may_have() => {
                    let most_leases = (!self.part.open.is_empty()).then_some(SHARED_LEASES - 1);
                    let mut is_kept = true;
                    let known = self.part.entries();
                    match self.job.store.claim(&self.id, &self.part.worker, most_leases, &known).await? {
                        Claimed::Batch { entry, number, inputs, tries, leases } => {
                            let open = Open { entry, number, tries, leases, inputs: 0, left: 0, errors: BTreeMap::new() };
                            is_kept = self.open(open, &inputs).await?;
                        }
                        Claimed::Finished if self.part.open.is_empty() => return Ok(true),
                        Claimed::Finished | Claimed::Nothing => self.look_at = Instant::now() + LOOK,
                        Claimed::Others => {
                            self.check(false).await?;
                            self.look_at = Instant::now() + LOOK;
                        }
                    }
                    is_kept
                }
            };
            if !goes_on {
                break;
            }
        }
        Ok(false)
    }

    /// Begins with a batch, or sets it aside; whether it is still this worker's.
    async fn open(&mut self, mut open: Open, inputs: &str) -> Result<bool> {
        let part = &mut self.part;
        // A batch that is its own again after its lease has ended, while it was at it, or that Redis had lost, and has anew.
        if let Some(known) = part.open.values_mut().find(|known| known.number == open.number) {
            known.entry = open.entry;
            return Ok(true);
        }
        let inputs = inputs_from_json(inputs).map_err(|error| self.job.damaged(&error))?;
        // None would ever be settled, and with it the batch.
        if inputs.is_empty() {
            return Err(self.job.damaged(&format_args!("batch {} has no inputs", open.number)));
        }
        open.inputs = inputs.len();
        if open.leases >= LEASES {
            let errors = inputs.into_iter().map(|input| input.err().unwrap_or_else(|| Error::unreported(open.leases)));
            open.errors = errors.enumerate().collect();
            return self.settle(open).await;
        }
        open.left = open.inputs;
        part.fed += open.inputs as u64;
        part.open.insert(part.fed - open.inputs as u64, open);
        for input in inputs {
            // Its receiver is in the bulk run that takes the outcomes.
            let _ = part.feed.send(input.into());
        }
        Ok(true)
    }

    /// Takes an outcome; whether its batch is still this worker's.
    async fn take(&mut self, outcome: Outcome) -> Result<bool> {
        // Without a lease nothing was sent, which is no outcome.
        if !self.part.holds() {
            return Ok(false);
        }
        let Some((&first, open)) = self.part.open.range_mut(..=outcome.index).next_back() else { return Ok(true) };
        open.left -= 1;
        if let Err(error) = outcome.result {
            if error.stops() || lasts(&error) {
                if !self.is_bound {
                    // Whether this ends the others as well decides whether the job is left unbound.
                    let _ = timeout(RENEWAL, self.doubts.dispelled()).await;
                }
                return Err(error);
            }
            open.errors.insert((outcome.index - first) as usize, error);
        }
        if open.left > 0 {
            return Ok(true);
        }
        match self.part.open.remove(&first) {
            Some(open) => self.settle(open).await,
            None => Ok(true),
        }
    }

    async fn settle(&mut self, open: Open) -> Result<bool> {
        // Of a batch that is left, whoever finds it when the lease has ended tries again.
        if let Some(error) = open.out_of_reach() {
            let since = *self.out_of_reach.get_or_insert_with(Instant::now);
            self.look_at = Instant::now() + PAUSE;
            self.job.store.tried(&self.id, &self.part.worker, &open.entry, open.number, open.tries).await?;
            return if since.elapsed() < PATIENCE { Ok(true) } else { Err(error.clone()) };
        }
        let is_given_up = open.leases >= LEASES;
        // A batch that was not sent says nothing about HubSpot.
        if !is_given_up {
            self.out_of_reach = None;
        }
        let tries = open.tries.saturating_add(1);
        if open.passing().is_some() && tries < TRIES && !is_given_up {
            self.job.store.tried(&self.id, &self.part.worker, &open.entry, open.number, tries).await?;
            return Ok(true);
        }
        let set_aside = open.passing().map(Error::to_json).transpose();
        // Of a batch that was not sent, nothing is of any server.
        if !self.is_bound && !is_given_up {
            self.check(true).await?;
            self.is_bound = true;
        }
        let sent = self.sent();
        let settled = Settled {
            outcomes: errors_to_json(&open.errors).map_err(|error| self.job.damaged(&error))?,
            entry: open.entry,
            number: open.number,
            succeeded: open.inputs - open.errors.len(),
            failed: open.errors.len(),
            requests: sent.requests - self.reported.requests,
            retries: sent.retries - self.reported.retries,
            set_aside: set_aside.map_err(|error| self.job.damaged(&error))?.unwrap_or_default(),
        };
        if !self.job.store.settle(&self.id, &self.part.worker, &settled).await? {
            return Ok(false);
        }
        self.succeeded += settled.succeeded as u64;
        self.failed += settled.failed as u64;
        self.reported = sent;
        let progress = self.progress();
        (self.on_progress)(&progress);
        Ok(true)
    }

    /// Checks that the job belongs to the server, the account and the version of this worker.
    async fn check(&mut self, sent: bool) -> Result<()> {
        self.job.check(&self.id, &self.part.worker.binding, sent).await
    }

    /// Keeps what it has for another lease; whether that is still its own.
    async fn renew(&mut self) -> Result<bool> {
        let Self { job, id, part, .. } = self;
        let asked = Moment::now();
        let is_kept = job.store.renew(id, &part.worker, &part.entries()).await?;
        Ok(is_kept && part.lease.as_ref().is_none_or(|lease| lease.extend(asked)))
    }

    /// Leaves what it has to others, at once unless a request that sets labels may still be on its way.
    async fn leave(&mut self) {
        let Self { job, id, part, doubts, .. } = self;
        if part.lease.as_ref().is_none_or(Lease::end) {
            job.store.release(id, &part.worker, &part.entries()).await;
        }
        job.store.leave(id, &part.worker, doubts.remain()).await;
    }

    /// How many batches; one, to see whether HubSpot is there again, while it is out of reach, and none beside one that may
    /// be what ends its workers.
    fn may_have(&self) -> usize {
        let is_suspected = |open: &Open| open.leases >= SHARED_LEASES;
        if self.out_of_reach.is_some() || self.part.open.values().any(is_suspected) { 1 } else { self.most }
    }

    /// What all requests came to.
    fn sent(&self) -> Progress {
        let latest = self.part.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Progress {
            inputs_seen: self.before.inputs_seen + latest.inputs_seen,
            requests: self.before.requests + latest.requests,
            retries: self.before.retries + latest.retries,
            waiting_for_limit: self.before.waiting_for_limit + latest.waiting_for_limit,
            ..latest
        }
    }

    fn progress(&self) -> Progress {
        Progress { succeeded: self.succeeded, failed: self.failed, ..self.sent() }
    }
}

/// Whether a limiter in Redis fails until somebody does something about it.
fn lasts(error: &Error) -> bool {
    let trouble = error.source().and_then(|source| source.downcast_ref::<Arc<Trouble>>());
    error.is_limiter() && trouble.is_some_and(|trouble| !trouble.unreachable)
}
