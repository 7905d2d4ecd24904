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
    let mut api = documented(&paths, own, &mut warnings)?;
    for warning in warnings {
        println!("cargo::warning={warning}");
    }
    let of = names(&paths);
    let mut other = None;
    if paths != [own] {
        let mut own = documented(&[own.to_owned()], own, &mut Vec::new())?;
        codegen::facade::check_demands(&of, &api, &own).map_err(text)?;
        codegen::correct::document(&mut own);
        other = Some(own);
    }
    codegen::correct::document(&mut api);
    let mut published = api.clone();
    codegen::generators::document(&mut published);
    for (name, published) in
        [("openapi", codegen::publish::v3(&published)), ("openapi-dated", codegen::publish::dated_versions(&published))]
    {
        let published = serde_json::to_string_pretty(&published).map_err(text)? + "\n";
        write(&out, &format!("{name}.json"), &published)?;
        write(&out, &format!("{name}.sha256"), &sha256(published.as_bytes()))?;
    }
    write(&out, "operations.rs", &codegen::table::rust(&mut api, &mut published))?;

    #[cfg(not(feature = "client"))]
    drop(other);
    #[cfg(feature = "client")]
    {
        if let Some(own) = &other {
            codegen::complete::what_the_facade_is_built_on(&mut api, own);
            codegen::facade::check_types(&of, &mut api, own).map_err(text)?;
        }
        let (code, left_out) = generate::all(&api).map_err(|trouble| {
            format!(
                "{of}: progenitor cannot take the adapted document ({trouble}); add what it lacks to codegen/adapt.rs"
            )
        })?;
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

fn documented(
    paths: &[PathBuf],
    own: &Path,
    warnings: &mut Vec<codegen::Problem>,
) -> Result<openapiv3::OpenAPI, String> {
    let mut api = codegen::documented(paths, own, warnings).map_err(text)?;
    codegen::operations::check_complete(&names(paths), &mut api).map_err(text)?;
    Ok(api)
}

fn names(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
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
