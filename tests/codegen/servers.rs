//! The servers that documents name.

use serde_json::{Value, json};

use super::{
    any_document::{answering, description, generated, is_there},
    codegen::{Result, merge, read},
};

#[test]
fn servers_are_heeded_or_refused() {
    let mut api =
        description(json!({"/a": {"get": answering(json!({}))}, "/b": {"get": answering(json!({}))}}), json!({}));
    api["servers"] = json!([{"url": "https://api.hubapi.com/crm/v3/things/"}]);
    api["paths"]["/b"]["get"]["servers"] = json!([{"url": "https://example.com"}]);
    let (code, warnings) = generated(&api.to_string()).unwrap();
    is_there(&code, "/crm/v3/things/a\"");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(
        warning.starts_with("x.json: at #/paths/~1b/get: the server \"https://example.com\" is not HubSpot's"),
        "{warning}"
    );
    api["servers"] = json!([{"url": "https://example.com/crm"}]);
    let trouble = generated(&api.to_string()).map(|_| ()).unwrap_err();
    assert!(trouble.starts_with("x.json: at #/servers: ") && trouble.contains("take the server away"), "{trouble}");
}

/// The address and the one path of a document that names these servers.
fn heeded(servers: Value) -> Result<(String, String)> {
    let mut api = description(json!({"/objects/things": {"get": answering(json!({}))}}), json!({}));
    api["servers"] = servers;
    let api = merge::documents(vec![read::document("x.json", &api.to_string())?], &mut Vec::new())?;
    let [server] = api.servers.as_slice() else { panic!("{:?}", api.servers) };
    assert_eq!(server.variables, None);
    let (path, _, _) = api.operations().next().unwrap();
    Ok((server.url.clone(), path.to_owned()))
}

#[test]
fn the_path_of_a_server_is_published_once() {
    let variable = |default: &str| json!({"default": default});
    let (eu, base) = (variable("api-eu1.hubapi.com"), variable("crm/v3"));
    let (host, objects) = ("https://api.hubapi.com", "/objects/things");
    for (servers, url, path) in [
        (json!([]), host, "/objects/things"),
        (json!([{"url": "/"}]), host, "/objects/things"),
        (json!([{"url": "/crm/v3"}]), host, "/crm/v3/objects/things"),
        (json!([{"url": "https://api.hubapi.com"}]), host, "/objects/things"),
        // A token is sent in no clear text.
        (json!([{"url": "http://api.hubapi.com:80/crm/v3"}]), host, "/crm/v3/objects/things"),
        (json!([{"url": "HTTP://api.hubapi.com"}]), host, "/objects/things"),
        (json!([{"url": "./"}]), host, "/objects/things"),
        (json!([{"url": "../crm/./x/../v3"}]), host, "/crm/v3/objects/things"),
        (
            json!([{"url": "https://api.hubapi.com/crm/v3/"}, {"url": "https://example.com"}]),
            host,
            "/crm/v3/objects/things",
        ),
        (json!([{"url": "//API.hubapi.com/crm/v3?a#b"}]), "https://API.hubapi.com", "/crm/v3/objects/things"),
        (
            json!([{"url": "https://user:key@api.hubapi.com:443/crm"}]),
            "https://api.hubapi.com:443",
            "/crm/objects/things",
        ),
        (
            json!([{"url": "https://api.hubapi.com/{base}", "variables": {"base": base}}]),
            host,
            "/crm/v3/objects/things",
        ),
        (
            json!([{"url": "https://{host}/{base}", "variables": {"host": eu, "base": base}}]),
            "https://api-eu1.hubapi.com",
            "/crm/v3/objects/things",
        ),
        (
            json!([{"url": "{all}", "variables": {"all": variable("https://api.hubapi.com/crm")}}]),
            host,
            "/crm/objects/things",
        ),
    ] {
        assert_eq!(heeded(servers.clone()).unwrap(), (url.to_owned(), path.to_owned()), "{servers}");
        assert!(path.ends_with(objects));
    }
    let other = json!([{"url": "https://{host}/crm", "variables": {"host": variable("example.com")}}]);
    let trouble = heeded(other).unwrap_err().to_string();
    assert!(trouble.contains("the server \"https://example.com/crm\" is not HubSpot's API"), "{trouble}");
}

#[test]
fn a_server_with_a_variable_of_no_value_is_refused() {
    let trouble = heeded(json!([{"url": "https://api.hubapi.com/{basePath}"}])).unwrap_err().to_string();
    let head =
        "x.json: at #/servers: the server \"https://api.hubapi.com/{basePath}\" has a variable without a default";
    assert!(trouble.starts_with(head), "{trouble}");
}

#[test]
fn a_path_that_becomes_another_by_its_server_is_told() {
    let mut api = description(json!({"/c": {"get": answering(json!({})), "put": answering(json!({}))}}), json!({}));
    api["paths"]["/c"]["servers"] = json!([{"url": "/b"}]);
    api["paths"]["/b/c"] = json!({"get": answering(json!({"type": "string"}))});
    let (code, warnings) = generated(&api.to_string()).unwrap();
    is_there(&code, "pub fn put_b_c(");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    let other = "x.json: at #/paths/~1c/get: ";
    assert!(warning.starts_with(other) && warning.contains("/b/c is there as well"), "{warning}");
    is_there(&code, "Result<ResponseValue<::std::string::String>");
}
