//! What HubSpot documents → what HubSpot sends. One function per fact.
//!
//! The corrected document is what the crate publishes, so it stays plain OpenAPI 3.0 and says nothing of generators.

use openapiv3::{
    AdditionalProperties, AnySchema, IntegerFormat, ObjectType, OpenAPI, Parameter, ParameterSchemaOrContent,
    ReferenceOr, Schema, SchemaKind, StringType, Type, VariantOrUnknownOrEmpty,
};
use serde_json::Value;

use super::walk;

/// Every correction.
pub fn document(api: &mut OpenAPI) {
    property_values_may_be_null(api);
    archived_may_be_absent(api);
    unknown_fields_are_allowed(api);
    enumerations_grow(api);
    request_fields_may_be_absent(api);
    error_fields_may_be_absent(api);
    error_bodies_are_json(api);
    correlation_ids_may_be_no_uuid(api);
    integers_are_64_bit(api);
    lists_travel_as_one_value(api);
    sorts_are_strings_or_objects(api);
}

/// HubSpot answers `null` for a property that has no value, now or at a time in its history. In a request a `null` is
/// ignored (an empty string clears a property), so requests keep plain strings.
pub fn property_values_may_be_null(api: &mut OpenAPI) {
    for name in ["SimplePublicObject", "SimplePublicObjectWithAssociations"] {
        if let Some(AdditionalProperties::Schema(values)) = object(api, name)
            .and_then(|object| inline(object.properties.get_mut("properties")?))
            .and_then(|properties| as_object(properties)?.additional_properties.as_mut())
            && let ReferenceOr::Item(values) = values.as_mut()
        {
            values.schema_data.nullable = true;
        }
    }
    let history = object(api, "ValueWithTimestamp");
    if let Some(value) = history.and_then(|object| inline(object.properties.get_mut("value")?)) {
        value.schema_data.nullable = true;
    }
}

/// Older objects come without `archived`, although it is documented as required; they are not archived.
pub fn archived_may_be_absent(api: &mut OpenAPI) {
    for name in ["SimplePublicObject", "SimplePublicObjectWithAssociations"] {
        let Some(object) = object(api, name) else { continue };
        object.required.retain(|field| field != "archived");
        if let Some(archived) = object.properties.get_mut("archived").and_then(inline) {
            archived.schema_data.default = Some(Value::Bool(false));
        }
    }
}

/// HubSpot adds fields without notice, so no schema may forbid those it does not name.
pub fn unknown_fields_are_allowed(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| {
        if let Some(object) = as_object(schema)
            && object.additional_properties == Some(AdditionalProperties::Any(false))
        {
            object.additional_properties = None;
        }
    });
}

/// Batch states, operators and categories get new values without notice. The known ones are kept under
/// `x-extensible-enum`, the name that other API descriptions use for an enumeration that grows.
pub fn enumerations_grow(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| {
        if let SchemaKind::Type(Type::String(string)) = &mut schema.schema_kind
            && !string.enumeration.is_empty()
        {
            let known = std::mem::take(&mut string.enumeration);
            let known = known.into_iter().flatten().map(Value::String).collect();
            schema.schema_data.extensions.insert("x-extensible-enum".into(), Value::Array(known));
        }
    });
}

/// A batch read needs no list of properties and a search none of its fields, whatever their documents require.
pub fn request_fields_may_be_absent(api: &mut OpenAPI) {
    if let Some(object) = object(api, "BatchReadInputSimplePublicObjectId") {
        object.required.retain(|field| field == "inputs");
    }
    if let Some(object) = object(api, "PublicObjectSearchRequest") {
        object.required.clear();
    }
}

/// Rate-limit errors carry no category, gateways nothing that is documented.
pub fn error_fields_may_be_absent(api: &mut OpenAPI) {
    for name in ["Error", "ErrorDetail", "StandardError"] {
        if let Some(object) = object(api, name) {
            object.required.clear();
        }
    }
}

/// HubSpot's documents leave the media type of errors open (`*/*`); its servers send JSON.
pub fn error_bodies_are_json(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        for response in walk::responses(operation) {
            if let Some(any) = response.content.shift_remove("*/*") {
                response.content.entry("application/json".into()).or_insert(any);
            }
        }
    }
}

/// A correlation id is documented as a UUID; some services of HubSpot's answer with another token.
pub fn correlation_ids_may_be_no_uuid(api: &mut OpenAPI) {
    if let Some(object) = object(api, "Error")
        && let Some(id) = object.properties.get_mut("correlationId").and_then(inline)
    {
        id.schema_kind = SchemaKind::Type(Type::String(StringType::default()));
    }
}

/// Counts and ids documented as 32-bit have outgrown it in other HubSpot APIs.
pub fn integers_are_64_bit(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| {
        if let SchemaKind::Type(Type::Integer(integer)) = &mut schema.schema_kind {
            integer.format = VariantOrUnknownOrEmpty::Item(IntegerFormat::Int64);
        }
    });
}

/// A list in the query is understood as one comma-separated value as well as by repeated keys; the former keeps a URL
/// below the 8 kB past which HubSpot answers 414.
pub fn lists_travel_as_one_value(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        for parameter in walk::parameters(operation) {
            if let Parameter::Query { parameter_data, .. } = parameter
                && let ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)) = &parameter_data.format
                && matches!(schema.schema_kind, SchemaKind::Type(Type::Array(_)))
            {
                parameter_data.explode = Some(false);
            }
        }
    }
}

/// Search sorts are documented as strings on one page and as objects of `propertyName` and `direction` on another.
pub fn sorts_are_strings_or_objects(api: &mut OpenAPI) {
    let request = object(api, "PublicObjectSearchRequest");
    if let Some(sorts) = request.and_then(|object| inline(object.properties.get_mut("sorts")?))
        && let SchemaKind::Type(Type::Array(sorts)) = &mut sorts.schema_kind
    {
        sorts.items = Some(ReferenceOr::boxed_item(Schema {
            schema_data: Default::default(),
            schema_kind: SchemaKind::Any(AnySchema::default()),
        }));
    }
}

fn object<'a>(api: &'a mut OpenAPI, name: &str) -> Option<&'a mut ObjectType> {
    as_object(walk::component(api, name)?)
}

fn as_object(schema: &mut Schema) -> Option<&mut ObjectType> {
    match &mut schema.schema_kind {
        SchemaKind::Type(Type::Object(object)) => Some(object),
        _ => None,
    }
}

fn inline(schema: &mut ReferenceOr<Box<Schema>>) -> Option<&mut Schema> {
    match schema {
        ReferenceOr::Item(schema) => Some(schema),
        ReferenceOr::Reference { .. } => None,
    }
}
