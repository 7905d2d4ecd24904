//! The operation table: what a caller has to know of each operation.

use openapiv3::{
    Content, OpenAPI, Parameter, ParameterData, ParameterSchemaOrContent, ReferenceOr, SchemaKind, StatusCode, Type,
};

use super::{NAMED, bodies, operations::Known, scopes, walk};

/// The table as the Rust expression of a `&[Operation]` of `src/spec.rs`: what is published of each operation, its name in
/// Rust, and the scopes of its security.
pub fn rust(api: &mut OpenAPI, published: &mut OpenAPI) -> String {
    let mut rust = String::from("&[\n");
    for ((_, _, corrected), (method, path, operation)) in walk::operations(api).zip(walk::operations(published)) {
        let id = corrected.operation_id.clone().expect(NAMED);
        let openapi_id = operation.operation_id.clone().expect(NAMED);
        let tag = operation.tags.first().cloned();
        let (in_path, in_query): (Vec<_>, Vec<_>) = walk::parameters(operation)
            .filter(|p| matches!(p, Parameter::Path { .. } | Parameter::Query { .. }))
            .partition(|p| matches!(p, Parameter::Path { .. }));
        let mut path_parameters: Vec<_> = in_path.into_iter().map(|p| &*walk::data(p)).collect();
        path_parameters.sort_by_key(|data| path.find(&format!("{{{}}}", data.name)));
        let path_parameters: String = path_parameters.into_iter().map(parameter).collect();
        let query_parameters: String = in_query.into_iter().map(|p| parameter(walk::data(p))).collect();
        let request_schema = match &operation.request_body {
            Some(ReferenceOr::Item(body)) => schema_name(&body.content),
            _ => None,
        };
        let successes: Vec<_> = operation
            .responses
            .responses
            .iter()
            .filter_map(|(status, response)| match (status, response) {
                (StatusCode::Code(status @ 200..=299), ReferenceOr::Item(response)) => {
                    Some(format!("Success {{ status: {status}, schema: {:?} }}", schema_name(&response.content)))
                }
                _ => None,
            })
            .collect();
        let scopes: String = scopes::alternatives(corrected).iter().map(|all| format!("&{all:?}, ")).collect();
        let (known, like) = (Known::find(method, path), Known::like(method, path));
        let idempotent = like.map_or_else(|| by_method(method), |known| known.idempotent);
        let counterpart = known.and_then(|known| known.counterpart);
        let versions = known.map_or("AsWritten".to_owned(), |known| format!("{:?}", known.family));
        // Other searches of HubSpot's, such as that of files, count as any call.
        let is_search = |known: &Known| matches!(known.name, "search" | "search_objects");
        let bucket = if like.is_some_and(is_search) { "Search" } else { "General" };
        rust += &format!(
            "    Operation {{ id: {id:?}, openapi_id: {openapi_id:?}, method: {method:?}, path: {path:?}, tag: {tag:?}, \
             path_parameters: &[{path_parameters}], query_parameters: &[{query_parameters}], \
             request_schema: {request_schema:?}, successes: &[{}], \
             scopes: &[{scopes}], idempotent: {idempotent}, rate_bucket: RateBucket::{bucket}, \
             versions: Versions::{versions}, counterpart: {counterpart:?} }},\n",
            successes.join(", ")
        );
    }
    rust + "]\n"
}

fn parameter(data: &ParameterData) -> String {
    let schema_type = schema_type(data);
    format!("Parameter {{ name: {:?}, required: {}, schema_type: {schema_type:?} }}, ", data.name, data.required)
}

fn schema_type(parameter: &ParameterData) -> &'static str {
    match &parameter.format {
        ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)) => match schema.schema_kind {
            SchemaKind::Type(Type::Integer(_)) => "integer",
            SchemaKind::Type(Type::Number(_)) => "number",
            SchemaKind::Type(Type::Boolean(_)) => "boolean",
            SchemaKind::Type(Type::Array(_)) => "array",
            SchemaKind::Type(Type::Object(_)) => "object",
            _ => "string",
        },
        _ => "string",
    }
}

fn schema_name(content: &Content) -> Option<&str> {
    walk::reference(bodies::taken(content)?.1.schema.as_ref()?)?.rsplit('/').next()
}

/// RFC 9110, section 9.2.2.
fn by_method(method: &str) -> bool {
    !matches!(method, "POST" | "PATCH")
}
