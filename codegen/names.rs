//! Names of operations, derived from method and path alone: another name of a parameter makes no other name. And names that
//! would be one in Rust, or that of a type which is there anyway.

use std::collections::BTreeSet;

use super::segments::{is_version, parameter, segments};

/// The hand-written types of `src/ids.rs` that stand in for generated ones.
pub const ID_TYPES: [&str; 5] = ["PartnerClientId", "ObjectType", "ObjectId", "AssociationType", "PathSegment"];

/// The names of an operation that is not known, the shortest first: of what stands after the version in the path, with what
/// stands before it, and with the version; each with an `id` for the parameters at the end, and then for all.
pub fn of(method: &str, path: &str) -> Vec<String> {
    let all: Vec<&str> = segments(path).collect();
    let (family, rest) = match all.iter().position(|segment| is_version(segment)) {
        Some(at) => (&all[..at], &all[at + 1..]),
        None => (&all[..0], all.as_slice()),
    };
    let tells = |segments: &[&str]| segments.iter().any(|segment| parameter(segment).is_none());
    let short = match (rest, family) {
        // The family of CRM objects has its name before the version in dated paths, and after it in v3.
        (["objects", others @ ..], _) if tells(others) => others.to_vec(),
        (rest, [.., last]) if !tells(rest) => std::iter::once(last).chain(rest).copied().collect(),
        _ => rest.to_vec(),
    };
    let with_family: Vec<&str> = family.iter().chain(rest).copied().collect();
    let of = |segments: &Vec<&str>| [false, true].map(|every| join(method, segments, every));
    [short, with_family, all].iter().flat_map(of).collect()
}

fn join(method: &str, segments: &[&str], every_parameter: bool) -> String {
    let end = segments.iter().rposition(|segment| parameter(segment).is_none()).map_or(0, |last| last + 1);
    let mut words = Vec::new();
    for (i, segment) in segments.iter().enumerate() {
        match (parameter(segment), segments.len() - end) {
            (None, _) => {
                let word = snake(segment);
                // `marketing/v3/marketing-events`
                let repeats = |last: &mut String| {
                    word.strip_prefix(last.as_str()).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
                };
                words.pop_if(repeats);
                words.push(word);
            }
            (Some(_), _) if every_parameter => words.push("by_id".to_owned()),
            (Some(_), 1) if i == end => words.push("by_id".to_owned()),
            (Some(_), _) if i == end => words.push("by_ids".to_owned()),
            (Some(_), _) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    // A method alone is one of the client's own.
    let path = if words.is_empty() { "root".to_owned() } else { words.join("_") };
    format!("{}_{path}", method.to_lowercase())
}

/// Words of a segment. Names that differ in other characters alone are one in Rust.
pub fn snake(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_uppercase() && out.ends_with(|last: char| last.is_ascii_lowercase()) {
            out.push('_');
        }
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    out.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// Another name than one that is taken, or none if it is free.
pub fn unlike(name: &str, taken: &mut BTreeSet<String>, other: impl Fn(usize) -> String) -> Option<String> {
    if taken.insert(key(name)) {
        return None;
    }
    (2..).map(other).find(|new| taken.insert(key(new)))
}

/// What two names have in common if they are one in Rust.
pub fn key(name: &str) -> String {
    let is_kept = |c: &char| c.is_ascii_alphanumeric() || !c.is_ascii() && c.is_alphabetic();
    let key: String = name.chars().filter(is_kept).flat_map(char::to_lowercase).collect();
    if key.starts_with(char::is_alphabetic) { key } else { format!("x{key}") }
}

/// The component that stands for a hand-written type. No document has one of that name.
pub fn checked(id: &str) -> String {
    format!("Checked{id}")
}

/// What the generated types use themselves: the hand-written types, and the one name of Rust's own that they use as it is.
pub fn names_in_use() -> BTreeSet<String> {
    ID_TYPES.iter().map(|id| key(&checked(id))).chain([key("Default")]).collect()
}
