//! A process's part in a job.

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
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use uuid::Uuid;

use super::{
    Job,
    batch::{errors_to_json, inputs_from_json},
    store::{Claimed, LEASE, PATIENCE, Settled},
};
use crate::{
    api_version::ApiVersion,
    associations::bulk::{Bulk, Input, Outcome, Progress, only_in_v3},
    client::Client,
    error::{Error, Result},
    redis::trouble::Trouble,
    transport::call_options::{CONCURRENCY, check_concurrency},
};

/// How often a worker that has nothing to do looks for something.
const LOOK: Duration = Duration::from_secs(1);
/// How long it claims nothing after a batch that did not reach HubSpot.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a batch is tried that fails in a way that may pass.
const TRIES: u64 = 5;

/// A process's part in a job; see [`Job::worker`].
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

    /// How many requests this worker has under way at once; 4 by default. It claims up to twice as many batches.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests;
        self
    }

    /// Tells how far this worker has come, after each batch that it has settled; [`Job::status`] tells of all workers.
    /// What is left to be tried again is neither succeeded nor failed.
    pub fn on_progress(mut self, callback: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.on_progress = Box::new(callback);
        self
    }

    /// Works until all of the job is settled, and tells what this worker's part was.
    ///
    /// It waits where the rest is with other workers, or not enqueued yet. While Redis or HubSpot cannot be reached, somebody
    /// else answers in HubSpot's place, such as a gateway, or a rate limiter fails that may recover, it waits as well, for
    /// five minutes. Failures that may pass, such as a fault of
    /// HubSpot's, are tried again later, by whichever worker comes first, and are the outcome after five attempts. Dropping
    /// the future is as safe as ending the process: the batches that it had are claimed by others 15 s later.
    ///
    /// # Errors
    /// Where going on would be in vain; nothing is lost, and other workers go on: a token that is missing, refused or
    /// lacks a scope, HubSpot's daily limit. [`Error::is_limiter`] for a limiter that fails for good.
    /// [`Error::is_invalid_input`] for a job that is not in Redis, one that is of another server, version of HubSpot's API or account, a concurrency of zero, and what Redis refuses.
    /// [`Error::is_connect`] for a Redis or a HubSpot that is gone for too long.
    pub async fn run(self) -> Result<Progress> {
        self.run_until(pending::<()>()).await
    }

    /// As [`run`](Self::run), but ends early, without an error, once `stop` does. What it has claimed is left to other
    /// workers at once; requests under way may have been carried out, which does no harm.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_until(self, stop: impl Future) -> Result<Progress> {
        check_concurrency(self.concurrency)?;
        only_in_v3(&self.client, "jobs")?;
        let (id, change) = self.job.identity().await?;
        self.job.check(&id, self.client.server(), self.client.api_version(), false).await?;
        let (feed, mut fed) = unbounded_channel();
        let inputs = stream::poll_fn(move |cx| fed.poll_recv(cx));
        let progress = Arc::new(Mutex::new(Progress::default()));
        let latest = Arc::clone(&progress);
        let bulk = Bulk::new(&self.client, change, inputs.boxed()).as_they_come().concurrency(self.concurrency);
        let bulk = bulk.on_progress(move |progress| {
            latest.lock().unwrap_or_else(PoisonError::into_inner).clone_from(progress);
        });
        let mut run = Run {
            job: self.job,
            id,
            server: self.client.server().to_owned(),
            version: self.client.api_version(),
            is_bound: false,
            worker: Uuid::new_v4().simple().to_string(),
            most: self.concurrency.saturating_mul(2),
            feed,
            fed: 0,
            open: BTreeMap::new(),
            look_at: Instant::now(),
            out_of_reach: None,
            progress,
            succeeded: 0,
            failed: 0,
            reported: Progress::default(),
            on_progress: self.on_progress,
        };
        let outcome = tokio::select! {
            outcome = run.work(bulk) => outcome,
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
    server: String,
    version: ApiVersion,
    /// Whether the job is known to be of this server and account.
    is_bound: bool,
    worker: String,
    /// How many batches it may have at most.
    most: usize,
    feed: UnboundedSender<Input>,
    /// How many inputs were fed.
    fed: u64,
    /// What it has claimed, by the index of the first input.
    open: BTreeMap<u64, Open>,
    /// When it looks for a batch.
    look_at: Instant,
    /// Since when no batch has reached HubSpot.
    out_of_reach: Option<Instant>,
    /// What the requests came to.
    progress: Arc<Mutex<Progress>>,
    /// Inputs that are settled in Redis.
    succeeded: u64,
    failed: u64,
    /// What Redis knows of the progress.
    reported: Progress,
    on_progress: Box<dyn FnMut(&Progress) + Send>,
}

struct Open {
    entry: String,
    number: u64,
    tries: u64,
    inputs: usize,
    /// How many of them have no outcome.
    left: usize,
    errors: BTreeMap<usize, Error>,
}

