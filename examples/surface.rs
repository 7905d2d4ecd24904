//! Lists the generated public API: `cargo run --example surface > tests/surface.txt` after the description has changed, so
//! that a reviewer sees what the change does to users.

use std::error::Error;

use hubspot_partner_clients::spec::OPENAPI_JSON;
use quote::ToTokens;
use syn::{Fields, ImplItem, Item, ItemStruct, ReturnType, Type};

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

fn module<'a>(items: &'a [Item], name: &str) -> &'a [Item] {
    let found = items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == name => module.content.as_ref(),
        _ => None,
    });
    found.map_or(&[], |(_, items)| items)
}

fn structs(items: &[Item]) -> Vec<&ItemStruct> {
    items.iter().filter_map(|item| if let Item::Struct(item) = item { Some(item) } else { None }).collect()
}

/// Names and types, those of a tuple by their numbers.
fn fields(item: &ItemStruct) -> impl Iterator<Item = (String, Type)> {
    let unnamed = matches!(item.fields, Fields::Unnamed(_));
    item.fields.iter().enumerate().map(move |(i, field)| {
        let name = field.ident.as_ref().filter(|_| !unnamed).map_or_else(|| i.to_string(), ToString::to_string);
        (name, field.ty.clone())
    })
}

/// A builder keeps each argument as a `Result`, and a body as a builder of its own.
fn parameter((name, kept): (String, Type)) -> String {
    let kept = short(&kept);
    let kept = kept.strip_prefix("Result<").and_then(|t| t.strip_suffix(", String>")).unwrap_or(&kept);
    format!("{name}: {}", kept.trim_start_matches("builder::"))
}

/// What `send` answers with.
fn answer(items: &[Item], builder: &ItemStruct) -> String {
    let methods = items.iter().filter_map(|item| match item {
        Item::Impl(item) if item.trait_.is_none() && matches!(&*item.self_ty, Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == builder.ident)) => Some(&item.items),
        _ => None,
    });
    let send = methods.flatten().find_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == "send" => Some(&method.sig.output),
        _ => None,
    });
    match send {
        Some(ReturnType::Type(_, answer)) => {
            let answer = short(answer);
            let success = answer.strip_prefix("Result<ResponseValue<").and_then(|a| a.strip_suffix(">, Error<Error>>"));
            success.unwrap_or(&answer).to_owned()
        }
        _ => String::new(),
    }
}

/// A type without the paths that say nothing to a reader.
fn short(shown: &Type) -> String {
    let tokens = shown.to_token_stream().to_string().replace(' ', "").replace(",>", ">");
    let mut out = String::new();
    for part in tokens.split_inclusive(['<', '>', ',', '(', ')']) {
        let (path, end) = part.split_at(part.len() - usize::from(part.ends_with(['<', '>', ',', '(', ')'])));
        out += path.rsplit("::").next().unwrap_or_default();
        out += if end == "," { ", " } else { end };
    }
    out
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
