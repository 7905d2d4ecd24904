//! Writes the API description for generators that do not speak Rust: `cargo run -p tools --bin export -- DIR [VERSION]`,
//! of v3 unless another version is given, such as 2026-09.
//!
//! `openapi.json` and `openapi.yaml` are the merged and corrected document, `operations.json` is the operation table.

use std::{error::Error, fs, path::Path};

use hubspot_partner_clients::{
    ApiVersion,
    spec::{Operation, Parameter, RateBucket, openapi_json, openapi_sha256, operations},
};
use openapiv3::OpenAPI;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).ok_or("usage: cargo run -p tools --bin export -- DIR [VERSION]")?;
    let version: ApiVersion = match std::env::args().nth(2) {
        Some(version) => version.parse()?,
        None => ApiVersion::default(),
    };
    let directory = Path::new(&directory);
    fs::create_dir_all(directory)?;

    let json = openapi_json(version);
    let document: OpenAPI = serde_json::from_str(&json)?;
    let table = json!({
        "openapiSha256": openapi_sha256(version),
        "operations": operations().iter().filter_map(|o| Some(operation(o, &o.path_in(version)?))).collect::<Vec<_>>(),
    });
    for (name, content) in [
        ("openapi.json", json.into_owned()),
        ("openapi.yaml", serde_saphyr::to_string(&document)?),
        ("operations.json", serde_json::to_string_pretty(&table)? + "\n"),
    ] {
        let file = directory.join(name);
        fs::write(&file, content).map_err(|e| format!("{}: {e}", file.display()))?;
        println!("{}", file.display());
    }
    Ok(())
}

fn operation(operation: &Operation, path: &str) -> Value {
    let parameter = |p: &Parameter| json!({"name": p.name, "required": p.required, "schemaType": p.schema_type});
    let rate_bucket = match operation.rate_bucket {
        RateBucket::Search => "search",
        _ => "general",
    };
    json!({
        "id": operation.id,
        "operationId": operation.openapi_id,
        "method": operation.method,
        "path": path,
        "tag": operation.tag,
        "pathParameters": operation.path_parameters.iter().map(parameter).collect::<Vec<_>>(),
        "queryParameters": operation.query_parameters.iter().map(parameter).collect::<Vec<_>>(),
        "requestSchema": operation.request_schema,
        "successes": operation.successes.iter().map(|s| json!({"status": s.status, "schema": s.schema})).collect::<Vec<_>>(),
        "scopes": operation.scopes,
        "idempotent": operation.idempotent,
        "rateBucket": rate_bucket,
    })
}
