//! The pipeline from `openapi/` to Rust: read → merge → correct → (publish) → adapt → generate.

#[path = "codegen/mod.rs"]
#[allow(dead_code)]
mod codegen;
#[cfg(feature = "client")]
#[path = "codegen/generate.rs"]
mod generate;
#[cfg(feature = "client")]
#[path = "codegen/trim.rs"]
mod trim;

use std::path::{Path, PathBuf};

/// Files and folders of OpenAPI documents, separated as in PATH: to build from in place of `openapi/` if they describe
/// partner clients, and otherwise beside it.
const DESCRIPTION: &str = "HUBSPOT_PARTNER_CLIENTS_OPENAPI";

fn main() {
    println!("cargo::rerun-if-changed=openapi");
    println!("cargo::rerun-if-changed=codegen");
    println!("cargo::rerun-if-env-changed={DESCRIPTION}");
    // A document may be nested as deep as JSON may.
    const STACK: usize = 64 << 20;
    let outcome = std::thread::Builder::new().stack_size(STACK).spawn(build).map(std::thread::JoinHandle::join);
    let outcome = match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(trouble) => Err(text(trouble)),
    };
    if let Err(message) = outcome {
        // One line in cargo's own colours; a panic would add a backtrace.
        println!("cargo::error={message}");
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set; build with cargo")?);
    let own = Path::new("openapi");
    let mut paths = std::env::var_os(DESCRIPTION).map(|value| codegen::read::named(&value)).unwrap_or_default();
    for path in &paths {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    if paths.is_empty() {
        paths.push(own.to_owned());
    }

    let mut warnings = Vec::new();
    let description = codegen::description::Description::new(&paths, own, &mut warnings);
    // They may say why an operation is not there.
    for warning in warnings {
        println!("cargo::warning={warning}");
    }
    let mut description = description.map_err(text)?;
    let mut published = description.published();
    let publish = |name: &str, published: &openapiv3::OpenAPI| {
        let published = serde_json::to_string_pretty(published).map_err(text)? + "\n";
        write(&out, &format!("{name}.json"), &published)?;
        write(&out, &format!("{name}.sha256"), &sha256(published.as_bytes()))
    };
    publish("openapi", &codegen::publish::v3(&published))?;
    publish("openapi-dated", &codegen::publish::dated_versions(&published))?;
    let mut versions = String::new();
    for (version, published) in codegen::publish::versions_of_their_own(&published) {
        publish(&format!("openapi-{version}"), &published)?;
        let file =
            |extension: &str| format!("include_str!(concat!(env!(\"OUT_DIR\"), \"/openapi-{version}.{extension}\"))");
        versions += &format!("({version:?}, {}, {}), ", file("json"), file("sha256"));
    }
    write(&out, "versions.rs", &format!("&[{versions}]"))?;
    write(&out, "operations.rs", &codegen::table::rust(&mut description.api, &mut published))?;

    #[cfg(feature = "client")]
    {
        let of = description.of.clone();
        let (code, left_out) = generate::all(&description.of_the_client().map_err(text)?).map_err(|trouble| {
            let remedy = "add what it lacks to codegen/adapt.rs";
            format!("{of}: progenitor cannot take the adapted document ({trouble}); {remedy}")
        })?;
        for part in &code.too_deep {
            println!("cargo::warning={of}: at {part}; it may be any value");
        }
        for (operation, trouble) in left_out {
            println!(
                "cargo::warning={of}: the operation `{operation}` cannot be generated ({trouble}); it is left out"
            );
        }
        #[cfg(feature = "mock")]
        write(&out, "mock.rs", &code.mock)?;
        write(&out, "shapes.rs", &code.shapes)?;
        write(&out, "client.rs", &code.client)?;
    }
    Ok(())
}

fn write(out: &Path, name: &str, content: &str) -> Result<(), String> {
    std::fs::write(out.join(name), content).map_err(|e| format!("{name}: cannot be written ({e})"))
}

fn sha256(bytes: &[u8]) -> String {
    hmac_sha256::Hash::hash(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
