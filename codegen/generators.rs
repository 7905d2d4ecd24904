//! What HubSpot sends → what every generator reads alike. One function per thing that generators make something else of.
//!
//! The published document is made so; the crate's own client is generated from what this starts from.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{
    APIKeyLocation, AdditionalProperties, Example, ObjectType, OpenAPI, Operation, ReferenceOr, Schema, SchemaKind,
    SecurityScheme, Type,
};
use serde_json::{Value, json};

use super::{NAMED, bodies, operations::Known, scopes, walk};

/// Everything that generators need.
pub fn document(api: &mut OpenAPI) {
    ids_clash_with_no_method(api);
    a_part_of_a_success_has_the_schema_of_all(api);
    answers_may_grow(api);
    any_token_is_a_bearer_token(api);
    placeholders_are_no_examples(api);
}

/// Generated clients have methods of their own called `get`, `list`, `search` or `update`, and some put all operations in
/// one namespace. So each operation says what it is about, in the case that generators turn into any other.
pub fn ids_clash_with_no_method(api: &mut OpenAPI) {
    // Some generators make files and types of the names, which may not differ in capitals alone.
    let lower = |id: &str| id.to_ascii_lowercase();
    let known = |method: &str, path: &str| Known::find(method, path).map(|known| known.published);
    let mut taken: BTreeSet<_> =
        walk::operations(api).filter_map(|(method, path, _)| known(method, path)).map(lower).collect();
    for (method, path, operation) in walk::operations(api) {
        let name = operation.operation_id.as_mut().expect(NAMED);
        *name = match known(method, path) {
            Some(published) => published.to_owned(),
            None => {
                let id = camel_case(name);
                let free = |id: &String| !taken.contains(&lower(id));
                let numbered = (2..).map(|number| format!("{id}{number}"));
                let id = std::iter::once(id.clone()).chain(numbered).find(free).unwrap_or(id);
                taken.insert(lower(&id));
                id
            }
        };
    }
}

fn camel_case(snake: &str) -> String {
    let mut words = snake.split('_').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |id, word| {
        let (head, tail) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        id + &head.to_ascii_uppercase() + tail
    })
}

/// Many generators take the schema of the first success for that of all, and would drop the failures of a batch. Where the
/// schemas of the others, as of a 207, only add fields, all have one: with every field, and the requirements they share.
pub fn a_part_of_a_success_has_the_schema_of_all(api: &mut OpenAPI) {
    let described = api.components.clone().unwrap_or_default().schemas;
    let object = |name: &str| described.get(name).and_then(ReferenceOr::as_item).and_then(as_object);
    let bodies: Vec<Value> = walk::operations(api).map(|(.., operation)| json!(operation.request_body)).collect();
    let sent = walk::needed_schemas(&json!(bodies), &json!(described));
    let mut joined = BTreeMap::<String, BTreeSet<String>>::new();
    for (_, _, operation) in walk::operations(api) {
        let names: Vec<String> = successes(operation).filter_map(|schema| name_of(schema)).collect();
        let Some((first, others)) = names.split_first() else { continue };
        let adds = |name: &String| {
            object(name).zip(object(first)).is_some_and(|(wide, narrow)| bodies::has_fields_of(wide, narrow))
        };
        // What a request needs is another matter.
        if !sent.contains(first) && others.iter().all(|name| name == first || adds(name)) {
            joined.entry(first.clone()).or_default().extend(others.iter().filter(|name| *name != first).cloned());
            for schema in successes(operation).filter(|schema| name_of(schema).is_some()) {
                *schema = ReferenceOr::ref_(&format!("{}{first}", walk::SCHEMAS));
            }
        }
    }
    for (first, others) in joined {
        let Some(SchemaKind::Type(Type::Object(all))) = walk::component(api, &first).map(|s| &mut s.schema_kind) else {
            continue;
        };
        for other in others.iter().filter_map(|name| object(name)) {
            for (field, schema) in &other.properties {
                all.properties.entry(field.clone()).or_insert_with(|| schema.clone());
            }
            all.required.retain(|field| other.required.contains(field));
        }
    }
}

fn successes(operation: &mut Operation) -> impl Iterator<Item = &mut ReferenceOr<Schema>> {
    let responses = operation.responses.responses.iter_mut().filter(|(status, _)| bodies::is_success(status));
    responses.filter_map(|(_, response)| match response {
        ReferenceOr::Item(response) => bodies::taken_mut(&mut response.content)?.schema.as_mut(),
        ReferenceOr::Reference { .. } => None,
    })
}

fn name_of(schema: &ReferenceOr<Schema>) -> Option<String> {
    walk::reference(schema)?.strip_prefix(walk::SCHEMAS).map(str::to_owned)
}

fn as_object(schema: &Schema) -> Option<&ObjectType> {
    match &schema.schema_kind {
        SchemaKind::Type(Type::Object(object)) => Some(object),
        _ => None,
    }
}

