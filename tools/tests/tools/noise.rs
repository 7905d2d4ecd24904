use serde_json::{Value, json};

use super::{OBJECT, changes, report, schema};

#[test]
fn what_is_written_differently_is_no_difference() {
    let changes = changes("noise", |api| {
        let get = &mut api["paths"][OBJECT]["get"];
        get["operationId"] = json!("another");
        get["summary"] = json!("Another.");
        get["tags"] = json!(["Another"]);
        get["x-hubspot-new"] = json!({"a": 1});
        get["parameters"].as_array_mut().unwrap().reverse();
        get["parameters"][0].as_object_mut().unwrap().remove("style");
        get["security"].as_array_mut().unwrap().reverse();
        get["security"][0] = json!({"another": ["crm.objects.contacts.read", "crm.objects.partner-clients.read"]});
        get["responses"]["default"] = json!({"description": "In place.", "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}});
        let object = schema(api, "SimplePublicObject");
        object["description"] = json!("Another.");
        object["properties"]["id"]["example"] = json!("7");
        object["required"].as_array_mut().unwrap().reverse();
        let id = api["paths"][OBJECT].take().to_string().replace("partnerClientId", "objectId");
        api["paths"].as_object_mut().unwrap().remove(OBJECT);
        api["paths"]["/crm/v3/objects/partner_clients/{objectId}"] = serde_json::from_str::<Value>(&id).unwrap();
        api["info"]["title"] = json!("Another");
    });
    assert!(changes.is_empty(), "{}", report::table(&changes));
}

#[test]
fn a_field_called_description_is_no_noise() {
    let changes = changes("description", |api| {
        schema(api, "NextPage")["properties"]["description"] = json!({"type": "string"});
        schema(api, "NextPage")["properties"]["x-ray"] = json!({"type": "string"});
    });
    let places: Vec<_> = changes.iter().map(|change| change.place.as_str()).collect();
    assert_eq!(places, ["NextPage.description", "NextPage.x-ray"]);
}
