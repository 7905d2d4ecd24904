//! Which differences between two descriptions reach the users of the SDK.

use std::{collections::BTreeMap, path::Path};

use openapiv3::OpenAPI;
use serde::Serialize;

use crate::{
    access,
    codegen::{
        self, Joined, Problem, correct,
        demands::{self, Demand, Demanded},
        merge,
        operations::{self, Family, Known},
        read::{self, Document},
        walk,
    },
    difference::{differences, marks},
    found::{Breaks, Difference, Use},
    plain, versions,
};

/// A difference as it is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub breaking: bool,
    pub what: &'static str,
    /// Where: an operation, one of its parameters, a field of a schema.
    pub place: String,
    pub detail: String,
    /// The operations it concerns.
    pub operations: Vec<String>,
}

/// What HubSpot documents is compared, and then what the SDK makes of it: what the corrections level out, and what is
/// completed from this crate's own description, breaks nobody. From one family of versions to the other, operations are
/// compared with what takes their place. What had to be left out of a description is told in `warnings`.
pub fn changes(old_path: &Path, new_path: &Path, warnings: &mut Vec<Problem>) -> Result<Vec<Change>, String> {
    let (mut before, from) = read_documents(old_path)?;
    let (mut after, to) = read_documents(new_path)?;
    let ((mut old, _), (mut new, renamed)) = (built(old_path, warnings)?, built(new_path, warnings)?);
    for api in [&mut before, &mut after] {
        codegen::scopes::of_partner_clients(api);
        correct::sub_categories_are_any_value(api);
    }
    let mut across = versions::align(&mut before, &after);
    versions::align(&mut old, &new);
    if let (Some(from), Some(to)) = (from, to)
        && from != to
    {
        across.extend(versions::successors(&mut before, &mut after, (from, to)));
        // Those of both are in what is built of either.
        for api in [&mut old, &mut new] {
            merge::drop_operations(api, |method, path, _| {
                Known::find(method, path).is_some_and(|known| known.family != Family::Every)
            });
        }
    }
    let (before, after) = same_families(before, after);
    let mut documented = compared(before, after)?;
    documented.extend(new_demands(&documented, (old_path, new_path))?);
    let built = compared(old.clone(), new.clone())?;

    let survives = |change: &Difference| built.iter().any(|b| (b.what, &b.place) == (change.what, &change.place));
    let mut changes: Vec<_> = documented
        .into_iter()
        .map(|change| {
            let breaking = match change.breaks {
                Breaks::No => false,
                Breaks::UnlessCorrected => survives(&change),
                Breaks::Yes => {
                    let schema = change.place.split('.').next().unwrap_or_default();
                    !correct::takes_less_than_documented(schema) || renamed.contains_key(schema)
                }
            };
            report(change, breaking)
        })
        .chain(across.into_iter().map(|change| {
            let breaking = change.breaks != Breaks::No;
            report(change, breaking)
        }))
        .chain(access::differences(&old, &new).into_iter().map(|change| {
            let breaking = change.breaks == Breaks::Yes;
            report(change, breaking)
        }))
        .collect();
    changes.sort_by(|a, b| (!a.breaking, a.what, &a.place).cmp(&(!b.breaking, b.what, &b.place)));
    Ok(changes)
}

/// Operations are told apart by their names: drift takes two for one whose paths differ in the names of parameters only, also
/// where these are swapped. One that has another name because of others beside it is the same.
fn compared(mut old: OpenAPI, mut new: OpenAPI) -> Result<Vec<Difference>, String> {
    let mut found = renamed_operations(&mut old, &new);
    let names = |api: &OpenAPI| -> BTreeMap<String, (String, String)> {
        let operations = api.operations().map(|(path, method, operation)| {
            let name = operation.operation_id.clone().unwrap_or_default();
            (name, (method.to_uppercase(), path.to_owned()))
        });
        operations.collect()
    };
    let (before, after) = (names(&old), names(&new));
    let is_in_both = |name: &str| match (before.get(name), after.get(name)) {
        (Some((_, was)), Some((_, is))) => !operations::is_swapped(was, is),
        _ => false,
    };
    for (of, what, breaks) in
        [(&before, "operation removed", Breaks::UnlessCorrected), (&after, "operation added", Breaks::No)]
    {
        for (name, (method, path)) in of.iter().filter(|(name, _)| !is_in_both(name)) {
            let users = Use { operations: [name.clone()].into(), ..Use::default() };
            found.push(Difference::new(what, name.clone(), format!("{method} {path}"), breaks, &users));
        }
    }
    for api in [&mut old, &mut new] {
        merge::drop_operations(api, |_, _, operation| {
            !is_in_both(operation.operation_id.as_deref().unwrap_or_default())
        });
    }
    let (old, new) = (plain::document(old), plain::document(new));
    found.extend(differences(&old, &new)?);
    found.extend(marks(&old, &new));
    Ok(found)
}

