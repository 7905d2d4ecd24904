//! What there is in a parsed file, and how it reads.

use quote::ToTokens;
use syn::{Fields, ImplItem, Item, ItemStruct, ReturnType, Type};

/// What a module of that name holds.
pub fn module<'a>(items: &'a [Item], name: &str) -> &'a [Item] {
    let found = items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == name => module.content.as_ref(),
        _ => None,
    });
    found.map_or(&[], |(_, items)| items)
}

/// The structs among items.
pub fn structs(items: &[Item]) -> Vec<&ItemStruct> {
    items.iter().filter_map(|item| if let Item::Struct(item) = item { Some(item) } else { None }).collect()
}

/// Names and types, those of a tuple by their numbers.
pub fn fields(item: &ItemStruct) -> impl Iterator<Item = (String, Type)> {
    let unnamed = matches!(item.fields, Fields::Unnamed(_));
    item.fields.iter().enumerate().map(move |(i, field)| {
        let name = field.ident.as_ref().filter(|_| !unnamed).map_or_else(|| i.to_string(), ToString::to_string);
        (name, field.ty.clone())
    })
}

/// What `send` answers with.
pub fn answer(items: &[Item], builder: &ItemStruct) -> String {
    let methods = items.iter().filter_map(|item| match item {
        Item::Impl(item) if item.trait_.is_none() && matches!(&*item.self_ty, Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == builder.ident)) => Some(&item.items),
        _ => None,
    });
    let send = methods.flatten().find_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == "send" => Some(&method.sig.output),
        _ => None,
    });
    match send {
        Some(ReturnType::Type(_, answer)) => {
            let answer = short(answer);
            let success = answer.strip_prefix("Result<ResponseValue<").and_then(|a| a.strip_suffix(">, Error<Error>>"));
            success.unwrap_or(&answer).to_owned()
        }
        _ => String::new(),
    }
}

/// A type without the paths that say nothing to a reader.
pub fn short(shown: &Type) -> String {
    let tokens = shown.to_token_stream().to_string().replace(' ', "").replace(",>", ">");
    let mut out = String::new();
    for part in tokens.split_inclusive(['<', '>', ',', '(', ')']) {
        let (path, end) = part.split_at(part.len() - usize::from(part.ends_with(['<', '>', ',', '(', ')'])));
        out += path.rsplit("::").next().unwrap_or_default();
        out += if end == "," { ", " } else { end };
    }
    out
}

/// A type's name as that of a function.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
