//! The shapes of values, and values brought to them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

/// What a value has to be.
#[allow(dead_code, reason = "a description may have no value of a kind")]
pub(crate) enum Shape {
    Any,
    Text,
    /// A text that a thing is known by: not empty.
    Id,
    /// A text that one of the types in `ids.rs` takes.
    Checked(fn(&str) -> bool),
    Integer,
    Number,
    Flag,
    Time,
    Nullable(&'static Self),
    List(&'static Self),
    Map(&'static Self),
    Object(&'static [Field]),
    Schema(&'static str),
}

/// A member of an object.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

pub(super) fn find(table: &'static [(&str, Shape)], name: &str) -> Option<&'static Shape> {
    let at = table.binary_search_by_key(&name, |(name, _)| name).ok()?;
    table.get(at).map(|(_, shape)| shape)
}

impl Shape {
    fn resolved(&self) -> &Self {
        match self {
            Self::Schema(name) => find(SCHEMAS, name).unwrap_or(&Self::Any),
            other => other,
        }
    }

    /// Whether a whole response can be meant for this: an object has at least one of the members, whatever it is.
    pub(super) fn is_like(&self, value: &Value) -> bool {
        match (self.resolved(), value) {
            (Self::Object(_), Value::Object(members)) => self.shares_member(members),
            (Self::Object(_), _) => false,
            _ => true,
        }
    }

    /// Whether an object has at least one member of this one.
    pub(crate) fn shares_member(&self, members: &Map<String, Value>) -> bool {
        matches!(self.resolved(), Self::Object(fields) if fields.iter().any(|field| members.contains_key(field.name)))
    }

    /// Whether it is an object with such a member.
    pub(crate) fn has(&self, name: &str) -> bool {
        matches!(self.resolved(), Self::Object(fields) if fields.iter().any(|field| field.name == name))
    }

    /// Whether an entry of a list lacks a list of its own. It says nothing of what is in that, least of all that there is
    /// nothing.
    fn lacks_list(&self, value: &Value) -> bool {
        if let Self::Nullable(shape) = self {
            return shape.lacks_list(value);
        }
        let (Self::Object(fields), Value::Object(members)) = (self.resolved(), value) else { return false };
        let is_list = |field: &&Field| field.required && matches!(field.shape.resolved(), Self::List(_));
        fields.iter().filter(is_list).any(|field| members.get(field.name).is_none_or(is_nothing))
    }

    /// What stands for a required value that is not there: nothing, where the shape can say so.
    fn nothing(&self) -> Option<Value> {
        match self.resolved() {
            Self::Text => Some(Value::String(String::new())),
            Self::List(_) => Some(Value::Array(Vec::new())),
            Self::Map(_) => Some(Value::Object(Map::new())),
            Self::Nullable(_) => Some(Value::Null),
            _ => None,
        }
    }
}

/// Brings values to their shapes.
#[derive(Default)]
pub(super) struct Reader {
    /// How many entries of lists and maps could not be read.
    pub(super) left_out: usize,
}

impl Reader {
    /// The value in its shape; none if it is absent or cannot be read.
    pub(super) fn read(&mut self, shape: &Shape, value: Value) -> Option<Value> {
        match (shape.resolved(), value) {
            (Shape::Nullable(shape), value) => Some(self.read(shape, value).unwrap_or(Value::Null)),
            (_, Value::Null) => None,
            (Shape::Any | Shape::Schema(_), value) => Some(value),
            (Shape::Text, value) => Some(Value::String(text(value))),
            (Shape::Id, value) => id(value).map(Value::String),
            (Shape::Checked(check), value) => scalar(value).filter(|text| check(text)).map(Value::String),
            (Shape::Integer, value) => integer(&value).map(Value::from),
            (Shape::Number, value) => number(&value).map(Value::from),
            (Shape::Flag, value) => flag(&value).map(Value::Bool),
            (Shape::Time, value) => time(value).map(Value::String),
            (Shape::List(item), Value::Array(values)) => {
                let entries = values.into_iter().filter_map(|value| match item.lacks_list(&value) {
                    true => {
                        self.left_out += 1;
                        None
                    }
                    false => self.entry(item, value),
                });
                Some(entries.collect())
            }
            // A list of one that is written without brackets.
            (Shape::List(item), value) => self.read(item, value).map(|value| Value::Array(vec![value])),
            (Shape::Map(item), Value::Object(members)) => {
                let read = members.into_iter().filter_map(|(name, value)| Some((name, self.entry(item, value)?)));
                Some(Value::Object(read.collect()))
            }
            // An empty map as PHP writes it.
            (Shape::Map(_), Value::Array(values)) if values.is_empty() => Some(Value::Object(Map::new())),
            (Shape::Map(_), _) => None,
            (Shape::Object(fields), Value::Object(members)) => self.object(fields, members),
            (Shape::Object(fields), value) => self.remark(fields, value),
        }
    }

    fn entry(&mut self, shape: &Shape, value: Value) -> Option<Value> {
        let absent = value.is_null();
        // What cannot be read is not `null`.
        let shape = match shape {
            Shape::Nullable(shape) if !absent => shape,
            shape => shape,
        };
        let read = self.read(shape, value);
        self.left_out += usize::from(read.is_none() && !absent);
        read
    }

    fn object(&mut self, fields: &[Field], mut members: Map<String, Value>) -> Option<Value> {
        let mut read = Map::new();
        for Field { name, required, shape } in fields {
            let mut value = members.remove(*name).unwrap_or_default();
            if matches!(shape.resolved(), Shape::List(_)) && is_nothing(&value) {
                value = Value::Null;
            }
            let absent = value.is_null();
            let value = match self.read(shape, value) {
                // What should be a list of things and is something else may be all that there was to say.
                None if *required && (absent || !matches!(shape.resolved(), Shape::List(_))) => Some(shape.nothing()?),
                None if *required => return None,
                value => value,
            };
            read.extend(value.map(|value| ((*name).to_owned(), value)));
        }
        Some(Value::Object(read))
    }

    /// An error that is but a text is one with that message, and so is a next page one with that cursor.
    fn remark(&mut self, fields: &[Field], value: Value) -> Option<Value> {
        let text = scalar(value)?;
        let field = fields.iter().find(|field| matches!(field.name, "message" | "after"))?;
        self.object(fields, Map::from_iter([(field.name.to_owned(), Value::String(text))]))
    }
}

/// Whether a value in the place of a list says that there is nothing. Some languages write an empty list like this.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Array(_) | Value::Bool(true) => false,
    }
}

/// The entries of a list, or of what stands in its place: one entry without brackets, or nothing.
pub(crate) fn entries(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(values)) => values,
        Some(value) if !is_nothing(value) => std::slice::from_ref(value),
        _ => &[],
    }
}

/// A text, or what is written as one: a number or a flag.
pub(crate) fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text that is not empty, or a number: one that is whole without a fraction, for some languages write 512 as `512.0`.
fn id(value: Value) -> Option<String> {
    let id = match value {
        Value::Number(number) => integer(&Value::Number(number.clone()))
            .filter(|_| number.is_f64())
            .map_or_else(|| number.to_string(), |whole| whole.to_string()),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    Some(id).filter(|id| !id.is_empty())
}

/// As [`scalar`], and what is nested as its JSON.
pub(crate) fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

pub(crate) fn integer(value: &Value) -> Option<i64> {
    // Beyond 2^53 a float is not exact.
    let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// RFC 3339, with an offset that lacks its colon, or milliseconds since 1970.
fn time(value: Value) -> Option<String> {
    let text = scalar(value)?;
    let text = text.trim();
    let time: DateTime<Utc> = match text.parse() {
        Ok(milliseconds) => DateTime::from_timestamp_millis(milliseconds)?,
        Err(_) => {
            let written = || DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok();
            DateTime::parse_from_rfc3339(text).ok().or_else(written)?.to_utc()
        }
    };
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_that_may_be_null_and_cannot_be_read_is_left_out_and_counted() {
        const OWNER: Shape = Shape::Object(&[Field { name: "id", required: true, shape: Shape::Id }]);
        const TEAM: Shape = Shape::Object(&[Field { name: "owners", required: true, shape: Shape::List(&OWNER) }]);
        let (one, broken) = (json!({"id": "1"}), json!({"id": []}));
        for (shape, value, read, left_out) in [
            (Shape::List(&Shape::Nullable(&OWNER)), json!([one, null, broken]), json!([one, null]), 1),
            (
                Shape::Map(&Shape::Nullable(&OWNER)),
                json!({"a": null, "b": broken, "c": one}),
                json!({"a": null, "c": one}),
                1,
            ),
            (Shape::List(&Shape::Nullable(&TEAM)), json!([{"owners": []}, {}, null]), json!([{"owners": []}, null]), 1),
            (Shape::Nullable(&OWNER), broken.clone(), json!(null), 0),
        ] {
            let mut reader = Reader::default();
            assert_eq!((reader.read(&shape, value.clone()), reader.left_out), (Some(read), left_out), "{value}");
        }
    }
}
