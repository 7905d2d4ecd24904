//! Rust out of an adapted document, by progenitor.

mod left_out;
#[cfg(feature = "mock")]
mod mock;

pub use left_out::all;

use std::collections::BTreeSet;

use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};

use syn::parse::Parser;

use crate::{
    codegen::{
        adapt,
        names::{ID_TYPES, checked},
        operations::Known,
        schemas::Mark,
        segments::VERSION,
        walk,
    },
    trim,
};

/// What is made of a description.
pub struct Code {
    pub client: String,
    pub shapes: String,
    /// A line for each part that may be any value because it is too deep inside others.
    pub too_deep: Vec<String>,
    #[cfg(feature = "mock")]
    pub mock: String,
}

fn code(api: &OpenAPI) -> Result<Code, String> {
    let mut adapted = api.clone();
    let mark = Mark::of(api);
    let too_deep = adapt::document(&mut adapted, &mark);
    Ok(Code {
        too_deep,
        client: client(&adapted, &mark)?,
        shapes: crate::codegen::shapes::rust(&mut adapted, &mark),
        #[cfg(feature = "mock")]
        mock: mock::rust(&adapt::for_mocks(api.clone(), &mark), &mark)?,
    })
}

/// What the compiler would refuse in a user's build.
fn check(file: &syn::File) -> Result<(), String> {
    fn once(of: &str, names: impl Iterator<Item = String>) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name.clone()) {
                return Err(format!("{of} {name:?} is there twice"));
            }
        }
        Ok(())
    }
    fn items(all: &[syn::Item]) -> Result<(), String> {
        let name = |item: &syn::Item| match item {
            syn::Item::Struct(item) => Some(item.ident.to_string()),
            syn::Item::Enum(item) => Some(item.ident.to_string()),
            syn::Item::Type(item) => Some(item.ident.to_string()),
            _ => None,
        };
        once("the type", all.iter().filter_map(name))?;
        for item in all {
            match item {
                syn::Item::Mod(module) => module.content.iter().try_for_each(|(_, inside)| items(inside))?,
                syn::Item::Struct(item) => {
                    let fields = item.fields.iter().filter_map(|field| field.ident.as_ref()).map(ToString::to_string);
                    once(&format!("the field of {}", item.ident), fields)?;
                }
                syn::Item::Impl(item) if item.trait_.is_none() => {
                    let methods = item.items.iter().filter_map(|item| match item {
                        syn::ImplItem::Fn(method) => Some(method.sig.ident.to_string()),
                        _ => None,
                    });
                    once("the method", methods)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
    items(&file.items)
}

/// The client and its types; or what progenitor says, in one line: it panics at what it does not support.
fn client(api: &OpenAPI, mark: &Mark) -> Result<String, String> {
    quietly(|| {
        let mut settings = settings();
        settings
            .with_interface(InterfaceStyle::Builder)
            .with_hooks(HooksMode::Expected)
            .with_inner_type("crate::transport::Inner".parse().map_err(text)?)
            .with_derive("PartialEq");
        for id in ID_TYPES {
            let impls = [TypeImpl::Display, TypeImpl::FromStr];
            settings.with_replacement(checked(id), format!("crate::{id}"), impls.into_iter());
        }
        let tokens = Generator::new(&settings).generate_tokens(api).map_err(text)?;
        let mut file: syn::File =
            syn::parse2(trim::client(tokens.clone())).or_else(|_| syn::parse2(tokens)).map_err(text)?;
        check(&file)?;
        deprecated(&mut file, api)?;
        file.items.extend(partner_client(&file)?);
        may_get_fields(&mut file, &sent(api)?)?;
        Ok(pretty(&file, mark))
    })
}

/// The schemas of which requests are made.
fn sent(api: &OpenAPI) -> Result<BTreeSet<String>, String> {
    let schemas = serde_json::to_value(api.components.as_ref().map(|components| &components.schemas)).map_err(text)?;
    let bodies = walk::operations(&mut api.clone())
        .map(|(_, _, operation)| serde_json::to_value(&operation.request_body))
        .collect::<Result<_, _>>()
        .map_err(text)?;
    Ok(walk::needed_schemas(&serde_json::Value::Array(bodies), &schemas))
}

/// What HubSpot adds to its answers breaks nobody's build. What is sent can still be written as a struct.
fn may_get_fields(file: &mut syn::File, sent: &BTreeSet<String>) -> Result<(), String> {
    let attribute = syn::Attribute::parse_outer.parse_str("#[non_exhaustive]").map_err(text)?;
    for item in &mut file.items {
        let syn::Item::Mod(module) = item else { continue };
        if module.ident != "types" {
            continue;
        }
        for item in module.content.iter_mut().flat_map(|(_, items)| items) {
            if let syn::Item::Struct(item) = item
                && matches!(item.fields, syn::Fields::Named(_))
                && !sent.contains(&item.ident.to_string())
            {
                item.attrs.extend(attribute.iter().cloned());
            }
        }
    }
    Ok(())
}

/// Who calls what HubSpot documents as deprecated is told by the compiler. The facade's own operations are the crate's matter.
fn deprecated(file: &mut syn::File, api: &OpenAPI) -> Result<(), String> {
    let ids: Vec<&str> = api
        .operations()
        .filter(|(path, method, operation)| operation.deprecated && Known::find(&method.to_uppercase(), path).is_none())
        .filter_map(|(_, _, operation)| operation.operation_id.as_deref())
        .collect();
    let note = "#[deprecated(note = \"HubSpot documents this operation as deprecated\")]";
    let attribute = syn::Attribute::parse_outer.parse_str(note).map_err(text)?;
    for item in &mut file.items {
        let syn::Item::Impl(item) = item else { continue };
        for method in &mut item.items {
            if let syn::ImplItem::Fn(method) = method
                && ids.iter().any(|id| method.sig.ident == id)
            {
                method.attrs.extend(attribute.iter().cloned());
            }
        }
    }
    Ok(())
}

/// How a partner client comes about, whatever fields the description gives it: of an id alone, and of the object without
/// associations that some operations answer with, which is the same to users.
fn partner_client(file: &syn::File) -> Result<Vec<syn::Item>, String> {
    let types = file.items.iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content.as_ref().map(|(_, items)| items),
        _ => None,
    });
    let fields = |name: &str| {
        types.into_iter().flatten().find_map(|item| match item {
            syn::Item::Struct(item) if item.ident == name => {
                Some(item.fields.iter().filter_map(|field| Some((field.ident.as_ref()?, &field.ty))).collect())
            }
            _ => None,
        })
    };
    let (from, to) = ("SimplePublicObject", "PartnerClient");
    let (Some(theirs), Some(ours)): (Option<Vec<_>>, Option<Vec<_>>) = (fields(from), fields(to)) else {
        return Ok(Vec::new());
    };
    let field = |(name, ours): &(&syn::Ident, &syn::Type)| match theirs.iter().find(|(theirs, _)| theirs == name) {
        Some((_, theirs)) if theirs == ours => format!("{name}: object.{name},"),
        // Of a schema written in place each has a type of its own.
        Some(_) => format!(
            "{name}: ::serde_json::to_value(object.{name}).and_then(::serde_json::from_value).unwrap_or_default(),"
        ),
        None => format!("{name}: ::std::default::Default::default(),"),
    };
    let fields: String = ours.iter().map(field).collect();
    let empty: String = ours
        .iter()
        .filter(|(name, _)| *name != "id")
        .map(|(name, _)| format!("{name}: ::std::default::Default::default(),"))
        .collect();
    let conversion = format!(
        "impl ::std::convert::From<types::{from}> for types::{to} {{
            fn from(object: types::{from}) -> Self {{ Self {{ {fields} }} }}
        }}
        impl types::{to} {{
            /// Creates a partner client with this id and nothing else, for tests. Its fields are public.
            ///
            /// ```
            /// use hubspot_partner_clients::PartnerClient;
            ///
            /// let acme = PartnerClient::new(\"512\")
            ///     .with_property(\"name\", \"Acme\");
            /// let name = acme.property(\"name\");
            /// assert_eq!(name, Some(\"Acme\"));
            /// ```
            pub fn new(id: impl ::std::convert::Into<::std::string::String>) -> Self {{
                Self {{ id: id.into(), {empty} }}
            }}
        }}"
    );
    syn::parse_file(&conversion).map(|file| file.items).map_err(text)
}

