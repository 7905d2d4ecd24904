//! Associations in batches in v4 and the dated versions.

use hubspot_simulator::{AssociationCategory, InvalidAssociations, OAuthApp, Simulator, SimulatorBuilder};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Caller, DATED, assert_refused, spec};

const PAIR: &str = "partner_clients/companies/batch";
const FAMILIES: [&str; 3] = ["/crm/v4/associations", "/crm/associations/2026-03", "/crm/associations/2026-09"];

/// Partner clients 1 to 3, companies 1 to 3; the unlabelled type 7, and the labels 36 and 37.
fn labels() -> SimulatorBuilder {
    let ids = ["1", "2", "3"];
    let builder = Simulator::builder()
        .without_seed()
        .partner_clients(ids.map(|id| (id, [("name", "x")])))
        .association_type("companies", 7, "owner")
        .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
        .association_label("companies", AssociationCategory::UserDefined, 37, "Payer");
    ids.into_iter().fold(builder, |builder, id| builder.object("companies", id, [("name", "x")]))
}

fn input(from: &str, to: &str, types: &[u64]) -> Value {
    let types: Vec<_> =
        types.iter().map(|id| spec(if *id == 7 { "HUBSPOT_DEFINED" } else { "USER_DEFINED" }, *id)).collect();
    json!({"from": {"id": from}, "to": {"id": to}, "types": types})
}

fn many(count: usize, input: Value) -> Value {
    json!({"inputs": vec![input; count]})
}

async fn batch(caller: &Caller, family: &str, operation: &str, inputs: Value) -> (u16, Value) {
    caller.post(&format!("{family}/{PAIR}/{operation}"), json!({"inputs": inputs})).await
}

fn ids(caller: &Caller) -> Vec<u64> {
    caller.types().into_iter().map(|(id, _)| id).collect()
}

#[tokio::test]
async fn a_batch_sets_the_labels_of_each_pair_and_tells_them() {
    for family in FAMILIES {
        let caller = Caller::of(labels().association("1", "companies", "1", "payer")).await;
        let inputs = json!([input("1", "1", &[36]), input("2", "3", &[36, 37])]);
        let (status, body) = batch(&caller, family, "create", inputs).await;
        assert_eq!((status, &body["status"], body.get("errors")), (201, &json!("COMPLETE"), None));
        let result = |from: u64, to: u64, labels: Value| {
            json!({
                "fromObjectTypeId": "0-145", "fromObjectId": from, "toObjectTypeId": "0-2", "toObjectId": to,
                "labels": labels,
            })
        };
        let expected = json!([result(1, 1, json!(["Referred by"])), result(2, 3, json!(["Referred by", "Payer"]))]);
        assert_eq!(body["results"], expected);
        assert_eq!(ids(&caller), [7, 36], "{family}: the payer is replaced");
    }
}

#[tokio::test]
async fn of_two_inputs_for_one_pair_the_later_counts_or_both_are_refused() {
    for refuses in [false, true] {
        let builder = if refuses { labels().refuse_duplicate_associations() } else { labels() };
        let caller = Caller::of(builder).await;
        let inputs = json!([input("1", "1", &[36]), input("1", "1", &[37])]);
        let answer = batch(&caller, FAMILIES[2], "create", inputs).await;
        if refuses {
            assert_refused(&answer, "Duplicate associations");
            assert_eq!(ids(&caller), [0_u64; 0]);
        } else {
            assert_eq!((answer.0, ids(&caller)), (201, vec![7, 37]));
        }
    }
}

#[tokio::test]
async fn a_batch_with_invalid_inputs_is_answered_as_the_test_chooses() {
    let inputs = json!([input("1", "1", &[36]), input("9", "1", &[36]), input("1", "2", &[3]), input("1", "3", &[])]);
    let caller = Caller::of(labels()).await;
    let refused = batch(&caller, FAMILIES[2], "create", inputs.clone()).await;
    assert_refused(&refused, "One or more associations are invalid");
    assert_eq!(refused.1["context"]["INVALID_OBJECT_IDS"], json!(["PARTNER_CLIENT=9 is not valid"]));
    let refused = batch(&caller, FAMILIES[2], "create", json!([input("1", "2", &[3])])).await;
    assert_eq!(refused.1["context"]["associationSpec"], json!(["USER_DEFINED=3"]));
    assert_eq!(ids(&caller), [0_u64; 0]);

    let caller = Caller::of(labels().invalid_associations(InvalidAssociations::Partial)).await;
    let (status, body) = batch(&caller, FAMILIES[2], "create", inputs).await;
    assert_eq!((status, body["results"].as_array().unwrap().len(), &body["numErrors"]), (207, 1, &json!(3)));
    let context = |place: usize| &body["errors"][place]["context"];
    assert_eq!(context(0)["INVALID_OBJECT_IDS"], json!(["PARTNER_CLIENT=9 is not valid"]));
    assert_eq!(
        (&context(1)["toObjectId"], &context(1)["associationSpec"]),
        (&json!(["2"]), &json!(["USER_DEFINED=3"]))
    );
    assert_eq!((context(2)["toObjectId"].clone(), ids(&caller)), (json!(["3"]), vec![7, 36]));
}

