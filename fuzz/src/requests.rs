//! Whatever a user gives: it arrives as it is, or nothing is sent and the error says why.

use chrono::DateTime;
use hubspot_partner_clients::{Client, Error, Filter, FilterOn, filter, oauth::OAuthApp};
use serde_json::{Value, json};

use super::{
    PLAIN,
    check::{check_error, decoded, holds_secret},
    http,
    server::Server,
    typed_filter,
};

/// A property's name and its value, in lines.
pub fn requests(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // A user's own values may show.
    if holds_secret(&text) {
        return;
    }
    let (name, value) = text.split_once('\n').unwrap_or((&text, ""));
    PLAIN.with(|(server, client)| {
        let sends = Sends { server, client };
        sends.update(name, value);
        sends.search(name, value);
        sends.filters(name, value);
        sends.typed(&text);
        sends.selection(name, value);
        sends.cursors(value);
    });
    if let Err(error) = Client::builder().access_token(name).base_url(value).build() {
        assert!(error.is_invalid_input(), "{error}");
        check_error(&error);
    }
    authorization(name, value);
}

/// All answers are refusals, so that no call has a result.
struct Sends<'a> {
    server: &'a Server,
    client: &'a Client,
}

impl Sends<'_> {
    /// The request's target and body, unless its parts are refused.
    fn sent<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Option<(String, Value)> {
        self.server.answer(http(400, "", b"{}"), false);
        let outcome = self.server.run(call);
        let requests = self.server.exchange.requests.borrow();
        let Err(error) = outcome else {
            // A sorted search that goes on behind its end.
            assert!(requests.is_empty(), "400 is no success");
            return None;
        };
        check_error(&error);
        assert_eq!(requests.is_empty(), error.is_invalid_input(), "{error}");
        let request = requests.first()?;
        let target = request.target().to_owned();
        Some((target, serde_json::from_slice(&request.body).unwrap_or_default()))
    }

    fn update(&self, name: &str, value: &str) {
        let update = self.client.update(512).set(name, value).clear("other").id_property(name);
        let Some((target, body)) = self.sent(update.header("x-note", value).send()) else { return };
        // The last word for a property counts.
        let value = if name == "other" { "" } else { value };
        assert_eq!(body, json!({"properties": {name: value, "other": ""}}));
        assert_eq!(query(&target), [("idProperty".to_owned(), name.to_owned())]);
    }

    fn search(&self, name: &str, value: &str) {
        let search =
            self.client.search().query(value).sort_descending(name).properties([name]).after(value).page_size(7);
        let Some((_, body)) = self.sent(search.send()) else { return };
        let sort = json!({"propertyName": name, "direction": "DESCENDING"});
        let expected =
            json!({"query": value, "sorts": [sort], "properties": [name.trim()], "after": value, "limit": 7});
        expected.as_object().unwrap().iter().for_each(|(field, expected)| assert_eq!(&body[field], expected));
    }

    fn filters(&self, name: &str, value: &str) {
        type Make<'a> = &'a dyn Fn(FilterOn) -> Filter;
        let made: [(&str, Value, Make<'_>); 13] = [
            ("EQ", json!({"value": value}), &|on| on.eq(value)),
            ("NEQ", json!({"value": value}), &|on| on.neq(value)),
            ("LT", json!({"value": value}), &|on| on.lt(value)),
            ("LTE", json!({"value": value}), &|on| on.lte(value)),
            ("GT", json!({"value": value}), &|on| on.gt(value)),
            ("GTE", json!({"value": value}), &|on| on.gte(value)),
            ("BETWEEN", json!({"value": value, "highValue": name}), &|on| on.between(value, name)),
            ("IN", json!({"values": [value, name]}), &|on| on.is_in([value, name])),
            ("NOT_IN", json!({"values": [value]}), &|on| on.not_in([value])),
            ("HAS_PROPERTY", json!({}), &FilterOn::has_property),
            ("NOT_HAS_PROPERTY", json!({}), &FilterOn::not_has_property),
            ("CONTAINS_TOKEN", json!({"value": value}), &|on| on.contains_token(value)),
            ("NOT_CONTAINS_TOKEN", json!({"value": value}), &|on| on.not_contains_token(value)),
        ];
        // As many to a search as HubSpot takes.
        for some in made.chunks(5) {
            let search = some.iter().fold(self.client.search(), |search, (_, _, make)| search.or(make(filter(name))));
            let Some((_, body)) = self.sent(search.send()) else { continue };
            let groups = some.iter().map(|(operator, operands, _)| {
                let mut filter = operands.clone();
                filter["propertyName"] = json!(name);
                filter["operator"] = json!(operator);
                json!({"filters": [filter]})
            });
            assert_eq!(body["filterGroups"], Value::from_iter(groups));
        }
    }

    /// A filter of the command line: what it means is what was typed, but for spaces.
    fn typed(&self, text: &str) {
        let Ok(filter) = typed_filter::parse(text) else { return };
        let Some((_, body)) = self.sent(self.client.search().filter(filter).send()) else { return };
        let filter = &body["filterGroups"][0]["filters"][0];
        let operator = match filter["operator"].as_str().unwrap() {
            "EQ" => "=",
            "NEQ" => "!=",
            "LT" => "<",
            "LTE" => "<=",
            "GT" => ">",
            "GTE" => ">=",
            "CONTAINS_TOKEN" => "~",
            other => panic!("{other}"),
        };
        let (name, value) = (filter["propertyName"].as_str().unwrap(), filter["value"].as_str().unwrap());
        let rest = text.trim().strip_prefix(name).unwrap().trim_start();
        assert_eq!(rest.strip_prefix(operator).unwrap().trim(), value);
    }

    fn selection(&self, name: &str, value: &str) {
        let get = self.client.get(512).properties([name]).properties_with_history([value]).associations([name]);
        if let Some((target, _)) = self.sent(get.id_property(value).send()) {
            // Names in a list may have spaces around them.
            let expected = [("associations", name.trim()), ("idProperty", value), ("properties", name.trim())];
            let history = ("propertiesWithHistory", value.trim());
            let expected =
                expected.into_iter().chain([history]).map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(query(&target), expected.collect::<Vec<_>>());
        }
        let read = self.client.batch_read([1]).properties([name]).properties_with_history([value]).id_property(name);
        let first = async { read.send().await.remove(0) };
        if let Some((_, body)) = self.sent(first) {
            assert_eq!((&body["propertiesWithHistory"], &body["idProperty"]), (&json!([value.trim()]), &json!(name)));
            assert!(body["properties"].as_array().unwrap().contains(&json!(name.trim())));
        }
    }

    fn cursors(&self, cursor: &str) {
        let sent = self.sent(self.client.list().after(cursor).send());
        if let Some((target, _)) = sent {
            let after = query(&target).into_iter().find(|(name, _)| name == "after").unwrap();
            assert_eq!(after.1, cursor);
        }
        use futures_util::TryStreamExt;
        for pages in [
            self.client.changed_since(DateTime::UNIX_EPOCH).after(cursor).pages(),
            self.client.search().after(cursor).pages(),
            self.client.search().sort_ascending("a").limit(10_000).after(cursor).pages(),
        ] {
            self.sent(pages.try_collect::<Vec<_>>());
        }
    }
}