fn settings() -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings.with_map_type("::std::collections::BTreeMap");
    // A secret, which is not printed with the rest of a request.
    settings.with_replacement("PrivateAppTokenKey", "crate::auth::token_key::TokenKey", std::iter::empty());
    settings
}

/// In a thread of its own, of which a panic is no output but an error.
fn quietly(run: impl FnOnce() -> Result<String, String> + Send) -> Result<String, String> {
    const NAME: &str = "generate";
    // Schemas may be nested as deep as JSON may.
    const STACK: usize = 64 << 20;
    static QUIET: std::sync::Once = std::sync::Once::new();
    QUIET.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() != Some(NAME) {
                hook(panic);
            }
        }));
    });
    let outcome = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn_scoped(scope, run);
        thread.map_err(text).map(|thread| thread.join())
    });
    outcome?.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it gave no reason");
        Err(text.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

fn pretty(file: &syn::File, mark: &Mark) -> String {
    // progenitor's examples do not name the crate, so they cannot be run; as text nobody takes them for tests.
    let code = mark.removed(&prettyplease::unparse(file).replace("```ignore", "```text"));
    // rustc refuses these in a comment; in a literal they are escaped.
    let refused = |c: char| matches!(c, '\r' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let code = code.replace("\r\n", "\n").replace(refused, " ");
    // What a method's documentation says of its address.
    let line = |line: &str| match line.contains("Sends a `") {
        true => line.replace(adapt::DATED, VERSION) + "\n",
        false => line.to_owned() + "\n",
    };
    code.lines().map(line).collect()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
