//! JSON request bodies.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::http::error::Failure;

/// Decodes a body, or refuses it the way HubSpot does.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    expected(body)?;
    serde_json::from_slice(body).map_err(|error| Failure::validation(message(&error)))
}

/// Refuses a request without a body.
fn expected(body: &[u8]) -> Result<(), Failure> {
    if body.is_empty() {
        return Err(Failure::validation("Invalid JSON input: a request body was expected, but none found"));
    }
    Ok(())
}

/// Decodes the association types of a pair. HubSpot refuses a body of another kind without a category.
pub(crate) fn read_specs<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    expected(body)?;
    serde_json::from_slice(body).map_err(|error| {
        let message = message(&error);
        if message.contains(MISSING) { Failure::validation(message) } else { Failure::uncategorized(message) }
    })
}

const MISSING: &str = "Some required fields were not set";

fn message(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    match missing {
        Some(field) => format!("Invalid input JSON on line {line}, column {column}. {MISSING}: [{field}]"),
        None => {
            let text = another_kind(text).unwrap_or_else(|| text.to_owned());
            format!("Invalid input JSON on line {line}, column {column}: {text}")
        }
    }
}

/// What HubSpot says of a value that is of another kind than it should be, in place of what serde says.
fn another_kind(text: &str) -> Option<String> {
    if let Some((value, known)) = text.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    {
        return Some(format!("Cannot deserialize value of type Enum from String value {value}, which is not {known}"));
    }
    let (found, expected) = text.strip_prefix("invalid type: ")?.rsplit_once(", expected ")?;
    let found = match found.split(' ').next()? {
        "string" => "String value",
        "integer" => "Integer value",
        "floating" => "Floating-point value",
        "boolean" => "Boolean value",
        "sequence" => "Array value",
        "map" => "Object value",
        other => other,
    };
    let expected = match expected {
        "a sequence" => "ArrayList",
        "a string" => "String",
        "a map" => "LinkedHashMap",
        other => other.strip_prefix("struct ").unwrap_or(other),
    };
    Some(format!("Cannot deserialize value of type {expected} from {found}"))
}

/// A string, or a number or boolean in its place.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Text(pub(crate) String);

impl TryFrom<Value> for Text {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            Value::Bool(flag) => Ok(Self(flag.to_string())),
            Value::Null => Err("Cannot deserialize value of type String from null".to_owned()),
            Value::Array(_) => Err("Cannot deserialize value of type String from Array value".to_owned()),
            Value::Object(_) => Err("Cannot deserialize value of type String from Object value".to_owned()),
        }
    }
}
