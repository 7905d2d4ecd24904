//! What HubSpot sends → what progenitor 0.15 can take. One function per limit.

use openapiv3::{
    OpenAPI, Parameter, ParameterData, ParameterSchemaOrContent, ReferenceOr, Response, SchemaKind, StatusCode, Type,
};

use super::{
    operations::KNOWN,
    requests,
    schemas::{self, ID_TYPES, checked},
    segments::VERSION,
    walk,
};

/// Every adaptation for the client.
pub fn document(api: &mut OpenAPI) {
    schemas::fit(api);
    requests::fit(api);
    versions_are_left_to_the_transport(api);
    one_success_per_operation(api);
    one_error_per_operation(api);
    lists_become_strings(api);
    ids_are_shared_types(api);
    defaults_are_dropped(api);
    archived_is_false_unless_said(api);
    constraints_are_dropped(api);
}

/// Every adaptation for the mocks, which take the ids of a path as plain strings and give each documented status.
pub fn for_mocks(mut api: OpenAPI) -> OpenAPI {
    schemas::fit(&mut api);
    requests::fit(&mut api);
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
pub const DATED: &str = "dated";

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
/// One `2XX` of the widest schema takes both, and every success that HubSpot may switch to.
pub fn one_success_per_operation(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        let responses = &mut operation.responses.responses;
        let successes: Vec<_> = responses.keys().filter(|status| is_success(status)).cloned().collect();
        let widest = successes
            .iter()
            .filter_map(|status| responses.shift_remove(status))
            // The partial success is listed last and adds fields to the full one.
            .reduce(|first, second| if has_body(&second) { second } else { first });
        if let Some(widest) = widest {
            responses.insert(StatusCode::Range(2), widest);
        }
    }
}

/// Errors of different schemas make progenitor panic as well. HubSpot's have one schema, so the default speaks for all.
pub fn one_error_per_operation(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        if operation.responses.default.is_some() {
            operation.responses.responses.retain(|status, _| is_success(status));
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
    for name in ["SimplePublicObject", "SimplePublicObjectWithAssociations"] {
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

fn is_success(status: &StatusCode) -> bool {
    matches!(status, StatusCode::Code(200..=299) | StatusCode::Range(2))
}

fn has_body(response: &ReferenceOr<Response>) -> bool {
    matches!(response, ReferenceOr::Item(response) if !response.content.is_empty())
}

fn reference(component: &str) -> String {
    format!("#/components/schemas/{component}")
}
