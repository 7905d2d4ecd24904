//! The segments of a path, and the versions that they name.

use std::cmp::Ordering;

/// What stands for the version in the path of a dated operation.
pub const VERSION: &str = "{apiVersion}";

/// The dated version that a path names, such as `2026-09` or `2026-09-beta`.
pub fn version_in(path: &str) -> Option<&str> {
    segments(path).find(|segment| is_dated(segment))
}

fn is_dated(segment: &str) -> bool {
    let date = segment.strip_suffix("-beta").unwrap_or(segment);
    let is_number = |text: &str, digits| text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    date.split_once('-').is_some_and(|(year, month)| is_number(year, 4) && is_number(month, 2))
}

/// The first dated version. `src/api_version.rs` has it too.
const FIRST: &str = "2026-03";

/// Whether a client can speak a version that a path names: the date may be none of a version.
pub fn is_spoken(version: &str) -> bool {
    let (date, _) = recency(version);
    date >= FIRST && date.rsplit('-').next().is_some_and(|month| ("01"..="12").contains(&month))
}

/// The order in which versions are asked: v3, which has none in its paths, and then the newest first.
pub fn by_age(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => recency(b).cmp(&recency(a)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Dated versions by date, a beta before what it became. What stands for any version is the newest.
pub fn recency(version: &str) -> (&str, bool) {
    version.strip_suffix("-beta").map_or((version, true), |date| (date, false))
}

/// Whether a segment of a path is a version of HubSpot's API, or stands for one.
pub fn is_version(segment: &str) -> bool {
    let number = segment.strip_prefix('v').unwrap_or_default();
    segment == VERSION || is_dated(segment) || !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

pub fn segments(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

pub fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}