#[tokio::test]
async fn default_associations_are_made_in_a_batch_with_errors_inside_a_200() {
    for family in FAMILIES {
        let caller = Caller::of(labels()).await;
        let pair = |from: &str, to: &str| json!({"from": {"id": from}, "to": {"id": to}});
        let inputs = json!([pair("1", "1"), pair("2", "9")]);
        let (status, body) = batch(&caller, family, "associate/default", inputs).await;
        assert_eq!((status, &body["numErrors"]), (200, &json!(1)));
        let specs: Vec<_> = body["results"].as_array().unwrap().iter().map(|one| &one["associationSpec"]).collect();
        assert_eq!(specs, [&spec("HUBSPOT_DEFINED", 7), &spec("HUBSPOT_DEFINED", 1007)]);
        assert_eq!(body["errors"][0]["context"]["toObjectId"], json!(["9"]));
        assert_eq!(ids(&caller), [7]);
    }
}

#[tokio::test]
async fn archiving_a_label_ends_it_alone_and_archiving_the_unlabelled_type_ends_all() {
    for family in FAMILIES {
        let builder = ["owner", "payer", "referred_by"]
            .into_iter()
            .fold(labels(), |builder, name| builder.association("1", "companies", "1", name));
        let caller = Caller::of(builder).await;
        let success = if family.contains("v4") { 204 } else { 200 };
        for _ in 0..2 {
            let (status, body) = batch(&caller, family, "labels/archive", json!([input("1", "1", &[36])])).await;
            assert_eq!((status, body.get("errors")), (success, None));
            assert_eq!(body.get("results"), (success == 200).then(|| json!([])).as_ref());
            assert_eq!(ids(&caller), [7, 37]);
        }
        batch(&caller, family, "labels/archive", json!([input("1", "1", &[7])])).await;
        assert_eq!(ids(&caller), [0_u64; 0], "{family}");
    }
}

#[tokio::test]
async fn archiving_tells_unknown_objects_inside_a_200_and_refuses_unknown_types() {
    for version in DATED {
        let family = format!("/crm/associations/{version}");
        let caller = Caller::of(labels().association("1", "companies", "1", "payer")).await;
        let unknown = batch(&caller, &family, "labels/archive", json!([input("1", "1", &[37, 3])])).await;
        assert_refused(&unknown, "One or more associations are invalid");
        assert_eq!(ids(&caller), [37]);
        let inputs = json!([input("1", "8", &[37]), input("1", "1", &[37])]);
        let (status, body) = batch(&caller, &family, "labels/archive", inputs).await;
        assert_eq!((status, &body["numErrors"]), (200, &json!(1)));
        assert_eq!(body["errors"][0]["context"]["toObjectId"], json!(["8"]));
        assert_eq!(ids(&caller), [0_u64; 0]);
    }
}

#[tokio::test]
async fn a_batch_archive_ends_all_associations_of_each_pair() {
    for family in FAMILIES {
        let builder = [("1", "owner"), ("1", "payer"), ("2", "payer"), ("3", "owner")]
            .into_iter()
            .fold(labels(), |builder, (to, name)| builder.association("1", "companies", to, name));
        let caller = Caller::of(builder).await;
        let inputs = json!([{"from": {"id": "1"}, "to": [{"id": "1"}, {"id": "2"}]}]);
        let (status, _) = batch(&caller, family, "archive", inputs).await;
        assert_eq!((status, ids(&caller)), (if family.contains("v4") { 204 } else { 200 }, vec![7]), "{family}");
    }
}

