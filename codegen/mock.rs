//! Typed helpers for httpmock, by progenitor.

use openapiv3::OpenAPI;
use progenitor::Generator;

use super::{check, pretty, quietly, settings, text};
use crate::codegen::{
    operations::{Family, KNOWN, PREFIXES},
    schemas::Mark,
};

/// The helpers, one for each operation; or what progenitor says, in one line.
pub(super) fn rust(api: &OpenAPI, mark: &Mark) -> Result<String, String> {
    quietly(|| {
        let tokens = Generator::new(&settings()).httpmock(api, "crate::generated").map_err(text)?;
        let file: syn::File = syn::parse2(tokens).map_err(text)?;
        check(&file)?;
        let mut changed = file.clone();
        let known = closures_may_end_with_a_value(&mut changed)?;
        Ok(answering_every_version(pretty(if known { &changed } else { &file }, mark)))
    })
}

/// A mock of an operation that every version has answers clients of all.
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
