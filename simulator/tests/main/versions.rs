//! Which versions the simulator serves, and what has no successor.

use hubspot_simulator::{OAuthApp, Simulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Caller;

#[tokio::test]
async fn the_operations_on_objects_are_the_same_in_v3_and_the_dated_versions() {
    let caller = Caller::of(Simulator::builder()).await;
    let paths = ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"];
    for (number, objects) in paths.into_iter().enumerate() {
        let clients = format!("{objects}/partner_clients");
        let name = format!("Name {number}");
        let (status, body) = caller.patch(&format!("{clients}/512"), json!({"name": name})).await;
        assert_eq!((status, &body["properties"]["name"]), (200, &json!(name)));
        let (status, read) = caller.get(&format!("{clients}/512?properties=name")).await;
        assert_eq!((status, &read["properties"]["name"]), (200, &json!(name)));
        assert_eq!(caller.get(&clients).await.1["results"][0]["id"], "512");
        let inputs = json!({"inputs": [{"id": "512"}]});
        assert_eq!(caller.post(&format!("{clients}/batch/read"), inputs).await.1["results"][0]["id"], "512");
        let inputs = json!({"inputs": [{"id": "512", "properties": {"domain": "x"}}]});
        assert_eq!(caller.post(&format!("{clients}/batch/update"), inputs).await.0, 200);
        let (status, found) = caller.post(&format!("{clients}/search"), json!({})).await;
        assert_eq!((status, &found["total"]), (200, &json!(1)));
    }
}

#[tokio::test]
async fn the_link_to_the_next_page_is_of_the_version_that_was_asked() {
    let builder = Simulator::builder().partner_client("513", [("name", "x")]);
    let caller = Caller::of(builder).await;
    for objects in ["/crm/v3/objects", "/crm/objects/2026-09"] {
        let (_, body) = caller.get(&format!("{objects}/partner_clients?limit=1")).await;
        let link = body["paging"]["next"]["link"].as_str().unwrap();
        let path = link.strip_prefix(caller.simulator.base_url()).unwrap();
        assert!(path.starts_with(&format!("{objects}/partner_clients?")), "{path}");
        assert_eq!(caller.get(path).await.1["results"][0]["id"], "513");
    }
}

#[tokio::test]
async fn what_has_no_successor_is_not_found() {
    let caller = Caller::of(Simulator::builder()).await;
    for (method, path) in [
        (Method::PUT, "/crm/objects/2026-09/partner_clients/512/associations/companies/9001/1001"),
        (Method::DELETE, "/crm/objects/2026-09/partner_clients/512/associations/companies/9001/1001"),
        (Method::GET, "/crm/associations/2026-09/partner_clients/companies/types"),
        (Method::PUT, "/crm/v3/objects/partner_clients/512/associations/companies/9001"),
        (Method::GET, "/crm/v3/associations/partner_clients/companies/labels"),
        (Method::GET, "/crm/v4/objects/partner_clients/512"),
        (Method::GET, "/crm/2026-09/objects/partner_clients"),
        (Method::GET, "/crm/objects/v3/partner_clients"),
        (Method::GET, "/crm/objects/v4/partner_clients/512/associations/companies"),
        (Method::GET, "/crm/associations/v3/partner_clients/companies/labels"),
        (Method::GET, "/crm/associations/v4/partner_clients/companies/labels"),
        (Method::GET, "/account-info/v4/details"),
    ] {
        let (status, body) = caller.send(method, path, Value::Null).await;
        assert_eq!((status, body.get("category")), (404, None), "{path}");
    }
}

#[tokio::test]
async fn just_the_versions_that_a_test_names_are_served() {
    const ALL: [(&str, &str); 7] = [
        ("v3", "/crm/v3/objects/partner_clients"),
        ("v3", "/crm/v3/associations/partner_clients/companies/types"),
        ("v4", "/crm/v4/associations/partner_clients/companies/labels"),
        ("2026-03", "/crm/objects/2026-03/partner_clients"),
        ("2026-09", "/crm/associations/2026-09/partner_clients/companies/labels"),
        ("2027-03", "/crm/objects/2027-03/partner_clients"),
        ("2026-09-beta", "/crm/objects/2026-09-beta/partner_clients"),
    ];
    let known = Caller::of(Simulator::builder()).await;
    for (version, path) in ALL {
        let served = ["v3", "v4", "2026-03", "2026-09"].contains(&version);
        assert_eq!(known.get(path).await.0, if served { 200 } else { 404 }, "{path}");
    }
    for versions in [vec!["v3"], vec!["2026-09", "v3"], vec!["2027-03", "2026-09-beta"], vec![]] {
        let caller = Caller::of(Simulator::builder().versions(versions.clone())).await;
        for (version, path) in ALL {
            let status = if versions.contains(&version) { 200 } else { 404 };
            assert_eq!(caller.get(path).await.0, status, "{versions:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_version_that_is_none_stops_the_start_and_is_named() {
    for version in ["v5", "2026-13", "2026", "latest", "", "2026-09-alpha"] {
        let error = Simulator::builder().versions([version]).start().await.unwrap_err();
        assert!(error.to_string().contains(&format!("`{version}`")), "{error}");
    }
}

#[tokio::test]
async fn tokens_are_issued_under_the_path_of_each_version_that_is_served() {
    for (versions, served) in [
        (None, vec!["v1", "v3", "2026-03", "2026-09"]),
        (Some(["v3"]), vec!["v1", "v3"]),
        (Some(["2026-09"]), vec!["2026-09"]),
    ] {
        let builder = Simulator::builder().oauth_app(OAuthApp::new("id", "secret", "refresh"));
        let builder = if let Some(versions) = versions { builder.versions(versions) } else { builder };
        let simulator = builder.start().await.unwrap();
        for version in ["v1", "v3", "v4", "2026-03", "2026-09", "2027-03"] {
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", "id"),
                ("client_secret", "secret"),
                ("refresh_token", "refresh"),
            ];
            let url = format!("{}/oauth/{version}/token", simulator.base_url());
            let status = reqwest::Client::new().post(url).form(&form).send().await.unwrap().status();
            assert_eq!(status, if served.contains(&version) { 200 } else { 401 }, "{version}");
            let url = format!("{}/oauth/{version}/token/introspect", simulator.base_url());
            let status = reqwest::Client::new().post(url).form(&form).send().await.unwrap().status();
            let served = version != "v1" && served.contains(&version);
            assert_eq!(status, if served { 200 } else { 401 }, "{version}");
        }
    }
}
