//! A document of which a part is no OpenAPI, without that part.

use openapiv3::{OpenAPI, Operation, Parameter, ReferenceOr, Schema, SecurityScheme, Server};
use serde_json::{Map, Value, from_value, json};

use super::{Problem, Result, operations};

/// Takes out what is no OpenAPI and tells it. The parser does not say where it gave up, so the parts are tried one by one. An
/// operation that is none is left out, a schema that is none may be any value, and what is said for people is not needed.
///
/// # Errors
/// A part without which the rest would mean something else, or nothing.
pub fn what_is_openapi(file: &str, json: &mut Value) -> Result<Vec<Problem>> {
    let Some(document) = json.as_object_mut() else { return Ok(Vec::new()) };
    let mut salvage = Salvage { file, warnings: Vec::new() };
    let read = |member: &str| document.get(member).cloned();
    for (member, error) in [
        ("paths", read("paths").and_then(|paths| trouble(from_value::<Map<String, Value>>(paths)))),
        ("servers", read("servers").and_then(|servers| trouble(from_value::<Vec<Server>>(servers)))),
    ] {
        if let Some(error) = error {
            let trouble = format!("not OpenAPI 3.0 ({error})");
            return Err(Problem::new(file, format!("#/{member}"), trouble, "correct it there"));
        }
    }
    if !document.contains_key("paths") {
        let remedy = "add its operations, or take the file away";
        return Err(Problem::new(file, "#", "not OpenAPI 3.0 (there are no `paths`)", remedy));
    }
    salvage.paths(document);
    salvage.components(document);
    let alone = |member: &str, value: &Value| {
        let mut alone = json!({"openapi": "3.0.3", "info": {"title": "", "version": ""}, "paths": {}});
        alone[member] = value.clone();
        trouble(from_value::<OpenAPI>(alone.clone()))
    };
    document.retain(|member, value| match alone(member, value) {
        Some(error) if member != "paths" => {
            salvage.warn(format!("#/{member}"), &error, "it is left out; correct it there")
        }
        _ => true,
    });
    document.entry("info").or_insert_with(|| json!({"title": file, "version": ""}));
    Ok(salvage.warnings)
}

fn trouble<T>(read: serde_json::Result<T>) -> Option<String> {
    read.err().map(|error| error.to_string())
}

/// What is wrong with the parameters that the operations of a path share. Those in the path are in its braces as well.
fn shared_parameters(shared: &mut Value) -> Option<String> {
    let trouble_of = |parameter: &Value| trouble(from_value::<ReferenceOr<Parameter>>(parameter.clone()));
    if let Value::Array(shared) = shared {
        shared.retain(|parameter| parameter["in"] != "path" || trouble_of(parameter).is_none());
        return shared.iter().find_map(trouble_of);
    }
    trouble(from_value::<Vec<Value>>(shared.clone()))
}

struct Salvage<'a> {
    file: &'a str,
    warnings: Vec<Problem>,
}

impl Salvage<'_> {
    /// False, because what is told does not stay.
    fn warn(&mut self, place: String, error: &str, remedy: &str) -> bool {
        self.warnings.push(Problem::new(self.file, place, format!("not OpenAPI 3.0 ({error})"), remedy));
        false
    }

    fn paths(&mut self, document: &mut Map<String, Value>) {
        let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
        paths.retain(|path, item| {
            if path.starts_with("x-") {
                return true;
            }
            let place = format!("#/paths/{}", path.replace('~', "~0").replace('/', "~1"));
            let Some(members) = item.as_object_mut() else {
                return self.warn(place, "it is no object", "the path is left out; correct it there");
            };
            if let Some(shared) = members.get_mut("parameters")
                && let Some(error) = shared_parameters(shared)
            {
                let remedy = "each operation of the path is left out; correct it there";
                return self.warn(format!("{place}/parameters"), &error, remedy);
            }
            members.retain(|member, value| {
                let error = match member.as_str() {
                    method if operations::METHODS.contains(&method.to_uppercase().as_str()) => {
                        let error = trouble(from_value::<Operation>(value.clone()));
                        return error.is_none_or(|error| {
                            let remedy = "the operation is left out; correct it there";
                            self.warn(format!("{place}/{member}"), &error, remedy)
                        });
                    }
                    "summary" | "description" => trouble(from_value::<String>(value.clone())),
                    _ => None,
                };
                error.is_none_or(|error| {
                    self.warn(format!("{place}/{member}"), &error, "it is left out; correct it there")
                })
            });
            match trouble(from_value::<ReferenceOr<openapiv3::PathItem>>(item.clone())) {
                Some(error) => self.warn(place, &error, "the path is left out; correct it there"),
                None => true,
            }
        });
    }

    fn components(&mut self, document: &mut Map<String, Value>) {
        let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) else { return };
        for kind in ["schemas", "securitySchemes"] {
            let Some(Value::Object(named)) = components.get_mut(kind) else { continue };
            named.retain(|name, part| {
                let place = format!("#/components/{kind}/{}", name.replace('~', "~0").replace('/', "~1"));
                if kind == "securitySchemes" {
                    return trouble(from_value::<ReferenceOr<SecurityScheme>>(part.clone()))
                        .is_none_or(|error| self.warn(place, &error, "it is left out; correct it there"));
                }
                if let Some(error) = trouble(from_value::<ReferenceOr<Schema>>(part.clone())) {
                    self.warn(place, &error, "it may be any value; correct it there");
                    *part = json!({});
                }
                true
            });
        }
        components.retain(|kind, named| {
            named.is_object()
                || self.warn(format!("#/components/{kind}"), "it is no object", "it is left out; correct it there")
        });
    }
}
