//! One document out of several.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use openapiv3::{OpenAPI, Operation, PathItem, ReferenceOr, SecurityScheme};
use serde_json::{Value, json};

use super::{
    NAMED, Problem, Result, agree, bodies, correct, operations,
    operations::KNOWN,
    read::{Document, same_parameter},
    segments, walk,
};

/// Joins the documents; the one with the most operations leads and gives title, version and servers, after those of v3 the
/// ones of dated versions, the newest first.
///
/// A schema that several documents have is one if they differ in what is optional, and otherwise one for each of them. An
/// operation that several have is described by the first, and gets the optional parameters and the successes that only others list.
pub fn documents(mut documents: Vec<Document>, warnings: &mut Vec<Problem>) -> Result<OpenAPI> {
    documents.sort_by_cached_key(|document| Reverse(document.api.operations().count()));
    documents.sort_by(|a, b| segments::by_age(a.version.as_deref(), b.version.as_deref()));
    warnings.extend(documents.iter_mut().flat_map(|document| std::mem::take(&mut document.warnings)));
    let mut documents = documents.into_iter();
    let Some(Document { file, api: mut merged, version: mut last, .. }) = documents.next() else {
        return Err(Problem::new("openapi", "the directory", "no document", "add one"));
    };
    let mut files: BTreeMap<_, String> = places(&mut merged).map(|place| (place, file.clone())).collect();
    let mut described = BTreeSet::new();
    for Document { file, mut api, version, .. } in documents {
        if version != last {
            described = places(&mut merged).collect();
            last.clone_from(&version);
        }
        operations::call_paths_as_in(&mut api, &merged);
        if version.is_some() {
            // Another version's documents have it already.
            drop_operations(&mut api, |method, path, _| described.contains(&(method.to_owned(), path.to_owned())));
        }
        join_schemas(&mut merged, &mut api, (&document_name(&file), version.as_deref().unwrap_or_default()));
        for place in places(&mut api) {
            files.entry(place).or_insert_with(|| file.clone());
        }
        for (path, item) in std::mem::take(&mut api.paths.paths) {
            let ReferenceOr::Item(item) = item else { continue };
            let known =
                merged.paths.paths.entry(path.clone()).or_insert_with(|| ReferenceOr::Item(PathItem::default()));
            let ReferenceOr::Item(known) = known else { continue };
            for ((method, operation), (_, known)) in walk::slots(item).into_iter().zip(walk::slots_mut(known)) {
                match (operation, known) {
                    (None, _) => {}
                    (Some(operation), known @ None) => *known = Some(operation),
                    (Some(operation), Some(known)) => {
                        if !join_operations(known, operation) {
                            let name = known.operation_id.as_deref().expect(NAMED);
                            let other = files.get(&(method.to_owned(), path.clone())).unwrap_or(&file);
                            warnings.push(Problem::new(
                                &file,
                                format!("#/paths/{}/{}", path.replace('/', "~1"), method.to_lowercase()),
                                format!("another `{name}` than in {other}"),
                                "the latter is used; take the other away to end this warning",
                            ));
                        }
                    }
                }
            }
        }
        let known = merged.components.get_or_insert_default();
        for (name, scheme) in api.components.unwrap_or_default().security_schemes {
            join_scopes(known.security_schemes.entry(name).or_insert_with(|| scheme.clone()), &scheme);
        }
        for tag in api.tags {
            if merged.tags.iter().all(|known| known.name != tag.name) {
                merged.tags.push(tag);
            }
        }
    }
    operations::tell_names_apart(&mut merged);
    Ok(merged)
}

/// Each document lists the scopes that its own operations need.
fn join_scopes(known: &mut ReferenceOr<SecurityScheme>, scheme: &ReferenceOr<SecurityScheme>) {
    if let ReferenceOr::Item(SecurityScheme::OAuth2 { flows: known, .. }) = known
        && let ReferenceOr::Item(SecurityScheme::OAuth2 { flows, .. }) = scheme
        && let (Some(known), Some(flow)) = (&mut known.authorization_code, &flows.authorization_code)
    {
        for (scope, allows) in &flow.scopes {
            known.scopes.entry(scope.clone()).or_insert_with(|| allows.clone());
        }
    }
}

