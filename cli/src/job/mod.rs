//! The command `job`: bulk work that several processes share through Redis.

pub(super) mod arguments;
mod collect;
mod list;

use std::env;

use hubspot_partner_clients::{
    Association, Error, RateLimit,
    bulk::Progress,
    redis::{Job, JobStatus, Redis, SetAside},
};
use indicatif::{HumanCount, HumanDuration};
use serde_json::json;

use self::arguments::{Arguments, Command, Worker};
use super::{
    bulk::{
        Change, Inputs,
        check::{self, Checked},
        input::Input,
        lookup,
    },
    command_line::NAME,
    exit::Code,
    failure::{Failure, to_json, told},
    output::{Output, Table},
    question,
    signals::Signals,
    target::Target,
    words::{counted, counted_are},
};

const REDIS_URL: &str = "REDIS_URL";
/// Whose rate limit workers without an account share.
const UNNAMED: &str = "default";
/// How many batches that are set aside are shown to people.
const SHOWN: usize = 10;

pub(super) async fn run(
    arguments: Arguments,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    if target.simulator {
        let message = "--simulator runs inside one process, so a job's workers cannot share it";
        return Err(Failure::usage(message));
    }
    let connect = async |name: &str| Result::<_, Failure>::Ok(redis(&arguments).await?.job(name));
    match &arguments.command {
        Command::Enqueue { job: name, file, table, dissociate, including_labels, yes } => {
            let change = if *dissociate { Change::Dissociate } else { Change::Associate };
            let remedy = "Run the same command again: it resumes where it stopped.";
            let run = async {
                let input = Input::new(file, table.layout()).await?;
                let checked = check::check(&input).await?;
                let account = resolve(&input, &checked, target).await?;
                let job = of_account(connect(name).await?, account.as_deref());
                let job = if *including_labels { job.including_labels() } else { job };
                enqueue(&job, name, change, (&input, &checked), yes.yes, target, output).await
            };
            signals.interrupt(run, Some(remedy)).await
        }
        // It ends by itself when it is interrupted.
        Command::Worker(worker) => {
            let redis = signals.interrupt(redis(&arguments), None).await?;
            work(&redis, worker, target, signals, output).await
        }
        Command::Status { job: name } => {
            let known = async {
                let job = connect(name).await?;
                Ok((job.status().await?, job.set_aside().await?))
            };
            let (known, set_aside) = signals.interrupt(known, None).await?;
            status(name, &known, &set_aside, output)?;
            Ok(Code::Success)
        }
        Command::List => signals.interrupt(async { list::run(&redis(&arguments).await?, output).await }, None).await,
        Command::Retry { job: name } => {
            let retried = signals.interrupt(async { Ok(connect(name).await?.retry().await?) }, None).await?;
            if output.json {
                output.json(&json!({"job": name, "retried": retried}))?;
            } else {
                let again = counted_are(retried, "batch");
                output.line(format_args!(
                    "{again} to be tried again. To send them, start workers with `{NAME} job worker {name}`."
                ))?;
            }
            Ok(Code::Success)
        }
        Command::Collect { job, failed } => {
            signals.interrupt(async { collect::run(&connect(job).await?, *failed, output).await }, None).await
        }
        Command::Remove { job } => {
            signals.interrupt(async { Ok(connect(job).await?.remove().await?) }, None).await?;
            Ok(Code::Success)
        }
    }
}

async fn redis(arguments: &Arguments) -> Result<Redis, Failure> {
    let url = arguments.redis.clone().or_else(|| env::var(REDIS_URL).ok()).filter(|url| !url.trim().is_empty());
    let missing = || Failure::usage("no Redis address").and_then_do(&format!("Set {REDIS_URL} or pass --redis URL."));
    let url = url.ok_or_else(missing)?;
    Ok(Redis::builder(url).prefix(&arguments.redis_prefix).connect().await?)
}

fn of_account(job: Job, account: Option<&str>) -> Job {
    match account {
        Some(account) => job.account(account),
        None => job,
    }
}

