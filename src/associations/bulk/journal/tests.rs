use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{generated::types, transport::call_meta::CallMeta};

const SERVER: &str = "https://api.hubapi.com";
const INPUT: &str = "contacts \"March\"\nof acme";

struct Place {
    path: PathBuf,
    _directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        Self { path: directory.path().join("run.journal"), _directory: directory }
    }

    fn open(&self) -> Result<Journal> {
        Journal::open(&self.path, INPUT)
    }

    fn begin(&self) -> Journal {
        let mut journal = self.open().unwrap();
        journal.begin("associate", SERVER, ApiVersion::V3).unwrap();
        journal
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }

    fn write(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).unwrap();
    }

    /// A journal of inputs 0 to `count`, every third of which failed.
    fn filled(count: u64) -> Self {
        let place = Self::new();
        let mut journal = place.begin();
        record(&mut journal, 0..count);
        place
    }

    fn refusal(&self) -> String {
        let before = fs::read(&self.path).ok();
        let error = self.open().unwrap_err();
        assert!(error.is_journal() && !error.is_retryable() && !error.is_invalid_input(), "{error}");
        assert!(error.to_string().contains(&self.path.display().to_string()), "{error}");
        assert_eq!(fs::read(&self.path).ok(), before, "nothing is overwritten");
        error.to_string()
    }
}

