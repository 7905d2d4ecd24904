//! Whether a description still has the types that the facade is built on: otherwise its code would not compile.

use std::{borrow::Borrow, collections::BTreeSet};

use openapiv3::{
    AdditionalProperties, Components, ObjectType, OpenAPI, Operation, Parameter, ParameterSchemaOrContent, ReferenceOr,
    Schema, SchemaKind, StringFormat, Type, VariantOrUnknownOrEmpty,
};

use serde_json::json;

use super::{
    OTHER, Problem, Result, bodies, complete, correct,
    operations::{KNOWN, Known},
    read::same_parameter,
    walk,
};

pub const REMEDY: &str = "the facade in src/ has to change with it; until then, use the former document";

/// The known operations that both have.
pub fn pairs<'a>(
    api: &'a OpenAPI,
    own: &'a OpenAPI,
) -> impl Iterator<Item = (&'static Known, &'a Operation, &'a Operation)> {
    let find = |api: &'a OpenAPI, name: &str| {
        api.operations().find(|(_, _, o)| o.operation_id.as_deref() == Some(name)).map(|(_, _, operation)| operation)
    };
    KNOWN.iter().filter_map(move |known| Some((known, find(api, known.name)?, find(own, known.name)?)))
}

/// Compares the types of what the known operations send and receive with the crate's own description. Both are corrected and
/// completed. A parameter with a default need not be sent, and a schema that has got another name has the one that it has here.
pub fn check_types(of: &str, api: &mut OpenAPI, own: &OpenAPI) -> Result<()> {
    let described = api.clone();
    let mut comparison = Comparison {
        of,
        api: &described,
        own,
        seen: BTreeSet::new(),
        is_sent: false,
        renamed: Vec::new(),
        is_trial: false,
    };
    for (known, theirs, ours) in pairs(&described, own) {
        comparison.operation(known.name, theirs, ours)?;
    }
    let renamed = comparison.renamed;
    if !renamed.is_empty() {
        use_our_names(api, &renamed)?;
    }
    for (_, _, operation) in walk::operations(api) {
        if KNOWN.iter().any(|known| operation.operation_id.as_deref() == Some(known.name)) {
            for parameter in walk::parameters(operation).filter(|p| !matches!(p, Parameter::Path { .. })) {
                let data = walk::data(parameter);
                data.required &= !has_a_default(&data.format);
            }
        }
    }
    Ok(())
}

/// The known operations on other paths than those of partner clients that are described otherwise than the facade is built on,
/// with the difference. Both are as they are documented.
pub fn described_otherwise(of: &str, api: &OpenAPI, own: &OpenAPI) -> Vec<(&'static str, Problem)> {
    let (mut api, mut own) = (api.clone(), own.clone());
    correct::document(&mut api);
    correct::document(&mut own);
    complete::what_the_facade_is_built_on(&mut api, &own);
    let mut found = Vec::new();
    for (known, theirs, ours) in pairs(&api, &own).filter(|(known, ..)| !known.is_on_partner_clients()) {
        let mut comparison = Comparison {
            of,
            api: &api,
            own: &own,
            seen: BTreeSet::new(),
            is_sent: false,
            renamed: Vec::new(),
            is_trial: false,
        };
        if let Err(problem) = comparison.operation(known.name, theirs, ours) {
            let remedy = format!("this crate's own description of `{}` is used", known.name);
            found.push((known.name, Problem { remedy, ..problem }));
        }
    }
    found
}

/// A place that leads to a schema under another name than here: the place, their reference and ours.
type Renamed = (String, String, String);

