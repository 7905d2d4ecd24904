//! Reading OpenAPI documents, each checked by itself.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use openapiv3::{OpenAPI, ReferenceOr};
use serde_json::Value;

use super::{
    Problem, Result, nodes, normalize,
    operations::{self, Repeated},
    requests, salvage, segments, servers, twice, walk,
};

/// One file of the description.
#[derive(Debug)]
pub struct Document {
    pub file: String,
    /// The dated version that its paths name, or what stands for it there; none in a document of v3.
    pub version: Option<String>,
    pub api: OpenAPI,
    /// The known operations that it has once more, as in another version: in each of these once.
    pub repeated: Vec<OpenAPI>,
    /// What had to be left out of it.
    pub warnings: Vec<Problem>,
}

/// The files and folders that a variable names, separated as in PATH. cargo's `relative = true` makes the first absolute and
/// leaves the others as they are written, so these are looked for from the folders that hold the first, the innermost first.
pub fn named(value: &OsStr) -> Vec<PathBuf> {
    if Path::new(value).exists() {
        return vec![value.into()];
    }
    let mut named: Vec<PathBuf> = std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty()).collect();
    if let [first, others @ ..] = named.as_mut_slice()
        && first.is_absolute()
    {
        for other in others.iter_mut().filter(|path| path.is_relative()) {
            let found = first.ancestors().skip(1).map(|folder| folder.join(&*other)).find(|path| path.exists());
            *other = found.unwrap_or_else(|| other.clone());
        }
    }
    named
}

/// The documents of several files and folders, each once.
pub fn paths<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for path in paths {
        documents.extend(self::path(path.as_ref())?);
    }
    let mut seen = HashSet::new();
    documents.retain(|document| seen.insert(document.file.clone()));
    Ok(documents)
}

/// The document of that name, or every one of the directory and of its folders, in the order of their paths.
pub fn path(path: &Path) -> Result<Vec<Document>> {
    let files = if path.is_file() { vec![path.to_owned()] } else { directory(path)? };
    files
        .into_iter()
        .map(|file| {
            let name = file.display().to_string();
            let unreadable = |trouble: String| {
                Problem::new(
                    &name,
                    "the file",
                    format!("cannot be read ({trouble})"),
                    "make it readable UTF-8 or UTF-16",
                )
            };
            let bytes = std::fs::read(&file).map_err(|e| unreadable(e.to_string()))?;
            document(&name, &text(&bytes).map_err(unreadable)?)
        })
        .collect()
}

/// The text of a file in UTF-8 or UTF-16. JSON begins with an ASCII character, so one of two bytes is zero in the latter.
pub fn text(bytes: &[u8]) -> std::result::Result<String, String> {
    let little = match bytes {
        [0xff, 0xfe, ..] | [1..=255, 0, ..] => true,
        [0xfe, 0xff, ..] | [0, 1..=255, ..] => false,
        _ => return String::from_utf8(bytes.to_vec()).map_err(|e| e.to_string()),
    };
    let units = bytes.chunks(2).map(|unit| match (unit, little) {
        (&[a, b], true) => u16::from_le_bytes([a, b]),
        (&[a, b], false) => u16::from_be_bytes([a, b]),
        // Half a character.
        _ => 0xd800,
    });
    let text: std::result::Result<String, _> = char::decode_utf16(units).collect();
    text.map_err(|e| e.to_string())
}

fn directory(path: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |trouble: String| {
        Problem::new(path.display().to_string(), "the directory", trouble, "put the OpenAPI documents there as *.json")
    };
    let entries = std::fs::read_dir(path).map_err(|e| unreadable(format!("cannot be read ({e})")))?;
    let entries = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|entry| entry.is_dir());
    // No deeper: a folder may hold anything.
    files.extend(
        folders
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()).filter(|file| file.is_file())),
    );
    files.retain(|file| file.extension().is_some_and(|e| e == "json" || e == "yaml" || e == "yml"));
    files.sort();
    if files.is_empty() {
        return Err(unreadable("holds no *.json file".into()));
    }
    Ok(files)
}