fn digest(index: u64) -> u64 {
    index.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn refused(index: u64) -> Error {
    let body = json!({"message": format!("no\nobject {index}"), "category": "VALIDATION_ERROR", "correlationId": "x"});
    Error::response(400, &body.to_string())
}

fn record(journal: &mut Journal, indices: impl IntoIterator<Item = u64>) {
    for index in indices {
        let result = if index % 3 == 2 { Err(refused(index)) } else { Ok(()) };
        journal.record(index, digest(index), &result);
    }
    journal.flush().unwrap();
}

/// Whether the input is recorded, and as `record` did it.
fn is_recorded(journal: &Journal, index: u64) -> bool {
    match journal.find(index, || digest(index)).unwrap() {
        None => return false,
        Some(Recorded::Made) => assert_ne!(index % 3, 2),
        Some(Recorded::Failed(error)) => {
            assert_eq!(index % 3, 2);
            assert_eq!(error.to_string(), refused(index).to_string());
        }
    }
    true
}

#[test]
fn a_new_journal_knows_nothing() {
    let place = Place::new();
    let journal = place.begin();
    assert_eq!(journal.recorded(), 0);
    assert!(journal.find(0, || 0).unwrap().is_none());
    assert!(journal.find(u64::MAX, || 0).unwrap().is_none());
}

#[test]
fn what_is_recorded_is_known_after_opening_again() {
    let place = Place::new();
    let mut journal = place.begin();
    // Requests end in any order.
    record(&mut journal, [4, 0, 2]);
    record(&mut journal, [9, 5]);
    for _ in 0..2 {
        drop(journal);
        journal = place.begin();
        let known: Vec<u64> = (0..12).filter(|index| is_recorded(&journal, *index)).collect();
        assert_eq!(known, [0, 2, 4, 5, 9]);
        assert_eq!(journal.recorded(), 5);
    }
}

#[test]
fn an_input_recorded_twice_counts_once_and_as_the_last_says() {
    let place = Place::filled(4);
    let mut journal = place.begin();
    journal.record(1, digest(1), &Err(refused(1)));
    journal.record(2, digest(2), &Ok(()));
    journal.flush().unwrap();
    drop(journal);
    let journal = place.begin();
    assert_eq!(journal.recorded(), 4);
    assert!(matches!(journal.find(1, || digest(1)), Ok(Some(Recorded::Failed(_)))));
    assert!(matches!(journal.find(2, || digest(2)), Ok(Some(Recorded::Made))));
}

#[test]
fn every_digest_is_told_from_none_and_from_another() {
    let place = Place::new();
    let mut journal = place.begin();
    let digests = [0, 1 << 63, u64::MAX];
    for (index, digest) in (0..).zip(digests) {
        journal.record(index, digest, &Ok(()));
    }
    journal.flush().unwrap();
    drop(journal);
    let journal = place.begin();
    for (index, digest) in (0..).zip(digests) {
        assert!(matches!(journal.find(index, || digest), Ok(Some(Recorded::Made))));
        assert!(journal.find(index, || digest ^ (1 << 40)).is_err());
    }
}

#[test]
fn what_a_run_records_takes_no_memory() {
    let place = Place::new();
    let mut journal = place.begin();
    for batch in 0..100 {
        record(&mut journal, batch * 1_000..(batch + 1) * 1_000);
    }
    assert_eq!(journal.index.slots.capacity(), 0);
    assert!(journal.buffer.capacity() < 1 << 20, "{}", journal.buffer.capacity());
}

/// A crash at any byte.
#[test]
fn a_journal_cut_at_any_byte_goes_on_from_its_whole_lines() {
    const COUNT: u64 = 8;
    let whole = Place::filled(COUNT).bytes();
    let ends: Vec<usize> = (1..=whole.len()).filter(|&end| whole[end - 1] == b'\n').collect();
    assert_eq!(ends.len() as u64, COUNT + 1);

    let place = Place::new();
    for cut in 0..=whole.len() {
        place.write(&whole[..cut]);
        let left = (ends.iter().filter(|&&end| end <= cut).count() as u64).saturating_sub(1);

        let mut journal = place.open().unwrap();
        assert_eq!(journal.recorded(), left, "cut at {cut}");
        assert_eq!(place.bytes(), whole[..cut], "opening changes nothing");
        journal.begin("associate", SERVER, ApiVersion::V3).unwrap();
        for index in 0..COUNT {
            assert_eq!(is_recorded(&journal, index), index < left, "{index}, cut at {cut}");
        }
        record(&mut journal, left..COUNT);
        drop(journal);
        assert_eq!(place.bytes(), whole, "cut at {cut}");

        let journal = place.begin();
        assert_eq!(journal.recorded(), COUNT);
        assert!((0..COUNT).all(|index| is_recorded(&journal, index)));
    }
}

#[test]
fn a_damaged_byte_is_never_taken_for_something_else() {
    const COUNT: u64 = 4;
    let whole = Place::filled(COUNT).bytes();
    let last = 1 + whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap();
    let place = Place::new();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            place.write(&bytes);
            match place.open() {
                Ok(journal) => {
                    let known = (0..COUNT).filter(|index| is_recorded(&journal, *index)).count() as u64;
                    assert_eq!(known, journal.recorded());
                    // The other case of a digit of the sum changes nothing; without its line end, a line takes in the last.
                    let expected = if at == last - 1 { COUNT - 2 } else { COUNT - 1 };
                    let harmless = whole[at].is_ascii_hexdigit() && known == COUNT;
                    assert!(harmless || (at >= last - 1 && known == expected), "byte {at}, bit {bit}: {known}");
                }
                Err(error) => {
                    assert!(error.is_journal() && (at < last || bytes[at] == b'\n'), "byte {at}, bit {bit}: {error}");
                }
            }
        }
    }
}

#[test]
fn a_damaged_line_in_the_middle_is_named() {
    let place = Place::filled(6);
    let text = String::from_utf8(place.bytes()).unwrap();
    place.write(text.replacen("\n3 ", "\n7 ", 1).as_bytes());
    let refusal = place.refusal();
    assert!(refusal.contains("is damaged in line 5: ") && refusal.contains("sent again"), "{refusal}");

    // As the message says.
    let without: Vec<&str> = text.split_inclusive('\n').filter(|line| !line.starts_with("3 ")).collect();
    place.write(without.concat().as_bytes());
    let journal = place.begin();
    assert_eq!(journal.recorded(), 5);
    assert!(!is_recorded(&journal, 3) && is_recorded(&journal, 5));
}

