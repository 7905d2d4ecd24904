//! What is said for people: documentation of the generated code, and nothing that a compiler refuses or runs.

use serde_json::{Value, json};

use super::any_document::{a, answering, description, is_there, object, whole};

#[test]
fn a_description_s_prose_is_run_as_no_test() {
    let mut operation = answering(json!({"type": "object", "description": "\tindented"}));
    operation["description"] = json!("Like this:\n\n    let x = broken(\n\n```\nfail!(\n```");
    let code = whole(&description(json!({"/crm/v3/a": {"get": operation}}), json!({})));
    for line in code.client.lines().filter_map(|line| line.trim().strip_prefix("///")) {
        assert!(!line.starts_with("     ") && line.trim() != "```rust", "{line}");
    }
    is_there(&code, "let x = broken(");
    assert!(!code.client.contains("```\n    ///fail"), "{}", code.client);
}

#[test]
fn prose_of_any_characters_is_documentation_that_compiles() {
    let prose = "a\rb\r\nc \u{202e}d\u{2066} \u{1}e";
    let said = |mut part: Value| {
        part["description"] = json!(prose);
        part
    };
    let mut operation = said(answering(a("Thing")));
    operation["summary"] = json!(prose);
    operation["parameters"] = json!([said(json!({"name": "q", "in": "query", "schema": {"type": "string"}}))]);
    let thing = said(object(json!({"x": said(json!({"type": "string"})), "\u{202e}y": {"type": "string"}})));
    let mut api = description(json!({"/crm/v3/a/\u{202e}b\r": {"get": operation}}), json!({"Thing": thing}));
    api["info"] = json!({"title": prose, "description": format!("{prose}\n\n```\nfail!(\n```"), "version": "v3"});
    let code = whole(&api);
    let texts = [
        &code.client,
        &code.shapes,
        #[cfg(feature = "mock")]
        &code.mock,
    ];
    for text in texts {
        // rustc refuses these in comments and in literals.
        let refused = |c: char| matches!(c, '\r' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!text.contains(refused), "{text}");
    }
    assert!(!code.client.contains("```\n"), "a fence is run as a test");
    is_there(&code, "rename = \"\\u{202e}y\"");
}
