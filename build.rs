//! The pipeline from `openapi/` to Rust: read → merge → correct → (publish) → adapt → generate.

#[path = "codegen/mod.rs"]
#[allow(dead_code)]
mod codegen;
#[cfg(feature = "client")]
#[path = "codegen/generate.rs"]
mod generate;

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=openapi");
    println!("cargo::rerun-if-changed=codegen");
    if let Err(message) = build() {
        // One line in cargo's own colours; a panic would add a backtrace.
        println!("cargo::error={message}");
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set; build with cargo")?);
    let directory = Path::new("openapi");

    let documents = codegen::read::directory(directory).map_err(text)?;
    let mut api = codegen::merge::documents(documents).map_err(text)?;
    codegen::operations::check_complete(directory, &mut api).map_err(text)?;
    codegen::correct::document(&mut api);
    write(&out, "openapi.json", &(serde_json::to_string_pretty(&api).map_err(text)? + "\n"))?;
    write(&out, "operations.rs", &codegen::operations::table(&mut api))?;

    #[cfg(feature = "client")]
    {
        codegen::adapt::document(&mut api);
        let generated = generate::generate(&api).map_err(|trouble| {
            format!("openapi: progenitor cannot take the adapted document ({trouble}); add what it lacks to codegen/adapt.rs")
        })?;
        write(&out, "client.rs", &generated.client)?;
        #[cfg(feature = "mock")]
        write(&out, "mock.rs", &generated.mock)?;
    }
    Ok(())
}

fn write(out: &Path, name: &str, content: &str) -> Result<(), String> {
    std::fs::write(out.join(name), content).map_err(|e| format!("{name}: cannot be written ({e})"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