#[test]
fn a_damaged_first_line_is_an_error_unless_nothing_follows() {
    let place = Place::filled(1);
    let text = String::from_utf8(place.bytes()).unwrap().replacen("March", "Maerz", 1);
    place.write(text.as_bytes());
    assert!(place.refusal().contains("is damaged in line 1: "));
    place.write(text.split_inclusive('\n').next().unwrap().as_bytes());
    record(&mut place.begin(), 0..1);
    assert_eq!(place.open().unwrap().recorded(), 1);
}

/// What a power failure leaves where the length of a file reaches the disk before its content.
#[test]
fn zeros_at_the_end_are_cut_off() {
    let place = Place::filled(3);
    let whole = place.bytes();
    place.write(&[whole.as_slice(), &[0; 5000]].concat());
    record(&mut place.begin(), []);
    assert_eq!(place.bytes(), whole);
}

#[test]
fn an_index_past_all_memory_is_an_error() {
    let place = Place::new();
    let mut journal = place.begin();
    record(&mut journal, 0..1);
    let good = place.bytes();
    drop(journal);
    for index in [u64::MAX, u64::MAX / 8] {
        let mut bytes = good.clone();
        Line { index, digest: 0, outcome: Outcome::Made }.write(&mut bytes);
        place.write(&bytes);
        let refusal = place.refusal();
        assert!(refusal.contains("has no memory left for input") && refusal.contains("another path"), "{refusal}");
    }
}

#[test]
fn another_input_at_an_index_is_refused() {
    let place = Place::filled(3);
    let journal = place.begin();
    for index in [0, 2] {
        let error = journal.find(index, || digest(index) ^ (1 << 40)).unwrap_err();
        assert!(error.is_journal());
        let told = format!("the journal {} belongs to another input: input {index} ", place.path.display());
        assert!(error.to_string().starts_with(&told), "{error}");
    }
}