/// One document: well-formed JSON, an OpenAPI document, every reference resolved or gone, every operation named.
pub fn document(file: &str, text: &str) -> Result<Document> {
    let text = text.trim_start_matches('\u{feff}');
    let mut json: Value = serde_json::from_str(text).map_err(|e| {
        let starts_as_json = text.trim_start().starts_with(['{', '[']);
        let remedy = if starts_as_json { "correct the JSON there" } else { "convert YAML to JSON, as by `yq -o json`" };
        Problem::new(file, format!("line {} column {}", e.line(), e.column()), format!("not JSON ({e})"), remedy)
    })?;
    check_version(file, &json)?;
    normalize::from_openapi_3_1(&mut json);
    normalize::decode_references(&mut json);
    let remedy = "the last one is used; take the others away";
    let twice = twice::members(text).into_iter().map(|place| Problem::new(file, place, "it is there twice", remedy));
    let mut warnings: Vec<_> = twice.collect();
    warnings.extend(take_out_what_leads_nowhere(file, &mut json));
    normalize::document(&mut json);
    warnings.extend(paths_and_methods_are_written_as_such(file, &mut json));
    warnings.extend(what_needs_it(file, &mut json));
    if let Some(components) = json.get_mut("components").and_then(Value::as_object_mut) {
        components.retain(|kind, _| kind == "schemas" || kind == "securitySchemes");
    }
    let mut api: OpenAPI = match serde_json::from_value(json.clone()) {
        Ok(api) => api,
        Err(error) => {
            warnings.extend(salvage::what_is_openapi(file, &mut json)?);
            serde_json::from_value(json).map_err(|_| {
                let remedy = "correct it there; an OpenAPI linter tells more";
                Problem::new(file, "#", format!("not an OpenAPI 3.0 document ({error})"), remedy)
            })?
        }
    };
    inline_shared_parameters(&mut api);
    servers::heed(file, &mut api, &mut warnings)?;
    let versions = api.paths.paths.keys().filter_map(|path| operations::version_of(path));
    let version = versions.max_by_key(|version| segments::recency(version)).map(str::to_owned);
    requests::path_parameters_are_those_of_the_path(&mut api);
    requests::headers_set_elsewhere_are_no_parameters(&mut api);
    let repeated = operations::name_paths(&mut api);
    for Repeated { method, path, .. } in repeated.iter().filter(|repeated| !repeated.is_of_another_version) {
        let place = format!("{}/{}", place_of(path), method.to_lowercase());
        let remedy = "the first is used; take the other away to end this warning";
        warnings.push(Problem::new(file, place, "another path is the same but for the names in braces", remedy));
    }
    let security = api.security.take();
    for (method, path, operation) in walk::operations(&mut api) {
        operation.operation_id = Some(operations::name(method, path));
        operation.security = operation.security.take().or_else(|| security.clone());
    }
    let repeated = once_more(&api, repeated);
    Ok(Document { file: file.to_owned(), version, api, repeated, warnings })
}

/// Descriptions of the known operations that are left out, each with the schemas of the document.
fn once_more(api: &OpenAPI, repeated: Vec<Repeated>) -> Vec<OpenAPI> {
    let mut all: Vec<OpenAPI> = Vec::new();
    for Repeated { known, mut operation, .. } in repeated {
        let Some(known) = known else { continue };
        let id = Some(known.name.to_owned());
        operation.operation_id.clone_from(&id);
        let free = all.iter().position(|other| other.operations().all(|(.., other)| other.operation_id != id));
        let at = free.unwrap_or_else(|| {
            all.push(OpenAPI { components: api.components.clone(), ..OpenAPI::default() });
            all.len() - 1
        });
        walk::insert(&mut all[at], known.method, known.path, operation);
    }
    all
}

fn check_version(file: &str, json: &Value) -> Result<()> {
    let is = |version: &str| version.starts_with("3.0.") || version.starts_with("3.1.");
    let (place, trouble, remedy) = match (json.get("openapi"), json.get("swagger")) {
        (Some(Value::String(version)), _) if is(version) => return Ok(()),
        (Some(version), _) => {
            ("#/openapi", format!("version {version} is not 3.0.x"), "convert the document to OpenAPI 3.0")
        }
        (None, Some(version)) => {
            ("#/swagger", format!("version {version} is not 3.0.x"), "convert it, as by `npx swagger2openapi`")
        }
        (None, None) => (
            "#/openapi",
            "no version of OpenAPI; this is not an OpenAPI document".to_owned(),
            "give it \"openapi\": \"3.0.3\", or take the file away",
        ),
    };
    Err(Problem::new(file, place, trouble, remedy))
}

/// A schema that is not there may be any value. Anything else that is not there is marked, see [`what_needs_it`].
fn take_out_what_leads_nowhere(file: &str, json: &mut Value) -> Vec<Problem> {
    let mut references = BTreeMap::new();
    nodes::every_node(json, &mut |_, node| {
        if let Some(reference) = node.get("$ref") {
            references.entry(reference.to_string()).or_insert_with(|| reference.clone());
        }
    });
    references.retain(|_, reference| normalize::target(json, reference).is_none());
    let mut warnings = Vec::new();
    if references.is_empty() {
        return warnings;
    }
    nodes::every_node(json, &mut |place, node| {
        let Some(reference) = node.get("$ref").map(Value::to_string).filter(|text| references.contains_key(text))
        else {
            return;
        };
        let remedy = match nodes::is_schema(place) {
            true => "it may be any value; add what it names to the file, or correct the reference",
            false => "what needs it is left out; add what it names to the file, or correct the reference",
        };
        warnings.push(Problem::new(file, place, format!("the $ref {reference} leads nowhere in this file"), remedy));
        normalize::leads_nowhere(place, node);
    });
    warnings
}

fn place_of(path: &str) -> String {
    format!("#/paths/{}", path.replace('~', "~0").replace('/', "~1"))
}