/// The method and the path of each operation. Their names are those of one document until all are joined.
fn places(api: &mut OpenAPI) -> impl Iterator<Item = (String, String)> {
    walk::operations(api).map(|(method, path, _)| (method.to_owned(), path.to_owned()))
}

/// `PartnerClients` of `partner_clients.json`.
fn document_name(file: &str) -> String {
    let stem = std::path::Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    let mut name = String::new();
    let mut upper = true;
    for c in stem.chars() {
        match c.is_ascii_alphanumeric() {
            true if upper => name.extend(c.to_uppercase()),
            true => name.push(c),
            false => {}
        }
        upper = !c.is_ascii_alphanumeric();
    }
    name
}

/// Puts the schemas of `api` into `merged`. Those that say something else than the one of their name there get the name of
/// their document in front, and so do those that need them. The new names are returned, by the old ones.
pub fn join_schemas(
    merged: &mut OpenAPI,
    api: &mut OpenAPI,
    (document, version): (&str, &str),
) -> BTreeMap<String, String> {
    let schemas = |api: &OpenAPI| json!(api.components.as_ref().map(|components| &components.schemas));
    let corrected = |api: &OpenAPI| {
        let mut api = api.clone();
        correct::document(&mut api);
        schemas(&api)
    };
    let (ours, theirs) = (schemas(merged), schemas(api));
    let names: Vec<&String> = theirs.as_object().into_iter().flat_map(|schemas| schemas.keys()).collect();
    let both: Vec<&String> = names.iter().copied().filter(|name| ours.get(name.as_str()).is_some()).collect();
    let mut joined = BTreeMap::new();
    let mut renamed: BTreeMap<&str, String> = BTreeMap::new();
    if both.iter().any(|name| ours[name.as_str()] != theirs[name.as_str()]) {
        // What the corrections level out is no conflict.
        let (ours_true, theirs_true) = (corrected(merged), corrected(api));
        for &name in &both {
            let agreed = agree::schemas(&ours[name], &theirs[name])
                .or_else(|| agree::schemas(&ours_true[name], &theirs_true[name]));
            match agreed {
                Some(schema) => drop(joined.insert(name.as_str(), schema)),
                None => drop(renamed.insert(name, String::new())),
            }
        }
        // One that leads to a schema of another name says something else as well.
        loop {
            let led: Vec<&String> = both
                .iter()
                .copied()
                .filter(|name| !renamed.contains_key(name.as_str()))
                .filter(|name| {
                    walk::references(&theirs[name.as_str()]).iter().any(|to| renamed.contains_key(to.as_str()))
                })
                .collect();
            if led.is_empty() {
                break;
            }
            renamed.extend(led.into_iter().map(|name| (name.as_str(), String::new())));
        }
    }
    let taken = |name: &str| ours.get(name).is_some() || theirs.get(name).is_some();
    for (name, new) in &mut renamed {
        *new = format!("{document}{name}");
        if taken(new) {
            let digits: String = version.chars().filter(char::is_ascii_alphanumeric).collect();
            *new = format!("{document}{digits}{name}");
        }
        while taken(new) {
            new.push('2');
        }
    }
    if !renamed.is_empty() {
        walk::rename(api, &renamed);
    }
    let known = &mut merged.components.get_or_insert_default().schemas;
    for (name, schema) in api.components.iter().flat_map(|components| &components.schemas) {
        match joined.remove(name.as_str()).and_then(|schema| serde_json::from_value(schema).ok()) {
            Some(schema) => drop(known.insert(name.clone(), schema)),
            None => drop(known.entry(name.clone()).or_insert_with(|| schema.clone())),
        }
    }
    renamed.into_iter().map(|(name, new)| (name.to_owned(), new)).collect()
}

