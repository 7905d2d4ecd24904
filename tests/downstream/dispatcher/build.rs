//! Generates `dispatch`: one arm of a match for each operation of the table, with what the document says of it.

use std::{env, error::Error, fs, path::Path};

use hubspot_partner_clients::{
    ApiVersion,
    spec::{OPENAPI_JSON, OPENAPI_SHA256, Operation, operations},
};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let document: Value = serde_json::from_str(OPENAPI_JSON)?;
    let mut operations: Vec<_> = operations().iter().filter(|operation| operation.path_in(ApiVersion::V3).is_some()).collect();
    // The first arm that matches wins, so a literal segment stands before a parameter in the same place.
    operations.sort_by_key(|operation| operation.path.split('/').map(is_parameter).collect::<Vec<_>>());
    let arms: String = operations.into_iter().map(|operation| arm(operation, &document)).collect();
    let code = format!(
        "/// The SHA-256 of the description that `dispatch` was generated from.
pub const OPENAPI_SHA256: &str = {OPENAPI_SHA256:?};

/// The operation that a request asks for; `path` has neither a host nor a query.
pub fn dispatch<'a>(method: &str, path: &'a str) -> Option<Route<'a>> {{
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    if segments.contains(&\"\") {{
        return None;
    }}
    Some(match (method, segments.as_slice()) {{
{arms}        _ => return None,
    }})
}}
"
    );
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set; build with cargo")?;
    fs::write(Path::new(&out).join("dispatch.rs"), code)?;
    Ok(())
}

fn arm(operation: &Operation, document: &Value) -> String {
    // Parameters are bound as p0, p1, …: their names need not be Rust's.
    let mut bound = (0..operation.path_parameters.len()).map(|index| format!("p{index}"));
    let pattern: Vec<_> = operation
        .path
        .split('/')
        .skip(1)
        .map(|segment| if is_parameter(segment) { bound.next().unwrap_or_default() } else { format!("{segment:?}") })
        .collect();
    let parameters: Vec<_> = operation
        .path_parameters
        .iter()
        .enumerate()
        .map(|(index, parameter)| format!("({:?}, *p{index})", parameter.name))
        .collect();
    let described = &document["paths"][operation.path][operation.method.to_lowercase()];
    let request = operation.request_schema.map(|schema| &document["components"]["schemas"][schema]);
    let required_fields: Vec<_> = request
        .and_then(|schema| schema["required"].as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    format!(
        "        ({:?}, [{}]) => Route {{
            operation_id: {:?},
            summary: {:?},
            parameters: vec![{}],
            required_fields: &{required_fields:?},
            scopes: &[{}],
            idempotent: {},
        }},\n",
        operation.method,
        pattern.join(", "),
        operation.id,
        described["summary"].as_str().unwrap_or_default(),
        parameters.join(", "),
        operation.scopes.iter().map(|all| format!("&{all:?}, ")).collect::<String>(),
        operation.idempotent,
    )
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}
