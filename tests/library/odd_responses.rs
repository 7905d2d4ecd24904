//! Answers that are not quite as described: what is odd costs no more than itself.

mod errors;
mod writes;

use std::sync::{Arc, Mutex};

use fastrand::Rng;
use futures_util::TryStreamExt;
use hubspot_partner_clients::{Client, Error, ErrorKind, PartnerClient, Result, Update, generated::types};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{RawServer, client_at, http, tcp::read_request};

/// A server that answers everything so, for now.
struct Answering {
    now: Arc<Mutex<Vec<u8>>>,
    _server: RawServer,
    client: Client,
}

impl Answering {
    async fn new() -> Self {
        let now = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&now);
        let server = RawServer::start(move |mut stream, _| {
            let answer = shared.lock().unwrap().clone();
            async move {
                read_request(&mut stream).await;
                let _ = stream.write_all(&answer).await;
                Some(stream)
            }
        })
        .await;
        let client = client_at(&server.base_url, "t");
        Self { now, _server: server, client }
    }

    fn with(&self, body: &[u8]) -> &Client {
        *self.now.lock().unwrap() = http_bytes(200, body);
        &self.client
    }
}

fn http_bytes(status: u16, body: &[u8]) -> Vec<u8> {
    [http(status, "application/json", "").replace("length: 0", &format!("length: {}", body.len())).as_bytes(), body]
        .concat()
}

async fn answering(status: u16, body: &[u8]) -> (RawServer, Client) {
    let server = RawServer::answering(http_bytes(status, body)).await;
    let client = client_at(&server.base_url, "t");
    (server, client)
}

async fn get(body: impl AsRef<[u8]>) -> Result<PartnerClient> {
    let (_server, client) = answering(200, body.as_ref()).await;
    client.get(512).await
}

async fn refused(body: impl AsRef<[u8]>) -> Error {
    let (_server, client) = answering(400, body.as_ref()).await;
    client.get(512).await.unwrap_err()
}

fn object() -> Value {
    json!({
        "id": "512", "properties": {"name": "Acme", "employees": "250", "domain": null}, "archived": false,
        "createdAt": "2019-10-30T03:30:17.883Z", "updatedAt": "2019-12-07T16:50:06Z", "objectWriteTraceId": "549b1c2a9351",
        "url": "https://app.hubspot.com/contacts/1",
        "propertiesWithHistory": {"name": [
            {"value": "Acme", "timestamp": "2023-11-07T05:31:56Z", "sourceType": "API", "sourceId": "7", "updatedByUserId": 9},
            {"value": "Acme Inc", "timestamp": "2023-11-06T05:31:56Z", "sourceType": "CRM_UI"}]},
        "warnings": [{"category": "NEW", "message": "m", "context": {"a": "b"}}],
    })
}

fn paging() -> Value {
    json!({"next": {"after": "NTEy%3D", "link": "https://api.hubapi.com/next"}})
}

fn batch(results: &Value) -> Value {
    json!({
        "status": "COMPLETE", "results": results, "numErrors": 2, "links": {"self": "https://a.example"},
        "requestedAt": "2023-11-07T05:31:55Z", "startedAt": "2023-11-07T05:31:56Z", "completedAt": "2023-11-07T05:31:56.500Z",
        "errors": [
            {"status": "error", "category": "VALIDATION_ERROR", "message": "bad", "context": {"ids": ["1", "2"]}, "id": "e",
                "errors": [{"message": "m", "code": "C", "in": "body", "context": {"id": ["42"]}}], "links": {"a": "b"}},
            {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["3"]}}],
    })
}

