//! Responses that do not say everything of the associations that exist.

use super::*;

/// A plan where batches of partner clients are read so; 1 has company 1, 2 has none, 9 does not exist.
async fn planned(version: &str, answer: Value) -> Plan {
    let truth = Truth::start(World {
        associations: [(1, 1, "owner")].into(),
        unknown: [9].into(),
        read: Some(answer),
        ..World::default()
    })
    .await;
    let client = client_at_speaking(&truth.server.base_url, "t", version);
    client.reconcile([1, 2, 9], "companies", desired(&[(1, 1)])).skip_unknown().plan().await.unwrap()
}

/// Company 1 as a version lists it, by its id and its association type, of which either may be missing.
fn listed(version: &str, id: impl Into<Option<Value>>, of_type: impl Into<Option<Value>>) -> Value {
    let (id_name, type_name) = if version == "v3" { ("id", "type") } else { ("toObjectId", "associationTypes") };
    let members = [(id_name, id.into()), (type_name, of_type.into())];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The type of what is there.
fn of_owner(version: &str) -> Value {
    if version == "v3" { json!("owner") } else { json!([{"category": "USER_DEFINED", "typeId": 7, "label": "Owner"}]) }
}

#[tokio::test]
async fn a_partner_client_is_unknown_only_where_it_is_so_by_itself() {
    for version in VERSIONS {
        let of = |to: Value| json!({"from": {"id": "1"}, "to": to});
        let not_found = |id: &str, sub_category: &str| {
            json!({"category": "OBJECT_NOT_FOUND", "subCategory": sub_category, "message": "-",
                "context": {"fromObjectId": [id]}})
        };
        let failed = |category: &str, context: Value| json!({"category": category, "message": "-", "context": context});
        let there = of(json!([listed(version, json!("1"), of_owner(version))]));
        let answers = [
            json!({"status": "COMPLETE", "results": [there], "errors": [not_found("1", ""), not_found("9", "")]}),
            json!({"status": "COMPLETE", "results": [there], "errors": [not_found("2", "crm.associations.NONE")]}),
            json!({"status": "COMPLETE", "results": [there], "errors": [failed("VALIDATION_ERROR", json!({"fromObjectId": ["2"]}))]}),
            json!({"status": "COMPLETE", "results": [there], "errors": [failed("RATE_LIMITS", json!({"ids": [1, 2]}))]}),
            json!({"status": "COMPLETE", "results": [there], "errors": [failed("INTERNAL_ERROR", json!({}))]}),
            // Under way, so it proves nothing.
            json!({"status": "PENDING", "results": [of(json!([]))]}),
            json!({"status": "CANCELED", "results": [], "errors": [not_found("1", "NO_ASSOCIATIONS_FOUND")]}),
        ];
        for answer in answers {
            let plan = planned(version, answer.clone()).await;
            let unknown: Vec<_> = plan.unknown.iter().map(|id| id.as_str()).collect();
            assert_eq!((plan.is_empty(), plan.unchanged, unknown), (true, 1, vec!["9"]), "{version}: {answer}");
        }
    }
}

/// What cannot be read may be what is desired, or what is not.
#[tokio::test]
async fn what_an_answer_does_not_say_of_a_partner_client_is_not_taken_for_nothing() {
    for version in VERSIONS {
        let from = |id: Value| json!({"id": id});
        let (is_owner, one) = (of_owner(version), json!("1"));
        let owner = listed(version, one.clone(), is_owner.clone());
        let mut answers = vec![
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1"))}, {"from": from(json!("2")), "to": []}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": null}, {"from": from(json!(2)), "to": []}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": {}}, {"from": from(json!(2)), "to": []}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": false}, {"from": from(json!(2)), "to": ""}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": "none"}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, json!(""), is_owner.clone())]}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, None, is_owner.clone()), "odd"]}]}),
            json!({"status": "COMPLETE", "results": [{"to": [owner]}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, one.clone(), None)]},
                {"from": from(json!("1")), "to": []}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, one.clone(), None)]}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("odd")), "to": []}, {"from": from(json!("512.0")), "to": []}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [owner],
                "paging": {"next": {"after": null, "link": null}}}]}),
            // What can be read, unusual as it is.
            json!({"status": "COMPLETE", "results": [{"from": from(json!(1)), "to": [listed(version, json!(1), is_owner.clone())]}]}),
            json!({"results": null}),
        ];
        if version != "v3" {
            let types = [
                json!([]),
                json!(null),
                json!([{"typeId": 7}]),
                json!([{"typeId": 7, "category": null}]),
                json!([{"category": "USER_DEFINED"}]),
                json!(["USER_DEFINED:7"]),
                json!([{"category": "USER_DEFINED", "typeId": "7"}]),
                json!([{"category": "USER_DEFINED", "typeId": 7, "label": null}]),
                json!([{"category": "USER_DEFINED", "typeId": 7, "label": " "}, {"category": "USER_DEFINED", "typeId": 7}]),
            ];
            answers.extend(types.map(|types| {
                json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, one.clone(), types)]}]})
            }));
        }
        for answer in answers {
            let plan = planned(version, answer.clone()).await;
            assert_eq!((plan.is_empty(), plan.unchanged), (true, 1), "{version}: {answer}\n{plan}");
        }
    }
}

#[tokio::test]
async fn an_association_that_cannot_be_read_is_not_taken_for_missing() {
    let page = json!({"results": [{"id": "1", "type": "owner"}, {"id": "", "type": "owner"}]});
    let server = RawServer::start(move |mut stream, _| {
        let page = page.to_string();
        async move {
            let request = read_request(&mut stream).await;
            let answer = match request.lines().next() {
                Some(line) if line.contains("/types") => r#"{"results": [{"id": "7", "name": "owner"}]}"#,
                Some(line) if line.contains("/batch/read") => r#"{"status": "COMPLETE", "results": []}"#,
                _ => &page,
            };
            let _ = stream.write_all(http(200, "application/json", answer).as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at(&server.base_url, "t");
    assert!(client.is_associated(512, "companies", 1, "owner").await.unwrap());
    assert!(client.is_associated(512, "companies", 1, 7).await.unwrap());
    let unknown = [
        client.is_associated(512, "companies", 2, "owner").await.map(drop).unwrap_err(),
        client.reconcile([512], "companies", [(512, ("companies", 1), "owner")]).plan().await.map(drop).unwrap_err(),
    ];
    for error in unknown {
        assert!(error.is_decode() && error.message().contains("partner client 512 cannot be read"), "{error}");
    }
}

#[tokio::test]
async fn an_association_is_found_by_whichever_of_its_type_s_names_it_is_listed() {
    for listed in ["owner", "OWNER", "7"] {
        let server = RawServer::start(move |mut stream, _| async move {
            let request = read_request(&mut stream).await;
            let is_of_types = request.lines().next().is_some_and(|line| line.contains("/types"));
            let answer = match is_of_types {
                true => json!({"results": [{"id": "7", "name": "owner"}, {"id": "8", "name": "payer"}]}),
                false => json!({"results": [{"id": "1", "type": listed}]}),
            };
            let _ = stream.write_all(http(200, "application/json", &answer.to_string()).as_bytes()).await;
            Some(stream)
        })
        .await;
        let client = client_at(&server.base_url, "t");
        for (asked, is) in [("Owner", true), ("7", true), ("payer", false), ("8", false), ("9", false)] {
            assert_eq!(
                client.is_associated(512, "companies", 1, asked).await.unwrap(),
                is,
                "{asked}, listed as {listed}"
            );
        }
    }
}
