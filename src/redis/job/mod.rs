//! Bulk work that many processes share: enqueued once, worked on by any number of workers.

mod batch;
mod status;
mod store;
mod worker;

use std::fmt;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use self::{
    batch::{errors_from_json, inputs_from_json, inputs_to_json},
    store::JobStore,
};
pub use self::{status::JobStatus, worker::JobWorker};
use crate::{
    api_version::ApiVersion,
    association::Association,
    associations::bulk::{Change, Input, Outcome},
    client::Client,
    error::{Error, Result, excerpt::excerpt},
    redis::connection::Redis,
};

/// Associations to be made or removed by any number of processes, on any number of machines.
///
/// One process enqueues them, in batches of what HubSpot takes in a request. [Workers](Job::worker) claim batches, send
/// them as [`Client::associate_many`] does, and acknowledge what is settled; the batches of a worker that is not heard of
/// for 15 s go to others. At the end [`outcomes`](Job::outcomes) tells of each input, in their order.
///
/// All of it can be stopped and started again at any moment, Redis too: what it took back of the latest, as after a crash
/// with `appendfsync everysec`, is done again, which changes nothing in HubSpot, and there is one outcome for each input.
/// Redis has to keep its data until the job is [removed](Job::remove): over a restart, which `appendonly yes` does, and when
/// its memory is full, where `maxmemory-policy noeviction` has it refuse more instead. It needs about 60 bytes for an input,
/// and some hundred more for one that failed; of an error that is larger than 2 KiB the details, the context and the end
/// of the message are not kept.
///
/// Redis 6.2 or later.
///
/// # Dated versions
///
/// A job is of the version of HubSpot's API that its first outcomes are of, and workers of another are refused from then on.
/// On dated versions HubSpot sets all labels of two objects at once, so a worker reads those that the two have and sends them
/// along. Two workers that did so at one time would each take away what the other has set. Therefore a job that makes
/// associations hands out no batch while another worker has a batch with one of its pairs of objects; a worker has several of
/// them, and sends the inputs of a pair one after the other. It sets labels only in the first 10 s after it was last heard
/// of, begins anew where it has lost a batch, and leaves to others at once only what cannot be on its way to HubSpot.
///
/// So labels that a job sets are lost only if HubSpot carries out a request more than 5 s after it was sent, when the worker
/// was killed, was cut off from Redis or has sent it once more, and others have gone on with the same two objects; or if
/// Redis takes back that a worker has a batch, and another sets labels of the same two objects before the first hears of it,
/// within 5 s. As with every call, what somebody else sets between the reading and the setting can be lost: another job, a bulk run,
/// or a user.
///
/// ```no_run
/// # async fn run(redis: hubspot_partner_clients::redis::Redis, client: hubspot_partner_clients::Client)
/// # -> hubspot_partner_clients::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let job = redis.job("contacts");
/// let rows = (1..=1_000_000).map(|id| {
///     (
///         512,
///         ("contacts", id),
///         "partner_client_to_contact",
///     )
/// });
/// // In one process.
/// job.enqueue_associate_many("March", rows).await?;
///
/// // In any number of processes.
/// job.worker(&client).run().await?;
///
/// let status = job.status().await?;
/// println!("{} settled", status.settled());
/// let mut outcomes = job.outcomes();
/// while let Some(outcome) =
///     outcomes.try_next().await?
/// {
///     println!("{outcome:?}");
/// }
/// job.remove().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Job {
    store: JobStore,
    account: Option<String>,
    including_labels: bool,
}

impl Redis {
    /// A job by its name, whether or not it is enqueued.
    pub fn job(&self, name: impl Into<String>) -> Job {
        Job { store: JobStore::new(self.clone(), name.into()), account: None, including_labels: false }
    }
}

impl Job {
    /// Names the HubSpot account that the job is of, best by its hub id. All that enqueue it or work on it give the same;
    /// a worker that gives another, or none, is refused. Give it wherever there is more than one account: a job is bound to
    /// the server that its first outcomes are of, but an access token does not say which account it is of.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Lets the labels of two objects go with their unlabelled association, for a job that removes associations; see
    /// [`Bulk::including_labels`](crate::bulk::Bulk::including_labels). It is said where the job is enqueued, and holds for
    /// all workers.
    pub fn including_labels(mut self) -> Self {
        self.including_labels = true;
        self
    }

    /// Enqueues associations to be made. `input` is a name for the inputs as a whole, such as the digest of the file that
    /// they come from.
    ///
    /// What is enqueued already is not enqueued again: where it was interrupted, give it the same inputs under the same
    /// names, and it goes on where it stopped. Workers may begin meanwhile. An input that cannot be sent is enqueued like
    /// the others, and its error becomes its outcome.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a job of that name with other inputs, another operation or account, an empty
    /// name, keys in Redis that hold something else, what Redis lets nobody do, or inputs that are not as many as their
    /// iterator's exact [size hint](Iterator::size_hint) said, as of a file that changes: such a job is not complete,
    /// and never finished. [`Error::is_connect`] for a Redis that cannot be reached, at first or for five minutes; and
    /// for one that has lost what was enqueued just before: enqueue again.
    pub async fn enqueue_associate_many<I>(&self, input: &str, inputs: I) -> Result<()>
    where
        I: IntoIterator<Item: Into<Input>>,
    {
        self.enqueue(Change::Associate, input, inputs).await
    }

