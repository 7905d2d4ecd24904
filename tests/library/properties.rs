//! Property values, written in HubSpot's form and read into types of one's own.

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use httpmock::{Method, MockServer};
use hubspot_partner_clients::{PartnerClient, PropertyValue};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{DOCUMENTED, client_at};

fn with(properties: Value) -> PartnerClient {
    let mut object: Value = serde_json::from_str(DOCUMENTED).unwrap();
    object["properties"] = properties;
    serde_json::from_value(object).unwrap()
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Tier {
    Gold,
    Silver,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Code(String);

#[derive(Debug, PartialEq, Deserialize)]
struct Client {
    name: String,
    employees: u32,
    revenue: f64,
    active: bool,
    changed: DateTime<Utc>,
    signed: NaiveDate,
    tier: Tier,
    code: Code,
    languages: Vec<String>,
    sizes: Vec<u8>,
    nothing: Option<String>,
    cleared: Option<u32>,
    missing: Option<bool>,
    some: Option<i64>,
    #[serde(default)]
    score: i32,
}

fn full() -> Value {
    json!({
        "name": "Acme", "employees": "250", "revenue": "1.5e6", "active": "true", "changed": "2026-01-02T03:04:05.678Z",
        "signed": "2026-01-02", "tier": "GOLD", "code": "x-1", "languages": "de;en", "sizes": "1;2", "nothing": null,
        "cleared": "", "some": "-7", "unasked": "ignored",
    })
}

#[test]
fn properties_are_read_into_a_type_of_one_s_own() {
    let expected = Client {
        name: "Acme".into(),
        employees: 250,
        revenue: 1.5e6,
        active: true,
        changed: Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap() + chrono::TimeDelta::milliseconds(678),
        signed: NaiveDate::from_ymd_opt(2026, 1, 2).unwrap(),
        tier: Tier::Gold,
        code: Code("x-1".into()),
        languages: vec!["de".into(), "en".into()],
        sizes: vec![1, 2],
        nothing: None,
        cleared: None,
        missing: None,
        some: Some(-7),
        score: 0,
    };
    assert_eq!(with(full()).properties_as::<Client>().unwrap(), expected);
    let map: std::collections::BTreeMap<String, Option<String>> = with(full()).properties_as().unwrap();
    assert_eq!((map["name"].as_deref(), map["nothing"].as_deref()), (Some("Acme"), None));
    assert_eq!((with(full()).property("name"), with(full()).property("nothing")), (Some("Acme"), None));
}

#[test]
fn an_error_names_the_property() {
    for (name, value, message) in [
        ("employees", json!("many"), "property `employees`: \"many\" is no whole number"),
        ("employees", json!("-1"), "property `employees`: \"-1\" is no whole number"),
        ("employees", json!(null), "property `employees`: has no value"),
        ("active", json!("yes"), "property `active`: \"yes\" is no boolean"),
        ("changed", json!("yesterday"), "property `changed`: "),
        ("tier", json!("LEAD"), "property `tier`: unknown variant `LEAD`"),
        ("sizes", json!("1;x"), "property `sizes`: \"x\" is no whole number"),
    ] {
        let mut properties = full();
        properties[name] = value;
        let error = with(properties).properties_as::<Client>().unwrap_err();
        assert!(error.is_decode() && error.message().contains(message), "{error}");
    }
    let mut properties = full();
    properties.as_object_mut().unwrap().remove("name");
    let error = with(properties).properties_as::<Client>().unwrap_err();
    assert!(error.message().contains("missing field `name`"), "{error}");
}

#[derive(Debug, PartialEq, Deserialize)]
struct Whole {
    name: String,
    #[serde(flatten)]
    size: Size,
    #[serde(flatten)]
    rest: std::collections::BTreeMap<String, Option<String>>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Size {
    employees: u32,
    revenue: Option<f64>,
    change: Option<i64>,
    active: bool,
    since: NaiveDate,
    zip: String,
    tier: Tier,
    languages: Vec<String>,
    sizes: Vec<u8>,
    cleared: Option<u32>,
    nothing: Option<bool>,
    missing: Option<u8>,
}

fn to_be_flattened() -> Value {
    json!({
        "name": "Acme", "employees": "250", "revenue": "1.5e6", "change": "-7", "active": "true", "since": "2026-01-02",
        "zip": "250", "tier": "GOLD", "languages": "de;en", "sizes": "250;1", "cleared": "", "nothing": null,
        "other": "250", "flag": "true", "list": "de;en",
    })
}

#[test]
fn fields_of_a_flattened_part_are_read_as_others_are() {
    let read: Whole = with(to_be_flattened()).properties_as().unwrap();
    let size = Size {
        employees: 250,
        revenue: Some(1.5e6),
        change: Some(-7),
        active: true,
        since: NaiveDate::from_ymd_opt(2026, 1, 2).unwrap(),
        zip: "250".into(),
        tier: Tier::Gold,
        languages: vec!["de".into(), "en".into()],
        sizes: vec![250, 1],
        cleared: None,
        nothing: None,
        missing: None,
    };
    assert_eq!((read.name.as_str(), read.size), ("Acme", size));
    let rest = |name: &str| read.rest[name].as_deref();
    assert_eq!(
        (rest("other"), rest("flag"), rest("list")),
        (Some("250"), Some("true"), Some("de;en")),
        "text stays text"
    );
}

#[test]
fn what_does_not_fit_a_flattened_part_is_named() {
    for (name, value) in
        [("employees", "many"), ("employees", "1.5"), ("active", "yes"), ("sizes", "1;x"), ("tier", "LEAD")]
    {
        let mut properties = to_be_flattened();
        properties[name] = json!(value);
        let error = with(properties).properties_as::<Whole>().unwrap_err();
        assert!(error.is_decode() && error.message().contains(&format!("property `{name}`: ")), "{error}");
    }
}

#[tokio::test]
async fn names_in_a_list_are_taken_without_the_white_space_around_them() {
    let simulator = hubspot_simulator::Simulator::start().await.unwrap();
    let client = crate::support::client_of(&simulator);
    let list = "name, domain".split(',');
    client.get(512).properties(list.clone()).associations([" companies"]).await.unwrap();
    client.list().properties(list.clone()).await.unwrap();
    let queries: Vec<_> = simulator.requests().iter().map(|request| request.query().unwrap().to_owned()).collect();
    assert!(queries.iter().all(|query| query.contains("properties=name%2Cdomain")), "{queries:?}");
    for name in [" name", "na\u{200b}me"] {
        let error = client.update(512).set(name, 1).await.unwrap_err();
        assert!(error.is_invalid_input() && error.message().starts_with("property name "), "{error}");
    }
}

/// What an update of one property to this value sends.
async fn sent(value: impl Into<PropertyValue>) -> Value {
    let server = MockServer::start_async().await;
    let recorded = std::sync::Arc::new(std::sync::Mutex::new(Value::Null));
    let keep = std::sync::Arc::clone(&recorded);
    server
        .mock_async(|when, then| {
            when.method(Method::PATCH).path("/crm/v3/objects/partner_clients/512").is_true(move |request| {
                *keep.lock().unwrap() = serde_json::from_slice(request.body_ref()).unwrap();
                true
            });
            then.status(200).body(DOCUMENTED);
        })
        .await;
    client_at(&server.base_url(), "t").update(512).set("p", value).await.unwrap();
    let sent = recorded.lock().unwrap().clone();
    assert_eq!(sent.as_object().unwrap().len(), 1);
    sent["properties"]["p"].clone()
}

#[tokio::test]
async fn values_are_sent_in_the_form_that_hubspot_expects() {
    assert_eq!(sent("text").await, "text");
    assert_eq!(sent(String::from("text")).await, "text");
    assert_eq!(sent(-7).await, "-7");
    assert_eq!(sent(u64::MAX).await, "18446744073709551615");
    assert_eq!(sent(1.5).await, "1.5");
    assert_eq!(sent(true).await, "true");
    assert_eq!(sent(NaiveDate::from_ymd_opt(2026, 1, 2).unwrap()).await, "2026-01-02");
    let time = DateTime::parse_from_rfc3339("2026-01-02T03:04:05.6789+02:00").unwrap();
    assert_eq!(sent(time).await, "2026-01-02T01:04:05.678Z");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_by_name() {
    let client = client_at("http://127.0.0.1:1", "t");
    for (update, message) in [
        (client.update(512), "update changes nothing: set or clear a property"),
        (client.update(512).set("p", f64::NAN), "property \"p\" \"NaN\" is not a finite number: use a finite one"),
        (client.update(512).clear(""), "property name \"\" is empty"),
        (client.update(512).set("a,b", 1), "property name \"a,b\" contains a comma"),
        (client.update("..").set("a", 1), "partner client id \"..\" is a path segment with a special meaning"),
    ] {
        let error = update.await.unwrap_err();
        assert!(error.is_invalid_input() && error.message().starts_with(message), "{error}");
    }
}

#[test]
fn associated_objects_come_once_with_their_types_whatever_the_key() {
    let mut object = with(json!({}));
    let results = json!({"results": [{"id": "7", "type": "a"}, {"id": 8, "type": "a"}, {"id": "7", "type": "b"}]});
    for (key, asked) in [
        ("line items", vec!["line items", "line_items", "line_item", "LINE_ITEMS"]),
        ("companies", vec!["companies", "company", "0-2"]),
        ("p123_custom", vec!["p123_custom"]),
    ] {
        object.associations = serde_json::from_value(json!({key: results})).unwrap();
        for name in asked {
            let associated = object.associated(name);
            let seen: Vec<_> = associated.iter().map(|object| (object.id.as_str(), object.types.join("+"))).collect();
            assert_eq!(seen, [("7", "a+b".to_owned()), ("8", "a".to_owned())], "{name}");
        }
        assert!(object.associated("deals").is_empty());
    }
}
