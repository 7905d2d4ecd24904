//! The HubSpot account that a command is for.

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