/// Asks HubSpot for the objects that rows name by a property, with a token that is needed for nothing else. Returns the account.
async fn resolve(input: &Input, checked: &Checked, target: &Target) -> Result<Option<String>, Failure> {
    if checked.keys.is_empty() {
        return Ok(target.account.clone());
    }
    let session = target.client().await?;
    let account = target.named(&session.client).await?;
    lookup::resolve(input, checked, &session.client).await?;
    Ok(account)
}

async fn enqueue(
    job: &Job,
    name: &str,
    change: Change,
    (input, checked): (&Input, &Checked),
    yes: bool,
    target: &Target,
    output: &mut Output,
) -> Result<Code, Failure> {
    if change == Change::Dissociate && checked.rows > 0 {
        let removed = counted(checked.rows, "association");
        let question = format!("Let workers remove up to {removed}?");
        question::ask(yes, target.simulator, &format!("the job removes up to {removed}"), &question).await?;
    }
    let mut inputs = Unchanged { inputs: Inputs::open(input, checked.rows)?, checked, is_so: Ok(true) };
    let identity = format!("sha256:{}", input.identity(&checked.digest));
    let enqueued = match change {
        Change::Associate => job.enqueue_associate_many(&identity, &mut inputs).await,
        Change::Dissociate => job.enqueue_dissociate_many(&identity, &mut inputs).await,
    };
    if !inputs.is_so? {
        let remedy = format!("Remove the job (`{NAME} job remove {name}`), and enqueue a file that does not change.");
        return Err(Failure::file(format!("{} was changed while it was being enqueued", input.name()), remedy));
    }
    enqueued?;
    if output.json {
        output.json(&json!({"rows": checked.rows}))?;
    } else {
        let enqueued = counted_are(checked.rows, "row");
        output
            .line(format_args!("{enqueued} enqueued. To send them, start workers with `{NAME} job worker {name}`."))?;
    }
    Ok(Code::Success)
}

/// The rows of a file, but for the last where it is not as it was checked: a job that lacks an input is never complete.
struct Unchanged<'a> {
    inputs: Inputs,
    checked: &'a Checked,
    is_so: Result<bool, Failure>,
}

impl Iterator for Unchanged<'_> {
    type Item = Result<Association, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.inputs.next();
        if next.is_none() || self.inputs.size_hint().1 == Some(0) {
            self.is_so = self.inputs.are_all(self.checked);
        }
        next.filter(|_| matches!(self.is_so, Ok(true)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inputs.size_hint()
    }
}

async fn work(
    redis: &Redis,
    worker: &Worker,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    let begin = async {
        // Before a token is asked for.
        let status = redis.job(&worker.job).status().await?;
        let session = target.client().await?;
        let account = target.named(&session.client).await?;
        let mut limiter = redis.limiter(account.as_deref().unwrap_or(UNNAMED));
        if let Some(requests) = worker.rate_limit {
            limiter = limiter.rate_limit(RateLimit::per_ten_seconds(requests));
        }
        let client = session.limited_by(limiter.connect().await?)?;
        Ok((status, client, of_account(redis.job(&worker.job), account.as_deref())))
    };
    let (status, client, job) = signals.interrupt(begin, None).await?;
    let mut interrupted = None;
    let stop = async { interrupted = Some(signals.received().await) };
    let worked = job.worker(&client).concurrency(worker.concurrency.into()).run_until(stop).await?;
    let written = part(&status, &worked, output).and_then(|()| output.flush());
    if let Some(signal) = interrupted {
        let remedy = "Other workers take over its rows. Run the same command again to have this worker go on.";
        return Err(Failure::interrupted(signal, "", Some(remedy.to_owned())));
    }
    written?;
    match job.status().await?.set_aside {
        0 => Ok(Code::Success),
        batches => {
            let message = format!("job {} is finished except for {} set aside", worker.job, counted(batches, "batch"));
            let remedy = format!(
                "`{NAME} job status {0}` says why. Once the cause is gone, run `{NAME} job retry {0}`.",
                worker.job
            );
            Err(Failure::set_aside(message, remedy))
        }
    }
}

