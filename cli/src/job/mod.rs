//! The command `job`: bulk work that several processes share through Redis.

pub(super) mod arguments;
mod collect;
mod list;
mod named;
mod status;

use std::{
    env,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hubspot_partner_clients::{
    Association, Error, RateLimit,
    bulk::Progress,
    redis::{Job, JobStatus, Redis},
};
use indicatif::HumanCount;
use serde_json::json;

use self::{
    arguments::{Arguments, Command, Worker},
    named::Named,
};
use super::{
    bulk::{
        change::Change,
        check::{self, Checked},
        input::Input,
        inputs::Inputs,
        lookup,
    },
    command_line,
    exit::Code,
    failure::{Failure, told, warn},
    output::{Output, Table},
    question,
    signals::Signals,
    target::Target,
    words::{counted, counted_are},
};

const REDIS_URL: &str = "REDIS_URL";
/// How long Redis may take for each command: nobody waits at a terminal for it, and many workers may begin at once.
const REDIS_TIMEOUT: Duration = Duration::from_secs(3);
/// Its workers wait for the rest.
const UNENQUEUED: &str = "is not completely enqueued: unless `job enqueue` is still running, run it again";

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
            let input = command_line::with_input(file);
            let remedy = format!("Run the same command again{input}: it resumes where it stopped.");
            let run = async {
                let input = Input::new(file, table.layout()).await?;
                let checked = check::check(&input).await?;
                let account = resolve(&input, &checked, target).await?;
                let redis = redis(&arguments).await?;
                if let Some(message) = redis.warning() {
                    warn(json!({"kind": "redis", "message": message}), output.json);
                }
                let job = of_account(redis.job(name), account.as_deref());
                let job = if *including_labels { job.including_labels() } else { job };
                let named = Named::new(name, &arguments, target);
                enqueue(&job, &named, change, (&input, &checked), yes.yes, target, output).await
            };
            signals.interrupt(run, Some(&remedy)).await
        }
        // It ends by itself when it is interrupted.
        Command::Worker(worker) => {
            let redis = signals.interrupt(redis(&arguments), None).await?;
            work(&redis, worker, &Named::new(&worker.job, &arguments, target), target, signals, output).await
        }
        Command::Status { job: name } => {
            let known = async {
                let job = connect(name).await?;
                Ok((job.status().await?, job.set_aside().await?))
            };
            let (known, set_aside) = signals.interrupt(known, None).await?;
            status::tell(&Named::new(name, &arguments, target), &known, &set_aside, output)?;
            Ok(Code::Success)
        }
        Command::List => signals.interrupt(async { list::run(&redis(&arguments).await?, output).await }, None).await,
        Command::Retry { job: name } => {
            let retried = signals.interrupt(async { Ok(connect(name).await?.retry().await?) }, None).await?;
            if output.json {
                output.json(&json!({"job": name, "retried": retried}))?;
            } else if retried == 0 {
                output.line(format_args!("No batch of job {name} is set aside."))?;
            } else {
                let again = counted_are(retried, "batch");
                let worker = Named::new(name, &arguments, target).command("worker");
                output.line(format_args!("{again} to be tried again. To send them, start workers with {worker}."))?;
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
    let of_environment = || match env::var(REDIS_URL) {
        Ok(url) => Ok(Some(url)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{REDIS_URL} is not UTF-8"))),
    };
    let url = arguments.redis.clone().map_or_else(of_environment, |url| Ok(Some(url)))?;
    let url = url.filter(|url| !url.trim().is_empty());
    let missing = || Failure::usage("no Redis address").and_then_do(&format!("Set {REDIS_URL} or pass --redis URL."));
    let url = url.ok_or_else(missing)?;
    Ok(Redis::builder(url).prefix(&arguments.redis_prefix).timeout(REDIS_TIMEOUT).connect().await?)
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
    name: &Named<'_>,
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
    let mut inputs = Unchanged { inputs: Inputs::open(input, checked.rows)?, is_so: Ok(()) };
    let identity = format!("sha256:{}", input.identity(&checked.digest));
    let enqueued = match change {
        Change::Associate => job.enqueue_associate_many(&identity, &mut inputs).await,
        Change::Dissociate => job.enqueue_dissociate_many(&identity, &mut inputs).await,
    };
    inputs
        .is_so
        .map_err(|failure| failure.and_then_do(&format!("Remove the job before that: {}.", name.command("remove"))))?;
    enqueued?;
    let enqueued = counted_are(checked.rows, "row");
    let workers = format!("start workers with {}", name.command("worker"));
    // It may have been enqueued before, and be finished by now.
    let status = match job.status().await {
        Ok(status) => status,
        // All the same, it is enqueued.
        Err(error) => {
            let message = format!("job {name} is enqueued, but its state could not be read: {}", told(&error).0);
            warn(json!({"kind": error.kind().as_str(), "message": message}), output.json);
            if output.json {
                output.json(&json!({"rows": checked.rows}))?;
            } else {
                output.line(format_args!("{enqueued} enqueued. To send them, {workers}."))?;
            }
            return Ok(Code::Success);
        }
    };
    let settled = status.settled();
    if output.json {
        output.json(&json!({"rows": checked.rows, "settled": settled, "finished": status.is_finished}))?;
        return Ok(Code::Success);
    }
    match settled {
        _ if status.is_finished && status.set_aside > 0 => {
            let (batches, status) = (counted(status.set_aside, "batch"), name.command("status"));
            output.line(format_args!(
                "Job {name} is finished already except for {batches} set aside, and nothing more is sent: \
                 {status} says why."
            ))?;
        }
        _ if status.is_finished => output.line(format_args!(
            "Job {name} is finished already, and nothing more is sent: {} prints the outcome of each row. To send the rows \
             again, remove the job first with {}.",
            name.command("collect"),
            name.command("remove")
        ))?,
        0 => output.line(format_args!("{enqueued} enqueued. To send them, {workers}."))?,
        settled => {
            let settled = counted_are(settled, "row");
            output.line(format_args!("{enqueued} enqueued, and {settled} settled. To send the rest, {workers}."))?;
        }
    }
    Ok(Code::Success)
}

/// The rows of a file, but for the last where it is not as it was checked: a job that lacks an input is never complete.
struct Unchanged {
    inputs: Inputs,
    is_so: Result<(), Failure>,
}

impl Iterator for Unchanged {
    type Item = Result<Association, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.inputs.next();
        if next.is_none() || self.inputs.size_hint().1 == Some(0) {
            self.is_so = self.inputs.end();
        }
        next.filter(|_| self.is_so.is_ok())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inputs.size_hint()
    }
}

async fn work(
    redis: &Redis,
    worker: &Worker,
    name: &Named<'_>,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    let begin = async {
        // Before a token is asked for.
        redis.job(&worker.job).status().await?;
        let session = target.client().await?;
        // HubSpot's limit is that of the token's app. Many workers may begin at once, and the first request of each is for
        // the account.
        let mut limiter = redis.limiter(session.token_digest());
        if let Some(requests) = worker.rate_limit {
            limiter = limiter.rate_limit(RateLimit::per_ten_seconds(requests));
        }
        let client = session.limited_by(limiter.connect().await?)?;
        let account = target.named(&client).await?;
        // Another may have begun meanwhile.
        let status = redis.job(&worker.job).status().await?;
        if !status.is_complete {
            let message = format!("job {name} {UNENQUEUED}");
            warn(json!({"kind": "job", "message": message}), output.json);
        }
        if account.is_none() {
            check_unbegun(name, &status)?;
            let alone = "without an account, it has this worker alone, and no later one can go on once rows are sent";
            let message = format!("job {name}: {alone}");
            warn(json!({"kind": "job", "message": message}), output.json);
        }
        Ok((status, client, account))
    };
    let (status, client, account) = signals.interrupt(begin, None).await?;
    let job = of_account(redis.job(&worker.job), account.as_deref());
    let mut interrupted = None;
    let stop = async { interrupted = Some(signals.received().await) };
    let last = Arc::new(Mutex::new(Progress::default()));
    let latest = Arc::clone(&last);
    let run = job.worker(&client).concurrency(worker.concurrency.into()).on_progress(move |progress| {
        latest.lock().unwrap_or_else(PoisonError::into_inner).clone_from(progress);
    });
    let worked = match run.run_until(stop).await {
        Ok(worked) => worked,
        // What it did before that is told all the same.
        Err(error) => {
            let worked = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if worked != Progress::default() {
                part(&status, &worked, output).and_then(|()| output.flush())?;
            }
            return Err(error.into());
        }
    };
    let written = part(&status, &worked, output).and_then(|()| output.flush());
    if let Some(signal) = interrupted {
        let status = if account.is_none() { Some(job.status().await) } else { None };
        let remedy = match status {
            Some(Ok(status)) if is_of_no_account(&status) => anew(name),
            Some(Err(_)) => format!("{} says how to go on.", name.command("status")),
            _ => "Other workers take over its rows. Run the same command again to have this worker go on.".to_owned(),
        };
        return Err(Failure::interrupted(signal, "", Some(remedy)));
    }
    written?;
    let status = job.status().await?;
    match status.set_aside {
        0 if status.failed == 0 => Ok(Code::Success),
        0 => {
            let message = format!("job {name} is finished, and {} failed", counted(status.failed, "row"));
            let remedy = format!("{} prints what failed, and why.", name.command("collect --failed"));
            Err(Failure::rows(message, remedy))
        }
        batches => {
            let message = format!("job {name} is finished except for {} set aside", counted(batches, "batch"));
            let why = format!("{} says why.", name.command("status"));
            let remedy = if is_of_no_account(&status) {
                format!("{why} {}", anew(name))
            } else {
                format!("{why} Once the cause is gone, run {}.", name.command("retry"))
            };
            Err(Failure::set_aside(message, remedy))
        }
    }
}