/// What the schema has beyond ours is added to ours.
fn use_our_names(api: &mut OpenAPI, renamed: &[Renamed]) -> Result<()> {
    for (_, _, operation) in walk::operations(api) {
        let name = operation.operation_id.clone().unwrap_or_default();
        walk::bodies(operation, &mut |_, schema| {
            for (place, theirs, ours) in renamed {
                let is_theirs = walk::reference(schema) == Some(theirs.as_str());
                if is_theirs && place.starts_with(&format!("the operation `{name}`, ")) {
                    *schema = ReferenceOr::ref_(ours);
                }
            }
        });
    }
    let Some(components) = &mut api.components else { return Ok(()) };
    let mut schemas = json!(components.schemas);
    for (place, theirs, ours) in renamed {
        let part = place.strip_prefix(walk::SCHEMAS).and_then(|pointer| schemas.pointer_mut(&format!("/{pointer}")));
        if let Some(part) = part {
            *part = json!({"$ref": ours});
        }
        let name = |reference: &str| reference.strip_prefix(walk::SCHEMAS).unwrap_or_default().to_owned();
        let fields = schemas[name(theirs)]["properties"].as_object().cloned().unwrap_or_default();
        if let Some(known) = schemas[name(ours)]["properties"].as_object_mut() {
            for (field, schema) in fields {
                known.entry(field).or_insert(schema);
            }
        }
    }
    components.schemas = serde_json::from_value(schemas)
        .map_err(|error| Problem::new("", "#/components/schemas", error.to_string(), REMEDY))?;
    Ok(())
}

/// Fields that HubSpot's documents list in some variants of a schema and not in others. A page, and the way to the next one, are
/// none of them.
#[rustfmt::skip]
const NOT_EVERYWHERE: [&str; 24] = [
    "archivedAt", "code", "context", "errors", "fromObjectTypeId", "highValue", "id", "idProperty", "in", "link", "links",
    "numErrors", "objectWriteTraceId", "prev", "propertiesWithHistory", "requestedAt", "sourceId", "sourceLabel", "subCategory",
    "toObjectTypeId", "updatedByUserId", "url", "values", "warnings",
];

struct Comparison<'a> {
    of: &'a str,
    api: &'a OpenAPI,
    own: &'a OpenAPI,
    /// What has been compared, as part of a request or not.
    seen: BTreeSet<(bool, String)>,
    /// Whether a request is compared.
    is_sent: bool,
    renamed: Vec<Renamed>,
    /// Whether it is only asked whether something differs.
    is_trial: bool,
}

