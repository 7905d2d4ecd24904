//! The question before anything is removed.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, IsTerminal, Write, stderr, stdin},
    thread,
};

use hubspot_partner_clients::reconcile::Plan;
use tokio::sync::oneshot;

use crate::failure::Failure;

/// Asks on the terminal whether to remove what the plan says.
pub(super) async fn ask(plan: &Plan, yes: bool) -> Result<(), Failure> {
    if yes || plan.remove.is_empty() {
        return Ok(());
    }
    let removed =
        if plan.remove.len() == 1 { "1 association".to_owned() } else { format!("{} associations", plan.remove.len()) };
    if !stdin().is_terminal() || !stderr().is_terminal() {
        let message = format!("the plan removes {removed}, and there is no terminal to ask whether that is meant");
        return Err(Failure::file(message, "Look at the plan, then give --yes as well; nothing was changed."));
    }
    let from: BTreeSet<_> = plan.remove.iter().map(|change| &change.partner_client_id).collect();
    let from = if from.len() == 1 { "1 partner client".to_owned() } else { format!("{} partner clients", from.len()) };
    // There is a terminal, and an answer cannot come without the question.
    let asked = write!(stderr(), "Add {}, and remove {removed} of {from}? [y/N] ", plan.add.len());
    asked.and_then(|()| stderr().flush()).map_err(|error| Failure::io("the question cannot be asked", &error))?;
    let (answered, answer) = oneshot::channel();
    // A thread of its own, so that signals are heard while it waits.
    thread::spawn(move || answered.send(is_yes(&mut stdin().lock())));
    match answer.await {
        Ok(Ok(true)) => Ok(()),
        Ok(Err(error)) => Err(Failure::io("the answer cannot be read", &error)),
        Ok(Ok(false)) | Err(_) => {
            let remedy = "Give the command again and answer y, or give --yes.";
            Err(Failure::file("the plan was not agreed to, and nothing was changed", remedy))
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
