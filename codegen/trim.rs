//! Removal of what the generated requests and answers cost more than they need, in the tokens that progenitor writes.

use proc_macro2::{Group, TokenStream, TokenTree};

/// - The ids are checked and seldom need encoding, so they are written as they are.
/// - HubSpot knows no `api-version` header.
/// - The transport has read an answer's body already; `response::value` does not read it again.
///
/// What progenitor writes in another way stays as it is: it costs more, but a user's build goes on. A test of this crate notices.
pub fn requests(client: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = client.into_iter().map(inside).collect();
    let out = trimmed(&tokens, true);
    // Without its header the map is not needed, unless something else takes it.
    let text = out.to_string();
    if text.contains("header_map") && !text.contains("let mut header_map") { trimmed(&tokens, false) } else { out }
}

fn trimmed(tokens: &[TokenTree], without_map: bool) -> TokenStream {
    let version_alone = || without_map && tokens.windows(2).any(|pair| texts(pair) == ["with_capacity", "(1usize)"]);
    let mut out = TokenStream::new();
    let mut rest = tokens;
    while let [first, after @ ..] = rest {
        rest = if starts(rest, &["ResponseValue", ":", ":", "from_response"]) {
            out.extend(path("crate::transport::response::value"));
            rest.get(4..).unwrap_or_default()
        } else if let Some(id) = encoded(rest) {
            out.extend(path("crate::ids::segment"));
            out.extend([TokenTree::Group(id)]);
            rest.get(2..).unwrap_or_default()
        } else if starts(rest, &["header_map", ".", "append"])
            && rest.get(3).is_some_and(|argument| argument.to_string().contains("\"api-version\""))
            || starts(rest, &["let", "mut", "header_map"]) && version_alone()
        {
            after_statement(rest)
        } else if starts(rest, &[".", "headers", "(header_map)"]) && version_alone() {
            rest.get(3..).unwrap_or_default()
        } else {
            out.extend([first.clone()]);
            after
        };
    }
    out
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
    let argument_tokens: Vec<TokenTree> = argument.stream().into_iter().collect();
    let (id, to_string) = argument_tokens.split_at_checked(2)?;
    (name.to_string() == "encode_path" && texts(to_string) == [".", "to_string", "()"])
        .then(|| Group::new(argument.delimiter(), id.iter().cloned().collect()))
}

fn starts(tokens: &[TokenTree], texts: &[&str]) -> bool {
    tokens.len() > texts.len() && tokens.iter().zip(texts).all(|(token, text)| token.to_string() == *text)
}

fn texts(tokens: &[TokenTree]) -> Vec<String> {
    tokens.iter().map(ToString::to_string).collect()
}

fn after_statement(tokens: &[TokenTree]) -> &[TokenTree] {
    let end = tokens.iter().position(|token| token.to_string() == ";").map_or(tokens.len(), |semicolon| semicolon + 1);
    &tokens[end..]
}

fn path(text: &str) -> TokenStream {
    text.parse().expect("a path that is written here is made of tokens")
}
