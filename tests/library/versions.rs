//! Clients of v3 and of dated versions.

use hubspot_partner_clients::{
    ApiVersion, Client, Error, RateLimit, RetryPolicy, filter,
    generated::types::{self, AssociationSpec},
};
use serde_json::json;

use crate::support::RawServer;

const LIST: &str = r#"{"results": []}"#;
const OBJECT: &str = r#"{"id": "512", "properties": {}}"#;
const BATCH: &str = r#"{"status": "COMPLETE", "results": []}"#;

fn client_of(base_url: &str, version: ApiVersion) -> Client {
    Client::builder()
        .base_url(base_url)
        .access_token("t")
        .api_version(version)
        .rate_limit(RateLimit::unlimited())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// The request line of the one request that a server received.
fn asked(server: &RawServer) -> String {
    let received = server.received();
    assert_eq!(received.len(), 1);
    received[0].split(" HTTP/").next().unwrap().to_owned()
}

#[test]
fn a_version_is_read_as_it_is_written() {
    for (text, version) in [
        ("v3", ApiVersion::V3),
        (" V3\n", ApiVersion::V3),
        ("2026-03", ApiVersion::V2026_03),
        ("2026-09", ApiVersion::V2026_09),
    ] {
        assert_eq!(text.parse::<ApiVersion>().unwrap(), version);
        assert_eq!(version.to_string().parse::<ApiVersion>().unwrap(), version);
        let json = serde_json::to_string(&version).unwrap();
        assert_eq!(json, format!("\"{version}\""));
        assert_eq!(serde_json::from_str::<ApiVersion>(&json).unwrap(), version);
    }
    let beta = ApiVersion::dated("2027-03-beta").unwrap();
    assert_eq!(beta.to_string(), "2027-03-beta");
    assert!(ApiVersion::V2026_09 < beta && beta < ApiVersion::dated("2027-03").unwrap());
    assert!(ApiVersion::V3 < ApiVersion::V2026_03 && !ApiVersion::V3.is_dated() && beta.is_dated());
}

#[test]
fn what_is_no_version_is_refused_with_those_there_are() {
    for (text, reason) in [
        ("", "is not the year and month of a version"),
        ("3", "is not the year and month of a version"),
        ("2026-9", "is not the year and month of a version"),
        ("2026-09-alpha", "is not the year and month of a version"),
        ("２０２６-09", "is not the year and month of a version"),
        ("2026-13", "has a month that no year has"),
        ("2026-00", "has a month that no year has"),
        ("2025-09", "is older than the first dated version"),
        ("v4", "is not spoken by this crate"),
        ("V1", "is not spoken by this crate"),
    ] {
        let invalid = text.parse::<ApiVersion>().unwrap_err();
        let said = format!(
            "API version {text:?} {reason}: give v3, 2026-03, 2026-09 or the year and month of a later version"
        );
        assert_eq!(invalid.to_string(), said);
        let error = Error::from(invalid);
        assert!(error.is_invalid_input());
        assert_eq!(error.message(), said);
    }
    assert!(ApiVersion::dated("v3").is_err());
}

#[test]
fn a_version_tells_the_end_of_its_support() {
    let end = |version: &str| version.parse::<ApiVersion>().unwrap().unsupported_from().map(|month| month.to_string());
    for (version, month) in [
        ("v3", "2027-09"),
        ("2026-03", "2027-09"),
        ("2026-09", "2028-03"),
        ("2027-03", "2028-09"),
        ("2030-12", "2032-06"),
    ] {
        assert_eq!(end(version).as_deref(), Some(month), "{version}");
    }
    assert_eq!(end("2027-03-beta"), None, "a preview may end at any time");
}

#[tokio::test]
async fn partner_clients_are_read_and_written_on_every_version() {
    for (version, objects) in [
        ("v3", "/crm/v3/objects/partner_clients"),
        ("2026-03", "/crm/objects/2026-03/partner_clients"),
        ("2026-09", "/crm/objects/2026-09/partner_clients"),
        ("2027-03-beta", "/crm/objects/2027-03-beta/partner_clients"),
    ] {
        for base in ["", "/proxied/crm/v3/objects"] {
            let answer = async |body| {
                let server = RawServer::json(200, body).await;
                let client = client_of(&format!("{}{base}", server.base_url), version.parse().unwrap());
                (server, client)
            };
            let (server, client) = answer(LIST).await;
            client.list().page_size(7).await.unwrap();
            assert_eq!(asked(&server), format!("GET {base}{objects}?limit=7"));
            let (server, client) = answer(OBJECT).await;
            client.get(512).await.unwrap();
            assert_eq!(asked(&server), format!("GET {base}{objects}/512"));
            let (server, client) = answer(OBJECT).await;
            client.update(512).set("name", "Acme").await.unwrap();
            assert_eq!(asked(&server), format!("PATCH {base}{objects}/512"));
            let (server, client) = answer(BATCH).await;
            let _ = client.batch_read([512]).send().await;
            assert_eq!(asked(&server), format!("POST {base}{objects}/batch/read"));
            let (server, client) = answer(LIST).await;
            client.search().filter(filter("name").eq("Acme")).await.unwrap();
            assert_eq!(asked(&server), format!("POST {base}{objects}/search"));
            let (server, client) = answer(BATCH).await;
            client.raw().batch_update().body_map(|body| body.inputs(Vec::new())).send().await.unwrap();
            assert_eq!(asked(&server), format!("POST {base}{objects}/batch/update"));
        }
    }
}

/// Whatever it looks like to the code that puts the version into the path.
#[tokio::test]
async fn a_name_in_the_path_is_never_taken_for_the_version() {
    for name in ["dated", "version", "2026-03"] {
        let server = RawServer::json(200, LIST).await;
        let client = client_of(&server.base_url, ApiVersion::V2026_09);
        let labels = client.raw().association_labels().from_object_type("partner_clients").to_object_type(name);
        let _ = labels.send().await.unwrap();
        assert_eq!(asked(&server), format!("GET /crm/associations/2026-09/partner_clients/{name}/labels"));
    }
}

#[tokio::test]
async fn an_operation_of_another_version_is_refused_before_anything_is_sent() {
    let server = RawServer::json(200, LIST).await;
    let dated = client_of(&server.base_url, ApiVersion::V2026_09);
    let error: Error = dated
        .raw()
        .association_types()
        .from_object_type("partner_clients")
        .to_object_type("deals")
        .send()
        .await
        .unwrap_err()
        .into();
    assert!(error.is_invalid_input());
    assert_eq!(
        error.message(),
        "operation \"association_types\" does not exist in version 2026-09 of HubSpot's API: call association_labels in \
         its place, or use a client of v3"
    );
    assert_eq!((error.operation(), error.attempts()), (Some("association_types"), 0));
    let v3 = client_of(&server.base_url, ApiVersion::V3);
    let error: Error = v3
        .raw()
        .association_labels()
        .from_object_type("partner_clients")
        .to_object_type("deals")
        .send()
        .await
        .unwrap_err()
        .into();
    assert!(error.is_invalid_input());
    assert_eq!(
        error.message(),
        "operation \"association_labels\" does not exist in version v3 of HubSpot's API: call association_types in its \
         place, or use a client of a dated version"
    );
    assert_eq!(server.accepted(), 0);
}

/// Ids come as numbers, and the unlabelled type has no label.
#[tokio::test]
async fn the_generated_client_speaks_the_dated_operations() {
    let unlabelled = json!({"category": "HUBSPOT_DEFINED", "typeId": 35, "label": null});
    let owner = json!({"category": "NEW", "typeId": 37, "label": "Owner", "fromObjectTypeId": null});
    let server = RawServer::json(200, &json!({"results": [unlabelled, owner]}).to_string()).await;
    let client = client_of(&server.base_url, ApiVersion::V2026_09);
    let labels = client.raw().association_labels().from_object_type("partner_clients").to_object_type("companies");
    let labels = labels.send().await.unwrap().into_inner().results;
    assert_eq!(asked(&server), "GET /crm/associations/2026-09/partner_clients/companies/labels");
    assert_eq!((labels[0].type_id, labels[0].label.as_deref()), (35, None));
    assert_eq!((labels[1].category.as_str(), labels[1].label.as_deref()), ("NEW", Some("Owner")));

    let pair = json!({"fromObjectTypeId": "0-145", "fromObjectId": 512, "toObjectTypeId": "0-2", "toObjectId": 9001, "labels": ["Owner"]});
    let server = RawServer::json(201, &pair.to_string()).await;
    let client = client_of(&server.base_url, ApiVersion::dated("2027-03").unwrap());
    let spec = AssociationSpec { association_category: "USER_DEFINED".into(), association_type_id: 37 };
    let set = client
        .raw()
        .set_labels()
        .from_object_type("partner_clients")
        .from_object_id(512)
        .to_object_type("companies")
        .to_object_id(9001)
        .body(vec![spec])
        .send()
        .await
        .unwrap()
        .into_inner();
    assert_eq!(set.to_object_id.unwrap().as_str(), "9001");
    assert_eq!(set.labels, ["Owner"]);
    assert_eq!(asked(&server), "PUT /crm/objects/2027-03/partner_clients/512/associations/companies/9001");
    let body = server.received()[0].split("\r\n\r\n").nth(1).unwrap().to_owned();
    assert_eq!(body, r#"[{"associationCategory":"USER_DEFINED","associationTypeId":37}]"#);
}

#[tokio::test]
async fn every_dated_operation_has_its_documented_address() {
    let server = RawServer::json(200, BATCH).await;
    let client = client_of(&server.base_url, ApiVersion::V2026_03);
    let (raw, from, to) = (client.raw(), "partner_clients", "companies");
    let input = || types::BatchInputPublicAssociationMultiPost { inputs: Vec::new() };
    let _ = raw.batch_set_labels().from_object_type(from).to_object_type(to).body(input()).send().await.unwrap();
    let _ = raw.batch_dissociate_labels().from_object_type(from).to_object_type(to).body(input()).send().await.unwrap();
    let pairs = types::BatchInputPublicDefaultAssociationMultiPost { inputs: Vec::new() };
    let _ = raw.batch_associate_default().from_object_type(from).to_object_type(to).body(pairs).send().await.unwrap();
    let pairs = types::BatchInputPublicAssociationMultiArchive { inputs: Vec::new() };
    let _ = raw.batch_dissociate_all().from_object_type(from).to_object_type(to).body(pairs).send().await.unwrap();
    let ids = types::BatchInputPublicFetchAssociationsBatchRequest { inputs: Vec::new() };
    let read = raw.batch_read_associations_with_labels().from_object_type(from).to_object_type(to).body(ids);
    let _ = read.send().await.unwrap();
    let default = raw.associate_default().from_object_type(from).from_object_id(1).to_object_type(to).to_object_id(2);
    let _ = default.send().await.unwrap();
    let list = raw.list_associations_with_labels().partner_client_id(1).to_object_type(to).limit(3);
    let _ = list.send().await.unwrap();
    let all = raw.dissociate_all().from_object_type(from).from_object_id(1).to_object_type(to).to_object_id(2);
    all.send().await.unwrap();
    let lines: Vec<_> =
        server.received().iter().map(|request| request.split(" HTTP/").next().unwrap().to_owned()).collect();
    assert_eq!(
        lines,
        [
            "POST /crm/associations/2026-03/partner_clients/companies/batch/create",
            "POST /crm/associations/2026-03/partner_clients/companies/batch/labels/archive",
            "POST /crm/associations/2026-03/partner_clients/companies/batch/associate/default",
            "POST /crm/associations/2026-03/partner_clients/companies/batch/archive",
            "POST /crm/associations/2026-03/partner_clients/companies/batch/read",
            "PUT /crm/objects/2026-03/partner_clients/1/associations/default/companies/2",
            "GET /crm/objects/2026-03/partner_clients/1/associations/companies?limit=3",
            "DELETE /crm/objects/2026-03/partner_clients/1/associations/companies/2",
        ]
    );
}

#[tokio::test]
async fn a_client_for_another_account_speaks_the_same_version() {
    let client = client_of("http://127.0.0.1:9", ApiVersion::V2026_09);
    let other = client.for_account(hubspot_partner_clients::AccessToken::new("u").unwrap());
    assert_eq!(other.api_version(), ApiVersion::V2026_09);
    assert_eq!(Client::builder().access_token("t").build().unwrap().api_version(), ApiVersion::V3);
}
