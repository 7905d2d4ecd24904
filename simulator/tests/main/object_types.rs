//! Objects of every type, by one set of operations.

use hubspot_simulator::{READ_SCOPE, Simulator, SimulatorBuilder, WRITE_SCOPE};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Caller, assert_refused, spec};

const WRITABLE: [&str; 7] = ["companies", "contacts", "deals", "tickets", "products", "line_items", "vehicles"];

fn with_vehicles() -> SimulatorBuilder {
    let builder = Simulator::builder().custom_object_type("2-77", "vehicle", "vehicles");
    WRITABLE.iter().fold(builder, |builder, object_type| builder.unique_property(*object_type, "code"))
}

#[tokio::test]
async fn objects_are_created_read_found_updated_and_archived() {
    let caller = Caller::of(with_vehicles()).await;
    for object_type in WRITABLE {
        for objects in ["/crm/v3/objects", "/crm/objects/2026-09"] {
            let path = format!("{objects}/{object_type}");
            let (status, created) = caller.post(&path, json!({"properties": {"name": "New", "code": "c-1"}})).await;
            assert_eq!((status, &created["properties"]["name"]), (201, &json!("New")), "{path}");
            let id = created["id"].as_str().unwrap();
            let one = format!("{path}/{id}");
            assert_eq!(caller.get(&one).await.1["id"], id);
            assert_eq!(caller.get(&format!("{path}/c-1?idProperty=code")).await.1["id"], id);
            assert_eq!(caller.patch(&one, json!({"name": "Newer"})).await.1["properties"]["name"], "Newer");
            let filter = json!({"propertyName": "name", "operator": "EQ", "value": "Newer"});
            let search = json!({"filterGroups": [{"filters": [filter]}]});
            assert_eq!(caller.post(&format!("{path}/search"), search.clone()).await.1["results"][0]["id"], id);
            for _ in 0..2 {
                assert_eq!(caller.delete(&one).await, (204, Value::Null));
            }
            assert_eq!(caller.get(&one).await.0, 404);
            assert_eq!(caller.get(&format!("{one}?archived=true")).await.1["archived"], true);
            assert_eq!(caller.post(&format!("{path}/search"), search).await.1["total"], 0);
        }
    }
}

#[tokio::test]
async fn many_objects_are_created_read_upserted_and_archived_in_batches() {
    let caller = Caller::of(with_vehicles()).await;
    for object_type in WRITABLE {
        let path = format!("/crm/v3/objects/{object_type}/batch");
        let inputs = json!({"inputs": [{"properties": {"code": "a"}}, {"properties": {"code": "b"}}]});
        let (status, created) = caller.post(&format!("{path}/create"), inputs).await;
        assert_eq!((status, created["results"].as_array().unwrap().len()), (201, 2), "{object_type}");
        let read = json!({"inputs": [{"id": "b"}], "idProperty": "code", "properties": ["code"]});
        let (_, body) = caller.post(&format!("{path}/read"), read).await;
        assert_eq!(body["results"][0]["id"], created["results"][1]["id"]);
        let upsert = |code: &str| json!({"id": code, "idProperty": "code", "properties": {"name": "x"}});
        let inputs = json!({"inputs": [upsert("b"), upsert("c")]});
        let (status, body) = caller.post(&format!("{path}/upsert"), inputs).await;
        let news: Vec<_> = body["results"].as_array().unwrap().iter().map(|one| &one["new"]).collect();
        assert_eq!((status, news), (200, vec![&json!(false), &json!(true)]));
        assert_eq!(body["results"][1]["properties"]["code"], "c");
        let ids = json!({"inputs": [{"id": created["results"][0]["id"]}, {"id": "unknown"}]});
        assert_eq!(caller.post(&format!("{path}/archive"), ids).await, (204, Value::Null));
        let first = created["results"][0]["id"].as_str().unwrap();
        assert!(caller.simulator.object(object_type, first).unwrap().archived);
    }
}

