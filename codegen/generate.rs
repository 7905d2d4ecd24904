//! Rust out of an adapted document, by progenitor.

use std::collections::BTreeSet;

use openapiv3::OpenAPI;
use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};

use syn::parse::Parser;

#[cfg(feature = "mock")]
use crate::codegen::operations::{Family, KNOWN, PREFIXES};
use crate::{
    codegen::{
        adapt, merge,
        operations::Known,
        schemas::{self, ID_TYPES, checked},
        walk,
    },
    trim,
};

/// What is made of a description.
pub struct Code {
    pub client: String,
    pub shapes: String,
    #[cfg(feature = "mock")]
    pub mock: String,
}

/// The code of everything that can be generated, and the operations that cannot, with the reason of each.
///
/// # Errors
/// What progenitor says, in one line, if it is no single operation's, or one's that the facade is built on.
pub fn all(api: &OpenAPI) -> Result<(Code, Vec<(String, String)>), String> {
    let names_each_once = api.operations().try_for_each(|(path, ..)| names_each_parameter_once(path));
    let trouble = match names_each_once.and_then(|()| code(api)) {
        Ok(code) => return Ok((code, Vec::new())),
        Err(trouble) => trouble,
    };
    let mut left_out = Vec::new();
    for (path, method, operation) in api.operations() {
        let id = operation.operation_id.clone().unwrap_or_default();
        let mut alone = api.clone();
        merge::drop_operations(&mut alone, |_, _, other| other.operation_id.as_deref() != Some(&id));
        if let Err(trouble) = names_each_parameter_once(path).and_then(|()| code(&alone)) {
            if Known::find(&method.to_uppercase(), path).is_some() {
                return Err(format!("`{id}`: {trouble}"));
            }
            left_out.push((id, trouble.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }
    if left_out.is_empty() {
        return Err(trouble);
    }
    let mut rest = api.clone();
    merge::drop_operations(&mut rest, |_, _, operation| {
        left_out.iter().any(|(id, _)| operation.operation_id.as_ref() == Some(id))
    });
    Ok((code(&rest)?, left_out))
}

/// The mock of a path that has a parameter twice does not compile.
fn names_each_parameter_once(path: &str) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let twice = path.split('/').filter(|segment| segment.starts_with('{')).find(|segment| !seen.insert(*segment));
    twice.map_or(Ok(()), |segment| Err(format!("its path names {segment} twice")))
}

fn code(api: &OpenAPI) -> Result<Code, String> {
    let mut adapted = api.clone();
    adapt::document(&mut adapted);
    Ok(Code {
        client: client(&adapted)?,
        shapes: crate::codegen::shapes::rust(&mut adapted),
        #[cfg(feature = "mock")]
        mock: mock(&adapt::for_mocks(api.clone()))?,
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
fn client(api: &OpenAPI) -> Result<String, String> {
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
        let mut file = parse(trim::requests(named(tokens.clone()))).or_else(|_| parse(named(tokens)))?;
        check(&file)?;
        deprecated(&mut file, api)?;
        file.items.extend(partner_client(&file)?);
        may_get_fields(&mut file, &sent(api)?)?;
        Ok(pretty(&file))
    })
}

/// Types that the facade hands out under names of its own: rustc's messages tell where a type is defined.
const FACADE_NAMES: [(&str, &str); 4] = [
    ("SimplePublicObjectWithAssociations", "PartnerClient"),
    ("CollectionResponseSimplePublicObjectWithAssociationsForwardPaging", "PartnerClientsPage"),
    ("CollectionResponseAssociatedIdForwardPaging", "AssociationsPage"),
    ("CollectionResponseWithTotalSimplePublicObject", "SearchPage"),
];

fn named(tokens: TokenStream) -> TokenStream {
    let name = |token| match token {
        TokenTree::Group(group) => {
            let mut renamed = Group::new(group.delimiter(), named(group.stream()));
            renamed.set_span(group.span());
            renamed.into()
        }
        TokenTree::Ident(ident) => {
            let renamed = FACADE_NAMES.iter().find_map(|(theirs, ours)| match () {
                () if ident == theirs => Some((*ours).to_owned()),
                // In a description of something else.
                () if ident == ours => Some(format!("Other{ours}")),
                () => None,
            });
            renamed.map_or(ident.clone(), |name| Ident::new(&name, ident.span())).into()
        }
        other => other,
    };
    tokens.into_iter().map(name).collect()
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
    parse(conversion).map(|file| file.items)
}

/// The mock helpers, as [`client`].
#[cfg(feature = "mock")]
fn mock(api: &OpenAPI) -> Result<String, String> {
    quietly(|| {
        let file = parse(named(Generator::new(&settings()).httpmock(api, "crate::generated").map_err(text)?))?;
        check(&file)?;
        let mut changed = file.clone();
        let known = closures_may_end_with_a_value(&mut changed)?;
        Ok(answering_every_version(pretty(if known { &changed } else { &file })))
    })
}

/// A mock of an operation that every version has answers clients of all.
#[cfg(feature = "mock")]
fn answering_every_version(code: String) -> String {
    let every = KNOWN.iter().filter(|known| known.family == Family::Every);
    every.fold(code, |code, known| {
        // As progenitor writes an id that is given, and one that is not.
        ["{}", "[^/]*"].iter().fold(code, |code, id| {
            let path = known.path.replace("{partnerClientId}", id).replace("{objectType}", id);
            let of_all = PREFIXES
                .iter()
                .fold(path.clone(), |path, (v3, dated)| path.replacen(v3, &format!("({v3}|{dated}[^/]*/)"), 1));
            code.replace(&format!("\"^{path}$\""), &format!("\"^{of_all}$\""))
        })
    })
}

/// `|when, then| { when.id("512"); then.ok(&object) }` ends with a value, which a closure that returns nothing may not.
/// False if progenitor writes them in another way, so that they stay as they are.
#[cfg(feature = "mock")]
fn closures_may_end_with_a_value(file: &mut syn::File) -> Result<bool, String> {
    use syn::{
        Expr, GenericParam, ImplItem, Item, PathArguments, Signature, Stmt, TraitItem, TypeParamBound, WherePredicate,
    };

    let any_output = |signature: &mut Signature| -> Result<bool, String> {
        let mut known = false;
        signature.generics.params.push(syn::parse_str::<GenericParam>("R").map_err(text)?);
        for predicate in signature.generics.where_clause.iter_mut().flat_map(|clause| &mut clause.predicates) {
            let WherePredicate::Type(predicate) = predicate else { continue };
            for bound in &mut predicate.bounds {
                if let TypeParamBound::Trait(bound) = bound
                    && let Some(PathArguments::Parenthesized(closure)) =
                        bound.path.segments.last_mut().map(|segment| &mut segment.arguments)
                {
                    closure.output = syn::parse_str("-> R").map_err(text)?;
                    known = true;
                }
            }
        }
        Ok(known)
    };
    let value_is_dropped = |body: &mut syn::Block| -> Option<()> {
        let Some(Stmt::Expr(Expr::MethodCall(mock), _)) = body.stmts.last_mut() else { return None };
        let Some(Expr::Closure(closure)) = mock.args.last_mut() else { return None };
        let Expr::Block(body) = &mut *closure.body else { return None };
        let Some(Stmt::Expr(_, semicolon)) = body.block.stmts.last_mut() else { return None };
        *semicolon = Some(Default::default());
        Some(())
    };
    let mut known = true;
    for item in &mut file.items {
        match item {
            Item::Trait(extension) => {
                for item in &mut extension.items {
                    if let TraitItem::Fn(method) = item {
                        known &= any_output(&mut method.sig)?;
                    }
                }
            }
            // The other types' methods have no closures.
            Item::Impl(extension) if extension.trait_.is_some() => {
                for item in &mut extension.items {
                    let ImplItem::Fn(method) = item else { continue };
                    known &= any_output(&mut method.sig)? && value_is_dropped(&mut method.block).is_some();
                }
            }
            _ => {}
        }
    }
    Ok(known)
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

fn parse(tokens: impl std::fmt::Display) -> Result<syn::File, String> {
    syn::parse_file(&tokens.to_string()).map_err(text)
}

fn pretty(file: &syn::File) -> String {
    // progenitor's examples do not name the crate, so they cannot be run; as text nobody takes them for tests.
    schemas::without_marks(&prettyplease::unparse(file).replace("```ignore", "```text"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
