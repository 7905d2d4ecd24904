//! The description of a build: read, merged, completed, checked and corrected.

use std::path::{Path, PathBuf};

use openapiv3::OpenAPI;

use super::{Problem, Result, complete, correct, documented, facade, generators, operations};

/// What a crate is built from.
pub struct Description {
    /// What it is made of, as it stands in messages.
    pub of: String,
    /// Corrected.
    pub api: OpenAPI,
    /// The crate's own, if it is another.
    own: Option<OpenAPI>,
}

impl Description {
    /// That of the documents in `paths`, which has every operation that the facade is built on and demands no more of it than
    /// the crate's `own` does. What had to be left out is told in `warnings`.
    pub fn new(paths: &[PathBuf], own: &Path, warnings: &mut Vec<Problem>) -> Result<Self> {
        let (of, mut api) = complete(paths, own, warnings)?;
        let own = if paths == [own] { None } else { Some(complete(&[own.to_owned()], own, &mut Vec::new())?.1) };
        let own = match own {
            Some(mut own) => {
                facade::check_demands(&of, &api, &own)?;
                correct::document(&mut own);
                Some(own)
            }
            None => None,
        };
        correct::document(&mut api);
        Ok(Self { of, api, own })
    }

    /// What other generators get.
    pub fn published(&self) -> OpenAPI {
        let mut api = self.api.clone();
        generators::document(&mut api);
        api
    }

    /// What the client is generated from: with all that the facade is built on, in the types that it is built on.
    pub fn of_the_client(self) -> Result<OpenAPI> {
        let Self { of, mut api, own } = self;
        if let Some(own) = &own {
            complete::what_the_facade_is_built_on(&mut api, own);
            facade::check_types(&of, &mut api, own)?;
        }
        Ok(api)
    }
}

fn complete(paths: &[PathBuf], own: &Path, warnings: &mut Vec<Problem>) -> Result<(String, OpenAPI)> {
    let mut api = documented(paths, own, warnings)?;
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    let of = names.join(", ");
    operations::check_complete(&of, &mut api)?;
    Ok((of, api))
}
