//! Demands of one document among several.

use serde_json::{Value, json};

use super::built;

const OBJECTS: &str = "/crm/v3/objects/partner_clients";

fn insist(api: &mut Value) {
    api["components"]["schemas"]["SimplePublicObjectBatchInput"]["required"] =
        json!(["id", "properties", "idProperty"]);
}

/// A document on companies, with the schemas of the one on partner clients.
fn companies() -> Value {
    let text = std::fs::read_to_string("tests/hubspot/v3/partner_clients.json").unwrap();
    serde_json::from_str(&text.replace("/partner_clients", "/companies").replace("partnerClientId", "companyId"))
        .unwrap()
}

#[test]
fn a_demand_is_noticed_beside_a_document_that_does_not_have_it() {
    let is_named = |name: &str, others: &[(&str, Value)]| {
        let trouble = built(name, insist, others).map(|_| ()).unwrap_err();
        let file = trouble.split(": at #/components/schemas/SimplePublicObjectBatchInput: ").next().unwrap();
        assert!(file.ends_with("partner_clients.json"), "{trouble}");
        assert!(
            trouble.contains("`batch_update` demands the field \"idProperty\", which the facade does not always send"),
            "{trouble}"
        );
    };
    is_named("demand-alone", &[]);
    is_named("demand-beside", &[("companies.json", companies())]);
    // Read before it, and the same operations in another version.
    is_named("demand-after", &[("a_companies.json", companies())]);
    let dated = std::fs::read_to_string("tests/hubspot/2026-09/partner_clients.json").unwrap();
    is_named("demand-versions", &[("dated.json", serde_json::from_str(&dated).unwrap())]);
    // What a document on something else demands of its own operations is not the facade's matter.
    let mut others = companies();
    insist(&mut others);
    built("demand-of-others", |_| {}, &[("companies.json", others)]).unwrap();
}

#[test]
fn a_parameter_that_one_document_requires_and_another_lists_is_demanded() {
    let with = |required: bool| {
        move |api: &mut Value| {
            let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
            parameters.push(json!({"name": "q", "in": "query", "required": required, "schema": {"type": "string"}}));
        }
    };
    let mut second: Value =
        serde_json::from_str(&std::fs::read_to_string("tests/hubspot/v3/partner_clients.json").unwrap()).unwrap();
    second["paths"].as_object_mut().unwrap().retain(|path, _| path == OBJECTS);
    with(true)(&mut second);
    let trouble = built("demand-parameter", with(false), &[("second.json", second)]).map(|_| ()).unwrap_err();
    assert!(trouble.contains("second.json: at the operation `list`: it demands the parameter \"q\""), "{trouble}");
}

#[test]
fn what_a_document_demands_where_it_is_not_used_stops_no_build() {
    let text = std::fs::read_to_string("tests/hubspot/v3/associations.json").unwrap();
    let present: Value = serde_json::from_str(&text).unwrap();
    let mut older = present.clone();
    older["paths"].as_object_mut().unwrap().retain(|path, _| path.ends_with("/batch/read"));
    let read = older["paths"].as_object_mut().unwrap().values_mut().next().unwrap();
    let parameters = read["post"]["parameters"].as_array_mut().unwrap();
    parameters.push(json!({"name": "q", "in": "query", "required": true, "schema": {"type": "string"}}));
    let trouble =
        built("demand-used", |_| {}, &[("associations.json", present.clone()), ("older.json", older.clone())]);
    let trouble = trouble.map(|_| ()).unwrap_err();
    let demand = "older.json: at the operation `batch_read_associations`: it demands the parameter \"q\"";
    assert!(trouble.contains(demand), "{trouble}");
    // Another type than the facade is built on.
    older["components"]["schemas"]["PublicAssociationMulti"]["properties"]["from"] = json!({"type": "string"});
    let (_, warnings) = built("demand-unused-alone", |_| {}, &[("older.json", older.clone())]).unwrap();
    assert!(warnings.iter().any(|warning| warning.contains("`batch_read_associations` is used")), "{warnings:?}");
    built("demand-unused", |_| {}, &[("associations.json", present), ("older.json", older)]).unwrap();
}

#[test]
fn a_demand_of_another_version_in_the_same_file_is_noticed() {
    let object = format!("{OBJECTS}/{{partnerClientId}}");
    let with = |versions: &'static [&str]| {
        let object = object.clone();
        move |api: &mut Value| {
            for version in versions {
                let mut update = api["paths"][&object]["patch"].clone();
                let parameters = update["parameters"].as_array_mut().unwrap();
                parameters
                    .push(json!({"name": version, "in": "query", "required": true, "schema": {"type": "string"}}));
                api["paths"][format!("/crm/objects/{version}/partner_clients/{{partnerClientId}}")] =
                    json!({"patch": update});
            }
        }
    };
    for versions in [["2026-09"].as_slice(), &["2026-03", "2026-09"]] {
        let trouble = built("demand-one-file", with(versions), &[]).map(|_| ()).unwrap_err();
        let demand = "partner_clients.json: at the operation `update`: it demands the parameter \"2026-09\"";
        assert!(trouble.contains(demand), "{trouble}");
    }
}
