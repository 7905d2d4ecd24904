//! The name of a HubSpot account as an argument.

/// The name of a HubSpot account, as it binds journals, plans and jobs.
pub(super) fn account(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("an account id is not empty; HubSpot shows it beside the account's name".to_owned());
    }
    Ok(text.to_owned())
}