/// A path begins with a slash, and a method is in small letters: what is written otherwise would not be there.
fn paths_and_methods_are_written_as_such(file: &str, json: &mut Value) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut warn = |place: String, trouble: &str| {
        warnings.push(Problem::new(file, place, trouble, "it is left out; correct it there"));
    };
    let Some(paths) = json.get_mut("paths").and_then(Value::as_object_mut) else { return warnings };
    let others = paths.keys().filter(|path| !path.starts_with('/') && !path.starts_with("x-"));
    for other in others.cloned().collect::<Vec<_>>() {
        let path = format!("/{}", other.trim().trim_start_matches('/'));
        match paths.remove(&other) {
            Some(_) if other.contains("://") => warn(place_of(&other), "it is an address, a path begins with a slash"),
            Some(_) if paths.contains_key(&path) => {
                warn(place_of(&other), "the path with a slash in front is there as well")
            }
            item => paths.extend(item.map(|item| (path, item))),
        }
    }
    for (path, item) in paths.iter_mut().filter(|(path, _)| !path.starts_with("x-")) {
        let Some(members) = item.as_object_mut() else { continue };
        let is_method = |member: &String| operations::METHODS.contains(&member.to_uppercase().as_str());
        let others = members.keys().filter(|member| is_method(member) && **member != member.to_lowercase());
        for other in others.cloned().collect::<Vec<_>>() {
            let method = other.to_lowercase();
            match members.remove(&other) {
                Some(_) if members.contains_key(&method) => {
                    warn(format!("{}/{other}", place_of(path)), "the method in small letters is there as well");
                }
                operation => members.extend(operation.map(|operation| (method, operation))),
            }
        }
    }
    warnings
}

/// Takes out the operations of which a parameter, the body or an answer is not there: without it they would ask for something
/// else. What the generated client does without is taken out by itself.
fn what_needs_it(file: &str, json: &mut Value) -> Vec<Problem> {
    nodes::every_node(json, &mut |_, node| {
        for spare in ["callbacks", "headers", "links"] {
            if let Some(Value::Object(named)) = node.get_mut(spare) {
                named.retain(|_, part| !is_incomplete(part));
            }
        }
    });
    let mut warnings = Vec::new();
    let mut warn = |place: &str, trouble: &str, what: &str| {
        warnings.push(Problem::new(file, place, trouble, format!("{what} is left out; correct it there")));
        false
    };
    let Some(paths) = json.get_mut("paths").and_then(Value::as_object_mut) else { return warnings };
    paths.retain(|path, item| {
        let Some(members) = item.as_object_mut().filter(|_| !path.starts_with("x-")) else { return true };
        let place = place_of(path);
        if members.contains_key(normalize::NOWHERE) {
            return warn(&place, "it leads nowhere", "the path");
        }
        if members.get("parameters").is_some_and(is_incomplete) {
            return warn(&format!("{place}/parameters"), "a parameter leads nowhere", "each operation of the path");
        }
        members.retain(|member, operation| {
            let place = format!("{place}/{member}");
            let body = operation.get("requestBody");
            if !operations::METHODS.contains(&member.to_uppercase().as_str()) {
                true
            } else if is_incomplete(operation) {
                warn(&place, "its parameters, its body or an answer leads nowhere", "the operation")
            } else if body.is_some_and(|body| body.is_object() && body.get("content").is_none()) {
                warn(&place, "its body has no `content`", "the operation")
            } else {
                true
            }
        });
        true
    });
    warnings
}

/// Whether something in it is marked as not being there.
fn is_incomplete(part: &Value) -> bool {
    match part {
        Value::Object(members) => {
            members.contains_key(normalize::NOWHERE)
                || members.iter().any(|(key, member)| !key.starts_with("x-") && is_incomplete(member))
        }
        Value::Array(items) => items.iter().any(is_incomplete),
        _ => false,
    }
}

/// Puts the parameters that the operations of a path share where they are used. Only schemas are components from here on: what
/// led to others has been followed.
fn inline_shared_parameters(api: &mut OpenAPI) {
    for item in api.paths.paths.values_mut() {
        let ReferenceOr::Item(item) = item else { continue };
        let shared = std::mem::take(&mut item.parameters);
        for (_, operation) in walk::operations_of(item) {
            for parameter in &shared {
                let overridden = operation.parameters.iter().any(|own| same_parameter(own, parameter));
                if !overridden {
                    operation.parameters.push(parameter.clone());
                }
            }
        }
    }
}

pub fn same_parameter(a: &ReferenceOr<openapiv3::Parameter>, b: &ReferenceOr<openapiv3::Parameter>) -> bool {
    match (a, b) {
        (ReferenceOr::Item(a), ReferenceOr::Item(b)) => {
            std::mem::discriminant(a) == std::mem::discriminant(b)
                && a.parameter_data_ref().name == b.parameter_data_ref().name
        }
        _ => a == b,
    }
}
