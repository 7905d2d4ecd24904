//! Lists the generated public API: `cargo run --example surface > tests/surface.txt` after the description has changed, so
//! that a reviewer sees what the change does to users.

mod syntax;

use std::error::Error;

use hubspot_partner_clients::spec::OPENAPI_JSON;
use syn::{Item, Type};

use self::syntax::{answer, fields, module, short, snake, structs};

fn main() -> Result<(), Box<dyn Error>> {
    let version = version()?;
    let file = syn::parse_file(include_str!(concat!(env!("OUT_DIR"), "/client.rs")))?;
    println!("hubspot-partner-clients {version}");
    println!("\n# operations, as builders of `client.raw()`; each fails with an `Error<Error>`");
    let builders = module(&file.items, "builder");
    for builder in structs(builders) {
        let name = snake(&builder.ident.to_string());
        let parameters: Vec<_> = fields(builder).filter(|(name, _)| name != "client").map(parameter).collect();
        println!("{name}({}) -> {}", parameters.join(", "), answer(builders, builder));
    }
    println!("\n# types");
    let types = module(&file.items, "types");
    for item in structs(types) {
        println!("{}", item.ident);
        for (name, field) in fields(item) {
            println!("    {name}: {}", short(&field));
        }
    }
    for item in types {
        if let Item::Enum(item) = item {
            let variants: Vec<_> = item.variants.iter().map(|variant| variant.ident.to_string()).collect();
            println!("{}: {}", item.ident, variants.join(" | "));
        }
    }
    Ok(())
}

/// The crate's version, whose build metadata is the version of the API.
fn version() -> Result<&'static str, Box<dyn Error>> {
    let api: serde_json::Value = serde_json::from_str(OPENAPI_JSON)?;
    let api = api["info"]["version"].as_str().unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    match version.split_once('+') {
        Some((_, metadata)) if metadata == api => Ok(version),
        _ => Err(format!("the version {version} in Cargo.toml has to end with +{api}, the version of the API").into()),
    }
}

/// A builder keeps each argument as a `Result`, and a body as a builder of its own.
fn parameter((name, kept): (String, Type)) -> String {
    let kept = short(&kept);
    let kept = kept.strip_prefix("Result<").and_then(|t| t.strip_suffix(", String>")).unwrap_or(&kept);
    format!("{name}: {}", kept.trim_start_matches("builder::"))
}