fn aside(SetAside { inputs, failed, error, .. }: &SetAside) -> serde_json::Value {
    json!({"rows": inputs, "failed": failed, "error": to_json(error)})
}

fn change(status: &JobStatus) -> Change {
    if status.operation == "dissociate" { Change::Dissociate } else { Change::Associate }
}

/// What this worker did.
fn part(status: &JobStatus, worked: &Progress, output: &mut Output) -> Result<(), Failure> {
    let Progress { succeeded, failed, requests, retries, .. } = worked;
    if output.json {
        let (done, time) = (change(status).done(), worked.waiting_for_limit.as_secs_f64());
        return output.json(&json!({"worker": {
            (done): succeeded, "failed": failed, "requests": requests, "retries": retries,
            "secondsWaitingForLimit": time,
        }}));
    }
    let mut table = Table::summary([change(status).heading(), "failed", "requests", "retries"]);
    table.row([succeeded, failed, requests, retries].map(|count| HumanCount(*count).to_string()), output)?;
    table.end(output)
}

fn status(name: &str, status: &JobStatus, set_aside: &[SetAside], output: &mut Output) -> Result<(), Failure> {
    let total = status.total.unwrap_or(status.enqueued);
    let left = total.saturating_sub(status.settled());
    if output.json {
        return output.json(&json!({
            "job": name,
            "operation": status.operation,
            "input": status.input,
            "api_version": status.api_version.map(|version| version.to_string()),
            "rows": status.total,
            "enqueued": status.enqueued,
            "allEnqueued": status.is_complete,
            (change(status).done()): status.succeeded,
            "failed": status.failed,
            "left": left,
            "finished": status.is_finished,
            "setAside": set_aside.iter().map(aside).collect::<Vec<_>>(),
            "workers": status.workers,
            "requests": status.requests,
            "retries": status.retries,
            "rowsPerSecond": status.rate,
            "secondsLeft": status.time_left.map(|left| left.as_secs_f64()),
        }));
    }
    let batches = counted(set_aside.len() as u64, "batch");
    let (state, remedy) = if status.is_finished && !set_aside.is_empty() {
        let state = format!("is finished except for {batches} set aside");
        output
            .line(format_args!("Job {name} {state}. To try again, run `{NAME} job retry {name}` and start workers."))?;
        (String::new(), String::new())
    } else if status.is_finished {
        ("is finished".to_owned(), format!("`{NAME} job collect {name}` prints the outcome of each row"))
    } else if !status.is_complete {
        (
            "is not completely enqueued".to_owned(),
            "unless `job enqueue` is still running, run the same command again".to_owned(),
        )
    } else if status.workers == 0 {
        ("has no workers".to_owned(), format!("start some with `{NAME} job worker {name}`"))
    } else {
        ("is in progress".to_owned(), format!("{} at work", counted_are(status.workers.into(), "worker")))
    };
    if !remedy.is_empty() {
        output.line(format_args!("Job {name} {state}: {remedy}."))?;
        if !set_aside.is_empty() {
            let retry = format!("To try again once the cause is gone, run `{NAME} job retry {name}`.");
            output.line(format_args!("It has {batches} set aside. {retry}"))?;
        }
    }
    for SetAside { failed, error, .. } in set_aside.iter().take(SHOWN) {
        output.line(format_args!("{}: {}", counted(*failed, "row"), told(error).0))?;
    }
    let mut table = Table::summary([
        "rows",
        change(status).heading(),
        "failed",
        "left",
        "workers",
        "requests",
        "retries",
        "rows/s",
        "time left",
    ]);
    let counts = [total, status.succeeded, status.failed, left, status.workers.into(), status.requests, status.retries];
    let time_left = status.time_left.map(|left| HumanDuration(left).to_string()).unwrap_or_default();
    let cells =
        counts.iter().map(|count| HumanCount(*count).to_string()).chain([format!("{:.1}", status.rate), time_left]);
    table.row(cells, output)?;
    table.end(output)
}
