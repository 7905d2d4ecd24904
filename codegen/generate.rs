//! Rust out of an adapted document, by progenitor.

use std::panic::{AssertUnwindSafe, catch_unwind};

use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};

use crate::codegen::adapt::ID_TYPES;

/// The generated modules as source text.
pub struct Generated {
    pub client: String,
    #[cfg(feature = "mock")]
    pub mock: String,
}

/// # Errors
/// What progenitor says, in one line: it panics at what it does not support.
pub fn generate(api: &OpenAPI) -> Result<Generated, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| run(api)));
    std::panic::set_hook(hook);
    outcome.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it gave no reason");
        Err(text.replace('\n', " "))
    })
}

fn run(api: &OpenAPI) -> Result<Generated, String> {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_hooks(HooksMode::Expected)
        .with_inner_type("crate::transport::Inner".parse().map_err(text)?)
        .with_map_type("::std::collections::BTreeMap")
        .with_derive("PartialEq");
    for id in ID_TYPES {
        let impls = [TypeImpl::Display, TypeImpl::FromStr];
        settings.with_replacement(id, format!("crate::{id}"), impls.into_iter());
    }
    let mut generator = Generator::new(&settings);
    let client = pretty(generator.generate_tokens(api).map_err(text)?)?;
    #[cfg(feature = "mock")]
    let mock = pretty(generator.httpmock(api, "crate::generated").map_err(text)?)?;
    Ok(Generated {
        client,
        #[cfg(feature = "mock")]
        mock,
    })
}

fn pretty(tokens: impl std::fmt::Display) -> Result<String, String> {
    let pretty = prettyplease::unparse(&syn::parse_file(&tokens.to_string()).map_err(text)?);
    // progenitor's examples do not name the crate, so they cannot be run; as text nobody takes them for tests.
    Ok(pretty.replace("```ignore", "```text"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
