//! What stands in a path, against a decoder that knows nothing of URLs.

use super::segment;
use crate::ids::check::{check_association_type, check_id, check_object_type, check_segment, is_number};

const PIECES: [&str; 34] = [
    ".", "..", "/", "\\", "%2e", "%2F", "%", "?", "#", ";", ":", "@", "&", "=", "+", " ", ",", "!", "$", "'", "(", "*",
    "~", "^", "|", "[", "ü", "。", "．", "💥", "x=1", "512", "0", "a",
];

/// Of bytes as they stand on the wire; `None` where something stands there that a server may take for more than itself.
fn decoded(segment: &str) -> Option<Vec<u8>> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => byte,
            b'%' => {
                let hex = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(str::from_utf8(&hex).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(decoded)
}

/// A million values take some seconds without optimization.
#[test]
fn any_value_is_refused_or_arrives_as_the_one_segment_it_is() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut accepted = 0;
    let rounds = if cfg!(feature = "redis") { 1_000_000 } else { 100_000 };
    for round in 0..rounds {
        let value: String = match random.u8(..4) {
            0 => (0..random.usize(..4)).map(|_| random.char(..)).collect(),
            _ => (0..random.usize(1..5)).filter_map(|_| random.choice(PIECES)).collect(),
        };
        let check = [check_segment, check_id, check_object_type, check_association_type][round % 4];
        let Ok(checked) = check("value", &value) else { continue };
        accepted += 1;
        let segment = segment(&checked);
        assert_eq!(decoded(&segment).as_deref(), Some(checked.as_bytes()), "{value:?}");
        assert!(!matches!(&*segment, "" | "." | ".."), "{value:?}");
        assert!(checked == value || is_number(&value), "{value:?} became {checked:?}");
        if round % 16 < 4 {
            let url = reqwest::Url::parse(&format!("http://localhost/a/{segment}/b")).unwrap();
            assert_eq!(url.path(), format!("/a/{segment}/b"), "{value:?}");
        }
    }
    assert!(accepted > rounds / 5, "{accepted}");
}