impl Run {
    async fn work(&mut self, bulk: Bulk) -> Result<()> {
        let mut outcomes = bulk.outcomes();
        let mut renewal = interval(LEASE / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(outcome) = outcomes.next() => self.take(outcome).await?,
                _ = renewal.tick() => self.renew().await?,
                () = sleep_until(self.look_at), if self.open.len() < self.may_have() => {
                    match self.job.store.claim(&self.id, &self.worker).await? {
                        Claimed::Batch { entry, number, inputs, tries } => self.open(entry, number, &inputs, tries)?,
                        Claimed::Finished if self.open.is_empty() => return Ok(()),
                        Claimed::Finished | Claimed::Nothing => self.look_at = Instant::now() + LOOK,
                    }
                }
            }
        }
    }

    fn open(&mut self, entry: String, number: u64, inputs: &str, tries: u64) -> Result<()> {
        // A batch that is its own again after its lease has ended, while it was at it.
        if self.open.values().any(|open| open.number == number) {
            return Ok(());
        }
        let inputs = inputs_from_json(inputs).map_err(|error| self.job.damaged(&error))?;
        let count = inputs.len();
        self.open.insert(self.fed, Open { entry, number, tries, inputs: count, left: count, errors: BTreeMap::new() });
        self.fed += count as u64;
        for input in inputs {
            // Its receiver is in the bulk run that takes the outcomes.
            let _ = self.feed.send(input.into());
        }
        Ok(())
    }

    async fn take(&mut self, outcome: Outcome) -> Result<()> {
        let Some((&first, open)) = self.open.range_mut(..=outcome.index).next_back() else { return Ok(()) };
        open.left -= 1;
        if let Err(error) = outcome.result {
            if error.stops() || lasts(&error) {
                return Err(error);
            }
            open.errors.insert((outcome.index - first) as usize, error);
        }
        if open.left > 0 {
            return Ok(());
        }
        match self.open.remove(&first) {
            Some(open) => self.settle(open).await,
            None => Ok(()),
        }
    }

    async fn settle(&mut self, open: Open) -> Result<()> {
        // Of a batch that is left, whoever finds it when the lease has ended tries again.
        if let Some(error) = open.errors.values().find(|error| reached_nobody(error)) {
            let since = *self.out_of_reach.get_or_insert_with(Instant::now);
            self.look_at = Instant::now() + PAUSE;
            return if since.elapsed() < PATIENCE { Ok(()) } else { Err(error.clone()) };
        }
        self.out_of_reach = None;
        let passing = |error: &Error| !error.is_lasting() && !error.is_invalid_input();
        if open.errors.values().any(passing) && open.tries + 1 < TRIES {
            return self.job.store.tried(&self.id, open.number, open.tries + 1).await;
        }
        if !self.is_bound {
            self.job.check(&self.id, &self.server, self.version, true).await?;
            self.is_bound = true;
        }
        let progress = self.progress();
        let settled = Settled {
            outcomes: errors_to_json(&open.errors).map_err(|error| self.job.damaged(&error))?,
            entry: open.entry,
            number: open.number,
            succeeded: open.inputs - open.errors.len(),
            failed: open.errors.len(),
            requests: progress.requests - self.reported.requests,
            retries: progress.retries - self.reported.retries,
        };
        self.job.store.settle(&self.id, &settled).await?;
        self.succeeded += settled.succeeded as u64;
        self.failed += settled.failed as u64;
        self.reported = progress;
        let progress = self.progress();
        (self.on_progress)(&progress);
        Ok(())
    }

    async fn renew(&mut self) -> Result<()> {
        self.job.store.renew(&self.id, &self.worker, &self.entries()).await
    }

    async fn leave(&mut self) {
        self.job.store.release(&self.id, &self.worker, &self.entries()).await;
    }

    /// How many batches; one, to see whether HubSpot is there again, while it is out of reach.
    fn may_have(&self) -> usize {
        if self.out_of_reach.is_some() { 1 } else { self.most }
    }

    fn entries(&self) -> Vec<&str> {
        self.open.values().map(|open| open.entry.as_str()).collect()
    }

    fn progress(&self) -> Progress {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Progress { succeeded: self.succeeded, failed: self.failed, ..progress }
    }
}

/// Whether a limiter in Redis fails until somebody does something about it.
fn lasts(error: &Error) -> bool {
    let trouble = error.source().and_then(|source| source.downcast_ref::<Arc<Trouble>>());
    error.is_limiter() && trouble.is_some_and(|trouble| !trouble.unreachable)
}

/// Whether HubSpot has seen nothing of it: there was no permit, no connection in time or at all, or somebody else answered.
fn reached_nobody(error: &Error) -> bool {
    let transport = error.source().and_then(|source| source.downcast_ref::<reqwest::Error>());
    error.is_limiter() || error.is_connect() || error.is_foreign() || transport.is_some_and(reqwest::Error::is_connect)
}