    /// Enqueues associations to be removed, as [`enqueue_associate_many`](Self::enqueue_associate_many) does those to be
    /// made.
    ///
    /// # Errors
    /// As [`enqueue_associate_many`](Self::enqueue_associate_many).
    pub async fn enqueue_dissociate_many<I>(&self, input: &str, inputs: I) -> Result<()>
    where
        I: IntoIterator<Item: Into<Input>>,
    {
        self.enqueue(Change::Dissociate, input, inputs).await
    }

    async fn enqueue<I>(&self, change: Change, input: &str, inputs: I) -> Result<()>
    where
        I: IntoIterator<Item: Into<Input>>,
    {
        let mut inputs = inputs.into_iter();
        let total = match inputs.size_hint() {
            (least, Some(most)) if least == most => Some(most as u64),
            _ => None,
        };
        let id = Uuid::new_v4().simple().to_string();
        let (operation, account) = (change.operation(), self.account_or_empty());
        let begun = self.store.begin(&id, operation, input, total, account, self.including_labels).await?;
        if let Some(ours) = self.account.as_deref().filter(|ours| *ours != begun.account) {
            return Err(self.of_another(&account_differs(&begun.account, ours)));
        }
        if begun.operation != change.operation() || begun.input != input {
            let reason = format!("already exists, to {} {:?}", begun.operation, begun.input);
            let remedy = "give another name, or remove that job first";
            return Err(Error::invalid_input("job", Some(&self.store.name), reason, remedy));
        }
        if begun.including_labels != self.including_labels {
            let reason = match begun.including_labels {
                true => "already exists, and may remove labels with unlabelled associations",
                false => "already exists, and may not remove labels with unlabelled associations",
            };
            let remedy = "enqueue it as before, give another name, or remove that job first";
            return Err(Error::invalid_input("job", Some(&self.store.name), reason, remedy));
        }
        let (mut number, mut enqueued) = (begun.batches, begun.inputs);
        for _ in 0..begun.inputs {
            inputs.next();
        }
        loop {
            let batch = inputs.by_ref().take(change.most()).map(|input| input.into().association);
            let batch: Vec<Result<Association>> = batch.collect();
            if batch.is_empty() {
                break;
            }
            enqueued += batch.len() as u64;
            let json = inputs_to_json(&batch).map_err(|error| self.damaged(&error))?;
            // Where another process enqueues the same, whoever is first has it.
            if self.store.add(&begun.id, number, batch.len(), &json).await? <= number {
                let name = &self.store.name;
                return Err(Error::unreachable(format!("Redis lost recent data of job {name:?}: enqueue it again")));
            }
            number += 1;
        }
        if let Some(total) = total.filter(|total| *total != enqueued) {
            let reason = format!("was given {enqueued} of {total} inputs");
            let remedy = "give it all of them; if others are in it now, remove it first";
            return Err(Error::invalid_input("job", Some(&self.store.name), reason, remedy));
        }
        self.store.complete(&begun.id).await
    }

    /// A worker that sends by this client. Give the clients of all workers one [`RedisLimiter`](super::RedisLimiter), so
    /// that they keep to the account's allowance together.
    pub fn worker(&self, client: &Client) -> JobWorker {
        JobWorker::new(self.clone(), client.clone())
    }

    /// How far it has come.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a job that is not in Redis, and what Redis refuses; [`Error::is_connect`] for a
    /// Redis that cannot be reached.
    pub async fn status(&self) -> Result<JobStatus> {
        JobStatus::read(&self.store.status().await?).ok_or_else(|| self.damaged(&"its status is incomplete"))
    }