/// Whether a worker without an account may begin a job.
///
/// # Errors
/// For one that another worker has begun: it may be of another account.
fn check_unbegun(name: &Named<'_>, status: &JobStatus) -> Result<(), Failure> {
    if status.server.is_none() && status.workers == 0 {
        return Ok(());
    }
    let message =
        format!("job {name} may be of another account, because HubSpot does not tell which account the token is for");
    let remedy = match (&status.account, status.workers) {
        (Some(_), _) => "Start the worker again once HubSpot tells it.".to_owned(),
        (None, 0) => anew(name),
        (None, _) => {
            let status = name.command("status");
            let then = format!("If the job is not finished then, {status} says how to go on.");
            format!("Wait until the worker that is at work has ended. {then}")
        }
    };
    Err(Failure::account(message, remedy + " Nothing was sent."))
}

/// Whether a worker without an account was the first to send rows. A program's worker without one is let in after that; this
/// tool's are not, because the next may have a token of another account.
fn is_of_no_account(status: &JobStatus) -> bool {
    status.server.is_some() && status.account.is_none()
}

/// What to do about a job that was begun without an account.
fn anew(name: &Named<'_>) -> String {
    let remove = name.command("remove");
    format!(
        "The job is of no account, so no worker of this tool can go on with it; a program of yours that sets no account \
         can. If you have none, remove the job and its outcomes with {remove} and enqueue it again, which \
         does no harm to what was sent."
    )
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