/// Whether the second says the same, or adds what is optional.
fn join_operations(known: &mut Operation, operation: Operation) -> bool {
    let content = |response: &ReferenceOr<openapiv3::Response>| match response {
        ReferenceOr::Item(response) => Some(bodies::taken(&response.content)?.1.schema.clone()),
        ReferenceOr::Reference { .. } => None,
    };
    let body = |body: &Option<ReferenceOr<openapiv3::RequestBody>>| match body {
        Some(ReferenceOr::Item(body)) => bodies::taken(&body.content).and_then(|(_, of)| of.schema.clone()),
        _ => None,
    };
    let agree = |a: Value, b: Value| agree::schemas(&a, &b).is_some();
    let mut same = agree(json!(body(&known.request_body)), json!(body(&operation.request_body)));
    for (status, response) in operation.responses.responses {
        match known.responses.responses.get(&status) {
            Some(known) => same &= agree(json!(content(known)), json!(content(&response))),
            None if bodies::is_success(&status) => drop(known.responses.responses.insert(status, response)),
            None => {}
        }
    }
    for parameter in operation.parameters {
        let ReferenceOr::Item(item) = &parameter else { continue };
        let data = item.parameter_data_ref();
        match known.parameters.iter().find(|known| same_parameter(known, &parameter)) {
            None if data.required => same = false,
            None => known.parameters.push(parameter),
            Some(ReferenceOr::Item(known)) => {
                let known = known.parameter_data_ref();
                let schema = |data: &openapiv3::ParameterData| json!(data.format)["schema"].clone();
                same &= (known.required || !data.required) && agree(schema(known), schema(data));
            }
            Some(ReferenceOr::Reference { .. }) => {}
        }
    }
    same
}

/// Takes operations out, and the schemas that nothing else needs.
pub fn drop_operations(api: &mut OpenAPI, unwanted: impl Fn(&str, &str, &Operation) -> bool) {
    for (path, item) in &mut api.paths.paths {
        let ReferenceOr::Item(item) = item else { continue };
        for (method, operation) in walk::slots_mut(item) {
            operation.take_if(|operation| unwanted(method, path, operation));
        }
    }
    api.paths.paths.retain(|_, item| match item {
        ReferenceOr::Item(item) => walk::operations_of(item).next().is_some(),
        ReferenceOr::Reference { .. } => true,
    });
    drop_unused_schemas(api);
}

/// Schemas that no operation needs would be types that nobody meets.
pub fn drop_unused_schemas(api: &mut OpenAPI) {
    let Some(components) = &mut api.components else { return };
    let schemas = json!(components.schemas);
    let needed = walk::needed_schemas(&json!(api.paths), &schemas);
    components.schemas.retain(|name, _| needed.contains(name));
}

/// The order is that of names, whatever the order of the documents, but for the operations that the facade is built on:
/// they come first, in the order of their table. Answers are in the order of their statuses, partial successes last.
pub fn order(api: &mut OpenAPI) {
    let known = |path: &str| KNOWN.iter().position(|known| known.path == path).unwrap_or(KNOWN.len());
    let mut paths: Vec<_> = std::mem::take(&mut api.paths.paths).into_iter().collect();
    paths.sort_by(|(a, _), (b, _)| (known(a), a).cmp(&(known(b), b)));
    api.paths.paths.extend(paths);
    for (_, _, operation) in walk::operations(api) {
        operation.responses.responses.sort_by(|a, _, b, _| a.to_string().cmp(&b.to_string()));
    }
    if let Some(components) = &mut api.components {
        let mut schemas: Vec<_> = std::mem::take(&mut components.schemas).into_iter().collect();
        schemas.sort_by(|(a, _), (b, _)| a.cmp(b));
        components.schemas.extend(schemas);
    }
}
