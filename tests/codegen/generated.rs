//! What is made of progenitor's code. Where a release of it writes something otherwise, users' builds go on without the
//! change, and these tests tell us.

use proc_macro2::TokenStream;
use syn::{Fields, Item};

use crate::trim;

const CLIENT: &str = include_str!(concat!(env!("OUT_DIR"), "/client.rs"));
#[cfg(feature = "mock")]
const MOCK: &str = include_str!(concat!(env!("OUT_DIR"), "/mock.rs"));

#[test]
fn requests_cost_no_more_than_they_need() {
    // Inside of macros the formatter leaves spaces.
    let client: String = CLIENT.split_whitespace().collect();
    let not_given = "wasnotinitialized\".to_string()";
    for costly in ["encode_path(", "\"api-version\"", "from_response", "header_map", "::ACCEPT", not_given, "~version~"]
    {
        assert!(!client.contains(costly), "codegen/trim.rs does not know how progenitor writes {costly}");
    }
    for short in [
        "crate::ids::segment(",
        "client.inner.value(response)",
        "crate::transport::response::missing(e,",
        "baseurl:::std::sync::Arc<str>",
        "dated=client.inner.dated()",
    ] {
        assert!(client.contains(short), "{short}");
    }
}

#[test]
fn the_facade_s_types_are_defined_under_the_facade_s_names() {
    for name in ["PartnerClient", "PartnerClientsPage", "AssociationsPage", "SearchPage"] {
        assert_eq!(CLIENT.matches(&format!("pub struct {name} {{")).count(), 2, "{name} and its builder");
    }
    assert!(!CLIENT.contains("SimplePublicObjectWithAssociations {"));
}

#[test]
fn a_field_more_in_an_answer_breaks_no_build() {
    let file = syn::parse_file(CLIENT).unwrap();
    let types = file.items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_ref().map(|(_, items)| items),
        _ => None,
    });
    // A description may have more.
    let is_reviewed = |name: &String| include_str!("../surface.txt").contains(&format!("\n{name}\n"));
    let closed: Vec<String> = types
        .unwrap()
        .iter()
        .filter_map(|item| match item {
            Item::Struct(item) if matches!(item.fields, Fields::Named(_)) => Some(item),
            _ => None,
        })
        .filter(|item| !item.attrs.iter().any(|attribute| attribute.path().is_ident("non_exhaustive")))
        .map(|item| item.ident.to_string())
        .filter(is_reviewed)
        .collect();
    let sent = [
        "AssociationSpec",
        "BatchInputPublicAssociation",
        "BatchInputPublicAssociationMultiArchive",
        "BatchInputPublicAssociationMultiPost",
        "BatchInputPublicDefaultAssociationMultiPost",
        "BatchInputPublicFetchAssociationsBatchRequest",
        "BatchInputPublicObjectId",
        "BatchInputSimplePublicObjectBatchInput",
        "BatchReadInputSimplePublicObjectId",
        "Filter",
        "FilterGroup",
        "PublicAssociation",
        "PublicAssociationMultiArchive",
        "PublicAssociationMultiPost",
        "PublicDefaultAssociationMultiPost",
        "PublicFetchAssociationsBatchRequest",
        "PublicObjectId",
        "PublicObjectSearchRequest",
        "SimplePublicObjectBatchInput",
        "SimplePublicObjectId",
        "SimplePublicObjectInput",
    ];
    assert_eq!(closed, sent, "what is sent can be written as a struct");
}

#[cfg(feature = "mock")]
#[test]
fn a_mock_s_closure_may_end_with_a_value() {
    assert!(MOCK.contains("-> R"), "codegen/mock.rs does not know how progenitor writes mocks");
}

fn trimmed(code: &str) -> String {
    let tokens: TokenStream = code.parse().unwrap();
    trim::client(tokens).to_string()
}

#[test]
fn what_is_known_is_taken_out() {
    let written = r#"{
        let url = format!("{}/a/{}", client.baseurl, encode_path(&id.to_string()));
        let mut header_map = HeaderMap::with_capacity(1usize);
        header_map.append(HeaderName::from_static("api-version"), HeaderValue::from_static("v3"));
        let request = client.client.get(url).headers(header_map).build()?;
        ResponseValue::from_response(response).await
    }"#;
    let expected: TokenStream = r#"{
        let url = format!("{}/a/{}", client.baseurl, crate::ids::segment(&id));
        let request = client.client.get(url).build()?;
        client.inner.value(response).await
    }"#
    .parse()
    .unwrap();
    assert_eq!(trimmed(written), expected.to_string());
}

#[test]
fn a_builder_takes_no_texts_for_what_is_given() {
    let written = r#"
        struct Client { baseurl: String }
        fn new_with_client(baseurl: &str) -> Client { Client { baseurl: baseurl.to_string() } }
        fn baseurl(&self) -> &str { self.baseurl.as_str() }
        fn new() -> Self { Self { id: Err("id was not initialized".to_string()) } }
        fn send() {
            let id = id.map_err(Error::InvalidRequest)?;
            let url = format!("{}/crm/objects/~version~/{}", client.baseurl, crate::ids::segment(&id),);
            get(url).header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static("application/json",),).build()
        }
    "#;
    let expected: TokenStream = r#"
        struct Client { baseurl: ::std::sync::Arc<str> }
        fn new_with_client(baseurl: &str) -> Client { Client { baseurl: baseurl.into() } }
        fn baseurl(&self) -> &str { &self.baseurl }
        fn new() -> Self { Self { id: Err(::std::string::String::new()) } }
        fn send() {
            let id = id.map_err(|e| crate::transport::response::missing(e, "id"))?;
            let url = format!("{}/crm/objects/{dated}/{}", client.baseurl, crate::ids::segment(&id), dated = client.inner.dated());
            get(url).build()
        }
    "#
    .parse()
    .unwrap();
    assert_eq!(trimmed(written), expected.to_string());
}

/// Whatever another release of progenitor writes: what is left compiles wherever what came did.
#[test]
fn what_is_not_known_stays_as_it_is() {
    for code in [
        "encode_path(id.as_str())",
        "encode_path(&id)",
        "ResponseValue::<T>::from_response(response)",
        "from_response(response)",
        "let headers = HeaderMap::new(); request.headers(headers)",
        "let mut header_map = HeaderMap::with_capacity(1usize); insert(&mut header_map); get(url).headers(header_map)",
        "let mut header_map = HeaderMap::with_capacity(1usize); let r = { get(url).headers(header_map) };",
        "let mut header_map = HeaderMap::with_capacity(1usize); get(url).headers(header_map.clone())",
        "let mut header_map = HeaderMap::with_capacity(2usize); get(url).headers(header_map)",
        "header_map.append(\"api-version\", value.to_string().try_into()?)",
        "header_map.append(name, HeaderName::from_static(\"api-version\"))",
        "Err(\"id was not initialized\".to_string()); let id = id.map_err(Into::into)?;",
        "Err(\"no id\".to_string()); Err(text); let ident = id.map_err(Error::InvalidRequest)?;",
        "struct Client { baseurl: String }",
        "format!(\"/~version~/a/~version~/{}\", id); format!(\"/dated/{}\", id); format!(path); format!()",
        "get(url).header(::reqwest::header::ACCEPT, ::reqwest::header::HeaderValue::from_static(\"text/plain\"))",
        "header_map",
        "header_map.append",
        "ResponseValue::",
        "encode_path",
        "",
    ] {
        let expected: TokenStream = code.parse().unwrap();
        assert_eq!(trimmed(code), expected.to_string());
    }
}
