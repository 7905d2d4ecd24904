//! Rust out of an adapted document, by progenitor.

use std::panic::{AssertUnwindSafe, catch_unwind};

use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};

use crate::{
    codegen::adapt::{ID_TYPES, checked},
    lean,
};

/// The client and its types.
///
/// # Errors
/// What progenitor says, in one line: it panics at what it does not support.
pub fn client(api: &OpenAPI) -> Result<String, String> {
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
        let mut file = parse(lean::requests(tokens)?)?;
        file.items.extend(with_associations(&file)?);
        Ok(pretty(&file))
    })
}

/// Some operations answer with an object without its associations. To users it is the same object, so one type turns
/// into the other, whatever fields the description gives them.
fn with_associations(file: &syn::File) -> Result<Option<syn::Item>, String> {
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
    let (from, to) = ("SimplePublicObject", "SimplePublicObjectWithAssociations");
    let (Some(theirs), Some(ours)): (Option<Vec<_>>, Option<Vec<_>>) = (fields(from), fields(to)) else {
        return Ok(None);
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
    let conversion = format!(
        "impl ::std::convert::From<types::{from}> for types::{to} {{
            fn from(object: types::{from}) -> Self {{ Self {{ {fields} }} }}
        }}"
    );
    syn::parse_str(&conversion).map(Some).map_err(text)
}

/// The mock helpers.
///
/// # Errors
/// As [`client`]'s.
#[cfg(feature = "mock")]
pub fn mock(api: &OpenAPI) -> Result<String, String> {
    quietly(|| {
        let mut file = parse(Generator::new(&settings()).httpmock(api, "crate::generated").map_err(text)?)?;
        closures_may_end_with_a_value(&mut file)?;
        Ok(pretty(&file))
    })
}

/// `|when, then| { when.id("512"); then.ok(&object) }` ends with a value, which a closure that returns nothing may not.
#[cfg(feature = "mock")]
fn closures_may_end_with_a_value(file: &mut syn::File) -> Result<(), String> {
    use syn::{
        Expr, GenericParam, ImplItem, Item, PathArguments, Signature, Stmt, TraitItem, TypeParamBound, WherePredicate,
    };

    let any_output = |signature: &mut Signature| -> Result<(), String> {
        signature.generics.params.push(syn::parse_str::<GenericParam>("R").map_err(text)?);
        for predicate in signature.generics.where_clause.iter_mut().flat_map(|clause| &mut clause.predicates) {
            let WherePredicate::Type(predicate) = predicate else { continue };
            for bound in &mut predicate.bounds {
                if let TypeParamBound::Trait(bound) = bound
                    && let Some(PathArguments::Parenthesized(closure)) =
                        bound.path.segments.last_mut().map(|segment| &mut segment.arguments)
                {
                    closure.output = syn::parse_str("-> R").map_err(text)?;
                }
            }
        }
        Ok(())
    };
    for item in &mut file.items {
        match item {
            Item::Trait(extension) => {
                for item in &mut extension.items {
                    if let TraitItem::Fn(method) = item {
                        any_output(&mut method.sig)?;
                    }
                }
            }
            Item::Impl(extension) => {
                for item in &mut extension.items {
                    let ImplItem::Fn(method) = item else { continue };
                    any_output(&mut method.sig)?;
                    if let Some(Stmt::Expr(Expr::MethodCall(mock), _)) = method.block.stmts.last_mut()
                        && let Some(Expr::Closure(closure)) = mock.args.last_mut()
                        && let Expr::Block(body) = &mut *closure.body
                        && let Some(Stmt::Expr(_, semicolon)) = body.block.stmts.last_mut()
                    {
                        *semicolon = Some(Default::default());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn settings() -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings.with_map_type("::std::collections::BTreeMap");
    settings
}

fn quietly(run: impl FnOnce() -> Result<String, String>) -> Result<String, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(run));
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

fn parse(tokens: impl std::fmt::Display) -> Result<syn::File, String> {
    syn::parse_file(&tokens.to_string()).map_err(text)
}

fn pretty(file: &syn::File) -> String {
    // progenitor's examples do not name the crate, so they cannot be run; as text nobody takes them for tests.
    prettyplease::unparse(file).replace("```ignore", "```text")
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
