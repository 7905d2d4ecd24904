//! Lists the generated public API: `cargo run -p tools --bin surface > tests/surface.txt` after the description has changed,
//! so that a reviewer sees what the change does to users. Further arguments, such as `--all-features`, go to cargo.

mod generated;
mod syntax;

use std::error::Error;

use syn::{Item, Type};

use self::{
    generated::Generated,
    syntax::{answer, fields, module, short, snake, structs},
};

fn main() -> Result<(), Box<dyn Error>> {
    let generated = Generated::find(std::env::args().skip(1))?;
    let file = syn::parse_file(&generated.client)?;
    println!("hubspot-partner-clients {}", generated.version);
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

/// A builder keeps each argument as a `Result`, and a body as a builder of its own.
fn parameter((name, kept): (String, Type)) -> String {
    let kept = short(&kept);
    let kept = kept.strip_prefix("Result<").and_then(|t| t.strip_suffix(", String>")).unwrap_or(&kept);
    format!("{name}: {}", kept.trim_start_matches("builder::"))
}
