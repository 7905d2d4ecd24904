//! Operations of any document → operations whose builders and mocks compile.

use std::collections::{BTreeSet, HashSet};

use openapiv3::{
    OpenAPI, Operation, Parameter, ParameterData, ParameterSchemaOrContent, QueryStyle, ReferenceOr, Response, Schema,
    SchemaKind, StatusCode, Type,
};

use super::{bodies, names::key, schemas::Mark, walk};

/// Every step, in this order.
pub fn fit(api: &mut OpenAPI, mark: &Mark) {
    descriptions_are_no_tests(api);
    let schemas = api.components.clone().unwrap_or_default().schemas;
    let is_plain = |schema: &ReferenceOr<Schema>| {
        let schema = match schema {
            ReferenceOr::Item(schema) => schema,
            ReferenceOr::Reference { reference } => {
                let name = reference.strip_prefix(walk::SCHEMAS).unwrap_or_default();
                match schemas.get(name) {
                    Some(ReferenceOr::Item(schema)) => schema,
                    _ => return false,
                }
            }
        };
        use Type::{Boolean, Integer, Number, String};
        let plain = matches!(&schema.schema_kind, SchemaKind::Type(String(_) | Integer(_) | Number(_) | Boolean(_)));
        plain && !schema.schema_data.nullable
    };
    for (_, _, operation) in walk::operations(api) {
        operation.callbacks.clear();
        operation.extensions.clear();
        parameters_are_plain(operation, &is_plain);
        parameters_differ_in_rust(operation, mark);
        bodies_are_of_one_type(operation);
    }
    let names = |operation: &Operation| -> Vec<(String, String)> {
        operation
            .parameters
            .iter()
            .filter_map(ReferenceOr::as_item)
            .filter(|parameter| matches!(parameter, Parameter::Path { .. }))
            .map(|parameter| parameter.parameter_data_ref().name.clone())
            .filter(|name| mark.removed(name) != *name)
            .map(|name| (mark.removed(&name), name))
            .collect()
    };
    // The path says the names as well, for all of its operations.
    let renamed: Vec<(String, Vec<(String, String)>)> =
        walk::operations(api).map(|(_, path, operation)| (path.to_owned(), names(operation))).collect();
    for (path, names) in renamed.into_iter().filter(|(_, names)| !names.is_empty()) {
        let Some(item) = api.paths.paths.shift_remove(&path) else { continue };
        let new =
            names.iter().fold(path, |path, (old, new)| path.replace(&format!("{{{old}}}"), &format!("{{{new}}}")));
        api.paths.paths.insert(new, item);
    }
}

/// A text with a fence or an indentation would be run as a test of the generated code.
fn descriptions_are_no_tests(api: &mut OpenAPI) {
    let plain = |text: &mut String| {
        if text.contains("```") || text.lines().any(|line| line.starts_with("    ") || line.starts_with('\t')) {
            let lines: Vec<_> = text.lines().map(|line| line.trim().replace("```", "")).collect();
            *text = lines.join("\n");
        }
    };
    api.info.description.iter_mut().for_each(plain);
    walk::schemas(api, &mut |schema| schema.schema_data.description.iter_mut().for_each(plain));
    for (_, _, operation) in walk::operations(api) {
        operation.summary.iter_mut().chain(&mut operation.description).for_each(plain);
        for parameter in walk::parameters(operation) {
            walk::data(parameter).description.iter_mut().for_each(plain);
        }
        if let Some(ReferenceOr::Item(body)) = &mut operation.request_body {
            body.description.iter_mut().for_each(plain);
        }
        walk::responses(operation).for_each(|response| plain(&mut response.description));
    }
}