/// What each operation answers.
fn samples() -> Vec<(&'static str, Value)> {
    let mut associated = object();
    associated["associations"] = json!({
        "companies": {"results": [{"id": "7", "type": "a"}, {"id": "8", "type": "b"}], "paging": paging()},
        "line items": {"results": [{"id": "9", "type": "c"}]}});
    let pair = |a: &str, b: &str| json!({"from": {"id": a}, "to": {"id": b}, "type": "partner_client_to_company"});
    vec![
        ("associate", associated.clone()),
        ("get", associated.clone()),
        ("update", object()),
        ("list", json!({"results": [associated, object()], "paging": paging()})),
        (
            "list_associations",
            json!({"results": [{"id": "7", "type": "a"}, {"id": "8", "type": "b"}], "paging": paging()}),
        ),
        ("search", json!({"total": 450, "results": [object(), object()], "paging": paging()})),
        ("association_types", json!({"results": [{"id": "7", "name": "a"}, {"id": "8", "name": "b"}]})),
        ("batch_read", batch(&json!([object(), object()]))),
        ("batch_update", batch(&json!([object()]))),
        ("batch_associate", batch(&json!([pair("512", "7"), pair("513", "8")]))),
        (
            "batch_read_associations",
            batch(&json!([
            {"from": {"id": "512"}, "to": [{"id": "7", "type": "a"}, {"id": "8", "type": "b"}], "paging": paging()},
            {"from": {"id": "513"}, "to": []}])),
        ),
    ]
}

/// The answer to an operation, as the crate's types hold it.
async fn call(client: &Client, operation: &str) -> Result<Value> {
    let raw = client.raw();
    macro_rules! value {
        ($($call:tt)*) => { serde_json::to_value(raw.$($call)*.send().await?.into_inner()).unwrap() };
    }
    let changes = types::SimplePublicObjectInput::builder().properties([("a".to_owned(), "b".to_owned())]);
    let pairs = types::BatchInputPublicAssociation::builder().inputs(Vec::new());
    let ids = types::BatchInputPublicObjectId::builder().inputs(Vec::new());
    let updates = types::BatchInputSimplePublicObjectBatchInput::builder().inputs(Vec::new());
    let reads = types::BatchReadInputSimplePublicObjectId::builder().inputs(Vec::new());
    let search = types::PublicObjectSearchRequest::builder();
    let (us, them) = ("partner_clients", "companies");
    Ok(match operation {
        // The facade reads as `raw()` does.
        "get" => serde_json::to_value(client.get(512).await?).unwrap(),
        "associate" => serde_json::to_value(client.associate(512).with(them, 1).as_type(1).then_get().await?).unwrap(),
        "list_associations" => serde_json::to_value(client.associations(512, them).await?).unwrap(),
        "update" => value!(update().partner_client_id(512_u32).body(changes)),
        "list" => value!(list()),
        "search" => value!(search().body(search)),
        "association_types" => value!(association_types().from_object_type(us).to_object_type(them)),
        "batch_read" => value!(batch_read().body(reads)),
        "batch_update" => value!(batch_update().body(updates)),
        "batch_associate" => value!(batch_associate().from_object_type(us).to_object_type(them).body(pairs)),
        _ => value!(batch_read_associations().from_object_type(us).to_object_type(them).body(ids)),
    })
}

/// Every place in a value, as the keys that lead there.
fn places(value: &Value) -> Vec<Vec<String>> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(values) => values.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let inside = |(key, value): (String, &Value)| {
        let deeper = places(value).into_iter().map({
            let key = key.clone();
            move |place| [vec![key.clone()], place].concat()
        });
        [vec![key.clone()]].into_iter().chain(deeper).collect::<Vec<_>>()
    };
    members.into_iter().flat_map(inside).collect()
}

fn at<'a>(value: &'a mut Value, place: &[String]) -> &'a mut Value {
    place.iter().fold(value, |value, key| match value {
        Value::Array(values) => &mut values[key.parse::<usize>().unwrap()],
        other => &mut other[key.as_str()],
    })
}