    /// What became of each input, in the order of the inputs; a [`Stream`].
    ///
    /// # Errors
    /// The stream ends with an error where not all inputs are settled, before it gives any; where Redis has lost some of
    /// the job, after those before; and with those of [`status`](Self::status).
    pub fn outcomes(&self) -> impl Stream<Item = Result<Outcome>> + Send + Unpin + 'static {
        let batches = stream::try_unfold((self.clone(), None), |(job, position)| async move {
            let mut position = match position {
                Some(position) => position,
                None => job.begin_to_read().await?,
            };
            let outcomes = job.read(&mut position).await?;
            Ok::<_, Error>(outcomes.map(|outcomes| (stream::iter(outcomes.into_iter().map(Ok)), (job, Some(position)))))
        });
        batches.try_flatten().boxed()
    }

    /// Checks that it is not of another server, version of HubSpot's API or account than a worker, and `binds` it to them if it
    /// is of none yet.
    ///
    /// # Errors
    /// Where it is of others.
    async fn check(&self, id: &str, server: &str, version: ApiVersion, binds: bool) -> Result<()> {
        let ours = self.account_or_empty();
        let version = version.to_string();
        let bound = self.store.bind(id, if binds { server } else { "" }, ours, &version);
        let [theirs, account, their_version] = bound.await?;
        if !theirs.is_empty() && theirs != server {
            return Err(self.of_another(&format!("belongs to the server {}, not to {server}", excerpt(&theirs, 256))));
        }
        if !theirs.is_empty() && their_version != version {
            let trouble = format!("belongs to API version {}, not to {version}", excerpt(&their_version, 20));
            return Err(self.of_another(&trouble));
        }
        // Of a job that is not bound yet, the account may still be given.
        if account != ours && !(account.is_empty() && theirs.is_empty()) {
            return Err(self.of_another(&account_differs(&account, ours)));
        }
        Ok(())
    }

    /// Empty where it is not known.
    fn account_or_empty(&self) -> &str {
        self.account.as_deref().unwrap_or_default()
    }

    fn of_another(&self, trouble: &str) -> Error {
        let remedy = "use its server, API version and account, or another name; or remove the job and enqueue it again";
        Error::invalid_input("job", Some(&self.store.name), trouble, remedy)
    }

    /// The outcomes of the next batch.
    async fn read(&self, position: &mut Position) -> Result<Option<Vec<Outcome>>> {
        let Position { id, after, batch, batches, index } = position;
        if batch == batches {
            return Ok(None);
        }
        let lacks = |key, what| {
            let trouble = format!("the key {key} lacks {what} {} of {batches}", *batch + 1);
            Err(self.damaged(&trouble))
        };
        let kept = self.store.read(id, after).await?;
        let Some(kept) = kept.filter(|kept| kept.number == *batch) else {
            return lacks(self.store.batches_key(), "batch");
        };
        if kept.outcomes.is_empty() {
            return lacks(self.store.outcomes_key(), "the outcomes of batch");
        }
        let inputs = inputs_from_json(&kept.inputs).map_err(|error| self.damaged(&error))?;
        let mut errors = errors_from_json(&kept.outcomes).map_err(|error| self.damaged(&error))?;
        let outcome = |(place, association): (usize, Result<Association>)| Outcome {
            index: *index + place as u64,
            association: association.ok(),
            value: (),
            result: errors.remove(&place).map_or(Ok(()), Err),
            replayed: false,
        };
        let outcomes: Vec<_> = inputs.into_iter().enumerate().map(outcome).collect();
        *index += outcomes.len() as u64;
        *batch += 1;
        *after = kept.entry;
        Ok(Some(outcomes))
    }

    async fn begin_to_read(&self) -> Result<Position> {
        let fields = self.store.status().await?;
        let status = JobStatus::read(&fields);
        let (Some(status), Some(id), Some(batches)) = (status, fields.get(3), fields.get(8)) else {
            return Err(self.damaged(&"its status is incomplete"));
        };
        self.store.check_format(fields.last().map(String::as_str).unwrap_or_default())?;
        if !status.is_finished {
            let reason = format!("is not finished ({} of {} inputs are settled)", status.settled(), status.enqueued);
            let remedy = "wait until its workers have ended";
            return Err(Error::invalid_input("job", Some(&self.store.name), reason, remedy));
        }
        let batches = batches.parse().map_err(|error| self.damaged(&error))?;
        Ok(Position { id: id.clone(), after: "-".to_owned(), batch: 0, batches, index: 0 })
    }

    /// Takes it out of Redis, with all outcomes. Workers that are at it end with an error.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub async fn remove(&self) -> Result<()> {
        let status = self.store.status().await?;
        let id = status.get(3).ok_or_else(|| self.damaged(&"its status is incomplete"))?;
        self.store.remove(id).await
    }

    /// Its id, which a job of the same name that is enqueued later does not have, and what is done.
    async fn identity(&self) -> Result<Identity> {
        let status = self.store.status().await?;
        let [_, _, _, id, operation, .., including_labels, format] = status.as_slice() else {
            return Err(self.damaged(&"its status is incomplete"));
        };
        self.store.check_format(format)?;
        let change = [Change::Associate, Change::Dissociate].into_iter().find(|change| change.operation() == operation);
        let change = change.ok_or_else(|| self.damaged(&format_args!("it is to {operation:?}")))?;
        Ok(Identity { id: id.clone(), change, including_labels: !including_labels.is_empty() })
    }

    fn damaged(&self, trouble: &dyn fmt::Display) -> Error {
        self.store.damaged(trouble)
    }
}

/// Two accounts that are not the same, one of which may not be known.
fn account_differs(theirs: &str, ours: &str) -> String {
    match (theirs, ours) {
        ("", ours) => format!("was begun without an account, so it may not belong to {ours:?}"),
        (theirs, "") => format!("is of the account {theirs:?}, and it is not said to be of any here"),
        (theirs, ours) => format!("belongs to the account {theirs:?}, not to {ours:?}"),
    }
}

/// What a worker has to know of a job.
struct Identity {
    id: String,
    change: Change,
    including_labels: bool,
}

/// Where the outcomes were read to.
struct Position {
    id: String,
    /// The entry before.
    after: String,
    /// The number of the next batch.
    batch: u64,
    /// How many there are.
    batches: u64,
    /// The index of the next outcome.
    index: u64,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Job").field(&self.store.name).finish()
    }
}
