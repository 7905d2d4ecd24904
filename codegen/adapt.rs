//! What HubSpot sends → what progenitor 0.15 can take. One function per limit.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{
    OpenAPI, Operation, Parameter, ParameterData, ParameterSchemaOrContent, ReferenceOr, SchemaKind, StatusCode, Type,
};
use serde_json::json;

use super::{
    bodies::{self, Answer},
    names::{ID_TYPES, checked},
    operations::KNOWN,
    requests,
    schemas::{self, Mark},
    segments::VERSION,
    walk,
};

/// Every adaptation for the client. A line is returned for each part that may be any value because it is too deep inside others.
pub fn document(api: &mut OpenAPI, mark: &Mark) -> Vec<String> {
    let too_deep = schemas::fit(api, mark);
    requests::fit(api, mark);
    versions_are_left_to_the_transport(api);
    one_success_per_operation(api);
    one_error_per_operation(api);
    lists_become_strings(api);
    ids_are_shared_types(api);
    defaults_are_dropped(api);
    archived_is_false_unless_said(api);
    constraints_are_dropped(api);
    too_deep
}

/// Every adaptation for the mocks, which take the ids of a path as plain strings and give each documented status.
pub fn for_mocks(mut api: OpenAPI, mark: &Mark) -> OpenAPI {
    schemas::fit(&mut api, mark);
    requests::fit(&mut api, mark);
    statuses_have_names(&mut api);
    bodies_are_given_by_reference(&mut api);
    versions_are_parameters(&mut api);
    one_error_per_operation(&mut api);
    lists_are_strings(&mut api, |_| true);
    constraints_are_dropped(&mut api);
    api
}

/// A mock takes a body by reference, but a number or a flag as it is, and then does not compile.
pub fn bodies_are_given_by_reference(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        walk::bodies(operation, &mut |_, schema| {
            if let ReferenceOr::Item(item) = schema
                && matches!(item.schema_kind, SchemaKind::Type(Type::Integer(_) | Type::Number(_) | Type::Boolean(_)))
            {
                *schema = ReferenceOr::Item(walk::any());
            }
        });
    }
}

/// A mock has a method for each status, called by its reason.
pub fn statuses_have_names(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        let has_name = |status: &StatusCode| match status {
            StatusCode::Code(code) => matches!(code, 200..=208 | 226),
            StatusCode::Range(class) => (1..=5).contains(class),
        };
        operation.responses.responses.retain(|status, _| has_name(status));
    }
}

/// The version is the client's, so it is no argument of a call. The transport puts it where this stands.
/// No other path has it.
pub const DATED: &str = "~version~";

/// See [`DATED`].
pub fn versions_are_left_to_the_transport(api: &mut OpenAPI) {
    for (path, item) in std::mem::take(&mut api.paths.paths) {
        let is_known = KNOWN.iter().any(|known| known.path == path);
        let path = if is_known { path.replace(VERSION, DATED) } else { path };
        api.paths.paths.insert(path, item);
    }
}

/// A mock answers whichever version it is told to.
pub fn versions_are_parameters(api: &mut OpenAPI) {
    for (_, path, operation) in walk::operations(api) {
        if path.contains(VERSION) && KNOWN.iter().any(|known| known.path == path) {
            operation.parameters.insert(0, ReferenceOr::Item(requests::in_path(VERSION.trim_matches(['{', '}']))));
        }
    }
}

/// Two successes of different schemas (200 and 207) make progenitor panic, and a success it does not list is an error.
/// One `2XX` of the widest schema takes both, and every success that HubSpot may switch to. Where none has the fields of all, it is
/// any value; but the facade is built on a type, with the fields that it requires.
pub fn one_success_per_operation(api: &mut OpenAPI) {
    let described = api.components.clone().unwrap_or_default();
    let is_known =
        |operation: &Operation| KNOWN.iter().any(|known| operation.operation_id.as_deref() == Some(known.name));
    let known: Vec<_> =
        api.operations().filter(|(.., operation)| is_known(operation)).map(|(.., o)| json!(o)).collect();
    let ours = walk::needed_schemas(&json!(known), &json!(described.schemas));
    let mut required = BTreeMap::<String, BTreeSet<String>>::new();
    for (_, _, operation) in walk::operations(api) {
        let is_known = is_known(operation);
        let answer = bodies::answer(operation, &described);
        let mut is_any = answer.is_some_and(|answer| !answer.is_widest && !is_known);
        let status = answer.map(|answer| answer.status.clone());
        if let Some(Answer { is_widest: true, schema: Some(schema), .. }) = answer
            && let (Some(reference), Some(object)) = (walk::reference(schema), bodies::object(&described, schema))
            && !is_known
        {
            // What another success lacks is not always there.
            let mut all: BTreeSet<_> = object.required.iter().cloned().collect();
            let others = operation.responses.responses.iter().filter(|(status, _)| bodies::is_success(status));
            for other in others.filter_map(|(_, other)| bodies::taken(&other.as_item()?.content)?.1.schema.as_ref()) {
                let other = bodies::object(&described, other);
                all.retain(|field| other.is_none_or(|other| other.required.contains(field)));
            }
            let name = reference.strip_prefix(walk::SCHEMAS).unwrap_or_default();
            if ours.contains(name) {
                is_any = !object.required.iter().all(|field| all.contains(field));
            } else {
                required.entry(name.to_owned()).or_insert_with(|| all.clone()).retain(|field| all.contains(field));
            }
        }
        let responses = &mut operation.responses.responses;
        let successes: Vec<_> = responses.keys().filter(|status| bodies::is_success(status)).cloned().collect();
        let successes: Vec<_> =
            successes.into_iter().filter_map(|of| Some((responses.shift_remove(&of)?, Some(of) == status))).collect();
        let chosen = successes.iter().find(|(_, is_answer)| *is_answer).or(successes.last());
        let Some((mut chosen, _)) = chosen.cloned() else { continue };
        if let ReferenceOr::Item(response) = &mut chosen
            && is_any
        {
            response.content.values_mut().for_each(|media| media.schema = Some(ReferenceOr::Item(walk::any())));
        }
        responses.insert(StatusCode::Range(2), chosen);
    }
    for (name, required) in required {
        if let Some(SchemaKind::Type(Type::Object(object))) = walk::component(api, &name).map(|s| &mut s.schema_kind) {
            object.required.retain(|field| required.contains(field));
        }
    }
}