/// A body with one place damaged, and how.
fn damaged(rng: &mut Rng, sample: &Value, place: &[String]) -> (Vec<u8>, String) {
    const MARK: &str = "@@@";
    let mut value = sample.clone();
    let odd = [json!(null), json!(7), json!(1.5), json!(true), json!("odd"), json!(""), json!([1]), json!({"x": 1})];
    let broken: [&[u8]; 6] = [br"\ud83d", br"\ude00\ud83d", b"\xff\xfe", b"\t", br"\x", b"\x00"];
    let is_text = at(&mut value, place).is_string();
    match rng.u8(..4) {
        0 => {
            let (last, parent) = place.split_last().unwrap();
            match at(&mut value, parent) {
                Value::Object(members) => drop(members.remove(last)),
                Value::Array(values) => values.push(Value::Null),
                _ => unreachable!(),
            }
            (value.to_string().into_bytes(), "missing".into())
        }
        1 => {
            let (_, parent) = place.split_last().unwrap();
            if let Value::Object(members) = at(&mut value, parent) {
                members.insert("aFieldOfTomorrow".into(), json!({"deep": [[1, {"a": null}]]}));
            }
            let body = [&b"\xef\xbb\xbf"[..], value.to_string().as_bytes()].concat();
            (body, "a byte order mark and an unknown field".into())
        }
        2 if is_text => {
            *at(&mut value, place) = json!(MARK);
            let text = value.to_string();
            let (before, after) = text.split_once(MARK).unwrap();
            let broken = rng.choice(broken).unwrap();
            ([before.as_bytes(), b"Acme ", broken, after.as_bytes()].concat(), format!("{broken:?}"))
        }
        _ => {
            let odd = rng.choice(odd).unwrap();
            let kind = odd.to_string();
            *at(&mut value, place) = odd;
            (value.to_string().into_bytes(), kind)
        }
    }
}

/// Whether all but the damaged place is as it was; the entry of a list that holds it may be gone.
fn same_but_for(whole: &Value, read: &Value, place: &[String]) -> bool {
    let Some((key, rest)) = place.split_first() else { return true };
    match (whole, read) {
        (Value::Object(whole), Value::Object(read)) => {
            whole.iter().filter(|(name, _)| *name != key).all(|(name, value)| read.get(name) == Some(value))
                && whole.get(key).zip(read.get(key)).is_none_or(|(whole, read)| same_but_for(whole, read, rest))
        }
        (Value::Array(whole), Value::Array(read)) => {
            let damaged: usize = key.parse().unwrap();
            let others = |values: &[Value]| -> Vec<Value> {
                let others = values.iter().enumerate().filter(|(at, _)| *at != damaged || values.len() < whole.len());
                others.map(|(_, value)| value.clone()).collect()
            };
            others(whole) == others(read)
                && (read.len() < whole.len() || same_but_for(&whole[damaged], &read[damaged], rest))
        }
        _ => rest.is_empty(),
    }
}