#[tokio::test]
async fn what_no_request_names_is_answered_as_a_default_set_and_a_write_with_what_changed() {
    let caller = Caller::of(Simulator::builder()).await;
    let keys = |body: &Value| body["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (_, created) =
        caller.post("/crm/v3/objects/companies", json!({"properties": {"name": "x", "city": "Bonn"}})).await;
    assert_eq!(keys(&created), ["city", "createdate", "hs_lastmodifieddate", "hs_object_id", "name"]);
    let path = format!("/crm/v3/objects/companies/{}", created["id"].as_str().unwrap());
    let defaults = ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"];
    assert_eq!(keys(&caller.get(&path).await.1), defaults);
    let (_, read) =
        caller.post("/crm/v3/objects/companies/batch/read", json!({"inputs": [{"id": created["id"]}]})).await;
    assert_eq!(keys(&read["results"][0]), defaults);
    let changed = keys(&caller.patch(&path, json!({"city": "Köln"})).await.1);
    assert_eq!(changed, ["city", "createdate", "hs_lastmodifieddate", "hs_object_id"]);
    let (_, client) = caller.get("/crm/v3/objects/partner_clients/512").await;
    assert!(keys(&client).contains(&"description".to_owned()), "all, as the set is not known");
}

#[tokio::test]
async fn the_default_set_of_a_type_can_be_given() {
    let builder = with_vehicles()
        .object("vehicles", "1", [("name", "Van"), ("colour", "red")])
        .default_properties("partner_clients", ["domain", "hs_country"])
        .default_properties("2-77", ["colour"]);
    let caller = Caller::of(builder).await;
    let told = |body: &Value| -> Vec<(String, Value)> {
        let properties = body["properties"].as_object().unwrap().iter();
        let own = properties.filter(|(name, _)| {
            !["createdate", "hs_createdate", "hs_lastmodifieddate", "hs_object_id"].contains(&name.as_str())
        });
        own.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let client = [("domain".to_owned(), json!("client.example")), ("hs_country".to_owned(), Value::Null)];
    let vehicle = [("colour".to_owned(), json!("red"))];
    for objects in ["/crm/v3/objects", "/crm/objects/2026-09"] {
        assert_eq!(told(&caller.get(&format!("{objects}/partner_clients/512")).await.1), client);
        let (_, found) = caller.post(&format!("{objects}/partner_clients/search"), json!({})).await;
        assert_eq!(told(&found["results"][0]), client);
        assert_eq!(told(&caller.get(&format!("{objects}/vehicles/1")).await.1), vehicle);
    }
    let seed = caller.simulator.export_seed().unwrap();
    let again = Caller::of(Simulator::builder().seed(&seed).unwrap()).await;
    assert_eq!(told(&again.get("/crm/v3/objects/partner_clients/512").await.1), client);
    assert_eq!(again.simulator.export_seed().unwrap(), seed);
}

#[tokio::test]
async fn partner_clients_are_neither_created_nor_archived() {
    let caller = Caller::of(Simulator::builder()).await;
    for objects in ["/crm/v3/objects", "/crm/objects/2026-09"] {
        let path = format!("{objects}/partner_clients");
        let body = json!({"properties": {"name": "x"}, "inputs": []});
        assert_eq!(caller.post(&path, body.clone()).await.0, 405);
        assert_eq!(caller.delete(&format!("{path}/512")).await.0, 405);
        for operation in ["create", "archive", "upsert"] {
            assert_eq!(caller.post(&format!("{path}/batch/{operation}"), body.clone()).await.0, 405, "{operation}");
        }
    }
    assert!(!caller.simulator.partner_client("512").unwrap().archived);
}

#[tokio::test]
async fn an_object_is_created_with_its_associations_or_not_at_all() {
    let caller = Caller::of(Simulator::builder()).await;
    let contact = |to: &str, type_id: u64| {
        json!({
            "properties": {"firstname": "A"},
            "associations": [{"to": {"id": to}, "types": [spec("HUBSPOT_DEFINED", type_id)]}],
        })
    };
    let (status, created) = caller.post("/crm/v3/objects/contacts", contact("9001", 279)).await;
    assert_eq!(status, 201);
    let id = created["id"].as_str().unwrap();
    assert_eq!(caller.simulator.associations_of("contacts", id)[0].to_object_id, "9001");
    assert_eq!(caller.simulator.associations_of("companies", "9001")[0].to_object_id, id);
    assert_refused(&caller.post("/crm/v3/objects/contacts", contact("9009", 279)).await, "associations are invalid");
    assert_refused(&caller.post("/crm/v3/objects/contacts", contact("9001", 5)).await, "associations are invalid");
    let (_, list) = caller.get("/crm/v3/objects/contacts").await;
    assert_eq!(list["results"].as_array().unwrap().len(), 2, "the seeded one, and the one that was created");

    caller.delete(&format!("/crm/v3/objects/contacts/{id}")).await;
    assert_eq!(caller.simulator.associations_of("companies", "9001"), []);
}

#[tokio::test]
async fn a_type_goes_by_singular_plural_or_id_and_an_unknown_one_is_refused_as_hubspot_does() {
    let caller = Caller::of(with_vehicles().object("vehicles", "1", [("name", "Van")])).await;
    for (names, id) in [
        (["company", "companies", "0-2", "COMPANIES"], "9001"),
        (["vehicle", "vehicles", "2-77", "Vehicles"], "1"),
        (["p_vehicle", "p1234567_vehicle", "p_Vehicle", "p1234567_VEHICLE"], "1"),
        (["partner_client", "partner_clients", "0-145", "Partner_Clients"], "512"),
    ] {
        for name in names {
            assert_eq!(caller.get(&format!("/crm/v3/objects/{name}/{id}")).await.0, 200, "{name}");
        }
    }
    for (name, message) in [
        ("widgets", "Unable to infer object type from: widgets"),
        ("p62515_vehicle", "Unable to infer object type from: p62515_vehicle"),
        ("p_company", "Unable to infer object type from: p_company"),
        ("0-9999", "Invalid object or event type id: 0-9999"),
        ("2-78", "Invalid object or event type id: 2-78"),
    ] {
        let (status, body) = caller.get(&format!("/crm/v3/objects/{name}/1")).await;
        assert_eq!((status, &body["message"], body.get("category")), (400, &json!(message), None));
    }
}

#[tokio::test]
async fn each_type_has_scopes_of_its_own() {
    let builder = with_vehicles()
        .token("partner", [READ_SCOPE, WRITE_SCOPE])
        .token("companies", ["crm.objects.companies.read"])
        .token("custom", ["crm.objects.custom.write"]);
    let caller = Caller::of(builder).await;
    let send = async |token: &str, method: Method, object_type: &str| {
        let body = if method == Method::POST { json!({"properties": {}}) } else { Value::Null };
        caller.send_as(token, method, &format!("/crm/v3/objects/{object_type}"), body).await.0
    };
    assert_eq!(send("partner", Method::GET, "partner_clients").await, 200);
    assert_eq!(send("partner", Method::GET, "companies").await, 403);
    assert_eq!(send("companies", Method::GET, "companies").await, 200);
    assert_eq!(send("companies", Method::POST, "companies").await, 403);
    assert_eq!(send("custom", Method::POST, "vehicles").await, 201);
    assert_eq!(send("custom", Method::GET, "vehicles").await, 403);
}

#[tokio::test]
async fn the_times_that_hubspot_computes_have_the_names_of_the_type() {
    let created = ["createdate", "hs_createdate"];
    let modified = ["hs_lastmodifieddate", "lastmodifieddate"];
    for object_type in WRITABLE.into_iter().chain(["partner_clients"]) {
        let names = match object_type {
            "contacts" => ["createdate", "lastmodifieddate"],
            "vehicles" => ["hs_createdate", "hs_lastmodifieddate"],
            _ => ["createdate", "hs_lastmodifieddate"],
        };
        let seeded = names.into_iter().zip(["2024-01-01", "2024-02-01T00:00:00.000Z"]);
        let caller = Caller::of(with_vehicles().object(object_type, "41", seeded)).await;
        let path = format!("/crm/v3/objects/{object_type}/41");
        let (_, object) = caller.get(&path).await;
        let properties = object["properties"].as_object().unwrap();
        for name in created.into_iter().chain(modified) {
            assert_eq!(properties.contains_key(name), names.contains(&name), "{object_type}: {name}");
            let (status, _) = caller.patch(&path, json!({name: "2025-01-01"})).await;
            assert_eq!(status, if names.contains(&name) { 400 } else { 200 }, "{object_type}: {name}");
        }
        assert_eq!(properties[names[0]], "2024-01-01T00:00:00.000Z");
        assert_eq!(
            (&properties[names[1]], &object["updatedAt"]),
            (&json!("2024-02-01T00:00:00.000Z"), &properties[names[1]])
        );
        let filter = json!({"propertyName": names[1], "operator": "GT", "value": "2024-02-02"});
        let search = json!({"filterGroups": [{"filters": [filter]}], "sorts": [names[1]]});
        let (_, found) = caller.post(&format!("/crm/v3/objects/{object_type}/search"), search).await;
        assert!(
            found["results"].as_array().unwrap().iter().any(|one| one["id"] == "41"),
            "{object_type}: it was changed"
        );
        let seed = caller.simulator.export_seed().unwrap();
        assert_eq!(Simulator::builder().seed(&seed).unwrap().start().await.unwrap().export_seed().unwrap(), seed);
    }
    let keys = |body: &Value| body["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let caller = Caller::of(with_vehicles().object("vehicles", "1", [("name", "Van")])).await;
    let vehicle = caller.get("/crm/v3/objects/vehicles/1").await.1;
    assert_eq!(keys(&vehicle), ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]);
    let contact = caller.get("/crm/v3/objects/contacts/301").await.1;
    let expected = ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"];
    assert_eq!(keys(&contact), expected);
}

#[tokio::test]
async fn associations_with_line_items_have_a_key_with_a_space() {
    let builder = Simulator::builder()
        .object("line_items", "5", [("quantity", "1")])
        .association_between("deals", "701", "line_items", "5", "19")
        .association_between("deals", "701", "contacts", "301", "3");
    let caller = Caller::of(builder).await;
    for objects in ["/crm/v3/objects", "/crm/objects/2026-09"] {
        let (_, deal) = caller.get(&format!("{objects}/deals/701?associations=line_items,contacts")).await;
        let associations = deal["associations"].as_object().unwrap();
        assert_eq!(associations.keys().collect::<Vec<_>>(), ["contacts", "line items"]);
        assert_eq!(associations["line items"]["results"][0]["id"], "5");
    }
}
