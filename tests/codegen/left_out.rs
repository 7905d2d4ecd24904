//! Operations that the client cannot send: they are left out and named, and the others are there.

use serde_json::{Value, json};

use super::any_document::{answering, description, generated, is_there, taking};

#[test]
fn an_operation_of_a_method_that_the_client_cannot_send_is_left_out() {
    let any = answering(json!({}));
    let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let item: serde_json::Map<_, _> = methods.iter().map(|method| ((*method).to_owned(), any.clone())).collect();
    let (code, warnings) = generated(&description(json!({"/crm/v3/a": item}), json!({})).to_string()).unwrap();
    let told = ["options_a: its method is OPTIONS, which the client cannot send", "trace_a: its method is TRACE"];
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for (warning, told) in warnings.iter().zip(told) {
        assert!(warning.starts_with(told), "{warning}");
    }
    for method in methods {
        // What `reqwest::Client` has.
        let is_sent = !["options", "trace"].contains(&method);
        assert_eq!(code.client.contains(&format!("fn {method}_a(")), is_sent, "{method}");
    }
}

#[test]
fn a_header_that_can_have_no_such_name_is_left_out_and_so_is_what_needs_it() {
    let header = |name: &str, required: bool| -> Value {
        json!({"name": name, "in": "header", "required": required, "schema": {"type": "string"}})
    };
    for name in ["X Request Id", "", "X-Ключ", "x:y", "x\ny", "(x)", "x/y"] {
        let api = description(
            json!({"/crm/v3/a": {"get": taking(json!([header(name, false), header("X-Other", false)])),
                "put": taking(json!([header(name, true)]))}}),
            json!({}),
        );
        let (code, warnings) = generated(&api.to_string()).unwrap();
        let [warning] = warnings.as_slice() else { panic!("{name:?}: {warnings:?}") };
        assert!(warning.starts_with(&format!("put_a: it needs the header {name:?}")), "{warning}");
        is_there(&code, "pub struct GetA<'a> { client: &'a super::Client, x_other: Result<");
        assert_eq!(code.client.matches("header_map.append(").count(), 1, "{name:?}");
    }
    // http takes each of these.
    for name in ["X-Request-Id", "!#$%&'*+-.^_`|~", "x1"] {
        let api = description(json!({"/crm/v3/a": {"get": taking(json!([header(name, true)]))}}), json!({}));
        let (code, warnings) = generated(&api.to_string()).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        is_there(&code, &format!("header_map.append({name:?},"));
        #[cfg(feature = "client")]
        reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap();
    }
}

#[test]
fn an_operation_whose_path_has_a_name_twice_is_left_out_wherever_it_stands() {
    for path in ["/crm/v3/{id}/{id}", "/crm/v3/a{id}/b{id}", "/crm/v3/{id}-{id}"] {
        let api = description(
            json!({path: {"put": taking(json!([]))}, "/crm/v3/c{id}": {"put": taking(json!([]))}}),
            json!({}),
        );
        let (code, warnings) = generated(&api.to_string()).unwrap();
        let [warning] = warnings.as_slice() else { panic!("{path}: {warnings:?}") };
        assert!(warning.ends_with(": its path names {id} twice"), "{warning}");
        assert_eq!(code.client.matches("pub fn put_").count(), 1, "{path}");
    }
}
