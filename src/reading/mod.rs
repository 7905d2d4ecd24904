//! The reading of responses, also of those that are not quite as described.
//!
//! A good response is decoded straight into its type. Only where that fails, it is read a second time: its text is repaired,
//! and each value is brought to the shape that the description gives it. What has another type is converted where that is
//! safe, `null` is absent, and what cannot be read is left out alone.
#![cfg(feature = "client")]

mod encoding;
mod repair;
mod shape;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::shape::Reader;
pub(crate) use self::{
    encoding::utf8,
    repair::json,
    shape::{Field, Shape, entries, integer, scalar, text},
};

/// The shape of an operation's success response, where it is known.
pub(crate) fn response_shape(operation: &str) -> Option<&'static Shape> {
    shape::find(shape::ANSWERS, operation)
}

/// The shape of a schema.
pub(crate) fn schema(name: &str) -> Option<&'static Shape> {
    shape::find(shape::SCHEMAS, name)
}

/// Decodes a body.
///
/// # Errors
/// That of the first reading, if the second fails as well.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8], shape: Option<&'static Shape>) -> serde_json::Result<T> {
    Ok(decode_counted(body, || shape)?.0)
}

/// As [`decode`], with how many entries of the response's lists and maps could not be read. The shape is seldom needed.
pub(crate) fn decode_counted<T: DeserializeOwned>(
    body: &[u8],
    shape: impl FnOnce() -> Option<&'static Shape>,
) -> serde_json::Result<(T, usize)> {
    match serde_json::from_slice(body) {
        Ok(value) => Ok((value, 0)),
        Err(error) => {
            let read = shape().and_then(|shape| lenient(body, shape));
            let decoded = read.and_then(|(value, left_out)| Some((serde_json::from_value(value).ok()?, left_out)));
            decoded.ok_or(error)
        }
    }
}

/// Decodes a body that is about an object whose id is known, and may say nothing more of it.
pub(crate) fn decode_object<T: DeserializeOwned>(body: &[u8], shape: &Shape, id: &str) -> Option<T> {
    let value = if body.trim_ascii().is_empty() { Value::Null } else { json(body)? };
    let like = shape.is_like(&value);
    let mut object = match value {
        Value::Null => Map::new(),
        Value::Object(object) if like || object.is_empty() => object,
        _ => return None,
    };
    if object.get("id").cloned().and_then(scalar).is_none_or(|id| id.is_empty()) {
        object.insert("id".to_owned(), id.into());
    }
    serde_json::from_value(as_shaped(Value::Object(object), shape)?.0).ok()
}

/// An odd body as its shape wants it, unless nothing of it is as described.
fn lenient(body: &[u8], shape: &Shape) -> Option<(Value, usize)> {
    let value = json(body)?;
    if shape.is_like(&value) { as_shaped(value, shape) } else { None }
}

fn as_shaped(value: Value, shape: &Shape) -> Option<(Value, usize)> {
    let mut reader = Reader::default();
    let read = reader.read(shape, value)?;
    if reader.left_out > 0 {
        tracing::warn!(entries = reader.left_out, "entries of a response cannot be read and are left out");
    }
    Some((read, reader.left_out))
}

/// A value as a schema wants it, if it can be read so at all.
pub(crate) fn value_as<T: DeserializeOwned>(value: Value, schema: &str) -> Option<T> {
    let value = Reader::default().read(self::schema(schema)?, value)?;
    serde_json::from_value(value).ok()
}
