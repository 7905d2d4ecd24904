//! Reading OpenAPI documents, each checked by itself.

use std::path::{Path, PathBuf};

use openapiv3::{OpenAPI, Operation, ReferenceOr, Schema};
use serde_json::Value;

use super::{Problem, Result, normalize, operations, walk};

/// One file of the description.
#[derive(Debug)]
pub struct Document {
    pub file: String,
    /// The dated version that its paths name, or what stands for it there; none in a document of v3.
    pub version: Option<String>,
    pub api: OpenAPI,
}

/// The document of that name, or every `*.json` of the directory and of its folders, in the order of their paths.
pub fn path(path: &Path) -> Result<Vec<Document>> {
    let files = if path.is_file() { vec![path.to_owned()] } else { directory(path)? };
    files
        .into_iter()
        .map(|file| {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(&file).map_err(|e| {
                Problem::new(&name, "the file", format!("cannot be read ({e})"), "make it readable UTF-8")
            })?;
            document(&name, &text)
        })
        .collect()
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
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    if files.is_empty() {
        return Err(unreadable("holds no *.json file".into()));
    }
    Ok(files)
}

/// One document: well-formed JSON, an OpenAPI 3.0 document, every reference resolved, every operation named.
pub fn document(file: &str, text: &str) -> Result<Document> {
    let text = text.trim_start_matches('\u{feff}');
    let mut json: Value = serde_json::from_str(text).map_err(|e| {
        Problem::new(
            file,
            format!("line {} column {}", e.line(), e.column()),
            format!("not JSON ({e})"),
            "correct the JSON there",
        )
    })?;
    check_references(file, &mut json)?;
    check_version(file, &json)?;
    normalize::document(&mut json);
    let mut api: OpenAPI = serde_json::from_value(json.clone()).map_err(|e| not_openapi(file, &json, &e))?;
    inline_components(file, &mut api)?;
    let version = api.paths.paths.keys().find_map(|path| {
        let placeholder = path.contains(operations::VERSION).then_some(operations::VERSION);
        operations::version_in(path).or(placeholder).map(str::to_owned)
    });
    operations::name_paths(&mut api);
    let security = api.security.take();
    for (method, path, operation) in walk::operations(&mut api) {
        operation.operation_id = Some(operations::name(method, path));
        operation.security = operation.security.take().or_else(|| security.clone());
    }
    Ok(Document { file: file.to_owned(), version, api })
}

fn check_version(file: &str, json: &Value) -> Result<()> {
    match json.get("openapi").and_then(Value::as_str) {
        Some(version) if version.starts_with("3.0.") => Ok(()),
        Some(version) => Err(Problem::new(
            file,
            "#/openapi",
            format!("version {version:?} is not 3.0.x"),
            "convert the document to OpenAPI 3.0",
        )),
        None => Err(Problem::new(
            file,
            "#/openapi",
            "no version of OpenAPI; this is not an OpenAPI document",
            "give it \"openapi\": \"3.0.3\", or take the file away",
        )),
    }
}

fn check_references(file: &str, json: &mut Value) -> Result<()> {
    let document = json.clone();
    let mut outcome = Ok(());
    normalize::every_node(json, &mut |place, node| {
        if let Some(Value::String(reference)) = node.get("$ref")
            && reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer)).is_none()
        {
            outcome = Err(Problem::new(
                file,
                place,
                format!("the $ref {reference:?} leads nowhere in this file"),
                "add what it names to the file, or correct the reference",
            ));
        }
    });
    outcome
}

/// The parser does not say where it gave up, so the parts are tried one by one.
fn not_openapi(file: &str, json: &Value, error: &serde_json::Error) -> Problem {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();

    let operations = members(&json["paths"]).into_iter().flat_map(|(path, item)| {
        let path = path.replace('~', "~0").replace('/', "~1");
        members(&item)
            .into_iter()
            .filter(|(key, _)| operations::METHODS.contains(&key.to_uppercase().as_str()))
            .filter_map(move |(method, operation)| {
                let trouble = serde_json::from_value::<Operation>(operation).err()?;
                Some((format!("#/paths/{path}/{method}"), trouble))
            })
    });
    let schemas = members(&json["components"]["schemas"]).into_iter().filter_map(|(name, schema)| {
        let trouble = serde_json::from_value::<ReferenceOr<Schema>>(schema).err()?;
        Some((format!("#/components/schemas/{name}"), trouble))
    });
    let (place, trouble) = match operations.chain(schemas).next() {
        Some((place, trouble)) => (place, trouble.to_string()),
        None => ("#".to_owned(), error.to_string()),
    };
    Problem::new(
        file,
        place,
        format!("not an OpenAPI 3.0 document ({trouble})"),
        "correct it there; an OpenAPI linter tells more",
    )
}

/// Puts shared parameters, bodies and responses where they are used, so that the later steps meet schemas as the only
/// references.
fn inline_components(file: &str, api: &mut OpenAPI) -> Result<()> {
    let components = api.components.take().unwrap_or_default();
    for (path, item) in &mut api.paths.paths {
        let ReferenceOr::Item(item) = item else {
            return Err(Problem::new(
                file,
                format!("#/paths/{path}"),
                "a path given by $ref is not supported",
                "write the path item in place",
            ));
        };
        let shared = std::mem::take(&mut item.parameters);
        for (_, operation) in walk::operations_of(item) {
            for parameter in operation.parameters.iter_mut() {
                inline(parameter, |name| components.parameters.get(name));
            }
            for mut parameter in shared.clone() {
                inline(&mut parameter, |name| components.parameters.get(name));
                let overridden = operation.parameters.iter().any(|own| same_parameter(own, &parameter));
                if !overridden {
                    operation.parameters.push(parameter);
                }
            }
            if let Some(body) = &mut operation.request_body {
                inline(body, |name| components.request_bodies.get(name));
            }
            let responses = &mut operation.responses;
            for response in responses.responses.values_mut().chain(&mut responses.default) {
                inline(response, |name| components.responses.get(name));
            }
        }
    }
    api.components = Some(openapiv3::Components {
        schemas: components.schemas,
        security_schemes: components.security_schemes,
        ..Default::default()
    });
    Ok(())
}

/// [`check_references`] has seen that each reference leads somewhere; one that leads to itself is left as it is.
fn inline<'a, T: Clone + 'a>(item: &mut ReferenceOr<T>, component: impl Fn(&str) -> Option<&'a ReferenceOr<T>>) {
    const LONGEST_CHAIN: usize = 16;
    for _ in 0..LONGEST_CHAIN {
        let ReferenceOr::Reference { reference } = item else {
            return;
        };
        let name = reference.rsplit('/').next().expect("a split has at least one part");
        if let Some(target) = component(name) {
            *item = target.clone();
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
