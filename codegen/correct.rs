//! What HubSpot documents → what HubSpot sends. One function per fact.
//!
//! The corrected document is what the crate publishes, so it stays plain OpenAPI 3.0 and says nothing of generators.

use openapiv3::{
    AdditionalProperties, AnySchema, IntegerFormat, MediaType, ObjectType, OpenAPI, Parameter,
    ParameterSchemaOrContent, ReferenceOr, Response, Schema, SchemaKind, StringType, Type, VariantOrUnknownOrEmpty,
};
use serde_json::Value;

use super::{compositions, operations::Known, scopes, walk};

/// Every correction.
pub fn document(api: &mut OpenAPI) {
    compositions_are_objects(api);
    property_values_may_be_null(api);
    labels_may_be_null(api);
    ids_of_associated_records_are_numbers_as_well(api);
    required_is_what_is_always_there(api);
    unknown_fields_are_allowed(api);
    enumerations_grow(api);
    choices_grow(api);
    sub_categories_are_any_value(api);
    error_bodies_are_json(api);
    every_operation_can_fail(api);
    scopes::of_partner_clients(api);
    correlation_ids_may_be_no_uuid(api);
    integers_are_64_bit(api);
    lists_travel_as_one_value(api);
    sorts_are_strings_or_objects(api);
}

