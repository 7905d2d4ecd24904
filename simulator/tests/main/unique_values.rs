//! Properties that name an object in place of its id, and whose values no two objects share.

use hubspot_simulator::{Simulator, SimulatorBuilder};
use serde_json::{Value, json};

use crate::support::{Caller, assert_refused};

const VERSIONS: [&str; 3] = ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"];

fn coded() -> SimulatorBuilder {
    Simulator::builder()
        .unique_property("companies", "code")
        .object("companies", "1", [("code", "a"), ("domain", "one.example")])
        .object("companies", "2", [("code", "b"), ("domain", "one.example")])
        .object("contacts", "3", [("email", "c@d.example")])
}

fn inputs(inputs: Value) -> Value {
    json!({"inputs": inputs})
}

#[tokio::test]
async fn an_email_names_a_contact_and_a_domain_no_company() {
    let caller = Caller::of(coded()).await;
    for objects in VERSIONS {
        assert_eq!(caller.get(&format!("{objects}/contacts/c@d.example?idProperty=email")).await.1["id"], "3");
        assert_eq!(caller.get(&format!("{objects}/companies/b?idProperty=code")).await.1["id"], "2");
        let read = |property: &str, id: &str| json!({"inputs": [{"id": id}], "idProperty": property});
        let (status, body) = caller.post(&format!("{objects}/contacts/batch/read"), read("email", "c@d.example")).await;
        assert_eq!((status, &body["results"][0]["id"]), (200, &json!("3")));
        let named = "non-unique 0-2 property domain in portal ID 1234567";
        let by_domain = caller.post(&format!("{objects}/companies/batch/read"), read("domain", "one.example")).await;
        assert_refused(&by_domain, named);
        assert_refused(&caller.get(&format!("{objects}/companies/one.example?idProperty=domain")).await, named);
        let input = json!([{"id": "one.example", "idProperty": "domain", "properties": {"name": "x"}}]);
        for operation in ["update", "upsert"] {
            let path = format!("{objects}/companies/batch/{operation}");
            assert_refused(&caller.post(&path, inputs(input.clone())).await, named);
        }
    }
}

#[tokio::test]
async fn a_batch_update_takes_neither_an_email_nor_the_property_that_holds_the_id() {
    let caller = Caller::of(coded()).await;
    for (object_type, id, property) in [("contacts", "c@d.example", "email"), ("companies", "1", "hs_object_id")] {
        let input = json!([{"id": id, "idProperty": property, "properties": {"name": "x"}}]);
        let path = format!("/crm/v3/objects/{object_type}/batch/update");
        assert_refused(&caller.post(&path, inputs(input)).await, &format!("property {property} in portal"));
    }
    let input = inputs(json!([{"id": "a", "idProperty": "code", "properties": {"name": "x"}}]));
    assert_eq!(caller.post("/crm/v3/objects/companies/batch/update", input).await.0, 200);
    let input = inputs(json!([{"id": "c@d.example", "idProperty": "email", "properties": {"firstname": "x"}}]));
    let (status, body) = caller.post("/crm/v3/objects/contacts/batch/upsert", input).await;
    assert_eq!((status, &body["results"][0]["id"], &body["results"][0]["new"]), (200, &json!("3"), &json!(false)));
}

#[tokio::test]
async fn a_value_that_another_object_has_is_refused_as_hubspot_does() {
    let caller = Caller::of(coded()).await;
    let taken = json!({"properties": {"email": "c@d.example"}});
    let contacts = "/crm/v3/objects/contacts";
    let conflict = |(status, body): (u16, Value)| {
        let expected = (409, json!("CONFLICT"), json!("Contact already exists. Existing ID: 3"));
        assert_eq!((status, body["category"].clone(), body["message"].clone()), expected);
    };
    conflict(caller.post(contacts, taken.clone()).await);
    conflict(caller.post(&format!("{contacts}/batch/create"), inputs(json!([{"properties": {}}, taken]))).await);
    conflict(caller.patch(&format!("{contacts}/301"), taken["properties"].clone()).await);
    let twice = json!([{"properties": {"email": "new@d.example"}}, {"properties": {"email": "new@d.example"}}]);
    assert_eq!(caller.post(&format!("{contacts}/batch/create"), inputs(twice)).await.0, 409);
    let (_, all) = caller.get(contacts).await;
    assert_eq!(all["results"].as_array().unwrap().len(), 2, "none was created");
    assert_eq!(caller.patch(&format!("{contacts}/3"), taken["properties"].clone()).await.0, 200, "its own value");

    let companies = "/crm/v3/objects/companies";
    for (status, body) in [
        caller.post(companies, json!({"properties": {"code": "b"}})).await,
        caller.patch(&format!("{companies}/1"), json!({"code": "b"})).await,
    ] {
        assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("CONFLICTING_UNIQUE_VALUE")), "{body}");
    }
    let both = json!([{"id": "1", "properties": {"code": "b"}}, {"id": "2", "properties": {"name": "x"}}]);
    let (status, body) = caller.post(&format!("{companies}/batch/update"), inputs(both)).await;
    assert_eq!((status, &body["results"][0]["id"], &body["numErrors"]), (207, &json!("2"), &json!(1)));
    caller.delete(&format!("{companies}/2")).await;
    assert_eq!(caller.patch(&format!("{companies}/1"), json!({"code": "b"})).await.0, 200, "nobody has it any more");
}
