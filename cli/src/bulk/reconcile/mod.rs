//! The command `reconcile`, which makes associations match a CSV file.

pub(crate) mod arguments;
pub(super) mod files;
pub(super) mod report;

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
};

use hmac_sha256::Hash;
use hubspot_partner_clients::{
    Association, Client,
    bulk::Journal,
    generated::ClientInfo,
    reconcile::{Applied, Plan},
};
use indicatif::HumanCount;
use serde_json::json;

use self::{
    arguments::Reconcile,
    files::{Files, load},
    report::Again,
};
use super::{
    check::{self, Checked},
    input::Input,
    layout::Layout,
    lookup,
    rows::Rows,
    seed,
    undo::{Begun, RECONCILE, named},
};
use crate::{
    account, command_line,
    exit::Code,
    failure::Failure,
    output::Output,
    output_file::{check_free, write_json},
    printable::printable_lines,
    question,
    signals::Signals,
    suggest,
    target::Target,
    words::counted,
};

pub(crate) async fn run(
    arguments: &Reconcile,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    if output.csv {
        return Err(Failure::usage("reconcile prints a plan, as text or JSON, and no CSV"));
    }
    let files = Files::check(arguments, target.log.path())?;
    if target.simulator && (arguments.plan.is_some() || arguments.journal.is_some()) {
        let message = "--plan and --journal cannot be used with --simulator, which forgets everything at the end";
        return Err(Failure::usage(message));
    }
    let made = signals.interrupt(made(arguments, target, &files), Some("Nothing was changed.")).await?;
    let Made { mut plan, digest, client, account, journal, resumed } = made;
    plan.max_removals = arguments.max_removals.or(plan.max_removals);
    if !output.json {
        if let Some(path) = &resumed {
            output.line(format_args!("Resuming the plan in {}.", path.display()))?;
        }
        output.line(format_args!("{}", printable_lines(&plan.to_string())))?;
    }
    if let Some(path) = &arguments.save_plan {
        write_json("--save-plan", path, &plan)?;
    }
    let Some(client) = client.filter(|_| arguments.apply) else {
        report::not_applied(&plan, arguments, output)?;
        return Ok(Code::Success);
    };
    let agreed = async {
        plan.check_removals()?;
        confirm(&plan, arguments, target).await?;
        let is_older = resumed.is_some() || arguments.plan.is_some();
        match arguments.undo.is_some() && is_older && !plan.is_empty() {
            true => Ok(Some(renewed(&plan, &client.client).await?)),
            false => Ok(None),
        }
    };
    // So that the plan is there to be looked at.
    output.flush()?;
    let mut signal = None;
    let applied = match signals.interrupt(agreed, Some("Nothing was changed.")).await {
        Ok(renewed) => {
            if let Some(path) = arguments.undo.as_ref().filter(|_| account.is_none() && !target.simulator) {
                account::warn_last("undo file", path, target.log.is_json());
            }
            let stop = async { signal = Some(signals.received().await) };
            let run = Run { plan: &plan, renewed, digest: &digest, account: account.as_deref(), journal };
            apply(run, &client.client, arguments, &files, stop).await.map_err(|failure| match &resumed {
                Some(path) => failure.and_then_do(&format!(
                    "The plan is from an earlier run and is kept in {}. To make a new plan, give --journal another path.",
                    path.display()
                )),
                None => failure,
            })
        }
        Err(failure) => Err(failure),
    };
    let applied = match applied {
        Ok(applied) => applied,
        Err(failure) if output.json => {
            output.json(&json!({"plan": plan, "applied": null}))?;
            output.flush()?;
            return Err(failure);
        }
        Err(failure) => return Err(failure),
    };
    let json = |applied| json!({"plan": plan, "applied": applied});
    let others = match account {
        Some(_) => "",
        None => account::other_paths(arguments.journal.is_some(), arguments.undo.is_some()),
    };
    let input = arguments.file.as_deref().map_or("", command_line::with_input);
    let again = Again { verb: "do", others, input, corrected: corrected(arguments, account.is_some()) };
    report::end(applied, json, &again, signal, output)
}

/// How to run the command again once is corrected what failed. A journal keeps what HubSpot refused, and an undo file is of what
/// its run was given.
fn corrected(arguments: &Reconcile, has_account: bool) -> &'static str {
    match (arguments.journal.is_some(), arguments.undo.is_some(), has_account) {
        (false, false, _) => "run the command again",
        (false, true, true) => "run the command again, with another --undo if you change the file",
        (false, true, false) => "run the command again with another --undo",
        (true, false, _) => "run the command again with another --journal",
        (true, true, true) => {
            "run the command again with another --journal, and with another --undo if you change the file"
        }
        (true, true, false) => "run the command again with another --journal and another --undo",
    }
}