#[test]
fn a_journal_of_another_run_is_refused() {
    let place = Place::filled(3);
    let error = Journal::open(&place.path, "another").unwrap_err();
    assert!(error.is_journal());
    assert!(error.message().contains(r#"belongs to another input: "contacts \"March\"\nof acme", not "another": "#));

    let before = place.bytes();
    let mut journal = place.open().unwrap();
    let error = journal.begin("dissociate", SERVER, ApiVersion::V3).unwrap_err();
    assert!(error.is_journal());
    assert!(error.message().contains("belongs to a run to associate, not to dissociate: give another"), "{error}");
    drop(journal);
    assert_eq!(place.bytes(), before);
}

#[test]
fn a_journal_of_another_version_of_the_api_is_refused() {
    let place = Place::filled(3);
    let before = place.bytes();
    let mut journal = place.open().unwrap();
    let error = journal.begin("associate", SERVER, ApiVersion::V2026_09).unwrap_err();
    assert!(error.is_journal());
    assert!(error.message().contains("belongs to a run on API version v3, not on 2026-09: give another"), "{error}");
    drop(journal);
    assert_eq!(place.bytes(), before);
}

#[test]
fn a_journal_of_an_earlier_format_is_refused() {
    for version in ["1", "2"] {
        let place = Place::filled(3);
        let text = String::from_utf8(place.bytes()).unwrap();
        let (header, lines) = text.split_once('\n').unwrap();
        let header =
            header.rsplit_once(' ').unwrap().0.replacen(&format!("{NAME}{VERSION} "), &format!("{NAME}{version} "), 1);
        let mut line = header.into_bytes();
        seal(&mut line, 0);
        place.write(&[&line, lines.as_bytes()].concat());
        let refusal = place.refusal();
        assert!(refusal.contains(&format!("has format {version:?}")) && refusal.contains("another path"), "{refusal}");
    }
}

#[test]
fn a_newer_format_is_refused() {
    for rest in ["4 anything\n", "12 ", "4 {}\nline\n"] {
        let place = Place::new();
        place.write(format!("{NAME}{rest}").as_bytes());
        assert!(place.refusal().contains("or continue with the version that wrote it"));
    }
}

#[test]
fn a_second_run_on_the_same_journal_is_refused() {
    let place = Place::filled(3);
    let journal = place.begin();
    assert!(place.refusal().contains("is in use: wait until the run"));
    drop(journal);
    place.open().unwrap();
}

/// As a process that is being started has it for a moment.
#[test]
fn a_dropped_journal_is_not_in_use_though_its_file_is_open_elsewhere() {
    let place = Place::filled(3);
    let journal = place.begin();
    let elsewhere = journal.file.try_clone().unwrap();
    drop(journal);
    assert_eq!(place.open().unwrap().recorded(), 3);
    drop(elsewhere);
}

#[test]
fn what_could_not_be_written_is_written_by_the_next_flush() {
    let place = Place::filled(3);
    let whole = place.bytes();
    let mut journal = place.begin();
    journal.record(3, digest(3), &Ok(()));
    journal.record(5, digest(5), &Err(refused(5)));
    let writable = std::mem::replace(&mut journal.file, File::open(&place.path).unwrap());
    let error = journal.flush().unwrap_err();
    assert!(error.is_journal() && error.to_string().contains("cannot be written"), "{error}");
    assert!(std::error::Error::source(&error).is_some());

    // A full disk takes the beginning.
    place.write(&[whole.as_slice(), b"3 9e"].concat());
    journal.file = writable;
    journal.flush().unwrap();
    drop(journal);
    let journal = place.begin();
    assert!((0..6).all(|index| index == 4 || is_recorded(&journal, index)));
    assert_eq!(journal.recorded(), 5);
}

/// The headers of a response of HubSpot's.
fn signed() -> reqwest::header::HeaderMap {
    let headers =
        [("x-hubspot-correlation-id", "b00c")].map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    reqwest::header::HeaderMap::from_iter(headers)
}

fn meta() -> CallMeta {
    CallMeta { attempts: 2, status: Some(207), correlation_id: Some("b00c".into()), ..CallMeta::default() }
}

fn replayed(error: &Error) -> Option<Error> {
    let place = Place::new();
    place.begin();
    let mut journal = place.begin();
    journal.record(0, 7, &Err(error.clone()));
    journal.flush().unwrap();
    drop(journal);
    match place.begin().find(0, || 7).unwrap()? {
        Recorded::Failed(replayed) => Some(replayed),
        Recorded::Made => panic!("{error}"),
    }
}

#[test]
fn a_failure_that_lasts_is_replayed_as_it_was() {
    let id = "c033cdaa-2c40-4a64-ae48-b4cec88dad24";
    let body = json!({
        "status": "error", "message": "One or more \"associations\"\nare invalid", "category": "VALIDATION_ERROR",
        "correlationId": id, "context": {"INVALID_OBJECT_IDS": ["CONTACT=1 is not valid"]},
        "errors": [{"message": "bad", "code": "C", "in": "to", "subCategory": "s", "context": {"id": ["1"]}}],
    })
    .to_string();
    let in_batch: types::StandardError = serde_json::from_value(json!({
        "status": "error", "message": "no contact 7", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["7"]},
    }))
    .unwrap();
    let signed = signed();
    let named = [("x-hubspot-notfound".parse().unwrap(), "true".parse().unwrap())];
    let named = reqwest::header::HeaderMap::from_iter(named);
    let exists = r#"{"message":"m","category":"OBJECT_ALREADY_EXISTS"}"#;
    let errors = [
        Error::response(400, &body).in_call("associate", &meta(), true),
        Error::response(404, &body).in_call("batch_dissociate", &meta(), true),
        Error::response(409, exists).in_call("associate", &meta(), true),
        Error::response(422, "").signed_by(&signed).in_call("associate", &meta(), true),
        Error::response(404, "<html>").signed_by(&named).in_call("associate", &CallMeta::default(), true),
        Error::in_batch(&in_batch).in_call("batch_associate", &meta(), false),
        Error::response(
            400,
            &json!({"message": "Unable to infer object type from: x", "correlationId": id}).to_string(),
        )
        .in_call("association_labels", &meta(), true),
    ];
    for error in errors {
        let replayed = replayed(&error).unwrap();
        assert_eq!(replayed.to_string(), error.to_string());
        assert_eq!(replayed.message(), error.message());
        assert_eq!(replayed.operation(), error.operation());
        assert_eq!(replayed.status(), error.status());
        assert_eq!(replayed.last_status(), error.last_status());
        assert_eq!(replayed.attempts(), error.attempts());
        assert_eq!(replayed.category(), error.category());
        assert_eq!(replayed.correlation_id(), error.correlation_id());
        assert_eq!(format!("{:?}", replayed.details()), format!("{:?}", error.details()));
        assert_eq!(replayed.context(), error.context());
        assert_eq!(replayed.required_scopes(), error.required_scopes());
        assert_eq!(replayed.remedy(), error.remedy());
        assert_eq!(replayed.type_name(), error.type_name());
        assert_eq!(replayed.is_not_found(), error.is_not_found());
        assert_eq!(replayed.is_retryable(), error.is_retryable());
        assert_eq!(replayed.was_not_carried_out(), error.was_not_carried_out());
    }
}

#[test]
fn a_failure_that_may_not_last_is_tried_again() {
    let signed = signed();
    let scopes = r#"{"message":"m","category":"MISSING_SCOPES"}"#;
    let said = |message: &str| {
        json!({"status": "error", "message": message, "category": "VALIDATION_ERROR", "correlationId": "c"}).to_string()
    };
    let refusal = said("bad");
    let in_batch = |category: &str| {
        let error = json!({"category": category, "message": "m"});
        Error::in_batch(&serde_json::from_value(error).unwrap())
    };
    let mut errors = vec![
        Error::invalid_input("partner client id", Some(""), "is empty", "give one"),
        Error::token("none".into()),
        Error::limiter("none".into(), crate::spec::RateBucket::General, Duration::ZERO),
        Error::call_timeout(Duration::from_secs(1)),
        Error::interrupted(),
        Error::undecodable("trouble", "body"),
        Error::no_outcome(),
        Error::response(429, r#"{"message":"m","policyName":"DAILY"}"#),
        Error::response(403, scopes),
        in_batch("MISSING_SCOPES"),
        in_batch("RATE_LIMITS"),
        in_batch("INTERNAL_ERROR"),
        // A read's, before anything was sent.
        Error::response(400, &refusal).in_call("list_associations_with_labels", &meta(), true),
        in_batch("VALIDATION_ERROR").in_call("batch_read_associations_with_labels", &meta(), false),
        // What is not about the input.
        Error::response(400, &said("Missing 'Edit Associations' permission.")),
        Error::response(404, &said("No route for POST /crm/associations/2027-03/a/b/batch/create")),
        // What was changed meanwhile, and what broke off before it said why.
        Error::response(409, r#"{"message":"m","category":"CONFLICT"}"#),
        in_batch("CONFLICT"),
        Error::response(400, "").signed_by(&signed).without_reason(Some(Error::interrupted())),
        // A gateway's.
        Error::response(400, "<html>"),
        Error::response(404, r#"{"detail":"no such page"}"#),
        Error::response(409, r#"{"status":"error","message":"m"}"#),
        Error::response(422, ""),
    ];
    errors.extend([301, 401, 403, 407, 408, 423, 429, 477, 500, 501, 503].map(|status| Error::response(status, "")));
    for error in errors {
        assert!(replayed(&error).is_none(), "{error}");
    }
}

#[test]
fn a_million_inputs_take_eight_bytes_each() {
    let mut known = Index::default();
    for index in 0..1_000_000 {
        known.insert(index, What::Made(digest(index))).unwrap();
    }
    assert!(known.slots.capacity() * size_of::<u64>() < 9_000_000);
}
