//! Which of several media types, and which of several successes, the client takes.

use openapiv3::{
    Components, Content, MediaType, ObjectType, Operation, ReferenceOr, Schema, SchemaKind, StatusCode, Type,
};
use serde_json::json;

use super::{agree, walk};

pub const JSON: &str = "application/json";
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Whether progenitor writes bodies of this type.
pub fn can_be_sent(media: &str) -> bool {
    let others = ["application/octet-stream", FORM, "text/plain", "text/x-markdown"];
    is_json(media) || others.contains(&media.split(';').next().unwrap_or_default())
}

pub fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim().to_lowercase();
    media == JSON || media.ends_with("+json") || media == "*/*"
}

/// The type that the client sends or reads: JSON before any other, and then what it can write.
pub fn taken(content: &Content) -> Option<(&str, &MediaType)> {
    let (media, of) = content.get_index(taken_at(content))?;
    Some((media, of))
}

/// As [`taken`].
pub fn taken_mut(content: &mut Content) -> Option<&mut MediaType> {
    let at = taken_at(content);
    content.get_index_mut(at).map(|(_, of)| of)
}

fn taken_at(content: &Content) -> usize {
    let first = |is: fn(&str) -> bool| content.keys().position(|media| is(media));
    first(is_json).or_else(|| first(can_be_sent)).unwrap_or(0)
}

/// Leaves the type that the client takes alone, JSON with a schema.
pub fn of_one_type(content: &mut Content) {
    let Some((mut media, mut of)) = taken(content).map(|(media, of)| (media.to_owned(), of.clone())) else { return };
    content.clear();
    if is_json(&media) {
        JSON.clone_into(&mut media);
        of.encoding.clear();
        of.schema.get_or_insert_with(|| ReferenceOr::Item(walk::any()));
    }
    content.insert(media, of);
}

/// The body that the client sends with an operation.
pub fn sent(operation: &Operation) -> Option<(&str, Option<&ReferenceOr<Schema>>)> {
    let (media, of) = taken(&operation.request_body.as_ref()?.as_item()?.content)?;
    Some((media, of.schema.as_ref()))
}

pub fn is_success(status: &StatusCode) -> bool {
    matches!(status, StatusCode::Code(200..=299) | StatusCode::Range(2))
}

/// What the client reads as the answer to an operation.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The success that it is documented for.
    pub status: &'a StatusCode,
    pub media: &'a str,
    pub schema: Option<&'a ReferenceOr<Schema>>,
    /// Whether it has the fields of every other success.
    pub is_widest: bool,
}

/// Of the successes with a body the first of JSON, unless a later one only adds fields to it, as a success in part does.
pub fn answer<'a>(operation: &'a Operation, known: &Components) -> Option<Answer<'a>> {
    let successes = operation.responses.responses.iter().filter(|(status, _)| is_success(status));
    let answers: Vec<Answer<'a>> = successes
        .filter_map(|(status, response)| {
            let (media, of) = taken(&response.as_item()?.content)?;
            Some(Answer { status, media, schema: of.schema.as_ref(), is_widest: true })
        })
        .collect();
    let of_json: Vec<_> =
        answers.iter().filter(|answer| is_json(answer.media)).filter_map(|a| Some((a, a.schema?))).collect();
    // What is no JSON is read as it comes.
    let Some(first) = of_json.first() else { return answers.last().copied() };
    let wider = |wide: &ReferenceOr<Schema>, narrow: &ReferenceOr<Schema>| adds(known, wide, narrow);
    let (answer, schema) =
        of_json.iter().fold(first, |first, other| if wider(other.1, first.1) { other } else { first });
    Some(Answer { is_widest: of_json.iter().all(|(_, other)| wider(schema, other)), ..**answer })
}

/// Whether all that the second schema describes is of the first as well: they are the same, or the first only adds fields.
fn adds(known: &Components, wide: &ReferenceOr<Schema>, narrow: &ReferenceOr<Schema>) -> bool {
    match (object(known, wide), object(known, narrow)) {
        // One without fields is a map.
        (Some(wide), Some(narrow)) if !narrow.properties.is_empty() => has_fields_of(wide, narrow),
        _ => agree::schemas(&json!(wide), &json!(narrow)).is_some(),
    }
}

/// Whether the first object has the fields of the second, of the same types, whatever is said about them.
pub fn has_fields_of(wide: &ObjectType, narrow: &ObjectType) -> bool {
    let same = |a, b| agree::schemas(&json!(a), &json!(b)).is_some();
    let mut fields = narrow.properties.iter();
    fields.all(|(name, field)| wide.properties.get(name).is_some_and(|wide| same(wide, field)))
}

/// The object that a schema describes or leads to.
pub fn object<'a>(known: &'a Components, schema: &'a ReferenceOr<Schema>) -> Option<&'a ObjectType> {
    let schema = match walk::reference(schema) {
        Some(reference) => known.schemas.get(reference.strip_prefix(walk::SCHEMAS)?)?,
        None => schema,
    };
    match &schema.as_item()?.schema_kind {
        SchemaKind::Type(Type::Object(object)) => Some(object),
        _ => None,
    }
}
