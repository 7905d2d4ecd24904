//! The question before anything is removed.

use std::{
    io::{self, BufRead, IsTerminal, Write, stderr, stdin},
    thread,
};

use clap::Args;
use tokio::sync::oneshot;

use crate::failure::Failure;

/// The option that answers the question.
#[derive(Args)]
pub(crate) struct Yes {
    /// Remove associations without asking; required where there is no terminal
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Asks on the terminal whether to remove something. `what` says who removes what, such as `the plan removes 3 associations`.
/// Nobody is asked about a simulator, which forgets everything at the end.
pub(crate) async fn ask(yes: bool, is_simulator: bool, what: &str, question: &str) -> Result<(), Failure> {
    if yes || is_simulator {
        return Ok(());
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        let message = format!("{what}, and there is no terminal to confirm that on");
        return Err(Failure::file(message, "Make sure that it is right, then add --yes; nothing was changed."));
    }
    // There is a terminal, and a response cannot come without the question.
    let asked = stderr().write_all(format!("{question} [y/N] ").as_bytes());
    asked.and_then(|()| stderr().flush()).map_err(|error| Failure::io("the question cannot be asked", &error))?;
    let (answered, answer) = oneshot::channel();
    // A thread of its own, so that signals are heard while it waits.
    thread::spawn(move || answered.send(is_yes(&mut stdin().lock())));
    match answer.await {
        Ok(Ok(true)) => Ok(()),
        Ok(Err(error)) => Err(Failure::io("the answer cannot be read", &error)),
        Ok(Ok(false)) | Err(_) => {
            let remedy = "Run the command again and answer y, or add --yes.";
            Err(Failure::file("the removal was not confirmed; nothing was changed", remedy))
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