/// Operations that Rust calls something else because others of the name came or went; they get the new name.
fn renamed_operations(old: &mut OpenAPI, new: &OpenAPI) -> Vec<Difference> {
    let names: BTreeMap<(String, String), Option<String>> = new
        .operations()
        .map(|(path, method, operation)| ((method.to_uppercase(), path.to_owned()), operation.operation_id.clone()))
        .collect();
    let mut renamed = Vec::new();
    for (method, path, operation) in walk::operations(old) {
        let Some(Some(new)) = names.get(&(method.to_owned(), path.to_owned())) else { continue };
        if let Some(old) = operation.operation_id.replace(new.clone()).filter(|old| old != new) {
            let users = Use { operations: [new.clone()].into(), ..Use::default() };
            let detail = format!("it was {old} in Rust");
            renamed.push(Difference::new("operation renamed", new.clone(), detail, Breaks::Yes, &users));
        }
    }
    renamed
}

fn report(difference: Difference, breaking: bool) -> Change {
    let Difference { what, place, mut detail, operations, .. } = difference;
    if what == "operation removed" && !breaking {
        detail += "; this crate's own description stands in";
    }
    Change { breaking, what, place, detail, operations: operations.into_iter().collect() }
}

fn read_documents(path: &Path) -> Result<(OpenAPI, Option<Family>), String> {
    let documents = read::path(path).map_err(|problem| problem.to_string())?;
    let family = versions::family(&documents);
    let api = merge::documents(documents, &mut Vec::new()).map_err(|problem| problem.to_string())?;
    Ok((api, family))
}

/// A description that has no operation of a family of versions says nothing of it: HubSpot describes each version by
/// itself. What the other one has of that family is not compared.
fn same_families(mut old: OpenAPI, mut new: OpenAPI) -> (OpenAPI, OpenAPI) {
    for family in [Family::V3, Family::Dated] {
        let is_of = |method: &str, path: &str| Known::find(method, path).is_some_and(|known| known.family == family);
        let has = |api: &mut OpenAPI| walk::operations(api).any(|(method, path, _)| is_of(method, path));
        if has(&mut old) != has(&mut new) {
            for api in [&mut old, &mut new] {
                merge::drop_operations(api, |method, path, _| is_of(method, path));
            }
        }
    }
    (old, new)
}

/// What one of several documents demands of the known operations, and what all of them together have as optional. The build
/// refuses it.
fn new_demands(told: &[Difference], (old, new): (&Path, &Path)) -> Result<Vec<Difference>, String> {
    let own = documented(Path::new(OWN))?;
    let (met, mut demanded) = (demands_of(old, &own)?, demands_of(new, &own)?);
    demanded.retain(|demand, _| !met.contains_key(demand));
    let mut found: Vec<Difference> = Vec::new();
    for (Demand { operation, of }, file) in demanded {
        let (what, place) = match of {
            Demanded::Parameter(name) => ("parameter made required", format!("{operation}({name})")),
            Demanded::Body => ("request body added", operation.to_owned()),
            Demanded::Field { schema, field } => ("field made required", format!("{schema}.{field}")),
        };
        if told.iter().any(|told| told.place == place && told.breaks == Breaks::Yes) {
            continue;
        }
        match found.iter_mut().find(|other| other.place == place) {
            Some(other) => drop(other.operations.insert(operation.to_owned())),
            None => {
                let users = Use { sent: true, operations: [operation.to_owned()].into(), ..Use::default() };
                found.push(Difference::new(what, place, format!("in {file}"), Breaks::Yes, &users));
            }
        }
    }
    Ok(found)
}

/// Each demand, and the document that has it.
fn demands_of(path: &Path, own: &OpenAPI) -> Result<BTreeMap<Demand, String>, String> {
    let documents = read::path(path).map_err(|problem| problem.to_string())?;
    let of = |document: Document| {
        demands::of_document(&document, own).into_iter().map(move |of| (of, document.file.clone()))
    };
    Ok(documents.into_iter().flat_map(of).collect())
}

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi");

fn documented(path: &Path) -> Result<OpenAPI, String> {
    codegen::documented(&[path], Path::new(OWN), &mut Vec::new()).map_err(|problem| problem.to_string())
}

/// What the build makes of a description, and the schemas that it calls something else because an operation of this crate's own has
/// another thing of their name. Each has the name that its document gives it, and the other thing has the other.
fn built(path: &Path, warnings: &mut Vec<Problem>) -> Result<(OpenAPI, BTreeMap<String, String>), String> {
    let documents = read::path(path).map_err(|problem| problem.to_string())?;
    let joined =
        codegen::joined(documents, &[path], Path::new(OWN), warnings).map_err(|problem| problem.to_string())?;
    let Joined { mut api, renamed, .. } = joined;
    correct::document(&mut api);
    let both_ways = renamed.iter().flat_map(|(name, new)| [(name.as_str(), new.clone()), (new, name.clone())]);
    walk::rename(&mut api, &both_ways.collect());
    // What HubSpot documents of failures is compared, although the build has this crate's own.
    correct::every_operation_can_fail(&mut api);
    Ok((api, renamed))
}
