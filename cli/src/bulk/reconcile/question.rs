//! The question before anything is removed.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, IsTerminal, Write, stderr, stdin},
    thread,
};

use hubspot_partner_clients::reconcile::Plan;
use indicatif::HumanCount;
use tokio::sync::oneshot;

use crate::{failure::Failure, words::counted};

/// Asks on the terminal whether to remove what the plan says.
pub(super) async fn ask(plan: &Plan, yes: bool) -> Result<(), Failure> {
    if yes || plan.remove.is_empty() {
        return Ok(());
    }
    let removed = counted(plan.remove.len() as u64, "association");
    if !stdin().is_terminal() || !stderr().is_terminal() {
        let message = format!("the plan removes {removed}, and there is no terminal to confirm that on");
        return Err(Failure::file(message, "Review the plan, then add --yes; nothing was changed."));
    }
    let from: BTreeSet<_> = plan.remove.iter().map(|change| &change.partner_client_id).collect();
    let from = counted(from.len() as u64, "partner client");
    let question = match plan.add.len() {
        0 => format!("Remove {removed} of {from}? [y/N] "),
        added => format!("Add {} and remove {removed} of {from}? [y/N] ", HumanCount(added as u64)),
    };
    // There is a terminal, and a response cannot come without the question.
    let asked = stderr().write_all(question.as_bytes());
    asked.and_then(|()| stderr().flush()).map_err(|error| Failure::io("the question cannot be asked", &error))?;
    let (answered, answer) = oneshot::channel();
    // A thread of its own, so that signals are heard while it waits.
    thread::spawn(move || answered.send(is_yes(&mut stdin().lock())));
    match answer.await {
        Ok(Ok(true)) => Ok(()),
        Ok(Err(error)) => Err(Failure::io("the answer cannot be read", &error)),
        Ok(Ok(false)) | Err(_) => {
            let remedy = "Run the command again and answer y, or add --yes.";
            Err(Failure::file("the plan was not confirmed; nothing was changed", remedy))
        }
    }
}

fn is_yes(input: &mut impl BufRead) -> io::Result<bool> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(["y", "yes"].contains(&line.trim().to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_yes_is_yes() {
        for (answer, expected) in [("y\n", true), (" YES \r\n", true), ("", false), ("\n", false), ("n\ny\n", false)] {
            assert_eq!(is_yes(&mut answer.as_bytes()).ok(), Some(expected), "{answer:?}");
        }
    }
}