#[tokio::test]
async fn a_batch_read_tells_the_labels_of_each_and_which_have_none_or_do_not_exist() {
    for family in FAMILIES {
        let builder = labels().association("1", "companies", "2", "owner").association("1", "companies", "2", "payer");
        let caller = Caller::of(builder).await;
        let (status, body) = batch(&caller, family, "read", json!([{"id": "1"}, {"id": "2"}, {"id": "9"}])).await;
        assert_eq!((status, &body["numErrors"]), (207, &json!(2)));
        let types = json!([
            {"category": "HUBSPOT_DEFINED", "typeId": 7, "label": null},
            {"category": "USER_DEFINED", "typeId": 37, "label": "Payer"},
        ]);
        let expected = json!([{"from": {"id": "1"}, "to": [{"toObjectId": 2, "associationTypes": types}]}]);
        assert_eq!(body["results"], expected);
        assert_eq!(body["errors"][0]["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND");
        assert_eq!(body["errors"][1]["context"]["ids"], json!(["9"]));
    }
}

#[tokio::test]
async fn a_long_result_of_a_batch_read_is_read_on_from_its_cursor() {
    let mut builder = labels();
    for id in 1..=1_100 {
        let id = id.to_string();
        builder = builder.object("companies", &id, [("name", "x")]).association("1", "companies", &id, "7");
    }
    let caller = Caller::of(builder).await;
    let (mut after, mut pages, mut seen) = (Value::Null, Vec::new(), std::collections::BTreeSet::new());
    loop {
        let (status, body) = batch(&caller, FAMILIES[2], "read", json!([{"id": "1", "after": after}])).await;
        assert_eq!(status, 200);
        let result = &body["results"][0];
        let to = result["to"].as_array().unwrap();
        pages.push(to.len());
        seen.extend(to.iter().map(|to| to["toObjectId"].as_u64().unwrap()));
        let Some(next) = result["paging"]["next"].get("after") else { break };
        after = next.clone();
    }
    assert_eq!((pages, seen.len()), (vec![500, 500, 100], 1_100));
    assert_refused(&batch(&caller, FAMILIES[2], "read", json!([{"id": "1", "after": "7"}])).await, "no cursor");
}

#[tokio::test]
async fn each_batch_has_its_limit() {
    let caller = Caller::of(labels()).await;
    let pair = json!({"from": {"id": "1"}, "to": {"id": "1"}});
    for (operation, max, one) in [
        ("create", 2_000, input("1", "1", &[7])),
        ("labels/archive", 100, input("1", "1", &[7])),
        ("associate/default", 2_000, pair),
        ("read", 1_000, json!({"id": "1"})),
    ] {
        let path = format!("{}/{PAIR}/{operation}", FAMILIES[2]);
        assert!(caller.post(&path, many(max, one.clone())).await.0 < 300, "{operation}");
        assert_refused(&caller.post(&path, many(max + 1, one)).await, &format!("at most {max}"));
        assert_refused(&caller.post(&path, json!({"inputs": []})).await, "at least one");
    }
    // The limit of this one is on the objects that associations are taken from.
    let from = |count: usize| -> Value {
        (1..=count).map(|id| json!({"from": {"id": id.to_string()}, "to": [{"id": "1"}]})).collect()
    };
    assert_eq!(batch(&caller, FAMILIES[2], "archive", from(100)).await.0, 200);
    assert_refused(&batch(&caller, FAMILIES[2], "archive", from(101)).await, "at most 100");
    let many = many(500, json!({"from": {"id": "1"}, "to": [{"id": "1"}]}));
    assert_eq!(caller.post(&format!("{}/{PAIR}/archive", FAMILIES[2]), many).await.0, 200);
}

#[tokio::test]
async fn from_2026_09_on_a_user_needs_the_permission_to_edit_associations() {
    let app = OAuthApp::new("id", "secret", "refresh").without_edit_associations();
    let caller = Caller::of(labels().oauth_app(app)).await;
    let url = format!("{}/oauth/2026-09/token", caller.simulator.base_url());
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "id"),
        ("client_secret", "secret"),
        ("refresh_token", "refresh"),
    ];
    let grant: Value = reqwest::Client::new().post(url).form(&form).send().await.unwrap().json().await.unwrap();
    let token = grant["access_token"].as_str().unwrap();
    let inputs = json!({"inputs": [input("1", "1", &[36])]});
    let path = |version: &str| format!("/crm/associations/{version}/{PAIR}/create");
    assert_eq!(caller.send_as(token, Method::POST, &path("2026-03"), inputs.clone()).await.0, 201);
    let refused = caller.send_as(token, Method::POST, &path("2026-09"), inputs.clone()).await;
    assert_refused(&refused, "Missing 'Edit Associations' permission.");
    assert_eq!(caller.post(&path("2026-09"), inputs).await.0, 201, "a token of no user");
}
