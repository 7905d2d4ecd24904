//! Whether a description still has what the facade is built on: otherwise its code would not compile, or its calls could not
//! succeed.

use std::{borrow::Borrow, collections::BTreeSet};

use openapiv3::{
    AdditionalProperties, OpenAPI, Operation, Parameter, ParameterSchemaOrContent, ReferenceOr, Response, Schema,
    SchemaKind, StatusCode, StringFormat, Type, VariantOrUnknownOrEmpty,
};

use serde_json::{Value, json};

use super::{Problem, Result, correct, operations::KNOWN, read::same_parameter, walk};

const REMEDY: &str = "the facade in src/ has to change with it; until then, use the former document";

fn pairs<'a>(api: &'a OpenAPI, own: &'a OpenAPI) -> impl Iterator<Item = (&'static str, &'a Operation, &'a Operation)> {
    let find = |api: &'a OpenAPI, name: &str| {
        api.operations().find(|(_, _, o)| o.operation_id.as_deref() == Some(name)).map(|(_, _, operation)| operation)
    };
    KNOWN.iter().filter_map(move |known| Some((known.name, find(api, known.name)?, find(own, known.name)?)))
}

/// Compares what the known operations demand with the crate's own description, both as they are documented. Where a default
/// is documented, HubSpot takes that.
pub fn check_demands(of: &str, api: &OpenAPI, own: &OpenAPI) -> Result<()> {
    let schemas = |api: &OpenAPI| json!(api.components.as_ref().map(|components| &components.schemas));
    let (theirs_all, ours_all) = (schemas(api), schemas(own));
    for (name, theirs, ours) in pairs(api, own) {
        let place = format!("the operation `{name}`");
        let ours_of =
            |parameter: &ReferenceOr<Parameter>| ours.parameters.iter().find(|own| same_parameter(own, parameter));
        for parameter in &theirs.parameters {
            let ReferenceOr::Item(item) = parameter else { continue };
            let data = item.parameter_data_ref();
            let is_met = matches!(item, Parameter::Path { .. })
                || ours_of(parameter)
                    .is_some_and(|own| own.as_item().is_some_and(|own| own.parameter_data_ref().required));
            if data.required && !is_met && !has_a_default(&data.format) {
                let trouble =
                    format!("it demands the parameter {:?}, which the facade does not always send", data.name);
                return Err(Problem::new(of, place, trouble, REMEDY));
            }
        }
        if body(theirs).is_some() && body(ours).is_none() {
            return Err(Problem::new(of, place, "it takes a body, which the facade does not send", REMEDY));
        }
        for schema in walk::needed_schemas(&json!(theirs.request_body), &theirs_all) {
            if correct::takes_less_than_documented(&schema) || ours_all.get(&schema).is_none() {
                continue;
            }
            let demanded = |all: &Value| all[&schema]["required"].as_array().cloned().unwrap_or_default();
            let met = demanded(&ours_all);
            for field in demanded(&theirs_all).iter().filter_map(Value::as_str) {
                let has_default = theirs_all[&schema]["properties"][field].get("default").is_some();
                if !has_default && !met.iter().any(|name| name == field) {
                    let place = format!("#/components/schemas/{schema}");
                    let trouble =
                        format!("`{name}` demands the field {field:?}, which the facade does not always send");
                    return Err(Problem::new(of, place, trouble, REMEDY));
                }
            }
        }
    }
    Ok(())
}

/// Compares the types of what the known operations send and receive with the crate's own description. Both are corrected and
/// completed. A parameter with a default need not be sent.
pub fn check_types(of: &str, api: &mut OpenAPI, own: &OpenAPI) -> Result<()> {
    let described = api.clone();
    let mut comparison = Comparison { of, api: &described, own, seen: BTreeSet::new() };
    for (name, theirs, ours) in pairs(&described, own) {
        comparison.operation(name, theirs, ours)?;
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

fn has_a_default(format: &ParameterSchemaOrContent) -> bool {
    matches!(format, ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)) if schema.schema_data.default.is_some())
}

struct Comparison<'a> {
    of: &'a str,
    api: &'a OpenAPI,
    own: &'a OpenAPI,
    seen: BTreeSet<String>,
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
        match (body(theirs), body(ours)) {
            (Some(theirs), Some(ours)) => self.schema(&format!("{place}, body"), &theirs, &ours)?,
            (None, Some(_)) => {
                return Err(self.problem(&place, "it no longer takes the body that the facade sends".to_owned()));
            }
            (_, None) => {}
        }
        match (answer(theirs), answer(ours)) {
            (Some(theirs), Some(ours)) => self.schema(&format!("{place}, answer"), &theirs, &ours),
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
        let (theirs, ours, name) = match (theirs, ours) {
            (ReferenceOr::Reference { reference: a }, ReferenceOr::Reference { reference: b }) if a == b => {
                if !self.seen.insert(a.clone()) {
                    return Ok(());
                }
                let (api, own) = (self.api, self.own);
                let (Some(theirs), Some(ours)) = (named(api, a), named(own, b)) else { return Ok(()) };
                (theirs, ours, a.strip_prefix(walk::SCHEMAS).unwrap_or(a).to_owned())
            }
            (ReferenceOr::Item(theirs), ReferenceOr::Item(ours)) => (theirs.borrow(), ours.borrow(), String::new()),
            (theirs, ours) => {
                let name = |schema: &str| schema.rsplit('/').next().unwrap_or_default().to_owned();
                let theirs = match theirs {
                    ReferenceOr::Reference { reference } => name(reference),
                    ReferenceOr::Item(schema) => kind(schema.borrow()).to_owned(),
                };
                let ours = match ours {
                    ReferenceOr::Reference { reference } => name(reference),
                    ReferenceOr::Item(schema) => kind(schema.borrow()).to_owned(),
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

fn body(operation: &Operation) -> Option<ReferenceOr<Schema>> {
    operation.request_body.as_ref()?.as_item()?.content.values().next()?.schema.clone()
}

/// The widest success, as the client takes it.
fn answer(operation: &Operation) -> Option<ReferenceOr<Schema>> {
    let successes = operation.responses.responses.iter();
    let successes =
        successes.filter(|(status, _)| matches!(status, StatusCode::Code(200..=299) | StatusCode::Range(2)));
    let schema = |response: &ReferenceOr<Response>| response.as_item()?.content.values().next()?.schema.clone();
    successes.filter_map(|(_, response)| schema(response)).next_back()
}
