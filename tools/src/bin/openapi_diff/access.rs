//! What an operation asks of its callers: a token, and the scopes of it.

use std::collections::BTreeMap;

use openapiv3::{OpenAPI, Operation, ReferenceOr};

use crate::{
    codegen::{generators, scopes},
    found::{Breaks, Difference, Use},
};

struct Access {
    scopes: Vec<Vec<String>>,
    schemes: Vec<Vec<String>>,
    /// Whether it takes a token alone, as the client sends it.
    by_token: bool,
}

/// Access comes from the corrected documents: HubSpot's list scopes of other products as well.
pub fn differences(old: &OpenAPI, new: &OpenAPI) -> Vec<Difference> {
    let by_operation = |api: &OpenAPI| -> BTreeMap<String, Access> {
        api.operations()
            .map(|(_, _, operation)| (operation.operation_id.clone().unwrap_or_default(), access(api, operation)))
            .collect()
    };
    let (old, new) = (by_operation(old), by_operation(new));
    let both = old.iter().filter_map(|(name, before)| Some((name, before, new.get(name)?)));
    both.filter_map(|(name, before, after)| {
        let users = Use { operations: [name.clone()].into(), ..Use::default() };
        if before.by_token != after.by_token {
            let breaks = if after.by_token { Breaks::No } else { Breaks::Yes };
            let detail = format!("{} → {}", in_words(&before.schemes), in_words(&after.schemes));
            return Some(Difference::new("authentication changed", name.clone(), detail, breaks, &users));
        }
        let (before, after) = (&before.scopes, &after.scopes);
        if before == after {
            return None;
        }
        // Whoever had enough has enough.
        let still = |had: &Vec<String>| after.iter().any(|all| all.iter().all(|scope| had.contains(scope)));
        let enough = after.is_empty() || !before.is_empty() && before.iter().all(still);
        let breaks = if enough { Breaks::No } else { Breaks::Yes };
        let detail = format!("{} → {}", in_words(before), in_words(after));
        Some(Difference::new("scopes changed", name.clone(), detail, breaks, &users))
    })
    .collect()
}

fn access(api: &OpenAPI, operation: &Operation) -> Access {
    let described = api.components.as_ref().map(|components| &components.security_schemes);
    let is_token = |name: &String| {
        let scheme = described.and_then(|schemes| schemes.get(name)).and_then(ReferenceOr::as_item);
        scheme.is_none_or(generators::is_token)
    };
    let alternatives = operation.security.as_deref().unwrap_or_default();
    Access {
        scopes: scopes::alternatives(operation)
            .into_iter()
            .map(|all| all.into_iter().map(str::to_owned).collect())
            .collect(),
        schemes: alternatives.iter().map(|alternative| alternative.keys().cloned().collect()).collect(),
        by_token: alternatives.is_empty() || alternatives.iter().any(|all| all.keys().all(is_token)),
    }
}

pub fn in_words(alternatives: &[Vec<String>]) -> String {
    let all: Vec<_> = alternatives.iter().map(|all| all.join(" and ")).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(" or ") }
}
