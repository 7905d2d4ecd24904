//! What is measured, next to what one writes by hand with reqwest.
#![allow(dead_code)]

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use chrono::{DateTime, Utc};
use hubspot_partner_clients::{ApiVersion, Associated, Client, PartnerClient, PartnerClientsPage, RateLimit};

pub const TOKEN: &str = "pat-eu1-01234567-89ab-cdef-0123-456789abcdef";

/// One partner client, as HubSpot answers an association with it.
pub const PARTNER_CLIENT: &str = r#"{"id":"512","properties":{"createdate":"2023-11-07T05:31:56.123Z",
"hs_lastmodifieddate":"2024-02-29T12:00:00.456Z","hs_object_id":"512","name":"Acme"},
"createdAt":"2023-11-07T05:31:56.123Z","updatedAt":"2024-02-29T12:00:00.456Z","archived":false}"#;

/// The association types of an account with one label, and the labels of a pair, as a dated version of HubSpot's API answers.
const LABELS: &str = r#"{"results":[{"category":"HUBSPOT_DEFINED","typeId":36,"label":null},
{"category":"USER_DEFINED","typeId":37,"label":"Owner"}]}"#;
const PAIR: &str = r#"{"fromObjectTypeId":"0-145","fromObjectId":512,"toObjectTypeId":"0-2","toObjectId":9001,
"labels":["Owner"]}"#;

/// A page of as many partner clients as fit on one, each with 50 properties.
pub fn page() -> String {
    let value = |property: usize| match property % 5 {
        0 => "null".to_owned(),
        1 => format!("\"{}\"", property * 1009),
        2 => "\"2024-02-29T12:00:00.456Z\"".to_owned(),
        3 => "\"A value with \\\"quotes\\\" and a line\\nbreak\"".to_owned(),
        _ => "\"a sentence such as people write into a text property\"".to_owned(),
    };
    let properties: Vec<_> = (0..50).map(|property| format!("\"property_{property}\":{}", value(property))).collect();
    let object = |id: usize| {
        format!(
            "{{\"id\":\"{id}\",\"properties\":{{{}}},\"createdAt\":\"2023-11-07T05:31:56.123Z\",\
             \"updatedAt\":\"2024-02-29T12:00:00.456Z\",\"archived\":false}}",
            properties.join(",")
        )
    };
    let objects: Vec<_> = (0..100).map(object).collect();
    format!("{{\"results\":[{}],\"paging\":{{\"next\":{{\"after\":\"100\"}}}}}}", objects.join(","))
}

/// A server of what a benchmark calls. Returns its URL.
pub fn serve(what: &str) -> String {
    match what {
        "associate" => answering(PARTNER_CLIENT, PARTNER_CLIENT),
        "dated" => answering(LABELS, PAIR),
        "list" => answering(&page(), ""),
        other => panic!("nothing is served for {other}"),
    }
}

/// A server that gives every GET one answer and everything else another, and keeps its connections open; threads and
/// blocking calls, so that it costs as little as a server can.
fn answering(to_get: &str, to_others: &str) -> String {
    let answers = [to_get, to_others].map(answer);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback address");
    let address = listener.local_addr().expect("the address just bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = answers.clone();
            thread::spawn(move || answer_all(stream, &answers));
        }
    });
    format!("http://{address}")
}

fn answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=utf-8\r\n\
         date: Thu, 29 Feb 2024 12:00:00 GMT\r\n\
         x-hubspot-correlation-id: 0190c5f2-8a0e-7c55-9b1d-0123456789ab\r\n\
         x-hubspot-ratelimit-daily: 250000\r\nx-hubspot-ratelimit-daily-remaining: 249000\r\n\
         x-hubspot-ratelimit-interval-milliseconds: 10000\r\nx-hubspot-ratelimit-max: 190\r\n\
         x-hubspot-ratelimit-remaining: 180\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Nobody sends a request before the answer to the one before.
