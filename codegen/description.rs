//! The description of a build: read, merged, completed, checked and corrected.

use std::{
    iter,
    path::{Path, PathBuf},
};

use openapiv3::OpenAPI;

use super::{
    Joined, Problem, Result, complete, correct, demands, documented, facade, generators, joined, named, operations,
    read,
};

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
        let documents = read::paths(paths)?;
        let of = named(paths);
        let (documented_own, mut demands) = if paths == [own] {
            (None, Vec::new())
        } else {
            let documented = checked(&named(&[own]), documented(&[own], own, &mut Vec::new())?)?;
            let demands: Vec<_> = documents
                .iter()
                .flat_map(|document| {
                    demands::of_document(document, &documented).into_iter().zip(iter::repeat(document.file.clone()))
                })
                .collect();
            (Some(documented), demands)
        };
        let Joined { api, described_otherwise, .. } = joined(documents, paths, own, warnings)?;
        let mut api = checked(&of, api)?;
        demands.retain(|(demand, _)| !described_otherwise.contains(&demand.operation));
        if let Some((demand, file)) = demands.first() {
            return Err(demand.problem(file));
        }
        correct::document(&mut api);
        let own = documented_own.map(|mut own| {
            correct::document(&mut own);
            own
        });
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
            complete::ours_comes_first(&mut api, own);
        }
        Ok(api)
    }
}

fn checked(of: &str, mut api: OpenAPI) -> Result<OpenAPI> {
    operations::check_complete(of, &mut api)?;
    Ok(api)
}