/// The parameters of a target, in the order of their names.
fn query(target: &str) -> Vec<(String, String)> {
    let (_, query) = target.split_once('?').unwrap_or_default();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), decoded(&value.replace('+', "%20")))).collect();
    pairs.sort();
    pairs
}

/// The page to send a user to holds what was given, and not the code verifier.
fn authorization(name: &str, value: &str) {
    thread_local! {
        // Making one takes long. Where its tokens come from does not matter, but that needs no TLS, which `cargo fuzz` has not.
        static APP: OAuthApp = OAuthApp::builder("id&=", "secret").base_url("http://127.0.0.1:9").build().unwrap();
    }
    let authorize =
        |redirect_uri: &str| APP.with(|app| app.authorize(redirect_uri).scopes([name]).optional_scopes([value, name]));
    for redirect_uri in [value, "https://app.example/connected?a=b&c#d"] {
        let authorization = match authorize(redirect_uri).build() {
            Ok(authorization) => authorization,
            Err(error) => {
                assert!(error.is_invalid_input() && redirect_uri == value, "{error}");
                check_error(&error);
                continue;
            }
        };
        let url = authorization.url();
        assert!(url.starts_with("https://app.hubspot.com/oauth/authorize?"), "{url}");
        assert!(!url.contains(authorization.code_verifier()), "{url}");
        let sent = query(url);
        for (parameter, expected) in [
            ("client_id", "id&="),
            ("redirect_uri", redirect_uri),
            ("scope", name),
            ("optional_scope", &format!("{value} {name}")),
            ("state", authorization.state()),
        ] {
            let of_name: Vec<_> = sent.iter().filter(|(name, _)| name == parameter).collect();
            assert_eq!(of_name, [&(parameter.to_owned(), expected.to_owned())], "{url}");
        }
    }
}
