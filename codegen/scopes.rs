//! The scopes of an operation: alternatives, each of which is enough, of scopes that are all needed.

use openapiv3::{OpenAPI, Operation};

use super::{
    operations::{BY_TYPE, Known},
    walk,
};

/// The alternatives, each sorted. One that asks for more than another says nothing and is left out.
pub fn alternatives(operation: &Operation) -> Vec<Vec<&str>> {
    let mut alternatives: Vec<Vec<&str>> = operation
        .security
        .iter()
        .flatten()
        .map(|alternative| {
            let mut scopes: Vec<_> = alternative.values().flatten().map(String::as_str).collect();
            scopes.sort();
            scopes.dedup();
            scopes
        })
        .filter(|scopes| !scopes.is_empty())
        .collect();
    alternatives.sort();
    alternatives.dedup();
    let all = alternatives.clone();
    let is_enough = |fewer: &[&str], more: &[&str]| fewer.len() < more.len() && fewer.iter().all(|s| more.contains(s));
    alternatives.retain(|scopes| !all.iter().any(|fewer| is_enough(fewer, scopes)));
    alternatives
}

/// HubSpot's documents list with the operations on associations the scopes of every product they serve, one in each
/// alternative. Of those, only the ones of partner clients give access to partner clients, and of those the one that the
/// operation's own page names; where none is listed, or no scope at all, that page has it.
pub fn of_partner_clients(api: &mut OpenAPI) {
    for (method, path, operation) in walk::operations(api) {
        let known = Known::find(method, path);
        if known.is_some_and(|known| known.scope == BY_TYPE) {
            continue;
        }
        if let Some(known) = known.filter(|_| alternatives(operation).is_empty()) {
            let scope = ("oauth2".to_owned(), vec![known.scope.to_owned()]);
            operation.security = Some(vec![[scope].into_iter().collect()]);
        }
        let Some(security) = &mut operation.security else { continue };
        if known.is_none() && !path.split('/').any(|segment| segment == "partner_clients") {
            continue;
        }
        type Alternative = openapiv3::SecurityRequirement;
        let names =
            |alternative: &Alternative, is: &dyn Fn(&str) -> bool| alternative.values().flatten().any(|s| is(s));
        let is_known = |scope: &str| known.is_some_and(|known| known.scope == scope);
        let is_ours = |scope: &str| scope.contains("partner-clients") || scope.contains("partner_clients");
        if security.iter().any(|alternative| names(alternative, &is_known)) {
            security.retain(|alternative| names(alternative, &is_known));
        } else if security.iter().any(|alternative| names(alternative, &is_ours)) {
            security.retain(|alternative| names(alternative, &is_ours));
        } else if let Some(known) = known {
            for scopes in security.iter_mut().flat_map(|a| a.values_mut()).filter(|scopes| !scopes.is_empty()) {
                *scopes = vec![known.scope.to_owned()];
            }
        }
        let mut seen = Vec::new();
        security.retain(|alternative| {
            let is_new = !seen.contains(alternative);
            seen.push(alternative.clone());
            is_new
        });
    }
}