/// A plan, and what is needed to carry it out.
struct Made {
    plan: Plan,
    /// Of what it was made from.
    digest: String,
    /// None where nothing is to be sent.
    client: Option<crate::target::Session>,
    /// The account that HubSpot says the token is for.
    account: Option<String>,
    journal: Option<Journal>,
    /// The file that the plan of an earlier run was kept in.
    resumed: Option<PathBuf>,
}

async fn made(arguments: &Reconcile, target: &Target, files: &Files) -> Result<Made, Failure> {
    if let Some(path) = &arguments.plan {
        let (plan, digest) = load(path)?;
        if !arguments.apply {
            return Ok(Made { plan, digest, client: None, account: None, journal: None, resumed: None });
        }
        // The undo file of a run that goes on does not have all yet that is to be reversed.
        check_free(path)?;
        let client = target.client().await?;
        let account = target.named(&client.client).await?;
        // With an account, such a plan is refused.
        if plan.account.is_none() && account.is_none() {
            account::warn_unbound(path, target.log.is_json());
        }
        let journal = journal(arguments, &digest, account.as_deref(), target.log.is_json())?;
        return Ok(Made { plan, digest, client: Some(client), account, journal, resumed: None });
    }
    // clap asks for both unless there is a plan.
    let (Some(file), Some(to_type)) = (&arguments.file, &arguments.to_type) else {
        return Err(Failure::usage("give a file and --to-type, or --plan"));
    };
    if !arguments.partner_clients.is_empty() && arguments.partner_clients.iter().all(|id| id.trim().is_empty()) {
        let remedy =
            "give ids separated by commas, or leave the option out to consider the partner clients in the file";
        return Err(Failure::usage(format!("--partner-clients names none: {remedy}")));
    }
    let input = Input::new(file, Layout::new(&arguments.table, Some(to_type))).await?;
    let checked = check::check(&input).await?;
    let client = target.client_with(|builder| builder, async |simulator| seed::seed(simulator, &input).await).await?;
    let account = target.named(&client.client).await?;
    lookup::resolve(&input, &checked, &client.client).await?;
    let digest = digest(&input.identity(&checked.digest), to_type, arguments);
    let resumed = files.kept_plan()?;
    // Before a plan is shown that is not of this file.
    let journal = journal(arguments, &digest, account.as_deref(), target.log.is_json())?;
    let plan = match &resumed {
        Some(kept) => load(kept)?.0,
        None => plan(&client.client, &input, &checked, to_type, account.as_deref(), arguments).await?,
    };
    Ok(Made { plan, digest, client: Some(client), account, journal, resumed })
}

/// The journal of a run with a plan that was made from what has this digest.
fn journal(arguments: &Reconcile, digest: &str, account: Option<&str>, json: bool) -> Result<Option<Journal>, Failure> {
    arguments.journal.as_ref().map(|path| super::journal(path, digest, account, json)).transpose()
}

async fn plan(
    client: &Client,
    input: &Input,
    checked: &Checked,
    to_type: &str,
    account: Option<&str>,
    arguments: &Reconcile,
) -> Result<Plan, Failure> {
    let given = arguments.partner_clients.iter().map(|id| id.trim()).filter(|id| !id.is_empty());
    let mut partner_clients: BTreeSet<String> = given.map(str::to_owned).collect();
    let all_in_file = arguments.all_in_file || partner_clients.is_empty();
    let mut desired = Vec::new();
    let mut rows = Rows::open(input)?;
    while let Ok(true) = rows.advance()? {
        let [partner_client, to_object_type, to_id, association_type] = rows.values();
        if all_in_file {
            partner_clients.insert(partner_client.to_owned());
        }
        let Ok(association) = Association::new(partner_client, to_object_type, to_id, association_type) else { break };
        desired.push(association);
    }
    if desired.len() as u64 != checked.rows {
        return Err(rows.changed().and_then_do("Nothing was sent."));
    }
    let mut reconcile = client.reconcile(partner_clients, to_type, desired);
    if arguments.skip_unknown {
        reconcile = reconcile.skip_unknown();
    }
    if let Some(account) = account {
        reconcile = reconcile.account(account);
    }
    let only = &arguments.only_types;
    let reconcile = only.iter().fold(reconcile, |reconcile, only| reconcile.only_type(only));
    reconcile.plan().await.map_err(|error| suggest::with_hint(error, to_type))
}

