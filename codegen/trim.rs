//! Removal of what the generated requests and answers cost more than they need, in the tokens that progenitor writes.

use std::collections::BTreeSet;

use proc_macro2::{Group, Literal, TokenStream, TokenTree};

use crate::codegen::adapt::DATED;

/// - The ids are checked and seldom need encoding, so they are written as they are.
/// - HubSpot knows no `api-version` header.
/// - The transport asks for JSON; it keeps a copy of each request, which costs less without headers.
/// - The transport has read an answer's body already; `Inner::value` does not read it again.
/// - Every call copies the client, so its base URL is shared; and it knows its version, which stands in the path.
/// - A parameter that is missing is named when it is missed, and not for every call before it is given.
///
/// What progenitor writes in another way stays as it is: it costs more, but a user's build goes on. A test of this crate notices.
pub fn client(client: TokenStream) -> TokenStream {
    missing_when_missed(with_shared_url(requests(client)))
}

fn requests(client: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = client.into_iter().map(inside).collect();
    // Without its header the map is not needed, unless something else takes it.
    match trimmed(&tokens, true) {
        (out, true) if names(&out, "header_map") => trimmed(&tokens, false).0,
        (out, _) => out,
    }
}

/// What is left of the tokens, and whether the map of headers is gone.
fn trimmed(tokens: &[TokenTree], without_map: bool) -> (TokenStream, bool) {
    let version_alone = || without_map && tokens.windows(2).any(|pair| are(pair, &["with_capacity", "(1usize)"]));
    let (mut out, mut map_is_gone) = (Vec::with_capacity(tokens.len()), false);
    let mut rest = tokens;
    while let [first, after @ ..] = rest {
        let may_start_one = match first {
            TokenTree::Ident(_) => true,
            TokenTree::Punct(punct) => punct.as_char() == '.',
            TokenTree::Group(_) | TokenTree::Literal(_) => false,
        };
        rest = if !may_start_one {
            out.push(first.clone());
            after
        } else if starts(rest, &["ResponseValue", ":", ":", "from_response"]) {
            out.extend(path("client.inner.value"));
            rest.get(4..).unwrap_or_default()
        } else if let Some(id) = encoded(rest) {
            out.extend(path("crate::ids::segment"));
            out.push(TokenTree::Group(id));
            rest.get(2..).unwrap_or_default()
        } else if starts(rest, &["header_map", ".", "append"]) && rest.get(3).is_some_and(is_version) {
            after_statement(rest)
        } else if starts(rest, &["let", "mut", "header_map"]) && version_alone() {
            map_is_gone = true;
            after_statement(rest)
        } else if let Some(arguments) = dated_path(rest) {
            out.extend(path("format!"));
            out.push(arguments);
            rest.get(3..).unwrap_or_default()
        } else if asks_for_json(rest) || starts(rest, &[".", "headers", "(header_map)"]) && version_alone() {
            rest.get(3..).unwrap_or_default()
        } else {
            out.push(first.clone());
            after
        };
    }
    (out.into_iter().collect(), map_is_gone)
}

fn inside(token: TokenTree) -> TokenTree {
    match token {
        TokenTree::Group(group) => Group::new(group.delimiter(), requests(group.stream())).into(),
        other => other,
    }
}

/// Of `encode_path(&id.to_string())` the `(&id)`.
fn encoded(tokens: &[TokenTree]) -> Option<Group> {
    let [name, TokenTree::Group(argument), ..] = tokens else { return None };
    if !is(name, "encode_path") {
        return None;
    }
    let argument_tokens: Vec<TokenTree> = argument.stream().into_iter().collect();
    let (id, to_string) = argument_tokens.split_at_checked(2)?;
    are(to_string, &[".", "to_string", "()"]).then(|| Group::new(argument.delimiter(), id.iter().cloned().collect()))
}

/// Whether these are the arguments `(HeaderName::from_static("api-version"), …)`. A parameter of that name is written as a text.
fn is_version(arguments: &TokenTree) -> bool {
    let arguments: String = arguments.to_string().split_whitespace().collect();
    let name = arguments.trim_start_matches("(::reqwest::header::").trim_start_matches('(');
    name.starts_with("HeaderName::from_static(\"api-version\")")
}

/// Whether a call of `.header(ACCEPT, HeaderValue::from_static("application/json"))` comes.
fn asks_for_json(tokens: &[TokenTree]) -> bool {
    if !starts(tokens, &[".", "header"]) {
        return false;
    }
    let argument: String = tokens.get(2).map(ToString::to_string).unwrap_or_default().split_whitespace().collect();
    argument.contains("::ACCEPT,") && argument.contains("(\"application/json\"")
}

fn starts(tokens: &[TokenTree], texts: &[&str]) -> bool {
    tokens.len() > texts.len() && tokens.iter().zip(texts).all(|(token, text)| is(token, text))
}

fn are(tokens: &[TokenTree], texts: &[&str]) -> bool {
    tokens.len() == texts.len() && tokens.iter().zip(texts).all(|(token, text)| is(token, text))
}

