//! No id can reach another path.

mod support;

use std::sync::LazyLock;

use hubspot_partner_clients::{
    AssociationType, Client, Error, ObjectId, ObjectType, PartnerClientId, simulator::Simulator,
};
use proptest::prelude::*;
use support::client_of;

/// Values that URL parsers are known to take apart, among arbitrary ones.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        ".", "..", "/", "\\", "%2e", "%2F", "%", "?", "#", ";", ":", "@", "&", "=", "+", " ", "\t", "\n", "\0", "{",
        "}", "|", "^", "`", "\"", "<", ">", "[", "]", "~", "ü", "。", "．", "💥", "512", "a", "http://", "//",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat()), any::<String>(), "[0-9]{1,12}",]
}

struct Server {
    runtime: tokio::runtime::Runtime,
    simulator: Simulator,
    client: Client,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let simulator = runtime.block_on(Simulator::start()).unwrap();
    let client = client_of(&simulator);
    Server { runtime, simulator, client }
});

fn decode(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_server_receives_exactly_the_segments_given(ids in [hostile(), hostile(), hostile(), hostile()]) {
        let Server { runtime, simulator, client } = &*SERVER;
        let [partner_client, to_type, to_id, association_type] = &ids;
        simulator.clear_requests();
        let outcome = runtime.block_on(
            client.associate(partner_client).with(to_type, to_id).as_type(association_type).send(),
        );
        let acceptable = PartnerClientId::new(partner_client).is_ok()
            && ObjectType::new(to_type).is_ok()
            && ObjectId::new(to_id).is_ok()
            && AssociationType::new(association_type).is_ok();
        let requests = simulator.requests();
        if !acceptable {
            prop_assert!(outcome.unwrap_err().is_invalid_input());
            prop_assert!(requests.is_empty(), "something was sent: {:?}", requests);
            return Ok(());
        }
        prop_assert_eq!(requests.len(), 1, "{:?}", outcome);
        prop_assert_eq!(requests[0].query(), None);
        let segments: Vec<_> = requests[0].path().split('/').map(decode).collect();
        let expected = ["", "crm", "v3", "objects", "partner_clients", partner_client, "associations", to_type, to_id, association_type];
        prop_assert_eq!(segments, expected);
    }
}

fn refused<T>(value: Result<T, Error>, field: &str, reason: &str) {
    let error = value.err().unwrap();
    assert!(error.is_invalid_input());
    assert!(error.message().starts_with(field), "{error}");
    assert!(error.message().contains(reason), "{error}");
}

#[test]
fn what_is_refused_and_why() {
    for value in ["", ".", "..", "a\\b", "512\n", "a\u{0}b", "a\u{85}b", &"9".repeat(257)] {
        assert!(PartnerClientId::new(value).is_err(), "{value:?}");
        assert!(ObjectType::new(value).is_err(), "{value:?}");
        assert!(ObjectId::new(value).is_err(), "{value:?}");
        assert!(AssociationType::new(value).is_err(), "{value:?}");
    }
    refused(PartnerClientId::new(""), "partner client id", "is empty");
    refused(ObjectId::new(".."), "object id \"..\"", "path step");
    refused(AssociationType::new("a\\b"), "association type \"a\\\\b\"", "backslash");
    refused(PartnerClientId::new("512\n"), "partner client id \"512\\n\"", "control character");
    refused(ObjectType::new("x".repeat(257)), "object type", "longer than 256 bytes");
    refused(ObjectType::new("9001"), "object type \"9001\"", "looks like an object id");
    refused(PartnerClientId::try_from(-1), "partner client id \"-1\"", "is negative");
}

#[test]
fn what_is_accepted_stays_as_it_is() {
    for value in ["512", "...", ".a", "a b", "%2e%2e", "a/b", "?", "ü", &"9".repeat(256)] {
        assert_eq!(PartnerClientId::new(value).unwrap().as_str(), value);
        assert_eq!(ObjectId::try_from(value.to_owned()).unwrap().to_string(), value);
    }
    for value in ["companies", "company", "0-2", "2-1234567"] {
        assert_eq!(ObjectType::new(value).unwrap().as_str(), value);
    }
    assert_eq!(ObjectId::from(9001_u64), "9001".parse().unwrap());
    assert_eq!(AssociationType::try_from(202).unwrap().as_str(), "202");
}

#[test]
fn ids_are_plain_strings_in_json() {
    let id: ObjectId = serde_json::from_str("9007199254740993").unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"9007199254740993\"");
    assert!(serde_json::from_str::<ObjectId>("\"..\"").is_err());
    assert!(serde_json::from_str::<ObjectId>("1.5").is_err());
}
