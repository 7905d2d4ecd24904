//! A batch and its outcomes as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    association::Association,
    error::{Error, Result},
};

/// An input as it is written: the four values, which is short, or why it cannot be sent.
#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Association([&'a str; 4]),
    Refused { refused: String },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Read {
    Association(Association),
    Refused { refused: String },
}

pub(super) fn inputs_to_json(inputs: &[Result<Association>]) -> serde_json::Result<String> {
    let written = inputs.iter().map(|input| match input {
        Ok(association) => Ok(Written::Association(association.values())),
        Err(error) => Ok(Written::Refused { refused: error.to_json()? }),
    });
    serde_json::to_string(&written.collect::<serde_json::Result<Vec<_>>>()?)
}

pub(super) fn inputs_from_json(json: &str) -> serde_json::Result<Vec<Result<Association>>> {
    let read = |input| match input {
        Read::Association(association) => Ok(Ok(association)),
        Read::Refused { refused } => Error::from_json(&refused).map(Err),
    };
    serde_json::from_str::<Vec<Read>>(json)?.into_iter().map(read).collect()
}

/// The errors of a batch, each once with the places of the inputs that have it; all other inputs are carried out.
pub(super) fn errors_to_json(errors: &BTreeMap<usize, Error>) -> serde_json::Result<String> {
    let mut places = BTreeMap::<String, Vec<usize>>::new();
    for (place, error) in errors {
        places.entry(error.to_json()?).or_default().push(*place);
    }
    serde_json::to_string(&places)
}

pub(super) fn errors_from_json(json: &str) -> serde_json::Result<BTreeMap<usize, Error>> {
    let mut errors = BTreeMap::new();
    for (error, places) in serde_json::from_str::<BTreeMap<String, Vec<usize>>>(json)? {
        let error = Error::from_json(&error)?;
        errors.extend(places.into_iter().map(|place| (place, error.clone())));
    }
    Ok(errors)
}
