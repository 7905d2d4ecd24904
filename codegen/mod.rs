//! The steps of the pipeline that turns `openapi/` into Rust, each a pure function on [`openapiv3::OpenAPI`].
//!
//! | step | file | what it does |
//! |---|---|---|
//! | read | `read.rs`, `salvage.rs`, `normalize.rs`, `keywords.rs`, `twice.rs` | every `*.json` of a directory, normalized, its operations named |
//! | merge | `merge.rs`, `agree.rs`, `complete.rs`, `facade.rs`, `demands.rs` | one document out of several, completed from the crate's own |
//! | correct | `correct.rs`, `scopes.rs` | what HubSpot documents → what HubSpot sends |
//! | publish | `generators.rs`, `publish.rs` | what every generator reads alike; a document for each family of versions |
//! | adapt | `adapt.rs`, `schemas.rs`, `compositions.rs`, `nesting.rs`, `requests.rs` | what HubSpot sends → what progenitor can take |
//! | generate | `generate.rs`, `left_out.rs`, `mock.rs`, `trim.rs` | Rust, by progenitor |
//!
//! `description.rs` joins the steps up to the correction. `operations.rs` knows the operations by name, `names.rs` makes names of
//! others, `segments.rs` reads paths, `table.rs` writes their table, `shapes.rs` the shapes of answers, `walk.rs` visits
//! the parts of a document. The last step needs progenitor and is no part of this module; `build.rs` has it beside.

pub mod adapt;
pub mod agree;
pub mod bodies;
pub mod complete;
pub mod compositions;
pub mod correct;
pub mod demands;
pub mod description;
pub mod facade;
pub mod generators;
pub mod keywords;
pub mod merge;
pub mod names;
pub mod nesting;
pub mod nodes;
pub mod normalize;
pub mod operations;
pub mod publish;
pub mod read;
pub mod requests;
pub mod salvage;
pub mod schemas;
pub mod scopes;
pub mod segments;
pub mod servers;
pub mod shapes;
pub mod table;
pub mod twice;
pub mod walk;

use std::{collections::BTreeMap, fmt, path::Path};

use openapiv3::OpenAPI;

use read::Document;

/// The description that a crate is built from: what HubSpot documents in `paths`, completed from the crate's own. Documents
/// that say nothing of partner clients are an addition to it.
///
/// What had to be left out of it, or was taken from one document where several differ, is told in `warnings`; so is an
/// operation on something else than partner clients that the facade is not built on, for which the crate's own description stands.
pub fn documented<P: AsRef<Path>>(paths: &[P], own: &Path, warnings: &mut Vec<Problem>) -> Result<OpenAPI> {
    Ok(joined(read::paths(paths)?, paths, own, warnings)?.api)
}

/// A description, and what it does not have as the documents have it.
pub struct Joined {
    pub api: OpenAPI,
    /// The operations for which the crate's own description stands although the documents describe them.
    pub described_otherwise: Vec<&'static str>,
    /// Schemas of the documents by their names there, with what they are called here.
    pub renamed: BTreeMap<String, String>,
}

/// As [`documented`], of documents that have been read.
pub fn joined<P: AsRef<Path>>(
    documents: Vec<Document>,
    paths: &[P],
    own: &Path,
    warnings: &mut Vec<Problem>,
) -> Result<Joined> {
    let mut api = merge::documents(documents, warnings)?;
    let (mut described_otherwise, mut renamed) = (Vec::new(), BTreeMap::new());
    if !paths.iter().map(AsRef::as_ref).eq([own]) {
        let own = merge::documents(read::path(own)?, &mut Vec::new())?;
        let others = facade::described_otherwise(&named(paths), &api, &own);
        if !others.is_empty() {
            merge::drop_operations(&mut api, |_, _, operation| {
                others.iter().any(|(name, _)| operation.operation_id.as_deref() == Some(name))
            });
            for (name, problem) in others {
                described_otherwise.push(name);
                warnings.push(problem);
            }
        }
        let mut missing = complete::missing(&api, &own);
        // Another thing of a name that these operations have is called something else.
        renamed = merge::join_schemas(&mut missing, &mut api, (OTHER, ""));
        complete::what_is_described_elsewhere(&mut api, &own);
        if let (Some(components), Some(joined)) = (&mut api.components, missing.components) {
            components.schemas.extend(joined.schemas);
        }
    }
    merge::drop_unused_schemas(&mut api);
    merge::order(&mut api);
    Ok(Joined { api, described_otherwise, renamed })
}

/// The documents as they stand in messages.
fn named<P: AsRef<Path>>(paths: &[P]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.as_ref().display().to_string()).collect();
    names.join(", ")
}

/// What stands before the name of a schema where an operation of this crate's own has another thing of that name.
pub const OTHER: &str = "Other";

/// Why an operation has an id.
const NAMED: &str = "reading a document names each of its operations";

/// A description that cannot be built from: where the trouble is and what to do about it.
#[derive(Debug)]
pub struct Problem {
    file: String,
    place: String,
    trouble: String,
    remedy: String,
}

impl Problem {
    pub fn new(
        file: impl Into<String>,
        place: impl Into<String>,
        trouble: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { file: file.into(), place: place.into(), trouble: trouble.into(), remedy: remedy.into() }
    }
}

/// One line, because cargo shows each line of a build script's error apart.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("{}: at {}: {}; {}", self.file, self.place, self.trouble, self.remedy);
        f.write_str(&line.replace(char::is_control, " "))
    }
}

pub type Result<T> = std::result::Result<T, Problem>;