fn answer_all(mut stream: TcpStream, [to_get, to_others]: &[String; 2]) {
    let _ = stream.set_nodelay(true);
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut bytes) {
        request.extend_from_slice(&bytes[..read]);
        if is_whole(&request) {
            let answer = if request.starts_with(b"GET ") { to_get } else { to_others };
            request.clear();
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| length.parse() == Ok(body.len()))
}

/// This crate's client, which sends as fast as it can.
pub fn ours(base_url: &str) -> Client {
    in_version(base_url, ApiVersion::V3)
}

/// The same for a dated version.
pub fn ours_dated(base_url: &str) -> Client {
    in_version(base_url, ApiVersion::V2026_09)
}

fn in_version(base_url: &str, version: ApiVersion) -> Client {
    let builder = Client::builder().base_url(base_url).access_token(TOKEN).api_version(version);
    builder.rate_limit(RateLimit::unlimited()).build().expect("a client")
}

pub async fn associate(client: &Client) -> PartnerClient {
    let call = client.associate("512").with("companies", "9001").as_type("partner_client_to_company").then_get();
    call.await.expect("an answer")
}

/// The association types are requested once.
pub async fn associate_dated(client: &Client) -> Associated {
    client.associate("512").with("companies", "9001").as_type("USER_DEFINED:37").await.expect("an answer")
}

pub async fn list(client: &Client) -> PartnerClientsPage {
    client.raw().list().limit(100).send().await.expect("an answer").into_inner()
}

/// The same by hand: reqwest with a timeout, a bearer token, and a struct to decode into.
pub struct Bare {
    http: reqwest::Client,
    base_url: String,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BareObject {
    pub id: String,
    pub properties: BTreeMap<String, Option<String>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[serde(default)]
    pub archived: bool,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct BareType {
    association_category: &'static str,
    association_type_id: i64,
}

#[derive(serde::Deserialize)]
pub struct BarePair {
    pub labels: Vec<String>,
}

#[derive(serde::Deserialize)]
pub struct BarePage {
    pub results: Vec<BareObject>,
    pub paging: Option<BarePaging>,
}

#[derive(serde::Deserialize)]
pub struct BarePaging {
    pub next: Option<BareNext>,
}

#[derive(serde::Deserialize)]
pub struct BareNext {
    pub after: String,
}

impl Bare {
    pub fn new(base_url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(110)).build();
        Self { http: http.expect("a client"), base_url: base_url.to_owned() }
    }

    pub fn request(&self) -> reqwest::RequestBuilder {
        let (base_url, partner_client, to_type, to_id) = (&self.base_url, "512", "companies", "9001");
        let association_type = "partner_client_to_company";
        let url = format!(
            "{base_url}/crm/v3/objects/partner_clients/{partner_client}/associations/{to_type}/{to_id}/{association_type}"
        );
        self.http.put(url).bearer_auth(TOKEN)
    }

    pub async fn associate(&self) -> BareObject {
        let answer = self.request().send().await.and_then(reqwest::Response::error_for_status);
        answer.expect("an answer").json().await.expect("a partner client")
    }

    pub async fn associate_dated(&self) -> BarePair {
        let (base_url, partner_client, to_type, to_id) = (&self.base_url, "512", "companies", "9001");
        let url =
            format!("{base_url}/crm/objects/2026-09/partner_clients/{partner_client}/associations/{to_type}/{to_id}");
        let types = [BareType { association_category: "USER_DEFINED", association_type_id: 37 }];
        let answer = self.http.put(url).bearer_auth(TOKEN).json(&types).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        answer.expect("an answer").json().await.expect("the labels")
    }

    pub async fn list(&self) -> BarePage {
        let url = format!("{}/crm/v3/objects/partner_clients", self.base_url);
        let request = self.http.get(url).query(&[("limit", 100)]).bearer_auth(TOKEN);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        answer.expect("an answer").json().await.expect("a page")
    }
}