/// What is corrected here may be written as a composition: of the fields that all objects have, and further ones.
pub fn compositions_are_objects(api: &mut OpenAPI) {
    let known = api.components.clone().unwrap_or_default();
    for (name, _) in REQUIRED {
        if let Some(schema) = walk::component(api, name)
            && walk::only_reference(schema).is_none()
            && let Some(object) = compositions::composed(&schema.schema_kind, &known)
        {
            schema.schema_kind = SchemaKind::Type(Type::Object(object));
        }
    }
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

/// The unlabelled association type has `null` for a label, and lists do not say the object types.
pub fn labels_may_be_null(api: &mut OpenAPI) {
    for field in ["label", "fromObjectTypeId", "toObjectTypeId"] {
        let object = object(api, "AssociationSpecWithLabel");
        if let Some(field) = object.and_then(|object| inline(object.properties.get_mut(field)?)) {
            field.schema_data.nullable = true;
        }
    }
}

/// The dated association operations document ids as strings and send them as JSON numbers.
pub fn ids_of_associated_records_are_numbers_as_well(api: &mut OpenAPI) {
    for (name, field) in [
        ("LabelsBetweenObjectPair", "fromObjectId"),
        ("LabelsBetweenObjectPair", "toObjectId"),
        ("MultiAssociatedObjectWithLabel", "toObjectId"),
    ] {
        if let Some(id) = object(api, name).and_then(|object| inline(object.properties.get_mut(field)?)) {
            id.schema_kind = SchemaKind::Any(AnySchema::default());
        }
    }
}

/// The fields that are always there in an answer and that HubSpot insists on in a request, where they are documented at
/// all. Elsewhere `required` is not to be relied on: older objects come without `archived`, rate-limit errors without a
/// category, gateways without anything documented; a batch read needs no list of properties and a search none of its
/// fields; and a requirement that is new in a description is not met by the objects and programs that are older. Times and
/// totals are seldom missing, but nothing is lost where they are.
#[rustfmt::skip]
const REQUIRED: &[(&str, &[&str])] = &[
    ("AssociatedId", &["id", "type"]),
    ("AssociationSpec", &["associationCategory", "associationTypeId"]),
    ("AssociationSpecWithLabel", &["category", "typeId"]),
    ("BatchInputPublicAssociation", &["inputs"]),
    ("BatchInputPublicAssociationMultiArchive", &["inputs"]),
    ("BatchInputPublicAssociationMultiPost", &["inputs"]),
    ("BatchInputPublicDefaultAssociationMultiPost", &["inputs"]),
    ("BatchInputPublicFetchAssociationsBatchRequest", &["inputs"]),
    ("BatchInputPublicObjectId", &["inputs"]),
    ("BatchInputSimplePublicObjectBatchInput", &["inputs"]),
    ("BatchReadInputSimplePublicObjectId", &["inputs"]),
    ("BatchResponse", &BATCH),
    ("BatchResponseLabelsBetweenObjectPair", &BATCH),
    ("BatchResponseLabelsBetweenObjectPairWithErrors", &BATCH),
    ("BatchResponsePublicAssociation", &BATCH),
    ("BatchResponsePublicAssociationMulti", &BATCH),
    ("BatchResponsePublicAssociationMultiWithErrors", &BATCH),
    ("BatchResponsePublicAssociationMultiWithLabel", &BATCH),
    ("BatchResponsePublicAssociationMultiWithLabelWithErrors", &BATCH),
    ("BatchResponsePublicAssociationWithErrors", &BATCH),
    ("BatchResponsePublicDefaultAssociation", &BATCH),
    ("BatchResponseSimplePublicObject", &BATCH),
    ("BatchResponseSimplePublicObjectWithErrors", &BATCH),
    ("CollectionResponseAssociatedId", &["results"]),
    ("CollectionResponseAssociatedIdForwardPaging", &["results"]),
    ("CollectionResponseAssociationSpecWithLabelNoPaging", &["results"]),
    ("CollectionResponseMultiAssociatedObjectWithLabelForwardPaging", &["results"]),
    ("CollectionResponsePublicAssociationDefinitionNoPaging", &["results"]),
    ("CollectionResponseSimplePublicObjectWithAssociationsForwardPaging", &["results"]),
    ("CollectionResponseWithTotalSimplePublicObject", &["results"]),
    ("Error", &[]),
    ("ErrorDetail", &[]),
    ("Filter", &["propertyName", "operator"]),
    ("FilterGroup", &["filters"]),
    ("ForwardPaging", &[]),
    ("LabelsBetweenObjectPair", &[]),
    ("MultiAssociatedObjectWithLabel", &["toObjectId", "associationTypes"]),
    ("NextPage", &["after"]),
    ("Paging", &[]),
    ("PreviousPage", &["before"]),
    ("PortalInformationResponse", &["portalId"]),
    ("PrivateAppTokenInfo", &["hubId", "scopes"]),
    ("PublicAssociation", &["from", "to", "type"]),
    ("PublicAssociationDefinition", &["id", "name"]),
    ("PublicAssociationMulti", &["from", "to"]),
    ("PublicAssociationMultiArchive", &["from", "to"]),
    ("PublicAssociationMultiPost", &["from", "to", "types"]),
    ("PublicAssociationMultiWithLabel", &["from", "to"]),
    ("PublicDefaultAssociation", &[]),
    ("PublicDefaultAssociationMultiPost", &["from", "to"]),
    ("PublicFetchAssociationsBatchRequest", &["id"]),
    ("PublicObjectId", &["id"]),
    ("PublicObjectSearchRequest", &[]),
    ("PublicObjectWarning", &["category", "message", "context"]),
    ("SimplePublicObject", &["id", "properties"]),
    ("SimplePublicObjectBatchInput", &["id", "properties"]),
    ("SimplePublicObjectId", &["id"]),
    ("SimplePublicObjectInput", &["properties"]),
    ("SimplePublicObjectWithAssociations", &["id", "properties"]),
    ("StandardError", &[]),
    ("ValueWithTimestamp", &["value", "sourceType"]),
];
const BATCH: [&str; 2] = ["status", "results"];

/// See [`REQUIRED`]. What is not in this table is required where it is documented so.
pub fn required_is_what_is_always_there(api: &mut OpenAPI) {
    for &(name, fields) in REQUIRED {
        if let Some(object) = object(api, name) {
            let documented = |field: &&&str| object.properties.contains_key(**field);
            object.required = fields.iter().filter(documented).map(|field| (*field).to_owned()).collect();
        }
    }
}

/// Whether HubSpot takes a request without fields that its documents require.
pub fn takes_less_than_documented(schema: &str) -> bool {
    matches!(schema, "BatchReadInputSimplePublicObjectId" | "PublicObjectSearchRequest")
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

/// A value of one type or another is any value: HubSpot adds types as it adds values, and a generator that makes one
/// type of each choice fails on the first that is new.
pub fn choices_grow(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| {
        match &mut schema.schema_kind {
            SchemaKind::OneOf { .. } | SchemaKind::AnyOf { .. } => {
                schema.schema_kind = SchemaKind::Any(AnySchema::default());
            }
            // Fields beside a choice are there whatever is chosen.
            SchemaKind::Any(any) => {
                any.one_of.clear();
                any.any_of.clear();
            }
            _ => {}
        }
    });
}

/// The finer class of one failure in a batch is documented as an object without fields; it is a string as well.
pub fn sub_categories_are_any_value(api: &mut OpenAPI) {
    let category = object(api, "StandardError").and_then(|object| inline(object.properties.get_mut("subCategory")?));
    if let Some(category) = category {
        category.schema_kind = SchemaKind::Any(AnySchema::default());
    }
}

/// Each operation can fail, and every failure has the one shape, whether it is documented there or not.
pub fn every_operation_can_fail(api: &mut OpenAPI) {
    if object(api, "Error").is_none() {
        return;
    }
    for (_, _, operation) in walk::operations(api) {
        let schema = Some(ReferenceOr::ref_("#/components/schemas/Error"));
        let error = MediaType { schema, ..MediaType::default() };
        match &mut operation.responses.default {
            Some(ReferenceOr::Item(response)) => {
                response.content.clear();
                response.content.insert("application/json".into(), error);
            }
            default => {
                let content = [("application/json".to_owned(), error)].into_iter().collect();
                let description = "The request failed.".to_owned();
                *default = Some(ReferenceOr::Item(Response { description, content, ..Response::default() }));
            }
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

/// With CRM objects, a list in the query is understood as one comma-separated value as well as by repeated keys; the former
/// keeps a URL below the 8 kB past which HubSpot answers 414. Elsewhere it travels as it is documented.
pub fn lists_travel_as_one_value(api: &mut OpenAPI) {
    for (method, path, operation) in walk::operations(api) {
        if Known::like(method, path).is_none() {
            continue;
        }
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