/// The text of a group is that of all that is in it: only one in parentheses is made, for a text in parentheses.
fn is(token: &TokenTree, text: &str) -> bool {
    match token {
        TokenTree::Ident(ident) => ident == text,
        TokenTree::Punct(punct) => text.strip_prefix(punct.as_char()) == Some(""),
        TokenTree::Group(group) => text.starts_with('(') && group.to_string() == text,
        TokenTree::Literal(_) => false,
    }
}

fn names(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => names(&group.stream(), name),
        other => is(&other, name),
    })
}

fn after_statement(tokens: &[TokenTree]) -> &[TokenTree] {
    let end = tokens.iter().position(|token| is(token, ";")).map_or(tokens.len(), |semicolon| semicolon + 1);
    &tokens[end..]
}

fn path(text: &str) -> TokenStream {
    text.parse().expect("a path that is written here is made of tokens")
}

/// Of `format!("{}/crm/~version~/{}", client.baseurl, …)` the arguments with the client's version in the path.
fn dated_path(tokens: &[TokenTree]) -> Option<TokenTree> {
    let Some(TokenTree::Group(arguments)) = tokens.get(2).filter(|_| starts(tokens, &["format", "!"])) else {
        return None;
    };
    let mut arguments_tokens: Vec<TokenTree> = arguments.stream().into_iter().collect();
    let text = arguments_tokens.first()?.to_string();
    let text = text.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('\\'))?;
    if text.matches(DATED).count() != 1 {
        return None;
    }
    let ends_with_comma = arguments_tokens.last().is_some_and(|last| last.to_string() == ",");
    *arguments_tokens.first_mut()? = Literal::string(&text.replace(DATED, "{dated}")).into();
    if !ends_with_comma {
        arguments_tokens.extend(path(","));
    }
    arguments_tokens.extend(path("dated = client.inner.dated()"));
    Some(Group::new(arguments.delimiter(), arguments_tokens.into_iter().collect()).into())
}

fn with_shared_url(client: TokenStream) -> TokenStream {
    let steps = [
        ("baseurl: String", "baseurl: ::std::sync::Arc<str>"),
        ("baseurl: baseurl.to_string()", "baseurl: baseurl.into()"),
        ("self.baseurl.as_str()", "&self.baseurl"),
    ];
    let mut out = client.clone();
    for (from, to) in steps {
        let (from, to) = (path(from).into_iter().collect::<Vec<_>>(), path(to));
        let mut count = 0;
        out = replaced(out, &mut |tokens| {
            let is_here = tokens.len() >= from.len() && tokens.iter().zip(&from).all(|(a, b)| is_same(a, b));
            count += usize::from(is_here);
            is_here.then(|| (to.clone(), from.len()))
        });
        if count != 1 {
            return client;
        }
    }
    out
}

/// A builder holds `Err` of a text for each parameter that is required. The text is left empty, and put in where it is read.
fn missing_when_missed(client: TokenStream) -> TokenStream {
    let (mut missing, mut named) = (BTreeSet::new(), BTreeSet::new());
    let out = replaced(client.clone(), &mut |tokens| match tokens {
        [TokenTree::Ident(err), TokenTree::Group(text), ..] if err == "Err" => {
            missing.insert(missing_name(text)?);
            Some((path("Err(::std::string::String::new())"), 2))
        }
        [
            TokenTree::Ident(binding),
            TokenTree::Ident(name),
            _,
            TokenTree::Ident(value),
            _,
            TokenTree::Ident(map),
            then,
            ..,
        ] if binding == "let" && name == value && map == "map_err" && is(then, "(Error :: InvalidRequest)") => {
            named.insert(name.to_string());
            let map = format!("let {name} = {name}.map_err(|e| crate::transport::response::missing(e, \"{name}\"))");
            Some((path(&map), 7))
        }
        _ => None,
    });
    if missing.is_subset(&named) { out } else { client }
}

/// The name in `("name was not initialized".to_string())`.
fn missing_name(text: &Group) -> Option<String> {
    let tokens: Vec<TokenTree> = text.stream().into_iter().collect();
    let (TokenTree::Literal(literal), rest) = tokens.split_first()? else { return None };
    if !are(rest, &[".", "to_string", "()"]) {
        return None;
    }
    Some(literal.to_string().strip_prefix('"')?.strip_suffix(" was not initialized\"")?.to_owned())
}

/// The tokens with others in the place of some: `replacement` returns them for a slice that they begin, and how many they replace.
fn replaced(
    tokens: TokenStream,
    replacement: &mut impl FnMut(&[TokenTree]) -> Option<(TokenStream, usize)>,
) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let [first, after @ ..] = rest {
        if let Some((to, count)) = replacement(rest) {
            out.extend(to);
            rest = rest.get(count..).unwrap_or_default();
            continue;
        }
        out.push(match first {
            TokenTree::Group(group) => Group::new(group.delimiter(), replaced(group.stream(), replacement)).into(),
            other => other.clone(),
        });
        rest = after;
    }
    out.into_iter().collect()
}

fn is_same(a: &TokenTree, b: &TokenTree) -> bool {
    match (a, b) {
        (TokenTree::Ident(a), TokenTree::Ident(b)) => a == b,
        (TokenTree::Punct(a), TokenTree::Punct(b)) => a.as_char() == b.as_char(),
        (TokenTree::Group(_), TokenTree::Group(_)) => a.to_string() == b.to_string(),
        _ => false,
    }
}
