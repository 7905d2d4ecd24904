//! The calls of `job.lua` about a job, and what Redis replies.

use std::{fmt, sync::LazyLock, time::Duration};

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    error::{Error, Result, excerpt::excerpt},
    redis::{connection::Redis, script::Script, trouble::Trouble},
    task::in_runtime,
};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("job.lua")));

/// How the inputs are written.
const FORMAT: &str = "2";
/// How long a batch stays with a worker that is not heard of.
pub(super) const LEASE: Duration = Duration::from_secs(15);
/// How long a Redis, or a HubSpot, that cannot be reached is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);
const RETRY: Duration = Duration::from_secs(1);
/// What the script says of what is no longer a worker's.
const LAPSED: &str = "lapsed";

/// What Redis keeps of a job.
#[derive(Debug, Clone)]
pub(super) struct JobStore {
    redis: Redis,
    pub(super) name: String,
    /// In the script's order.
    keys: [String; 6],
    /// A pattern of them.
    all_keys: String,
}

/// What is known of a job that was enqueued before, or is now.
pub(super) struct Begun {
    pub(super) id: String,
    pub(super) operation: String,
    pub(super) input: String,
    pub(super) batches: u64,
    pub(super) inputs: u64,
    /// Empty where it is not known.
    pub(super) account: String,
    pub(super) including_labels: bool,
}

pub(super) enum Claimed {
    Batch {
        entry: String,
        number: u64,
        inputs: String,
        /// How often it was tried.
        tries: u64,
        /// How many leases on it have ended before, of workers that were not heard of again.
        leases: u64,
    },
    /// All that is left is with others, or not enqueued yet.
    Nothing,
    /// The whole job is settled.
    Finished,
    /// It belongs to another server, account or version of HubSpot's API.
    Others,
}

/// A batch as it is read at the end.
pub(super) struct Kept {
    pub(super) entry: String,
    pub(super) number: u64,
    pub(super) inputs: String,
    /// Empty where Redis has none.
    pub(super) outcomes: String,
}

/// Where the inputs of a job go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    /// Empty where the job is not bound.
    pub(super) server: String,
    /// Empty where it is not known.
    pub(super) account: String,
    /// That of HubSpot's API.
    pub(super) version: String,
}

/// A worker as the script knows it.
#[derive(Debug, Clone)]
pub(super) struct Claimant {
    pub(super) name: String,
    pub(super) binding: Binding,
    /// Whether no other may have a pair of objects meanwhile.
    pub(super) exclusive: bool,
}

impl Claimant {
    fn exclusive(&self) -> &'static str {
        flag(self.exclusive)
    }
}

fn flag(set: bool) -> &'static str {
    if set { "1" } else { "" }
}

/// A batch that is settled.
pub(super) struct Settled {
    pub(super) entry: String,
    pub(super) number: u64,
    pub(super) outcomes: String,
    pub(super) succeeded: usize,
    pub(super) failed: usize,
    pub(super) requests: u64,
    pub(super) retries: u64,
    /// Why the batch is set aside; empty if it is not.
    pub(super) set_aside: String,
}

impl JobStore {
    pub(super) fn new(redis: Redis, name: String) -> Self {
        let key = |part| redis.key(&["job", part, &name]);
        let [meta, batches, outcomes, pace, pairs] = ["meta", "batches", "outcomes", "pace", "pairs"].map(key);
        let keys = [meta, batches, outcomes, pace, pairs, redis.key(&["jobs"])];
        Self { all_keys: key("*"), redis, name, keys }
    }

    /// That of the batches and their inputs.
    pub(super) fn batches_key(&self) -> &str {
        let [_, batches, ..] = &self.keys;
        batches
    }

    pub(super) fn outcomes_key(&self) -> &str {
        let [_, _, outcomes, ..] = &self.keys;
        outcomes
    }

    /// The fields of a reply after the first, which says what kind it is.
    async fn call(&self, arguments: &[&str]) -> std::result::Result<(String, Vec<String>), Trouble> {
        let [meta, batches, outcomes, pace, held, names] = &self.keys;
        let mut call = SCRIPT.key(meta);
        call.key(batches).key(outcomes).key(pace).key(held).key(names).arg(arguments);
        // Where it is about one of them, Redis says which.
        let mut reply: Vec<String> = match self.redis.run(&self.all_keys, &call).await {
            // The connection may have ended while nobody used it. All that is asked may be asked twice.
            Err(trouble) if trouble.unreachable => self.redis.run(&self.all_keys, &call).await?,
            reply => reply?,
        };
        let kind = if reply.is_empty() { String::new() } else { reply.remove(0) };
        Ok((kind, reply))
    }