/// Errors of different schemas make progenitor panic as well. HubSpot's have one schema, so the default speaks for all.
pub fn one_error_per_operation(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        if operation.responses.default.is_some() {
            operation.responses.responses.retain(|status, _| bodies::is_success(status));
        }
    }
}

/// progenitor sends a list in the query as repeated keys. What travels as one comma-separated value is a string to it.
pub fn lists_become_strings(api: &mut OpenAPI) {
    lists_are_strings(api, |data| data.explode == Some(false));
}

/// In mocks every list is one: progenitor's helpers do not compile for lists.
fn lists_are_strings(api: &mut OpenAPI, is: impl Fn(&ParameterData) -> bool) {
    for (_, _, operation) in walk::operations(api) {
        for data in walk::parameters(operation).map(walk::data).filter(|data| is(data)) {
            if let ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)) = &mut data.format
                && matches!(schema.schema_kind, SchemaKind::Type(Type::Array(_)))
            {
                *schema = walk::string();
            }
        }
    }
}

/// A path parameter written in place is a `String` to progenitor, which encodes neither `.`, `..` nor `\`. As a
/// reference to a component it can be replaced by a type that has checked itself, the same one everywhere.
pub fn ids_are_shared_types(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        for parameter in walk::parameters(operation) {
            if let Parameter::Path { parameter_data, .. } = parameter {
                let id = match parameter_data.name.as_str() {
                    "partnerClientId" => "PartnerClientId",
                    "objectType" | "toObjectType" | "fromObjectType" => "ObjectType",
                    "toObjectId" | "fromObjectId" => "ObjectId",
                    "associationType" => "AssociationType",
                    _ => "PathSegment",
                };
                parameter_data.format = ParameterSchemaOrContent::Schema(ReferenceOr::ref_(&reference(&checked(id))));
            }
        }
    }
    for (schema, field, id) in [
        ("AssociatedId", "id", "ObjectId"),
        ("LabelsBetweenObjectPair", "fromObjectId", "ObjectId"),
        ("LabelsBetweenObjectPair", "toObjectId", "ObjectId"),
        ("MultiAssociatedObjectWithLabel", "toObjectId", "ObjectId"),
        ("PublicAssociationDefinition", "id", "AssociationType"),
        ("PublicFetchAssociationsBatchRequest", "id", "ObjectId"),
        ("PublicObjectId", "id", "ObjectId"),
    ] {
        if let Some(schema) = walk::component(api, schema)
            && let SchemaKind::Type(Type::Object(object)) = &mut schema.schema_kind
            && let Some(field) = object.properties.get_mut(field)
        {
            *field = ReferenceOr::ref_(&reference(&checked(id)));
        }
    }
    let components = api.components.get_or_insert_default();
    for id in ID_TYPES {
        components.schemas.insert(checked(id), ReferenceOr::Item(walk::string()));
    }
}

/// A field with a default is never absent to progenitor: what an answer lacks would be there, and be sent back.
pub fn defaults_are_dropped(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| schema.schema_data.default = None);
}

/// An object that does not say whether it is archived is not. The published document leaves this to its readers: there are
/// generators that take what has a default for what is always there.
pub fn archived_is_false_unless_said(api: &mut OpenAPI) {
    for name in ["SimplePublicObject", "PartnerClient"] {
        if let Some(schema) = walk::component(api, name)
            && let SchemaKind::Type(Type::Object(object)) = &mut schema.schema_kind
            && let Some(ReferenceOr::Item(archived)) = object.properties.get_mut("archived")
        {
            archived.schema_data.default = Some(false.into());
        }
    }
}

/// A pattern or a bound makes progenitor generate one type per place, which rejects what HubSpot may well send.
pub fn constraints_are_dropped(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| match &mut schema.schema_kind {
        SchemaKind::Type(Type::String(string)) => {
            string.pattern = None;
            string.min_length = None;
            string.max_length = None;
        }
        SchemaKind::Type(Type::Integer(integer)) => {
            integer.minimum = None;
            integer.maximum = None;
            integer.multiple_of = None;
        }
        SchemaKind::Type(Type::Number(number)) => {
            number.minimum = None;
            number.maximum = None;
            number.multiple_of = None;
        }
        SchemaKind::Type(Type::Array(array)) => {
            array.min_items = None;
            array.max_items = None;
            array.unique_items = false;
        }
        _ => {}
    });
}

fn reference(component: &str) -> String {
    format!("#/components/schemas/{component}")
}