#[tokio::test]
async fn one_odd_place_in_an_answer_leaves_all_others_as_they_are() {
    let server = Answering::new().await;
    let mut rng = Rng::with_seed(7);
    for (operation, sample) in samples() {
        let whole = call(server.with(sample.to_string().as_bytes()), operation).await.unwrap();
        for place in places(&sample).iter().cycle().take(3 * places(&sample).len()) {
            let (body, kind) = damaged(&mut rng, &sample, place);
            let about = format!("{operation}, {place:?}, {kind}");
            // What makes the answer: the id of the one object, or the list.
            let vital = place.len() == 1 && (place[0] == "id" || place[0] == "results");
            match call(server.with(&body), operation).await {
                Ok(read) => assert!(same_but_for(&whole, &read, place), "{about}: {read}"),
                Err(error) => assert!(vital && error.is_decode(), "{about}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn null_is_absent_in_lists_maps_times_flags_and_numbers() {
    let body = json!({"id": "512", "properties": null, "archived": null, "archivedAt": null, "createdAt": null,
        "associations": null, "propertiesWithHistory": {"name": null}, "warnings": null, "url": null});
    let found = get(body.to_string()).await.unwrap();
    assert!(found.properties.is_empty() && found.associations.is_empty() && found.warnings.is_empty());
    assert!(!found.archived && found.created_at.is_none() && found.archived_at.is_none());
    for body in [
        json!({"results": null}),
        json!({"results": [], "paging": null}),
        json!({"results": [], "paging": {"next": null}}),
        json!({"results": [], "paging": {"next": {"after": null}}}),
        json!({"results": [], "paging": {"next": {"after": ""}}}),
    ] {
        let (server, client) = answering(200, body.to_string().as_bytes()).await;
        assert!(client.list().items().try_collect::<Vec<_>>().await.unwrap().is_empty(), "{body}");
        assert_eq!(server.received().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn numbers_and_flags_are_taken_as_text_digit_by_digit() {
    let body = r#"{"id": 512, "properties": {"employees": 250, "revenue": 1.10, "large": 12345678901234567890123,
        "exponent": 1e400, "active": true, "list": [1, "a"], "none": NaN}, "archived": "true", "createdAt": 1572406217883,
        "updatedAt": "2019-12-07T16:50:06.000+0000", "objectWriteTraceId": 7}"#;
    let found = get(body).await.unwrap();
    assert_eq!((found.id.as_str(), found.archived, found.object_write_trace_id.as_deref()), ("512", true, Some("7")));
    for (name, value) in [
        ("employees", Some("250")),
        ("revenue", Some("1.10")),
        ("large", Some("12345678901234567890123")),
        ("exponent", Some("1e400")),
        ("active", Some("true")),
        ("list", Some(r#"[1,"a"]"#)),
        ("none", None),
    ] {
        assert_eq!(found.property(name), value, "{name}");
    }
    assert_eq!(found.created_at.unwrap().to_rfc3339(), "2019-10-30T03:30:17.883+00:00");
    assert_eq!(found.updated_at.unwrap().to_rfc3339(), "2019-12-07T16:50:06+00:00");
}

#[tokio::test]
async fn broken_text_is_replaced_in_its_own_value() {
    for (broken, read) in [
        (&br"Acme \ud83d"[..], "Acme \u{fffd}"),
        (br"\ud83dAcme", "\u{fffd}Acme"),
        (br"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (br"\ud83d\ude00", "\u{1f600}"),
        (br"\ud83d\n", "\u{fffd}\n"),
        (b"Acme \xff!", "Acme \u{fffd}!"),
        (b"caf\xc3", "caf\u{fffd}"),
        (b"a\tb\nc", "a\tb\nc"),
        (br"C:\x", r"C:\x"),
        (br"\u12", r"\u12"),
        ("caf\u{e9} \u{1f600}".as_bytes(), "caf\u{e9} \u{1f600}"),
    ] {
        let body = [&br#"{"id":"512","properties":{"domain":"acme.example","name":""#[..], broken, br#""}}"#].concat();
        let found = get(&body).await.unwrap();
        assert_eq!(found.property("name"), Some(read), "{}", String::from_utf8_lossy(broken));
        assert_eq!(found.property("domain"), Some("acme.example"));
    }
    let found = get([&b"\xef\xbb\xbf"[..], object().to_string().as_bytes()].concat()).await.unwrap();
    assert_eq!(found.property("name"), Some("Acme"));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_loses_no_other() {
    let page = json!({"total": 4, "results": [object(), {"properties": {"name": "no id"}}, {"id": "", "url": "x"}, "odd",
        null, object()]});
    let (_server, client) = answering(200, page.to_string().as_bytes()).await;
    let (found, meta) = client.search().send_with_meta().await.unwrap();
    assert_eq!((found.results.len(), meta.left_out), (2, 3));
    let mut listed = client.list().items();
    let count = (&mut listed).try_fold(0, async |count, _| Ok(count + 1)).await.unwrap();
    assert_eq!((count, listed.left_out()), (2, 3));
    assert_eq!(client.list().pages().try_next().await.unwrap().unwrap().left_out, 3);
    let page = json!({"results": [{"id": "7", "type": "a"}, {"id": "", "type": "b"}, {"id": 8, "type": null}]});
    let (_server, client) = answering(200, page.to_string().as_bytes()).await;
    let read = client.associations(512, "companies").await.unwrap().results;
    assert_eq!(read.iter().map(|other| other.id.as_str()).collect::<Vec<_>>(), ["7", "8"]);
}

#[tokio::test]
async fn a_body_is_read_whatever_its_encoding_and_what_stands_around_it() {
    let text = json!({"id": 512.0, "properties": {"name": "Käse 😀"}}).to_string();
    let units = || text.encode_utf16();
    let whole = text.as_bytes();
    let bodies: [(&str, Vec<u8>); 10] = [
        ("UTF-16 LE", units().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16 BE", units().flat_map(u16::to_be_bytes).collect()),
        ("UTF-16 LE, marked", [0xfeff].into_iter().chain(units()).flat_map(u16::to_le_bytes).collect()),
        ("UTF-16 BE, marked", [0xfeff].into_iter().chain(units()).flat_map(u16::to_be_bytes).collect()),
        ("marked twice", [b"\xef\xbb\xbf\xef\xbb\xbf", whole].concat()),
        ("zeros behind", [whole, b"\0\0\0"].concat()),
        ("zeros and a line end", [whole, b"\0\r\n\0"].concat()),
        ("a zero before", [b"\0", whole].concat()),
        ("a semicolon behind", [whole, b";"].concat()),
        ("a proxy's mark", [whole, b"<!-- \"cached\" -->"].concat()),
    ];
    for (what, body) in bodies {
        let found = get(&body).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((found.id.as_str(), found.property("name")), ("512", Some("Käse 😀")), "{what}");
    }
    // Something would be lost.
    for body in [text.repeat(2), text[..text.len() - 2].to_owned(), format!("[{text}]")] {
        assert!(get(&body).await.unwrap_err().is_decode(), "{body}");
    }
    let error: Vec<u8> = r#"{"message":"Käse","category":"C"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused([&[0xff, 0xfe][..], &error].concat()).await.message(), "Käse");
}

#[tokio::test]
async fn a_link_to_the_next_page_is_as_good_as_its_cursor() {
    let server = Answering::new().await;
    for next in [
        json!({"after": null, "link": "https://api.hubapi.com/x?limit=1&after=NTEy%253D"}),
        json!({"link": "/crm/v3/x?after=NTEy%253D&limit=1"}),
        json!("NTEy%3D"),
    ] {
        let page = json!({"results": [{"id": "7", "type": "a"}], "paging": {"next": next}});
        let mut pages = server.with(page.to_string().as_bytes()).associations(512, "companies").pages();
        assert_eq!(pages.try_next().await.unwrap().unwrap().next.place(), Some("NTEy%3D"), "{next}");
    }
    let page = json!({"results": [{"id": "7", "type": "a"}], "paging": {"next": 100}});
    let mut pages = server.with(page.to_string().as_bytes()).associations(512, "companies").pages();
    assert_eq!(pages.try_next().await.unwrap().unwrap().next.place(), Some("100"));
}

#[tokio::test]
async fn errors_alone_with_the_status_of_a_success_are_no_empty_result() {
    let server = Answering::new().await;
    for answer in [
        json!({"results": [], "errors": [{"message": "the index is down"}], "correlationId": "c"}),
        json!({"errors": ["the index is down"], "category": "INTERNAL"}),
        json!({"results": null, "errors": [{"message": "the index is down"}]}),
    ] {
        let client = server.with(answer.to_string().as_bytes());
        for error in [
            client.list().items().try_next().await.map(drop).unwrap_err(),
            client.search().items().try_next().await.map(drop).unwrap_err(),
            client.associations(512, "companies").await.map(drop).unwrap_err(),
            client.associate(512).with("companies", 9001).as_type(1).await.map(drop).unwrap_err(),
        ] {
            assert!(error.to_string().contains("the index is down"), "{error}");
        }
    }
    // What is there is read.
    let answer = json!({"id": "512", "properties": {}, "errors": [{"message": "no history"}]});
    assert_eq!(server.with(answer.to_string().as_bytes()).get(512).await.unwrap().id, "512");
    let answer = json!({"results": [object()], "errors": [{"message": "one shard is down"}]});
    assert_eq!(server.with(answer.to_string().as_bytes()).list().await.unwrap().results.len(), 1);
}

#[tokio::test]
async fn what_is_no_answer_at_all_is_no_empty_result() {
    for body in ["", "null", "{}", "[]", "<html>hi</html>", r#"{"status":"error","message":"no"}"#, r#"{"results": 5}"#]
    {
        let (_server, client) = answering(200, body.as_bytes()).await;
        let error = client.list().items().try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.is_decode() && error.status() == Some(200), "{body}: {error:?}");
        let error = client.search().items().try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.is_decode(), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn deep_and_large_bodies_stay_bounded() {
    let deep = format!(r#"{{"id": 512, "properties": {{}}, "new": {}1{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(get(deep).await.unwrap().id, "512");
    assert!(get("[".repeat(1_000_000)).await.unwrap_err().is_decode());
    let many: String = (0..50_000).map(|n| format!(r#""p{n}": {n}, "#)).collect();
    let found = get(format!(r#"{{"id": 512, "properties": {{{many} "last": "\ud83d"}}}}"#)).await.unwrap();
    assert_eq!((found.properties.len(), found.property("last")), (50_001, Some("\u{fffd}")));
}
