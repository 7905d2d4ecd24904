//! Checks of the values that go into a path, and the canonical form and order of ids.

use std::cmp::Ordering;

use crate::{error::Error, ids::damage};

/// Longer than any id or name that HubSpot gives out, and far below the URL length that it refuses (8 kB).
const MAX_BYTES: usize = 256;

/// What would not arrive as the one path segment it is. The generated code percent-encodes the rest, but neither dots
/// nor the backslash, which URL parsers take for a slash.
fn check(field: &'static str, value: &str) -> Result<(), Error> {
    let refuse = |reason: String, remedy| Err(Error::invalid_input(field, Some(value), reason, remedy));
    if value.is_empty() {
        refuse("is empty".into(), "use the value that HubSpot shows")
    } else if value == "." || value == ".." {
        refuse("is a path segment with a special meaning".into(), "use the value that HubSpot shows")
    } else if value.bytes().any(|b| b == b'\\') {
        refuse("contains a backslash".into(), "remove it")
    } else if value.bytes().any(|b| b.is_ascii_control()) || !value.is_ascii() && value.chars().any(char::is_control) {
        refuse("contains a control character".into(), "remove it; often it is a line break at the end")
    } else if let Some(hidden) = value.chars().find(|c| damage::is_invisible(*c)) {
        refuse(format!("contains the invisible character U+{:04X}", u32::from(hidden)), "remove it")
    } else if value.len() > MAX_BYTES {
        refuse(format!("is longer than {MAX_BYTES} bytes"), "use only the id or name")
    } else {
        Ok(())
    }
}

/// As given, because nobody knows what it means.
pub(super) fn check_segment(field: &'static str, value: String) -> Result<String, Error> {
    check(field, &value)?;
    Ok(value)
}

/// HubSpot's ids are digits alone, so nothing else gets through: neither a name nor what a spreadsheet has made of an id.
pub(super) fn check_id(field: &'static str, value: String) -> Result<String, Error> {
    if is_number(&value) {
        return number(field, value);
    }
    check_text(field, &value, true)?;
    let reason = if matches!(value.split_once('-'), Some((meta, id)) if is_number(meta) && is_number(id)) {
        "looks like the id of an object type"
    } else {
        "does not consist of digits, as HubSpot's ids do"
    };
    Err(Error::invalid_input(field, Some(&value), reason, GIVE_ID))
}

pub(super) fn check_association_type(field: &'static str, value: String) -> Result<String, Error> {
    if is_number(&value) {
        return number(field, value);
    }
    check_text(field, &value, true)?;
    Ok(value)
}

/// HubSpot's names and ids of object types are never all digits, but object ids are.
pub(super) fn check_object_type(field: &'static str, value: String) -> Result<String, Error> {
    check_text(field, &value, false)?;
    if is_number(&value) {
        return Err(Error::invalid_input(
            field,
            Some(&value),
            "looks like an object id",
            "use a name such as \"companies\" or a type id such as \"0-2\"; the object id comes after it",
        ));
    }
    Ok(value)
}

const GIVE_ID: &str =
    "use the digits that HubSpot shows; in a spreadsheet, format the column as text before you enter ids";

fn check_text(field: &'static str, value: &str, numbers: bool) -> Result<(), Error> {
    check(field, value)?;
    let refuse = |reason: String, remedy| Err(Error::invalid_input(field, Some(value), reason, remedy));
    if let Some(reason) = damage::in_text(value) {
        return refuse(reason, "use the value that HubSpot shows");
    }
    if let Some(form) = damage::in_number(value) {
        return refuse(
            format!("looks like {form}"),
            if numbers { GIVE_ID } else { "use the value that HubSpot shows" },
        );
    }
    match damage::dash(value) {
        Some(dash) => refuse(
            format!("contains U+{:04X}, a dash that is not a hyphen", u32::from(dash)),
            "replace it with a hyphen",
        ),
        None => Ok(()),
    }
}

pub(super) fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit())
}

/// Digits in one form, without zeros in front: `009001` is the object that HubSpot calls `9001`.
fn number(field: &'static str, value: String) -> Result<String, Error> {
    let digits = value.trim_start_matches('0');
    // HubSpot's ids have 64 bits.
    if digits.len() > 19 && digits.parse::<u64>().is_err() {
        return Err(Error::invalid_input(field, Some(&value), "is larger than any HubSpot id", GIVE_ID));
    }
    match digits {
        "" => Ok("0".to_owned()),
        _ if digits.len() == value.len() => Ok(value),
        _ => Ok(digits.to_owned()),
    }
}

/// Numbers by their size and before the rest, in the form that [`number`] gives them.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

/// Digits in the form that [`number`] gives them, to compare what a response says. Anything else stays as it is.
pub(crate) fn canonical(id: &str) -> &str {
    if is_number(id) {
        let number = id.trim_start_matches('0');
        if number.is_empty() { "0" } else { number }
    } else {
        id
    }
}
