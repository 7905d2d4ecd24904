//! Bulk work that many processes share: enqueued once, carried out by any number of workers.

mod batch;
mod open;
mod outcomes;
mod status;
mod store;
mod worker;

use std::fmt;

use uuid::Uuid;

use self::{
    batch::inputs_to_json,
    store::{Binding, JobStore},
};
pub use self::{status::JobStatus, worker::JobWorker};
use crate::{
    association::Association,
    associations::bulk::{Change, Input},
    client::Client,
    error::{Error, Result, excerpt::excerpt},
    redis::connection::Redis,
};

/// Associations to be made or removed by any number of processes, on any number of machines.
///
/// One process enqueues the inputs. [Workers](Job::worker) claim batches, send them like [`Client::associate_many`],
/// and acknowledge the outcomes. If a worker is silent for 15 s, others take over its batches. In the end,
/// [`outcomes`](Job::outcomes) gives the outcome of each input, in the order of the inputs.
///
/// Every process can be stopped and started again at any moment, and so can Redis. If Redis loses its latest data, for
/// example in a crash with `appendfsync everysec`, that work is done again, which changes nothing in HubSpot, and each
/// input still has one outcome. Redis has to keep the data until the job is [removed](Job::remove): over a restart
/// (`appendonly yes`) and when its memory is full (`maxmemory-policy noeviction`, with which it rejects new data). A
/// job takes about 60 bytes for an input and some hundred more for one that failed. An error larger than 2 KiB loses
/// its details, its context and the end of its message.
///
/// A job belongs to the server, the version of HubSpot's API and the [account](Job::account) of the first worker that sends
/// something of it, whatever becomes of that; from then on, workers of others are refused. Until it is known whether it
/// has, they wait.
///
/// # Dated versions
///
/// On dated versions HubSpot sets all labels of two objects at once, so a worker reads the labels that the two have and
/// sends them along. Two workers that did so at the same time would each remove what the other has set. Therefore a job
/// that makes associations hands out no batch while another worker has a batch with one of the same pairs of objects. A
/// worker sends the inputs of a pair one after the other. It sets labels only in the first 10 s after its last report
/// to Redis, starts anew if it has lost a batch, and leaves to others at once only what cannot be on its way to
/// HubSpot.
///
/// Labels that a job sets can be lost in two cases only. HubSpot carries out a request more than 5 s after it was sent,
/// the worker was killed, was cut off from Redis or has repeated the request, and others have gone on with the same two
/// objects. Or Redis forgets that a worker has a batch, and another worker sets labels of the same two objects before
/// the first one notices, within 5 s. As with every call, a label that somebody else sets between the reading and the
/// setting can be lost: another job, a bulk run, or a user.
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
    /// Returns the job of this name, whether or not it has been enqueued.
    pub fn job(&self, name: impl Into<String>) -> Job {
        Job { store: JobStore::new(self.clone(), name.into()), account: None, including_labels: false }
    }

    /// Lists the names of all jobs that were enqueued and not [removed](Job::remove), the oldest first.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a command that Redis rejects. [`Error::is_connect`] if Redis cannot be reached.
    pub async fn jobs(&self) -> Result<Vec<String>> {
        JobStore::new(self.clone(), String::new()).names().await
    }
}

impl Job {
    /// Sets the HubSpot account of the job, such as its hub id. Give the same in every process that enqueues or works:
    /// a worker with another account, or none, is refused. Set it if you have more than one account: a job is bound to
    /// the server of its first requests, and nothing but [`Client::account`](crate::Client::account) tells the account.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Removes the labels of two objects together with their unlabelled association, in a job that removes
    /// associations; see [`Bulk::including_labels`](crate::bulk::Bulk::including_labels). Set it when you enqueue; it
    /// applies to all workers.
    pub fn including_labels(mut self) -> Self {
        self.including_labels = true;
        self
    }

    /// Enqueues associations to be made. `input` is a name for the inputs as a whole, such as a digest of the file that
    /// they come from.
    ///
    /// Inputs that are enqueued already are not enqueued again. If enqueuing was interrupted, call it again with the
    /// same inputs and names, and it resumes where it stopped. Workers may start meanwhile. An input that cannot be
    /// sent is enqueued like the others, and its error becomes its outcome.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for
    /// - an empty name, or a job of this name with other inputs, another operation or another account;
    /// - keys in Redis that hold something else, or a command that Redis rejects;
    /// - inputs whose number differs from the exact [size hint](Iterator::size_hint) of their iterator, for example
    ///   because their file changes. Such a job is incomplete and never finishes.
    ///
    /// [`Error::is_connect`] if Redis cannot be reached, at first or for five minutes, or has lost what was enqueued
    /// just before; then enqueue again.
    pub async fn enqueue_associate_many<I>(&self, input: &str, inputs: I) -> Result<()>
    where
        I: IntoIterator<Item: Into<Input>>,
    {
        self.enqueue(Change::Associate, input, inputs).await
    }

