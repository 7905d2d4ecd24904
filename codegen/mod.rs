//! The steps of the pipeline that turns `openapi/` into Rust, each a pure function on [`openapiv3::OpenAPI`].
//!
//! | step | file | what it does |
//! |---|---|---|
//! | read | `read.rs`, `salvage.rs`, `normalize.rs` | every `*.json` of a directory, normalized, its operations named |
//! | merge | `merge.rs`, `agree.rs`, `complete.rs`, `facade.rs` | one document out of several, completed from the crate's own |
//! | correct | `correct.rs`, `scopes.rs` | what HubSpot documents → what HubSpot sends |
//! | publish | `generators.rs`, `publish.rs` | what every generator reads alike; a document for each family of versions |
//! | adapt | `adapt.rs`, `schemas.rs`, `requests.rs` | what HubSpot sends → what progenitor can take |
//! | generate | `generate.rs`, `trim.rs` | Rust, by progenitor |
//!
//! `description.rs` joins the steps up to the correction. `operations.rs` knows the operations by name, `names.rs` makes names of others, `segments.rs` reads paths, `table.rs` writes their table, `shapes.rs` the shapes of answers, `walk.rs` visits the parts of a document. The last step needs
//! progenitor and belongs to `build.rs` alone; the others are tested in `tests/codegen/`.

pub mod adapt;
pub mod agree;
pub mod complete;
pub mod correct;
pub mod description;
pub mod facade;
pub mod generators;
pub mod merge;
pub mod names;
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
pub mod walk;

use std::{fmt, path::Path};

use openapiv3::OpenAPI;

/// The description that a crate is built from: what HubSpot documents in `paths`, completed from the crate's own. Documents
/// that say nothing of partner clients are an addition to it.
///
/// What had to be left out of it, or was taken from one document where several differ, is told in `warnings`.
pub fn documented<P: AsRef<Path>>(paths: &[P], own: &Path, warnings: &mut Vec<Problem>) -> Result<OpenAPI> {
    let mut api = merge::documents(read::paths(paths)?, warnings)?;
    if !paths.iter().map(AsRef::as_ref).eq([own]) {
        let own = merge::documents(read::path(own)?, &mut Vec::new())?;
        let mut missing = complete::missing(&api, &own);
        // Another thing of a name that these operations have is called something else.
        merge::join_schemas(&mut missing, &mut api, (OTHER, ""));
        complete::what_is_described_elsewhere(&mut api, &own);
        if let (Some(components), Some(joined)) = (&mut api.components, missing.components) {
            components.schemas.extend(joined.schemas);
        }
    }
    merge::drop_unused_schemas(&mut api);
    merge::order(&mut api);
    Ok(api)
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