/// A plan to have what an older plan is for, from what there is now: what others have made since, the run does not make.
async fn renewed(plan: &Plan, client: &Client) -> Result<Plan, Failure> {
    // One of another server or version is refused.
    if plan.server != *client.raw().baseurl() || plan.api_version != client.api_version() {
        return Ok(plan.clone());
    }
    let desired: Vec<_> = plan.add.iter().chain(&plan.keep).cloned().collect();
    let reconcile = client.reconcile(plan.partner_clients.clone(), plan.to_object_type.clone(), desired).skip_unknown();
    let reconcile = match &plan.account {
        Some(account) => reconcile.account(account),
        None => reconcile,
    };
    let only = plan.only_types.iter();
    Ok(only.fold(reconcile, |reconcile, only| reconcile.only_type(only.as_str())).plan().await?)
}

/// Tells a file and what is asked of it from others.
fn digest(input: &str, to_type: &str, arguments: &Reconcile) -> String {
    let flags = format!("{} {}", arguments.all_in_file, arguments.skip_unknown);
    let mut hash = Hash::new();
    let parts = [input, to_type, &flags].into_iter().map(str::to_owned);
    let lists = [&arguments.only_types, &arguments.partner_clients].map(|list| list.join(","));
    for part in parts.chain(lists) {
        hash.update(part);
        hash.update("\n");
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn confirm(plan: &Plan, arguments: &Reconcile, target: &Target) -> Result<(), Failure> {
    if plan.remove.is_empty() {
        return Ok(());
    }
    let removed = counted(plan.remove.len() as u64, "association");
    let from: BTreeSet<_> = plan.remove.iter().map(|change| &change.partner_client_id).collect();
    let from = counted(from.len() as u64, "partner client");
    let question = match plan.add.len() {
        0 => format!("Remove {removed} of {from}?"),
        added => format!("Add {} and remove {removed} of {from}?", HumanCount(added as u64)),
    };
    question::ask(arguments.yes.yes, target.simulator, &format!("the plan removes {removed}"), &question).await
}

/// What is carried out.
struct Run<'a> {
    plan: &'a Plan,
    /// Of an older plan, what it is now.
    renewed: Option<Plan>,
    digest: &'a str,
    account: Option<&'a str>,
    journal: Option<Journal>,
}

async fn apply(
    Run { plan, renewed, digest, account, journal }: Run<'_>,
    client: &Client,
    arguments: &Reconcile,
    files: &Files,
    stop: impl Future<Output = ()>,
) -> Result<Applied, Failure> {
    let undo = || {
        let path = arguments.undo.as_ref()?;
        Some(Begun::new(path, named(RECONCILE, digest), vec![renewed.as_ref().unwrap_or(plan).clone()]))
    };
    if plan.is_empty() {
        // A script that takes a run back finds a file all the same.
        if arguments.undo.as_ref().is_some_and(|path| !path.exists()) {
            undo().map_or(Ok(()), |begun| begun.and_then(|mut begun| begun.write()))?;
        }
        return Ok(Applied::default());
    }
    let mut apply = plan.apply(client);
    if arguments.remove_anyway {
        apply = apply.remove_anyway();
    }
    if let Some(account) = account {
        apply = apply.account(account);
    }
    let mut undo = undo().transpose()?;
    if let Some(journal) = journal {
        files.keep_plan(plan)?;
        apply = apply.journal(journal);
    }
    // Before anything is sent, so that it is right whenever the run ends.
    if let Some(undo) = &mut undo {
        undo.write()?;
    }
    let applied = apply.run_until(stop).await;
    match (undo, &applied) {
        (Some(undo), Ok(applied)) => {
            let changed = applied.changed(plan);
            let changed: HashSet<_> = changed.add.iter().chain(&changed.remove).collect();
            let unchanged = plan.add.iter().chain(&plan.remove).filter(|change| !changed.contains(change));
            let unsettled: HashSet<_> = applied.unsettled.iter().collect();
            let (not_begun, undone): (Vec<_>, Vec<_>) = unchanged.partition(|change| unsettled.contains(change));
            if not_begun.len() == plan.add.len() + plan.remove.len() {
                undo.give_up();
            } else {
                let not_by_this_run = applied.already_done.iter().chain(not_begun);
                undo.end(undone.into_iter().cloned(), not_by_this_run.cloned());
            }
        }
        (Some(undo), Err(_)) => undo.give_up(),
        (None, _) => {}
    }
    Ok(applied?)
}
