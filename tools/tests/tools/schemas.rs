use serde_json::{Value, json};

use super::{change, schema};

fn require(api: &mut Value, name: &str, field: &str) {
    let schema = schema(api, name);
    let mut required = schema["required"].as_array().cloned().unwrap_or_default();
    required.push(json!(field));
    schema["required"] = json!(required);
}

#[test]
fn a_field_that_is_gone_breaks_its_users() {
    let removed = change("field-removed", |api| {
        schema(api, "SimplePublicObjectWithAssociations")["properties"].as_object_mut().unwrap().remove("url");
    });
    assert_eq!(removed, (true, "field removed: SimplePublicObjectWithAssociations.url: string".into()));
    // Objects of other types still have it.
    let shared = change("shared-field-removed", |api| {
        schema(api, "SimplePublicObject")["properties"].as_object_mut().unwrap().remove("url");
    });
    assert_eq!(shared, (false, "field removed: SimplePublicObject.url: string".into()));
}

#[test]
fn a_field_that_is_new_breaks_only_requests_that_need_it() {
    let add = |api: &mut Value, name: &str| {
        schema(api, name)["properties"]["extra"] =
            json!({"type": "object", "additionalProperties": {"type": "string"}});
    };
    assert_eq!(
        change("field-received", |api| {
            add(api, "SimplePublicObject");
            require(api, "SimplePublicObject", "extra")
        }),
        (false, "field added: SimplePublicObject.extra: map of string, required".into())
    );
    assert_eq!(
        change("field-sent", |api| add(api, "SimplePublicObjectInput")),
        (false, "field added: SimplePublicObjectInput.extra: map of string, optional".into())
    );
    assert_eq!(
        change("field-demanded", |api| {
            add(api, "SimplePublicObjectInput");
            require(api, "SimplePublicObjectInput", "extra")
        }),
        (true, "field added: SimplePublicObjectInput.extra: map of string, required".into())
    );
}

#[test]
fn a_field_made_required_breaks_requests_without_it() {
    let sent = change("required-sent", |api| require(api, "SimplePublicObjectBatchInput", "idProperty"));
    assert_eq!(sent, (true, "field made required: SimplePublicObjectBatchInput.idProperty: string".into()));
    let not_insisted = change("required-unless", |api| require(api, "PublicObjectSearchRequest", "query"));
    assert_eq!(not_insisted, (false, "field made required: PublicObjectSearchRequest.query: string".into()));
    let received = change("required-received", |api| require(api, "SimplePublicObject", "url"));
    assert_eq!(received, (false, "field made required: SimplePublicObject.url: string".into()));
}

#[test]
fn a_field_of_another_type_breaks_its_users() {
    let changed = change("field-type", |api| {
        schema(api, "PublicObjectWarning")["properties"]["message"] =
            json!({"type": "array", "items": {"type": "string"}});
    });
    assert_eq!(changed, (true, "type changed: PublicObjectWarning.message: string → [string]".into()));
    let renamed = change("field-renamed", |api| {
        schema(api, "CollectionResponseAssociatedId")["properties"]["paging"] =
            json!({"$ref": "#/components/schemas/ForwardPaging"});
    });
    assert_eq!(renamed, (true, "type changed: CollectionResponseAssociatedId.paging: Paging → ForwardPaging".into()));
}

#[test]
fn what_the_corrections_level_out_breaks_nobody() {
    let integer = change("integer", |api| {
        schema(api, "CollectionResponseWithTotalSimplePublicObject")["properties"]["total"]["format"] = json!("int64");
    });
    let text = "type changed: CollectionResponseWithTotalSimplePublicObject.total: integer (int32) → integer (int64)";
    assert_eq!(integer, (false, text.into()));
    let nullable = change("nullable", |api| {
        schema(api, "SimplePublicObject")["properties"]["properties"]["additionalProperties"]["nullable"] = json!(true);
    });
    assert_eq!(nullable, (false, "made nullable: SimplePublicObject.properties{}: ".into()));
    let optional = change("error", |api| schema(api, "Error")["required"] = json!(["category", "correlationId"]));
    assert_eq!(optional, (false, "field made optional: Error.message: string".into()));
}

#[test]
fn a_value_that_is_new_breaks_nobody_and_one_that_is_gone_breaks_requests() {
    let status = |api: &mut Value, values: Value| {
        schema(api, "BatchResponseSimplePublicObject")["properties"]["status"]["enum"] = values;
    };
    let added = change("value-added", |api| {
        status(api, json!(["PENDING", "PROCESSING", "CANCELED", "COMPLETE", "PAUSED"]));
    });
    assert_eq!(added, (false, "values added: BatchResponseSimplePublicObject.status: \"PAUSED\"".into()));
    let received = change("value-gone", |api| status(api, json!(["PENDING", "PROCESSING", "COMPLETE"])));
    assert_eq!(received, (false, "values removed: BatchResponseSimplePublicObject.status: \"CANCELED\"".into()));
    let sent = change("value-refused", |api| {
        let operators = schema(api, "FilterOperator")["enum"].as_array_mut().unwrap();
        operators.retain(|operator| operator != "BETWEEN");
    });
    assert_eq!(sent, (true, "values removed: Filter.operator: \"BETWEEN\"".into()));
}

#[test]
fn an_answer_that_may_be_null_breaks_its_users() {
    let nullable = change("null", |api| schema(api, "NextPage")["properties"]["after"]["nullable"] = json!(true));
    assert_eq!(nullable, (true, "made nullable: NextPage.after: ".into()));
}

#[test]
fn a_field_inside_a_field_is_named_by_its_way() {
    let nested = change("nested", |api| {
        schema(api, "Error")["properties"]["context"]["additionalProperties"]["items"] = json!({"type": "integer"});
    });
    assert_eq!(nested, (true, "type changed: Error.context{}[]: string → integer".into()));
}