impl Comparison<'_> {
    fn problem(&self, place: &str, trouble: String) -> Problem {
        Problem::new(self.of, place, trouble, REMEDY)
    }

    fn operation(&mut self, name: &str, theirs: &Operation, ours: &Operation) -> Result<()> {
        let place = format!("the operation `{name}`");
        for parameter in &theirs.parameters {
            let own = ours.parameters.iter().find(|own| same_parameter(own, parameter));
            if let (ReferenceOr::Item(theirs), Some(ReferenceOr::Item(ours))) = (parameter, own) {
                let (theirs, ours) = (theirs.parameter_data_ref(), ours.parameter_data_ref());
                if let (ParameterSchemaOrContent::Schema(is), ParameterSchemaOrContent::Schema(was)) =
                    (&theirs.format, &ours.format)
                {
                    self.schema(&format!("{place}, parameter {}", theirs.name), is, was)?;
                }
            }
        }
        match (bodies::sent(theirs), bodies::sent(ours)) {
            (Some((media, _)), Some(_)) if !bodies::is_json(media) => {
                return Err(self.problem(&place, format!("its body is {media}, the facade sends JSON")));
            }
            (Some((_, Some(theirs))), Some((_, Some(ours)))) => {
                self.is_sent = true;
                let outcome = self.schema(&format!("{place}, body"), theirs, ours);
                self.is_sent = false;
                outcome?;
            }
            (_, Some((_, Some(_)))) => {
                return Err(self.problem(&place, "it no longer takes the body that the facade sends".to_owned()));
            }
            _ => {}
        }
        let none = Components::default();
        let of = |api: &OpenAPI, operation| bodies::answer(operation, api.components.as_ref().unwrap_or(&none));
        let answers = (of(self.api, theirs), of(self.own, ours));
        if let (Some(theirs), Some(_)) = answers
            && !bodies::is_json(theirs.media)
        {
            return Err(self.problem(&place, format!("it answers with {}, the facade reads JSON", theirs.media)));
        }
        match (answers.0.and_then(|answer| answer.schema), answers.1.and_then(|answer| answer.schema)) {
            (Some(theirs), Some(ours)) => self.schema(&format!("{place}, answer"), theirs, ours),
            (None, None) => Ok(()),
            (theirs, _) => {
                let (is, was) = if theirs.is_some() { ("a body", "none") } else { ("no body", "one") };
                Err(self.problem(&place, format!("it answers with {is}, the facade is built on {was}")))
            }
        }
    }

    fn schema<A, B>(&mut self, place: &str, theirs: &ReferenceOr<A>, ours: &ReferenceOr<B>) -> Result<()>
    where
        A: Borrow<Schema>,
        B: Borrow<Schema>,
    {
        let (theirs, ours, name) = match (&without_null(theirs), &without_null(ours)) {
            (ReferenceOr::Reference { reference: a }, ReferenceOr::Reference { reference: b }) if a == b => {
                if !self.seen.insert((self.is_sent, a.clone())) {
                    return Ok(());
                }
                let (api, own) = (self.api, self.own);
                let (Some(theirs), Some(ours)) = (named(api, a), named(own, b)) else { return Ok(()) };
                (theirs, ours, a.strip_prefix(walk::SCHEMAS).unwrap_or(a).to_owned())
            }
            (ReferenceOr::Item(theirs), ReferenceOr::Item(ours)) => (*theirs, *ours, String::new()),
            (ReferenceOr::Reference { reference: a }, ReferenceOr::Reference { reference: b })
                if self.is_renamed(a, b) =>
            {
                self.renamed.push((place.to_owned(), a.clone(), b.clone()));
                // What is there under our name may be something else.
                let ours: ReferenceOr<Schema> = ReferenceOr::ref_(b);
                return self.schema(place, &ours, &ours);
            }
            (theirs, ours) => {
                if let (ReferenceOr::Reference { reference: a }, ReferenceOr::Reference { reference: b }) =
                    (theirs, ours)
                {
                    self.called_other(a, b)?;
                }
                let name = |schema: &str| schema.rsplit('/').next().unwrap_or_default().to_owned();
                let theirs = match theirs {
                    ReferenceOr::Reference { reference } => name(reference),
                    ReferenceOr::Item(schema) => kind(schema).to_owned(),
                };
                let ours = match ours {
                    ReferenceOr::Reference { reference } => name(reference),
                    ReferenceOr::Item(schema) => kind(schema).to_owned(),
                };
                return Err(self.problem(place, format!("it is {theirs}, the facade is built on {ours}")));
            }
        };
        let place = if name.is_empty() { place.to_owned() } else { format!("#/components/schemas/{name}") };
        let (is, was) = (kind(theirs), kind(ours));
        if is != was {
            return Err(self.problem(&place, format!("it is {is}, the facade is built on {was}")));
        }
        match (&theirs.schema_kind, &ours.schema_kind) {
            (SchemaKind::Type(Type::Object(theirs)), SchemaKind::Type(Type::Object(ours))) => {
                for (field, schema) in &theirs.properties {
                    if let Some(own) = ours.properties.get(field) {
                        self.schema(&format!("{place}/properties/{field}"), schema, own)?;
                    }
                }
                if let (Some(AdditionalProperties::Schema(theirs)), Some(AdditionalProperties::Schema(ours))) =
                    (&theirs.additional_properties, &ours.additional_properties)
                {
                    self.schema(&format!("{place}/additionalProperties"), theirs.as_ref(), ours.as_ref())?;
                }
                Ok(())
            }
            (SchemaKind::Type(Type::Array(theirs)), SchemaKind::Type(Type::Array(ours))) => {
                match (&theirs.items, &ours.items) {
                    (Some(theirs), Some(ours)) => self.schema(&format!("{place}/items"), theirs, ours),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// What differs, where a schema has been called something else because it is another than ours of that name.
    fn called_other(&mut self, theirs: &str, ours: &str) -> Result<()> {
        let (api, own) = (self.api, self.own);
        let written = |reference: &str| Some(reference.strip_prefix(walk::SCHEMAS)?.strip_prefix(OTHER)?.to_owned());
        let is_other =
            written(theirs).is_some_and(|name| format!("{}{}", walk::SCHEMAS, name.trim_end_matches('2')) == ours);
        let (Some(is), Some(was)) = (named(api, theirs), named(own, ours)) else { return Ok(()) };
        if self.is_trial || !is_other || !self.seen.insert((self.is_sent, format!("{theirs} != {ours}"))) {
            return Ok(());
        }
        let (SchemaKind::Type(Type::Object(theirs)), SchemaKind::Type(Type::Object(own))) =
            (&is.schema_kind, &was.schema_kind)
        else {
            return Err(self.problem(ours, format!("it is {}, the facade is built on {}", kind(is), kind(was))));
        };
        for (field, schema) in &theirs.properties {
            if let Some(own) = own.properties.get(field) {
                self.schema(&format!("{ours}/properties/{field}"), schema, own)?;
            }
        }
        match own.properties.keys().find(|field| !theirs.properties.contains_key(*field) && !may_be_missing(own, field))
        {
            Some(field) => Err(self.problem(ours, format!("it has no field {field:?}, which the facade is built on"))),
            None => Ok(()),
        }
    }

    /// Whether the one schema can stand for the other: an object with the fields of ours, of the same types, that does not demand
    /// of a request what ours does not.
    fn is_renamed(&mut self, theirs: &str, ours: &str) -> bool {
        let (api, own) = (self.api, self.own);
        let (Some(is), Some(was)) = (named(api, theirs), named(own, ours)) else { return false };
        let (SchemaKind::Type(Type::Object(theirs_of)), SchemaKind::Type(Type::Object(ours_of))) =
            (&is.schema_kind, &was.schema_kind)
        else {
            return false;
        };
        let has_ours = |field: &String| theirs_of.properties.contains_key(field) || may_be_missing(ours_of, field);
        let is_met = |field: &String| {
            let schema = theirs_of.properties.get(field).and_then(ReferenceOr::as_item);
            ours_of.required.contains(field) || schema.is_some_and(|schema| schema.schema_data.default.is_some())
        };
        let ours_name = ours.strip_prefix(walk::SCHEMAS).unwrap_or(ours);
        let demands = self.is_sent && !correct::takes_less_than_documented(ours_name);
        if theirs_of.properties.is_empty()
            || !ours_of.properties.keys().all(has_ours)
            || demands && !theirs_of.required.iter().all(is_met)
        {
            return false;
        }
        // What differs within is another matter: the place will lead to ours.
        let (seen, renamed, is_trial) = (self.seen.clone(), self.renamed.len(), self.is_trial);
        self.is_trial = true;
        let is_the_same = !self.seen.insert((self.is_sent, format!("{theirs} = {ours}")))
            || theirs_of.properties.iter().all(|(field, schema)| match ours_of.properties.get(field) {
                Some(own) => self.schema(theirs, schema, own).is_ok(),
                None => true,
            });
        self.renamed.truncate(renamed);
        (self.seen, self.is_trial) = (seen, is_trial);
        is_the_same
    }
}

fn may_be_missing(ours: &ObjectType, field: &String) -> bool {
    !ours.required.contains(field) && NOT_EVERYWHERE.contains(&field.as_str())
}

/// Nothing is lost where an answer may be `null`: see [`complete::what_the_facade_is_built_on`].
fn without_null<S: Borrow<Schema>>(schema: &ReferenceOr<S>) -> ReferenceOr<&Schema> {
    match (schema, walk::reference(schema)) {
        (ReferenceOr::Item(schema), None) => ReferenceOr::Item(schema.borrow()),
        (_, reference) => ReferenceOr::ref_(reference.unwrap_or_default()),
    }
}

fn named<'a>(api: &'a OpenAPI, reference: &str) -> Option<&'a Schema> {
    api.components.as_ref()?.schemas.get(reference.strip_prefix(walk::SCHEMAS)?)?.as_item()
}

/// What makes another type in Rust.
fn kind(schema: &Schema) -> &'static str {
    match &schema.schema_kind {
        SchemaKind::Type(Type::String(string)) => match string.format {
            VariantOrUnknownOrEmpty::Item(StringFormat::DateTime) => "a time",
            _ => "a text",
        },
        SchemaKind::Type(Type::Integer(_)) => "an integer",
        SchemaKind::Type(Type::Number(_)) => "a number",
        SchemaKind::Type(Type::Boolean(_)) => "a flag",
        SchemaKind::Type(Type::Array(_)) => "a list",
        SchemaKind::Type(Type::Object(object)) if !object.properties.is_empty() => "an object",
        SchemaKind::Type(Type::Object(_)) => "a map",
        _ => "any value",
    }
}

pub fn has_a_default(format: &ParameterSchemaOrContent) -> bool {
    matches!(format, ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)) if schema.schema_data.default.is_some())
}