    /// Asks until there is a reply, but not for ever.
    async fn ask(&self, arguments: &[&str]) -> Result<(String, Vec<String>)> {
        in_runtime()?;
        let until = Instant::now() + PATIENCE;
        loop {
            match self.call(arguments).await {
                Ok((kind, _)) if kind == "gone" => return Err(self.gone()),
                Ok((kind, _)) if kind == "anew" => return Err(self.anew()),
                Ok((kind, _)) if kind == "lost" => {
                    return Err(self.damaged(&format_args!("the key {} is gone", self.batches_key())));
                }
                Ok(reply) => return Ok(reply),
                Err(trouble) if trouble.unreachable && Instant::now() < until => sleep(RETRY).await,
                Err(trouble) => return Err(trouble.into()),
            }
        }
    }

    fn gone(&self) -> Error {
        Error::invalid_input("job", Some(&self.name), "is not in Redis", "enqueue it first")
    }

    fn anew(&self) -> Error {
        let reason = "was removed and enqueued anew meanwhile";
        Error::invalid_input("job", Some(&self.name), reason, "start again, if this is to go on with the new one")
    }

    pub(super) fn damaged(&self, trouble: &dyn fmt::Display) -> Error {
        let reason = format!("is damaged ({trouble})");
        let remedy = "remove it and enqueue it again, with a Redis that keeps its data (`maxmemory-policy noeviction`, \
                      `appendonly yes`)";
        Error::invalid_input("job", Some(&self.name), reason, remedy)
    }

    /// Checks that this version of the crate reads a job of this format. The first had none.
    ///
    /// # Errors
    /// Where it does not.
    pub(super) fn check_format(&self, format: &str) -> Result<()> {
        if format == FORMAT {
            return Ok(());
        }
        let format = if format.is_empty() { "1".into() } else { excerpt(format, 20) };
        let reason = format!("has format {format:?}, and this version of the crate knows {FORMAT:?}");
        let remedy = "finish it with the version of the crate that enqueued it, or remove it and enqueue it again";
        Err(Error::invalid_input("job", Some(&self.name), reason, remedy))
    }

    fn unknown(&self) -> Error {
        let reason = "was written to Redis by another version";
        Error::invalid_input("job", Some(&self.name), reason, "use one version of this crate for all of a job")
    }

    /// The job as it is, or begun with this id.
    pub(super) async fn begin(
        &self,
        id: &str,
        operation: &str,
        input: &str,
        total: Option<u64>,
        account: &str,
        including_labels: bool,
    ) -> Result<Begun> {
        if self.name.is_empty() {
            return Err(Error::invalid_input("job", None, "has no name", "give one, such as that of the file"));
        }
        let total = total.map(|total| total.to_string()).unwrap_or_default();
        let (id, fields) = self
            .call(&["begin", id, operation, input, &total, account, FORMAT, flag(including_labels), &self.name])
            .await?;
        if id == "old" {
            return Err(self.redis.too_old());
        }
        let [operation, input, batches, inputs, account, including_labels, format] =
            <[String; 7]>::try_from(fields).map_err(|_| self.unknown())?;
        self.check_format(&format)?;
        let number = |name: &str, text: &str| {
            text.parse().map_err(|_| self.damaged(&format_args!("the number of its {name} is {:?}", excerpt(text, 20))))
        };
        let (batches, inputs) = (number("batches", &batches)?, number("inputs", &inputs)?);
        let including_labels = !including_labels.is_empty();
        Ok(Begun { id, operation, input, batches, inputs, account, including_labels })
    }

    /// Returns what the job is bound to, unless that may still change. `sent` binds it for good, to this unless it is bound.
    pub(super) async fn bind(&self, id: &str, binding: &Binding, sent: bool) -> Result<Binding> {
        let Binding { server, account, version } = binding;
        let lease = LEASE.as_millis().to_string();
        let (_, fields) = self.ask(&["bind", id, server, account, version, flag(sent), &lease]).await?;
        let [server, account, version] = <[String; 3]>::try_from(fields).map_err(|_| self.unknown())?;
        Ok(Binding { server, account, version })
    }

    /// Adds the batch unless it is there, and returns how many there are.
    pub(super) async fn add(&self, id: &str, number: u64, count: usize, inputs: &str) -> Result<u64> {
        let (_, fields) = self.ask(&["add", id, &number.to_string(), &count.to_string(), inputs]).await?;
        fields.first().and_then(|known| known.parse().ok()).ok_or_else(|| self.unknown())
    }

    pub(super) async fn complete(&self, id: &str) -> Result<()> {
        self.ask(&["complete", id]).await.map(drop)
    }

    /// A batch for which at most so many leases have ended without a report, or any. `known` are the entries that the worker
    /// has: whatever else is leased to it was in a reply that was lost, and comes first.
    pub(super) async fn claim(
        &self,
        id: &str,
        worker: &Claimant,
        most_leases: Option<u64>,
        known: &[&str],
    ) -> Result<Claimed> {
        let (lease, Binding { server, account, version }) = (LEASE.as_millis().to_string(), &worker.binding);
        let most = most_leases.map(|most| most.to_string()).unwrap_or_default();
        let claim = ["claim", id, &worker.name, &lease, server, account, version, worker.exclusive(), &most];
        let (kind, fields) = self.ask(&[&claim, known].concat()).await?;
        match (kind.as_str(), <[String; 5]>::try_from(fields)) {
            ("batch", Ok([entry, number, inputs, tries, leases])) => {
                let count = |text: &str| text.parse().map_err(|_| self.unknown());
                let (number, tries, leases) = (count(&number)?, count(&tries)?, count(&leases)?);
                Ok(Claimed::Batch { entry, number, inputs, tries, leases })
            }
            ("finished", _) => Ok(Claimed::Finished),
            ("nothing", _) => Ok(Claimed::Nothing),
            ("other", _) => Ok(Claimed::Others),
            _ => Err(self.unknown()),
        }
    }

