//! The code that the library's build script generates, found by asking cargo where it is.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

const PACKAGE: &str = "hubspot-partner-clients";

/// The generated client, and the version of the crate that has it.
pub struct Generated {
    pub version: String,
    pub client: String,
}

impl Generated {
    /// Builds the library with these arguments of cargo's and reads what its build script wrote.
    pub fn find(arguments: impl IntoIterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let output = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--package", PACKAGE, "--lib", "--message-format", "json"])
            .args(arguments)
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err("the library does not build".into());
        }
        let messages = String::from_utf8(output.stdout)?;
        for line in messages.lines() {
            let message: Value = serde_json::from_str(line)?;
            let id = message["package_id"].as_str().unwrap_or_default();
            let (Some((_, version)), Some(out)) = (id.split_once(&format!("{PACKAGE}@")), message["out_dir"].as_str())
            else {
                continue;
            };
            if message["reason"] == "build-script-executed" {
                let out = Path::new(out);
                check_version(version, &fs::read_to_string(out.join("openapi.json"))?)?;
                return Ok(Self { version: version.to_owned(), client: fs::read_to_string(out.join("client.rs"))? });
            }
        }
        Err("cargo says nothing of the library's build script".into())
    }
}

/// The version of the crate ends with that of the API.
fn check_version(version: &str, openapi: &str) -> Result<(), Box<dyn Error>> {
    let api: Value = serde_json::from_str(openapi)?;
    let api = api["info"]["version"].as_str().unwrap_or_default();
    match version.split_once('+') {
        Some((_, metadata)) if metadata == api => Ok(()),
        _ => Err(format!("the version {version} in Cargo.toml has to end with +{api}, the version of the API").into()),
    }
}