/// A parameter is a text, a number or a flag, or a list of these in the query. Any other list or an object has to be written as the
/// text that is sent.
fn parameters_are_plain(operation: &mut Operation, is_plain: &dyn Fn(&ReferenceOr<Schema>) -> bool) {
    operation.parameters.retain(|parameter| match parameter {
        // The client cannot write these, and does without those that need not be there.
        ReferenceOr::Item(
            Parameter::Cookie { parameter_data, .. }
            | Parameter::Query { parameter_data, style: QueryStyle::DeepObject, .. },
        ) => parameter_data.required,
        ReferenceOr::Item(Parameter::Header { parameter_data, .. }) => {
            parameter_data.required || can_name_a_header(&parameter_data.name)
        }
        _ => true,
    });
    for parameter in walk::parameters(operation) {
        let is_list = |schema: &ReferenceOr<Schema>| {
            let ReferenceOr::Item(Schema { schema_kind: SchemaKind::Type(Type::Array(list)), schema_data }) = schema
            else {
                return false;
            };
            !schema_data.nullable && list.items.clone().is_some_and(|items| is_plain(&items.unbox()))
        };
        let in_path = matches!(parameter, Parameter::Path { .. });
        let in_query = matches!(parameter, Parameter::Query { style: QueryStyle::Form, .. });
        let data = walk::data(parameter);
        let stays = match &data.format {
            ParameterSchemaOrContent::Schema(schema) => !in_path && is_plain(schema) || in_query && is_list(schema),
            ParameterSchemaOrContent::Content(_) => false,
        };
        if !stays {
            data.format = ParameterSchemaOrContent::Schema(ReferenceOr::Item(walk::string()));
        }
        // What is one text is written in no other way.
        if let Parameter::Query { style, .. } = parameter {
            *style = QueryStyle::Form;
        }
    }
}

/// Whether a header can have this name: a token of RFC 9110, section 5.6.2. The client panics at any other.
pub fn can_name_a_header(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_allowed)
}

/// OpenAPI has these set by other means: a parameter of such a name says nothing.
pub fn headers_set_elsewhere_are_no_parameters(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        operation.parameters.retain(|parameter| match parameter {
            ReferenceOr::Item(Parameter::Header { parameter_data, .. }) => {
                let set_elsewhere = ["accept", "authorization", "content-type"];
                !set_elsewhere.iter().any(|name| parameter_data.name.eq_ignore_ascii_case(name))
            }
            _ => true,
        });
    }
}

/// Names of a builder's and a mock's own.
const TAKEN: [&str; 12] =
    ["body", "bodymap", "client", "headermap", "info", "intoinner", "new", "re", "result", "send", "value", "self"];

fn parameters_differ_in_rust(operation: &mut Operation, mark: &Mark) {
    let mut taken: BTreeSet<String> = TAKEN.iter().map(|name| key(name)).collect();
    for of_path in [true, false] {
        for parameter in walk::parameters(operation) {
            if matches!(parameter, Parameter::Path { .. }) == of_path {
                let name = &mut walk::data(parameter).name;
                if let Some(new) = mark.on(name, &mut taken) {
                    *name = new;
                }
            }
        }
    }
}

fn bodies_are_of_one_type(operation: &mut Operation) {
    if let Some(ReferenceOr::Item(body)) = &mut operation.request_body {
        bodies::of_one_type(&mut body.content);
        if body.content.is_empty() {
            operation.request_body = None;
        }
    }
    for response in walk::responses(operation) {
        response.headers.clear();
        response.links.clear();
        bodies::of_one_type(&mut response.content);
    }
    if !operation.responses.responses.keys().any(bodies::is_success) {
        let none = ReferenceOr::Item(Response::default());
        operation.responses.responses.insert(StatusCode::Code(200), none);
    }
}

/// The names in the braces of a path.
pub fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// The parameters of a path are those in its braces: once, and required.
pub fn path_parameters_are_those_of_the_path(api: &mut OpenAPI) {
    for (_, path, operation) in walk::operations(api) {
        let named: Vec<&str> = names_in(path).collect();
        let mut seen = HashSet::new();
        operation.parameters.retain(|parameter| match parameter {
            ReferenceOr::Item(parameter) => {
                let data = parameter.parameter_data_ref();
                let in_path = matches!(parameter, Parameter::Path { .. });
                (!in_path || named.contains(&data.name.as_str()))
                    && seen.insert((std::mem::discriminant(parameter), data.name.clone()))
            }
            ReferenceOr::Reference { .. } => true,
        });
        for parameter in walk::parameters(operation) {
            if let Parameter::Path { parameter_data, style } = parameter {
                parameter_data.required = true;
                *style = Default::default();
            }
        }
        for name in named {
            let is_there = walk::parameters(operation)
                .any(|parameter| matches!(parameter, Parameter::Path { .. }) && walk::data(parameter).name == name);
            if !is_there {
                operation.parameters.push(ReferenceOr::Item(in_path(name)));
            }
        }
    }
}

/// A text in the path.
pub fn in_path(name: &str) -> Parameter {
    Parameter::Path {
        parameter_data: ParameterData {
            name: name.to_owned(),
            description: None,
            required: true,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(ReferenceOr::Item(walk::string())),
            example: None,
            examples: Default::default(),
            explode: None,
            extensions: Default::default(),
        },
        style: Default::default(),
    }
}