    /// Keeps batches for another lease; false where that is in vain, as others may have begun with some of their pairs.
    pub(super) async fn renew(&self, id: &str, worker: &Claimant, entries: &[&str]) -> Result<bool> {
        let lease = LEASE.as_millis().to_string();
        let (kind, _) = self.ask(&[&["renew", id, &worker.name, &lease, worker.exclusive()], entries].concat()).await?;
        Ok(kind != LAPSED)
    }

    /// Leaves batches to others at once, if Redis can be reached; otherwise they have them when the lease ends.
    pub(super) async fn release(&self, id: &str, worker: &Claimant, entries: &[&str]) {
        let lease = LEASE.as_millis().to_string();
        // Nobody needs the reply.
        let _ = self.call(&[&["release", id, &worker.name, &lease, worker.exclusive()], entries].concat()).await;
    }

    /// Takes a worker off the list, once its batches are others'. `sent` is false if HubSpot has carried out nothing of them.
    pub(super) async fn leave(&self, id: &str, worker: &Claimant, sent: bool) {
        let _ = self.call(&["leave", id, &worker.name, &LEASE.as_millis().to_string(), flag(sent)]).await;
    }

    /// Keeps how often a batch was tried, which is no increment, since a lost reply would have repeated it. The lease on it
    /// does not count as one without a report.
    pub(super) async fn tried(&self, id: &str, worker: &Claimant, entry: &str, number: u64, tries: u64) -> Result<()> {
        let (number, tries) = (number.to_string(), tries.to_string());
        self.ask(&["tried", id, &number, &tries, &worker.name, entry]).await.map(drop)
    }

    /// False where the batch is no longer this worker's, and not settled.
    pub(super) async fn settle(&self, id: &str, worker: &Claimant, settled: &Settled) -> Result<bool> {
        let Settled { entry, number, outcomes, .. } = settled;
        let counts = [settled.succeeded as u64, settled.failed as u64, settled.requests, settled.retries];
        let [succeeded, failed, requests, retries] = counts.map(|count| count.to_string());
        let number = number.to_string();
        let told = ["settle", id, entry, &number, outcomes, &succeeded, &failed, &requests, &retries];
        let (kind, _) =
            self.ask(&[&told[..], &[&worker.name, worker.exclusive(), &settled.set_aside]].concat()).await?;
        Ok(kind != LAPSED)
    }

    /// The fields that the script lists, after how many workers there are, and how many inputs were settled in how many
    /// milliseconds.
    pub(super) async fn status(&self) -> Result<Vec<String>> {
        self.find().await?.ok_or_else(|| self.gone())
    }

    /// The same; none if the job is not there.
    pub(super) async fn find(&self) -> Result<Option<Vec<String>>> {
        let (kind, fields) = self.call(&["status", "", &LEASE.as_millis().to_string()]).await?;
        Ok((kind != "gone").then_some(fields))
    }

    /// The batch after this entry.
    pub(super) async fn read(&self, id: &str, after: &str) -> Result<Option<Kept>> {
        let (_, fields) = self.ask(&["read", id, after]).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let [entry, number, inputs, outcomes] = <[String; 4]>::try_from(fields).map_err(|_| self.unknown())?;
        Ok(Some(Kept { entry, number: number.parse().map_err(|_| self.unknown())?, inputs, outcomes }))
    }

    /// The names of all jobs, the oldest first.
    pub(super) async fn names(&self) -> Result<Vec<String>> {
        Ok(self.call(&["names", ""]).await.map(|(_, names)| names)?)
    }

    /// Of each batch that is set aside: its number, how many of its inputs were carried out and failed, and the error.
    pub(super) async fn set_aside(&self, id: &str) -> Result<Vec<String>> {
        self.ask(&["set_aside", id]).await.map(|(_, fields)| fields)
    }

    /// Has the batches that are set aside tried again, and returns how many there were.
    pub(super) async fn retry(&self, id: &str) -> Result<u64> {
        let call = Uuid::new_v4().simple().to_string();
        let (_, fields) = self.ask(&["retry", id, &call]).await?;
        fields.first().and_then(|again| again.parse().ok()).ok_or_else(|| self.unknown())
    }

    /// Removes the job of this id, if it is there, or with an empty one what is left of a job that Redis has lost.
    pub(super) async fn remove(&self, id: &str) -> Result<()> {
        self.ask(&["remove", id, &self.name]).await.map(drop)
    }
}