/// HubSpot adds fields without notice. Some generators refuse a field that is not described, unless the schema says that
/// there are such.
pub fn answers_may_grow(api: &mut OpenAPI) {
    let grow = &mut |schema: &mut Schema| match &mut schema.schema_kind {
        SchemaKind::Type(Type::Object(object)) => {
            object.additional_properties.get_or_insert(AdditionalProperties::Any(true));
        }
        SchemaKind::Any(any) if !any.properties.is_empty() => {
            any.additional_properties.get_or_insert(AdditionalProperties::Any(true));
        }
        _ => {}
    };
    let schemas = json!(api.components.as_ref().map(|components| &components.schemas));
    let mut answered = BTreeSet::new();
    for (_, _, operation) in walk::operations(api) {
        for response in walk::responses(operation) {
            for schema in response.content.values_mut().filter_map(|media| media.schema.as_mut()) {
                answered.append(&mut walk::needed_schemas(&json!(schema), &schemas));
                walk::inside(schema, grow);
            }
        }
    }
    for (name, schema) in api.components.iter_mut().flat_map(|components| &mut components.schemas) {
        if answered.contains(name) {
            walk::inside(schema, grow);
        }
    }
}

/// The one way to authenticate. See [`any_token_is_a_bearer_token`].
const TOKEN: &str = "accessToken";

/// HubSpot documents a scheme for each kind of token and takes each in the same header. Of several, generators ask for all
/// or take the first, which would be an app's with its own flow. So there is one, with the scopes beside it as data.
pub fn any_token_is_a_bearer_token(api: &mut OpenAPI) {
    let mut schemes = std::mem::take(&mut api.components.get_or_insert_default().security_schemes);
    let mut allowed = BTreeMap::<String, String>::new();
    for scheme in schemes.values().filter_map(ReferenceOr::as_item) {
        if let SecurityScheme::OAuth2 { flows, .. } = scheme {
            for (scope, allows) in json!(flows)
                .as_object()
                .into_iter()
                .flatten()
                .flat_map(|(_, flow)| flow["scopes"].as_object().cloned().unwrap_or_default())
            {
                let said = allowed.entry(scope).or_default();
                if said.is_empty() {
                    *said = allows.as_str().unwrap_or_default().to_owned();
                }
            }
        }
    }
    let is_token = |name: &str| schemes.get(name).and_then(ReferenceOr::as_item).is_none_or(is_token);
    let mut used = BTreeSet::new();
    for (_, _, operation) in walk::operations(api) {
        let needed = scopes::alternatives(operation);
        used.extend(needed.iter().flatten().map(|scope| (*scope).to_owned()));
        let needed = json!(needed);
        let Some(security) = &mut operation.security else { continue };
        // Without an alternative the operation needs no token, and there may be one that takes a key in the query.
        if security.iter().flat_map(|alternative| alternative.keys()).any(|name| is_token(name)) {
            *security = vec![[(TOKEN.to_owned(), Vec::new())].into_iter().collect()];
            if needed != json!([]) {
                operation.extensions.insert("x-required-scopes".to_owned(), needed);
            }
        }
    }
    schemes.retain(|_, scheme| scheme.as_item().is_some_and(|scheme| !self::is_token(scheme)));
    let scopes: BTreeMap<_, _> =
        used.iter().map(|scope| (scope, allowed.get(scope).map_or("", String::as_str))).collect();
    let token = SecurityScheme::HTTP {
        scheme: "bearer".to_owned(),
        bearer_format: None,
        description: Some(
            "The access token of a private app, of a service key or of an OAuth app. Each operation lists the scopes that \
             the token needs under `x-required-scopes`: alternatives, each a list of scopes that are needed together."
                .to_owned(),
        ),
        extensions: [("x-scopes".to_owned(), json!(scopes))].into_iter().collect(),
    };
    schemes.insert(TOKEN.to_owned(), ReferenceOr::Item(token));
    if let Some(components) = &mut api.components {
        components.security_schemes = schemes;
    }
}

/// Whether it is another way to write that a token is sent in a header.
pub fn is_token(scheme: &SecurityScheme) -> bool {
    match scheme {
        SecurityScheme::APIKey { location, .. } => *location == APIKeyLocation::Header,
        SecurityScheme::HTTP { scheme, .. } => scheme.eq_ignore_ascii_case("bearer"),
        SecurityScheme::OAuth2 { .. } | SecurityScheme::OpenIDConnect { .. } => true,
    }
}

/// HubSpot's own examples have `<string>` for a value. Mock servers and documentation show examples as answers.
pub fn placeholders_are_no_examples(api: &mut OpenAPI) {
    let is_real = |example: &ReferenceOr<Example>| {
        example.as_item().and_then(|example| example.value.as_ref()).is_none_or(|value| !has_placeholder(value))
    };
    for (_, _, operation) in walk::operations(api) {
        for media in walk::responses(operation).flat_map(|response| response.content.values_mut()) {
            media.examples.retain(|_, example| is_real(example));
            media.example.take_if(|example| has_placeholder(example));
        }
    }
}

fn has_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with('<') && text.ends_with('>') && !text.contains(' '),
        Value::Array(items) => items.iter().any(has_placeholder),
        Value::Object(members) => members.values().any(has_placeholder),
        _ => false,
    }
}
