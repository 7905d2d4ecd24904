//! One document out of several.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use openapiv3::{OpenAPI, Operation, ReferenceOr};
use serde_json::{Value, json};

use super::{NAMED, Problem, Result, operations::KNOWN, read::Document, walk};

/// Joins the documents; the one with the most operations leads and gives title, version and servers, after those of v3 the
/// ones of dated versions, the newest first. What stands in several of them has to say the same: descriptions and examples
/// may differ, substance may not. But an operation that two versions have is described by one of them.
pub fn documents(mut documents: Vec<Document>) -> Result<OpenAPI> {
    documents.sort_by_key(|Document { version, api, .. }| {
        (version.is_some(), Reverse(version.clone()), Reverse(api.operations().count()))
    });
    let mut documents = documents.into_iter();
    let Some(Document { file, api: mut merged, version: mut last }) = documents.next() else {
        return Err(Problem::new("openapi", "the directory", "no document", "add one"));
    };
    let mut origins = Origins::default();
    origins.note(&file, &merged)?;
    let mut described = BTreeSet::new();
    for Document { file, mut api, version } in documents {
        if version != last {
            described = walk::operations(&mut merged).filter_map(|(_, _, o)| o.operation_id.clone()).collect();
            last.clone_from(&version);
        }
        if version.is_some() {
            // Another version's documents have it already.
            drop_operations(&mut api, |_, _, operation| {
                operation.operation_id.as_ref().is_some_and(|id| described.contains(id))
            });
        }
        origins.note(&file, &api)?;
        for (path, item) in api.paths.paths {
            match merged.paths.paths.get_mut(&path) {
                None => drop(merged.paths.paths.insert(path, item)),
                Some(ReferenceOr::Item(known)) => {
                    if let ReferenceOr::Item(item) = item {
                        known.get = known.get.take().or(item.get);
                        known.put = known.put.take().or(item.put);
                        known.post = known.post.take().or(item.post);
                        known.delete = known.delete.take().or(item.delete);
                        known.options = known.options.take().or(item.options);
                        known.head = known.head.take().or(item.head);
                        known.patch = known.patch.take().or(item.patch);
                        known.trace = known.trace.take().or(item.trace);
                    }
                }
                Some(ReferenceOr::Reference { .. }) => {}
            }
        }
        let components = api.components.unwrap_or_default();
        let known = merged.components.get_or_insert_default();
        for (name, schema) in components.schemas {
            known.schemas.entry(name).or_insert(schema);
        }
        for (name, scheme) in components.security_schemes {
            known.security_schemes.entry(name).or_insert(scheme);
        }
        for tag in api.tags {
            if merged.tags.iter().all(|known| known.name != tag.name) {
                merged.tags.push(tag);
            }
        }
    }
    Ok(merged)
}

/// Takes operations out, and the schemas that nothing else needs.
pub fn drop_operations(api: &mut OpenAPI, unwanted: impl Fn(&str, &str, &Operation) -> bool) {
    for (path, item) in &mut api.paths.paths {
        let ReferenceOr::Item(item) = item else { continue };
        for (method, operation) in [
            ("GET", &mut item.get),
            ("PUT", &mut item.put),
            ("POST", &mut item.post),
            ("DELETE", &mut item.delete),
            ("OPTIONS", &mut item.options),
            ("HEAD", &mut item.head),
            ("PATCH", &mut item.patch),
            ("TRACE", &mut item.trace),
        ] {
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

/// Where each operation and each schema was first seen, and what it said there.
#[derive(Default)]
struct Origins(HashMap<String, Origin>);

struct Origin {
    file: String,
    place: String,
    substance: Value,
}

impl Origins {
    fn note(&mut self, file: &str, api: &OpenAPI) -> Result<()> {
        for (path, method, operation) in api.operations() {
            let name = operation.operation_id.as_ref().expect(NAMED);
            let place = format!("#/paths/{}/{method}", path.replace('/', "~1"));
            self.check(format!("operation `{name}`"), file, place, json!(operation))?;
        }
        for (name, schema) in api.components.iter().flat_map(|c| &c.schemas) {
            let place = format!("#/components/schemas/{name}");
            self.check(format!("schema `{name}`"), file, place, json!(schema))?;
        }
        Ok(())
    }

    fn check(&mut self, what: String, file: &str, place: String, value: Value) -> Result<()> {
        let substance = substance(value);
        let remedy = "keep one, or make both say the same";
        match self.0.get(&what) {
            // One document cannot hold a schema twice, so this is two paths that differ in parameter names only.
            Some(first) if first.file == file => Err(Problem::new(
                file,
                &place,
                format!("a second {what}; the first is at {}", first.place),
                "an operation is named by its method and path, whatever its parameters are called: keep one",
            )),
            Some(first) if first.place != place || first.substance != substance => Err(Problem::new(
                file,
                &place,
                format!("another {what} than in {} at {}", first.file, first.place),
                remedy,
            )),
            Some(_) => Ok(()),
            None => {
                self.0.insert(what, Origin { file: file.to_owned(), place, substance });
                Ok(())
            }
        }
    }
}

/// A part of a document without what is said for people only, and without the order of what has none.
fn substance(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                // A description that is no string is a property of that name.
                .filter(|(key, value)| match key.as_str() {
                    "description" | "summary" | "title" => !value.is_string(),
                    "example" | "examples" | "externalDocs" => false,
                    "tags" => !value.is_array(),
                    key => !key.starts_with("x-"),
                })
                .map(|(key, value)| (key, substance(value)))
                .collect(),
        ),
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(substance).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        other => other,
    }
}
