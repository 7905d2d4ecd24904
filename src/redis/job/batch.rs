//! A batch and its outcomes as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{associations::bulk::Association, error::Error};

/// The values of an input, or why one cannot be sent.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Part {
    Value(String),
    Refused { refused: String },
}

pub(super) fn inputs_to_json(inputs: &[Association]) -> serde_json::Result<String> {
    let part = |part: std::result::Result<&str, &Error>| {
        Ok(match part {
            Ok(value) => Part::Value(value.to_owned()),
            Err(error) => Part::Refused { refused: error.to_json()? },
        })
    };
    let input = |input: &Association| input.parts().into_iter().map(part).collect();
    let inputs: Vec<Vec<Part>> = inputs.iter().map(input).collect::<serde_json::Result<_>>()?;
    serde_json::to_string(&inputs)
}

pub(super) fn inputs_from_json(json: &str) -> serde_json::Result<Vec<Association>> {
    let inputs: Vec<[Part; 4]> = serde_json::from_str(json)?;
    let part = |part| match part {
        Part::Value(value) => Ok(value),
        Part::Refused { refused } => Err(Error::from_json(&refused).unwrap_or_else(|_| Error::no_outcome())),
    };
    Ok(inputs.into_iter().map(|input| Association::from_parts(input.map(part))).collect())
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
