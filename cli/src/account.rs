//! The HubSpot account that a command is for.

use std::path::Path;

use hubspot_partner_clients::{Account, Client, Error, ErrorKind};
use serde_json::json;

use crate::{
    failure::{Failure, warn, write_to_stderr},
    printable::{printable, to_line},
};

/// The id of an account as an argument.
pub(super) fn id(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("an account id is not empty; HubSpot shows it beside the account's name".to_owned());
    }
    Ok(text.to_owned())
}

/// Asks whose account it is, says so on standard error, and refuses another one than `wanted`. None where HubSpot does not
/// tell.
pub(super) async fn named(client: &Client, wanted: Option<&str>, json: bool) -> Result<Option<String>, Failure> {
    match client.account().await {
        Ok(account) => {
            let line = if json {
                to_line(&json!({ "account": account }))
            } else {
                printable(&format!("Account {}", described(&account))) + "\n"
            };
            match wanted {
                Some(wanted) if wanted != account.id => Err(another(&account, wanted)),
                _ => {
                    write_to_stderr(&line);
                    Ok(Some(account.id))
                }
            }
        }
        Err(error) if wanted.is_some() => Err(Failure::from(error)
            .and_then_do("The account could not be compared with --account, so nothing was changed.")),
        Err(error) if is_not_told(&error) => {
            let message = format!("HubSpot does not tell which account the token is for: {error}");
            warn(json!({"kind": "account", "message": message}), json);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Says that a file does not say whose account it is of.
pub(super) fn warn_unbound(path: &Path, json: bool) {
    let message =
        format!("{} does not say which account it is of: make sure that the token is for that account", path.display());
    warn(json!({"kind": "account", "message": message}), json);
}

/// Says that no later run goes on with a file of this one, because HubSpot does not tell the account.
pub(super) fn warn_last(kind: &str, path: &Path, json: bool) {
    let message = format!("without an account, no later run can go on with the {kind} {}", path.display());
    warn(json!({"kind": kind, "message": message}), json);
}

/// The file that there is already may be of any account.
pub(super) fn may_be_another(path: &Path) -> Failure {
    let message = format!(
        "{} already exists and may be of another account, because HubSpot does not tell which one the token is for",
        path.display()
    );
    Failure::file(message, "Give --undo another path; nothing was changed.")
}

/// What a run that was interrupted has to be given anew, where HubSpot does not tell the account.
pub(super) fn other_paths(has_journal: bool, has_undo: bool) -> &'static str {
    match (has_journal, has_undo) {
        (true, false) => " Give --journal another path: this one is of no account.",
        (false, true) => " Give --undo another path and keep both files: this one is of no account.",
        (true, true) => " Give --journal and --undo other paths, and keep both undo files: these are of no account.",
        (false, false) => "",
    }
}

pub(super) fn described(account: &Account) -> String {
    let more = [&account.account_type, &account.ui_domain].into_iter().flatten();
    let more: Vec<_> = more.map(String::as_str).collect();
    if more.is_empty() { account.id.clone() } else { format!("{} ({})", account.id, more.join(", ")) }
}

pub(super) fn another(account: &Account, wanted: &str) -> Failure {
    let message = format!("the token is for the account {}, not for {wanted}", described(account));
    let remedy = format!(
        "Set HUBSPOT_ACCESS_TOKEN to a token of the account {wanted}, or leave out --account if {} is the right one. \
         Nothing was changed.",
        account.id
    );
    Failure::account(message, remedy)
}

/// Whether the other requests may succeed all the same.
fn is_not_told(error: &Error) -> bool {
    use ErrorKind::{Decode, Forbidden, MissingScope, NotFound, Redirect, Refused, TooLarge, UnknownPath};
    matches!(error.kind(), Decode | Forbidden | MissingScope | NotFound | Redirect | Refused | TooLarge | UnknownPath)
}
