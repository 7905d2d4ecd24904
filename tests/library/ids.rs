//! No id can reach another path.

use std::{
    borrow::Cow,
    num::NonZero,
    sync::{Arc, LazyLock},
};

use hubspot_partner_clients::{AssociationType, Client, Error, ObjectId, ObjectType, PartnerClientId};
use hubspot_simulator::Simulator;
use proptest::prelude::*;

use crate::support::{client_of, sized};

/// Values that URL parsers are known to take apart, among arbitrary ones.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        ".", "..", "/", "\\", "%2e", "%2F", "%", "?", "#", ";", ":", "@", "&", "=", "+", " ", "\t", "\n", "\0", "{",
        "}", "|", "^", "`", "\"", "<", ">", "[", "]", "~", "ü", "。", "．", "💥", "512", "a", "http://", "//",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat()), any::<String>(), "[0-9]{1,12}",]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![5 => "[0-9]{1,12}", 1 => hostile()]
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
    fn the_server_receives_exactly_the_segments_given(ids in (id(), hostile(), id(), hostile())) {
        let Server { runtime, simulator, client } = &*SERVER;
        let (partner_client, to_type, to_id, association_type) = &ids;
        simulator.clear_requests();
        let outcome = runtime.block_on(
            client.associate(partner_client).with(to_type, to_id).as_type(association_type).send(),
        );
        let requests = simulator.requests();
        let (Ok(partner_client), Ok(to_type), Ok(to_id), Ok(association_type)) = (
            PartnerClientId::new(partner_client),
            ObjectType::new(to_type),
            ObjectId::new(to_id),
            AssociationType::new(association_type),
        ) else {
            prop_assert!(outcome.unwrap_err().is_invalid_input());
            prop_assert!(requests.is_empty(), "something was sent: {:?}", requests);
            return Ok(());
        };
        prop_assert_eq!(requests.len(), 1, "{:?}", outcome);
        prop_assert_eq!(requests[0].query(), None);
        let segments: Vec<_> = requests[0].path().split('/').map(decode).collect();
        let expected = [
            "", "crm", "v3", "objects", "partner_clients", partner_client.as_str(), "associations", to_type.as_str(),
            to_id.as_str(), association_type.as_str(),
        ];
        prop_assert_eq!(segments, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: sized(20_000, 2_000) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_number_with_anything_in_it_is_no_id(number in "[1-9][0-9]{0,14}", place in any::<prop::sample::Index>(), c in any::<char>()) {
        prop_assume!(!c.is_ascii_digit());
        let mut damaged = number;
        damaged.insert(place.index(damaged.len() + 1), c);
        for error in [PartnerClientId::new(&damaged).err(), ObjectId::new(&damaged).err()] {
            prop_assert!(error.is_some_and(|error| error.is_invalid_input()), "{:?}", damaged);
        }
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
    refused(ObjectId::new(".."), "object id \"..\"", "special meaning");
    refused(ObjectId::new("..;x=1"), "object id \"..;x=1\"", "does not consist of digits");
    refused(AssociationType::new("a\\b"), "association type \"a\\\\b\"", "backslash");
    refused(PartnerClientId::new("512\n"), "partner client id \"512\\n\"", "control character");
    refused(ObjectType::new("x".repeat(257)), "object type", "longer than 256 bytes");
    refused(ObjectType::new("9001"), "object type \"9001\"", "looks like an object id");
    refused(PartnerClientId::try_from(-1), "partner client id \"-1\"", "is negative");
}

/// Values as spreadsheets, exports and editors leave them, and what the error has to say they look like.
const DAMAGED: &[(&str, &str)] = &[
    ("1.23457E+11", "scientific notation"),
    ("1,23457E+11", "scientific notation"),
    ("5e3", "scientific notation"),
    ("-1E-05", "scientific notation"),
    ("512.0", "decimal point"),
    ("512.", "decimal point"),
    ("512,00", "decimal point"),
    ("1,234", "digits in groups"),
    ("1.234.567", "digits in groups"),
    ("1 234 567", "digits in groups"),
    ("1'234", "digits in groups"),
    ("1_234", "digits in groups"),
    ("-512", "a sign"),
    ("+512", "a sign"),
    ("−512", "a sign"),
    ("0x1F", "hexadecimal"),
    ("50%", "percentage"),
    ("$512", "amount of money"),
    ("512 €", "amount of money"),
    ("2026-01-15", "a date"),
    ("15/01/2026", "a date"),
    ("1/15/26", "a date"),
    ("15.01.2026", "a date"),
    ("2026-01-15T10:30:00Z", "a date"),
    ("15/01/2026 10:30", "a date"),
    ("Jan-24", "a date"),
    ("02-Jan", "a date"),
    ("1. Feb 2026", "a date"),
    ("'512", "quotation mark"),
    ("\"512\"", "quotation mark"),
    ("“512”", "quotation mark"),
    ("=512", "formula"),
    ("=\"512\"", "formula"),
    (" 512", "white space"),
    ("512 ", "white space"),
    ("512\u{a0}", "white space"),
    ("\u{3000}512", "white space"),
    ("512\u{a0}901", "U+00A0"),
    ("51\u{200b}2", "U+200B"),
    ("\u{feff}512", "U+FEFF"),
    ("512\u{202c}", "U+202C"),
    ("51\u{ad}2", "U+00AD"),
    ("512\u{fe0f}", "U+FE0F"),
    ("51\u{fffd}2", "wrong encoding"),
    ("５１２", "not a digit from 0 to 9"),
    ("٥١٢", "not a digit from 0 to 9"),
    ("51²", "not a digit from 0 to 9"),
    ("#N/A", "error value of a spreadsheet"),
    ("#REF!", "error value of a spreadsheet"),
    ("#WERT!", "error value of a spreadsheet"),
    ("########", "error value of a spreadsheet"),
    ("NULL", "missing value"),
    ("None", "missing value"),
    ("nan", "missing value"),
    ("N/A", "missing value"),
    ("(null)", "missing value"),
    ("undefined", "missing value"),
    ("[object Object]", "missing value"),
    ("-", "missing value"),
    ("—", "missing value"),
    ("?", "missing value"),
    ("...", "missing value"),
    ("(blank)", "missing value"),
    ("<type>", "missing value"),
    ("${type}", "missing value"),
    ("n.a.", "missing value"),
    ("TBD", "missing value"),
    ("-Inf", "missing value"),
    ("WAHR", "truth value"),
    ("1٫5", "decimal point"),
    ("0\u{2011}2", "U+2011, a dash"),
    ("0–2", "U+2013, a dash"),
    ("TRUE", "truth value"),
    ("false", "truth value"),
];

#[test]
fn what_a_spreadsheet_has_damaged_is_refused_with_what_it_looks_like() {
    for (value, looks) in DAMAGED {
        for (error, field) in [
            (PartnerClientId::new(*value).unwrap_err(), "partner client id"),
            (ObjectId::new(*value).unwrap_err(), "object id"),
            (AssociationType::new(*value).unwrap_err(), "association type"),
            (ObjectType::new(*value).unwrap_err(), "object type"),
        ] {
            assert!(error.is_invalid_input() && error.message().starts_with(field), "{value:?}: {error}");
            assert!(error.message().contains(looks), "{value:?}: {error}");
        }
        let json = serde_json::to_string(value).unwrap();
        assert!(serde_json::from_str::<ObjectId>(&json).is_err(), "{value:?}");
    }
}

#[test]
fn a_dash_that_is_not_a_hyphen_is_in_no_object_type() {
    refused(ObjectType::new("partner−client"), "object type", "U+2212, a dash");
    refused(PartnerClientId::new("512–A"), "partner client id", "U+2013, a dash");
}

#[test]
fn a_placeholder_of_a_template_is_no_label_whatever_is_in_it() {
    let templates = [
        ("{", "}"),
        ("{{ ", " }}"),
        ("${", "}"),
        ("$(", ")"),
        ("<", ">"),
        ("<%= ", " %>"),
        ("<?= ", " ?>"),
        ("[{", "}]"),
        ("({ ", " })"),
    ];
    let names = ["label", "row[\"label\"]", "labels[0]", "label(1)", "label (main)", "a{b}c", "(a) or [b]", "<a>"];
    for (open, close) in templates {
        for name in names {
            let placeholder = format!("{open}{name}{close}");
            refused(AssociationType::new(&placeholder), "association type", "missing value");
            for label in [format!("{placeholder} & {placeholder}"), format!("Of {placeholder}")] {
                assert_eq!(AssociationType::new(&label).unwrap().as_str(), label);
            }
        }
    }
    for code in ["<% a > 1 ? b : c %>", "<?= $row->label ?>", "{{label}"] {
        refused(AssociationType::new(code), "association type", "missing value");
    }
}

/// HubSpot takes what people type.
#[test]
fn a_label_may_be_written_in_any_script_and_with_any_mark() {
    let labels = [
        "Owner – EMEA",
        "Owner—EMEA",
        "❤️ Partner",
        "👩‍💻 Developer",
        "#1 contact",
        "(Primary)",
        "Primary (2nd)",
        "\"VIP\" account",
        "Parents’",
        "担当者\u{3000}A",
        "می\u{200c}خواهم",
        "श्र\u{200d}ी",
        "Étage ½",
        "№ ① Kontakt",
        "Preis € 5",
        "Q&A: owner?",
        "50% owner",
        "C#",
        "(EU) Partner [old]",
        "[EU] Partner (main)",
        "[A] or [B]",
        "<A> & (B)",
        "<A> & <B>",
        "{A} {B}",
        "$(EU) (main)",
        "[VIP]",
        "((Primary))",
        "Fan \u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "葛\u{e0100}飾 担当",
        "ᠮᠣᠩ\u{180b}ᠭᠣᠯ",
        "ᠬᠠᠷ\u{180e}ᠠ",
    ];
    for label in labels {
        assert_eq!(AssociationType::new(label).unwrap().as_str(), label);
        let json = serde_json::to_string(label).unwrap();
        assert_eq!(serde_json::from_str::<AssociationType>(&json).unwrap().as_str(), label);
    }
    for (damaged, looks) in [
        (" Partner", "white space"),
        ("Partner\u{a0}", "white space"),
        ("Part\u{fffd}ner", "wrong encoding"),
        ("Part\u{200b}ner", "U+200B"),
        ("Part\u{202e}ner", "U+202E"),
        ("Part\u{ad}ner", "U+00AD"),
        ("Part\nner", "control character"),
        ("#NOM?", "error value of a spreadsheet"),
        ("#DIV/0!", "error value of a spreadsheet"),
        ("#NV", "error value of a spreadsheet"),
        ("=A1", "formula"),
        ("Part\u{180e}ner", "U+180E"),
        ("Part\u{e0061}ner", "U+E0061"),
        ("(NULL)", "missing value"),
        ("[none]", "missing value"),
        ("< Blank >", "missing value"),
        ("((n/a))", "missing value"),
        ("{label}", "missing value"),
        ("{{ label }}", "missing value"),
        ("<label>", "missing value"),
        ("${label}", "missing value"),
        ("$(label)", "missing value"),
        ("1.2E+11", "scientific notation"),
        ("Jan-24", "a date"),
    ] {
        refused(AssociationType::new(damaged), "association type", looks);
    }
    for damaged in ["#N/A", "1.2E+11", "-", "5,5"] {
        let error = AssociationType::new(damaged).unwrap_err();
        assert!(error.message().contains("such as USER_DEFINED:37"), "{error}");
    }
}

#[test]
fn an_id_is_digits_alone() {
    for value in ["abc", "ID512", "512a", "512;513", "0-2", "..;", ";", "a/b", "%35", "?", "ü", "512 Acme", "1O2"] {
        assert!(PartnerClientId::new(value).is_err(), "{value:?}");
        assert!(ObjectId::new(value).is_err(), "{value:?}");
    }
    refused(ObjectId::new("0-2"), "object id", "the id of an object type");
    refused(ObjectId::new("9".repeat(21)), "object id", "larger than any HubSpot id");
    refused(AssociationType::new("9".repeat(21)), "association type", "larger than any HubSpot id");
}

#[test]
fn an_id_has_one_form_and_ids_are_in_the_order_of_their_numbers() {
    for written in ["009001", "9001", "0000000000000000000000000009001"] {
        assert_eq!(ObjectId::new(written).unwrap(), ObjectId::from(9001_u64));
        assert_eq!(PartnerClientId::new(written).unwrap().as_str(), "9001");
        assert_eq!(AssociationType::new(written).unwrap().to_string(), "9001");
        assert_eq!(serde_json::from_value::<ObjectId>(written.into()).unwrap().as_str(), "9001");
    }
    assert_eq!(ObjectId::new("000").unwrap(), ObjectId::from(0_u8));
    assert_eq!(ObjectId::new(u64::MAX.to_string()).unwrap(), ObjectId::from(u64::MAX));
    let mut ids = ["10", "9", "0100", "1"].map(|id| ObjectId::new(id).unwrap());
    ids.sort();
    assert_eq!(ids.map(|id| id.to_string()), ["1", "9", "10", "100"]);
}

/// Whatever a program has its ids in: JSON, databases, maps, iterators over slices.
#[tokio::test]
async fn ids_come_from_any_text_and_any_whole_number() {
    let simulator = Simulator::start().await.unwrap();
    let client = client_of(&simulator);
    let text = String::from("512");
    let number = NonZero::new(512_u64).unwrap();
    let ids: Vec<PartnerClientId> = vec![
        PartnerClientId::try_from("512").unwrap(),
        PartnerClientId::try_from(&"512").unwrap(),
        PartnerClientId::try_from(text.clone()).unwrap(),
        PartnerClientId::try_from(&text).unwrap(),
        PartnerClientId::try_from(Cow::from("512")).unwrap(),
        PartnerClientId::try_from(Box::<str>::from("512")).unwrap(),
        PartnerClientId::try_from(Arc::<str>::from("512")).unwrap(),
        512_u16.into(),
        512_u64.into(),
        (&512_u64).into(),
        number.into(),
        PartnerClientId::try_from(&512).unwrap(),
        PartnerClientId::try_from(512_i64).unwrap(),
        PartnerClientId::try_from(512_u128).unwrap(),
        PartnerClientId::try_from(512_i128).unwrap(),
        PartnerClientId::try_from(NonZero::new(512_i64).unwrap()).unwrap(),
    ];
    assert!(ids.iter().all(|id| id.as_str() == "512"), "{ids:?}");
    assert_eq!(ObjectId::from(ids[0].clone()), ObjectId::from(&ids[0]));

    // Calls take the same.
    for companies in [&["companies"], &["0-2"]] {
        for company in &[9001_u64] {
            for object_type in companies {
                client
                    .associate(number)
                    .with(object_type, company)
                    .as_type(Cow::from("partner_client_to_company"))
                    .await
                    .unwrap();
            }
        }
    }
    let in_slices = ["512"].iter().map(|id| client.get(id)).chain([512_u64].iter().map(|id| client.get(id)));
    for read in in_slices.chain([
        client.get(Cow::from("512")),
        client.get(Box::<str>::from("512")),
        client.get(Arc::<str>::from("512")),
        client.get(512_u128),
        client.get(number),
    ]) {
        assert_eq!(read.await.unwrap().id, "512");
    }
    assert!(client.get(u128::MAX).await.unwrap_err().message().contains("larger than any HubSpot id"));
    refused(ObjectId::try_from(u128::from(u64::MAX) + 1), "object id", "larger than any HubSpot id");
    refused(ObjectId::try_from(&-1), "object id", "is negative");
    refused(ObjectId::try_from(i128::MIN), "object id", "is negative");
}

#[tokio::test]
async fn a_property_s_value_in_place_of_an_id_is_sent_as_it_is() {
    let simulator = Simulator::start().await.unwrap();
    let client = client_of(&simulator);
    for (code, path) in
        [("009001", "009001"), ("1.5E+3", "1.5E%2B3"), ("a b;c", "a%20b%3Bc"), ("-", "-"), ("#1", "%231")]
    {
        let _ = client.get(code).id_property("code").await;
        let _ = client.update(code).set("name", "x").id_property("code").await;
        let end = format!("/{path}");
        assert_eq!(simulator.requests().iter().filter(|request| request.path().ends_with(&end)).count(), 2, "{code}");
        assert_eq!(PartnerClientId::by_property(code).unwrap().as_str(), code);
    }
    assert_eq!(PartnerClientId::by_property("می\u{200c}خواهم").unwrap().as_str(), "می\u{200c}خواهم");
    refused(PartnerClientId::by_property("51\u{200d}2"), "property value", "U+200D");
    refused(PartnerClientId::by_property("A\u{200b}B"), "property value", "U+200B");
}

#[test]
fn what_is_accepted_stays_as_it_is() {
    for value in ["companies", "company", "0-2", "2-1234567", "p123_custom", "line items"] {
        assert_eq!(ObjectType::new(value).unwrap().as_str(), value);
    }
    for value in ["202", "note_to_contact", "Note_To_Contact", "p123_custom_to_company", "a:b", "ü"] {
        assert_eq!(AssociationType::new(value).unwrap().as_str(), value);
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
