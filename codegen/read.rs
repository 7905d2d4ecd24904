//! Reading OpenAPI documents, each checked by itself.

use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use openapiv3::{OpenAPI, ReferenceOr};
use serde_json::Value;

use super::{Problem, Result, normalize, operations, requests, salvage, segments, servers, walk};

/// One file of the description.
#[derive(Debug)]
pub struct Document {
    pub file: String,
    /// The dated version that its paths name, or what stands for it there; none in a document of v3.
    pub version: Option<String>,
    pub api: OpenAPI,
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

/// One document: well-formed JSON, an OpenAPI document, every reference resolved, every operation named.
pub fn document(file: &str, text: &str) -> Result<Document> {
    let text = text.trim_start_matches('\u{feff}');
    let mut json: Value = serde_json::from_str(text).map_err(|e| {
        let starts_as_json = text.trim_start().starts_with(['{', '[']);
        let remedy = if starts_as_json { "correct the JSON there" } else { "convert YAML to JSON, as by `yq -o json`" };
        Problem::new(file, format!("line {} column {}", e.line(), e.column()), format!("not JSON ({e})"), remedy)
    })?;
    check_version(file, &json)?;
    normalize::from_openapi_3_1(&mut json);
    check_references(file, &mut json)?;
    normalize::document(&mut json);
    if let Some(components) = json.get_mut("components").and_then(Value::as_object_mut) {
        components.retain(|kind, _| kind == "schemas" || kind == "securitySchemes");
    }
    let mut warnings = Vec::new();
    let mut api: OpenAPI = match serde_json::from_value(json.clone()) {
        Ok(api) => api,
        Err(error) => {
            warnings = salvage::what_is_openapi(file, &mut json)?;
            serde_json::from_value(json).map_err(|_| {
                let remedy = "correct it there; an OpenAPI linter tells more";
                Problem::new(file, "#", format!("not an OpenAPI 3.0 document ({error})"), remedy)
            })?
        }
    };
    inline_shared_parameters(&mut api);
    servers::heed(file, &mut api, &mut warnings)?;
    let version = api.paths.paths.keys().find_map(|path| {
        let placeholder = path.contains(segments::VERSION).then_some(segments::VERSION);
        segments::version_in(path).or(placeholder).map(str::to_owned)
    });
    requests::path_parameters_are_those_of_the_path(&mut api);
    operations::name_paths(&mut api);
    let security = api.security.take();
    for (method, path, operation) in walk::operations(&mut api) {
        operation.operation_id = Some(operations::name(method, path));
        operation.security = operation.security.take().or_else(|| security.clone());
    }
    Ok(Document { file: file.to_owned(), version, api, warnings })
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

fn check_references(file: &str, json: &mut Value) -> Result<()> {
    let document = json.clone();
    let mut outcome = Ok(());
    normalize::every_node(json, &mut |place, node| {
        if let Some(reference) = node.get("$ref")
            && normalize::target(&document, reference).is_none()
        {
            outcome = Err(Problem::new(
                file,
                place,
                format!("the $ref {reference} leads nowhere in this file"),
                "add what it names to the file, or correct the reference",
            ));
        }
    });
    outcome
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