    /// Enqueues associations to be removed, like [`enqueue_associate_many`](Self::enqueue_associate_many).
    ///
    /// # Errors
    /// The same as for [`enqueue_associate_many`](Self::enqueue_associate_many).
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
        for skipped in 0..begun.inputs {
            if inputs.next().is_none() {
                let reason = format!("was given {skipped} inputs, and has {} already", begun.inputs);
                let remedy = "give it all of them; if others are in it now, remove it first";
                return Err(Error::invalid_input("job", Some(&self.store.name), reason, remedy));
            }
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

    /// Returns a worker that sends with this client. Give the clients of all workers a
    /// [`RedisLimiter`](super::RedisLimiter) of the same account, so that together they keep to its rate limit.
    pub fn worker(&self, client: &Client) -> JobWorker {
        JobWorker::new(self.clone(), client.clone())
    }

    /// Reads how far the job has come.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a job that is not in Redis, and for a command that Redis rejects.
    /// [`Error::is_connect`] if Redis cannot be reached.
    pub async fn status(&self) -> Result<JobStatus> {
        JobStatus::read(&self.store.status().await?).map_err(|trouble| self.damaged(&trouble))
    }

    /// Reads which batches are set aside: those that failed five times in a way that may pass, such as by server errors,
    /// and those of which ten workers in a row ended without a report (with
    /// [`ErrorKind::NoOutcome`](crate::ErrorKind::NoOutcome)).
    ///
    /// Their failures count as outcomes until you [retry](Self::retry) them, so they hold up nothing.
    ///
    /// # Errors
    /// The same as for [`status`](Self::status).
    pub async fn set_aside(&self) -> Result<Vec<SetAside>> {
        let fields = self.store.set_aside(&self.identity().await?.id).await?;
        let read = |fields: &[String]| {
            let [number, succeeded, failed, error] = fields else { return None };
            let (succeeded, failed) = (succeeded.parse::<u64>().ok()?, failed.parse::<u64>().ok()?);
            let (number, error) = (number.parse().ok()?, Error::from_json(error).ok()?);
            Some(SetAside { number, inputs: succeeded.saturating_add(failed), failed, error })
        };
        let all: Option<Vec<_>> = fields.chunks(4).map(read).collect();
        let mut all = all.ok_or_else(|| self.damaged(&"what was set aside cannot be read"))?;
        all.sort_by_key(|aside| aside.number);
        Ok(all)
    }

    /// Gives the batches that are set aside to workers again, with as many attempts as before, and returns how many there
    /// were. The job is finished again when they are settled.
    ///
    /// # Errors
    /// The same as for [`status`](Self::status).
    pub async fn retry(&self) -> Result<u64> {
        self.store.retry(&self.identity().await?.id).await
    }

    /// Checks that the job does not belong to another server, version of HubSpot's API or account than a worker, and binds it
    /// to them for good if the worker has `sent` something.
    ///
    /// # Errors
    /// Where it belongs to others.
    async fn check(&self, id: &str, ours: &Binding, sent: bool) -> Result<()> {
        let theirs = self.store.bind(id, ours, sent).await?;
        let is_bound = !theirs.server.is_empty();
        let trouble = if is_bound && theirs.server != ours.server {
            format!("belongs to the server {}, not to {}", excerpt(&theirs.server, 256), ours.server)
        } else if is_bound && theirs.version != ours.version {
            format!("belongs to API version {}, not to {}", excerpt(&theirs.version, 20), ours.version)
        } else if theirs.account != ours.account && (is_bound || !theirs.account.is_empty()) {
            // Of a job that is not bound yet, the account may still be given.
            account_differs(&theirs.account, &ours.account)
        } else {
            return Ok(());
        };
        // Redis has lost what bound it before.
        let then = if sent { ", and this worker has sent some of its inputs" } else { "" };
        Err(self.of_another(&(trouble + then)))
    }

    /// Empty where it is not known.
    fn account_or_empty(&self) -> &str {
        self.account.as_deref().unwrap_or_default()
    }

    fn of_another(&self, trouble: &str) -> Error {
        let remedy = "use its server, API version and account, or another name; or remove the job and enqueue it again";
        Error::invalid_input("job", Some(&self.store.name), trouble, remedy)
    }

    /// Removes the job and its outcomes from Redis, or what is left of a job that Redis has lost. Workers at work on it
    /// end with an error.
    ///
    /// # Errors
    /// The same as for [`status`](Self::status).
    pub async fn remove(&self) -> Result<()> {
        let status = self.store.find().await?;
        let id = match &status {
            Some(status) => status.get(3).ok_or_else(|| self.damaged(&"its status is incomplete"))?,
            None => "",
        };
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

/// A batch that is [set aside](Job::set_aside).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SetAside {
    /// The position of the batch in the job, from 0.
    pub number: u64,
    /// How many inputs it has.
    pub inputs: u64,
    /// How many of them failed.
    pub failed: u64,
    /// The failure that may pass, of one of them.
    pub error: Error,
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

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Job").field(&self.store.name).finish()
    }
}
