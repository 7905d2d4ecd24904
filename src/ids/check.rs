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
    } else if let Some(hidden) = damage::hidden(value) {
        refuse(format!("contains the invisible character U+{:04X}", u32::from(hidden)), "remove it")
    } else if value.len() > MAX_BYTES {
        refuse(format!("is longer than {MAX_BYTES} bytes"), "use only the id or name")
    } else {
        Ok(())
    }
}

/// As given, because nobody knows what it means.
pub(super) fn check_segment<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Error> {
    check(field, value)?;
    Ok(value)
}

/// HubSpot's ids are digits alone, so nothing else gets through: neither a name nor what a spreadsheet has made of an id.
pub(super) fn check_id<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Error> {
    if is_number(value) {
        return number(field, value);
    }
    check_text(field, value, (GIVE_VALUE, GIVE_ID))?;
    let reason = if matches!(value.split_once('-'), Some((meta, id)) if is_number(meta) && is_number(id)) {
        "looks like the id of an object type"
    } else {
        "does not consist of digits, as HubSpot's ids do"
    };
    Err(Error::invalid_input(field, Some(value), reason, GIVE_ID))
}

pub(super) fn check_association_type<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Error> {
    if is_number(value) {
        return number(field, value);
    }
    if value.contains(char::is_alphabetic) {
        check_label(field, value)?;
    } else {
        check_text(field, value, (GIVE_TYPE, GIVE_TYPE))?;
    }
    Ok(value)
}

/// People give labels in every script and with any mark, so of what a spreadsheet leaves, only what no label looks like is
/// refused.
fn check_label(field: &'static str, value: &str) -> Result<(), Error> {
    // Category and number hide nothing either.
    let is_exact = |(category, number): (&str, &str)| is_name(category) && is_number(number);
    if is_name(value) || value.len() <= MAX_BYTES && value.split_once(':').is_some_and(is_exact) {
        return Ok(());
    }
    check(field, value)?;
    match damage::in_label(value) {
        Some(reason) => Err(Error::invalid_input(field, Some(value), reason, GIVE_TYPE)),
        None => Ok(()),
    }
}

/// HubSpot's names and ids of object types are never all digits, but object ids are.
pub(super) fn check_object_type<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Error> {
    check_text(field, value, (GIVE_VALUE, GIVE_VALUE))?;
    if is_number(value) {
        return Err(Error::invalid_input(
            field,
            Some(value),
            "looks like an object id",
            "use a name such as \"companies\" or a type id such as \"0-2\"; the object id comes after it",
        ));
    }
    Ok(value)
}

const GIVE_VALUE: &str = "use the value that HubSpot shows";
const GIVE_TYPE: &str =
    "use the number, name or label that HubSpot shows, or category and number, such as USER_DEFINED:37";
const GIVE_ID: &str =
    "use the digits that HubSpot shows; in a spreadsheet, format the column as text before you enter ids";

/// What to do about a text, and about another form of a number.
type Remedies = (&'static str, &'static str);

fn check_text(field: &'static str, value: &str, remedies: Remedies) -> Result<(), Error> {
    if is_name(value) { Ok(()) } else { check_closely(field, value, remedies) }
}

/// Whether a value is a name as HubSpot gives it out, such as `partner_client_to_company`. Nothing more has to be looked for
/// in it: it cannot be a number, a date or an amount, and has no space, no mark and no character that does not show. Bulk
/// work checks millions of them.
fn is_name(value: &str) -> bool {
    value.len() <= MAX_BYTES
        && value.starts_with(|first: char| first.is_ascii_alphabetic())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !damage::is_placeholder(value)
}

fn check_closely(field: &'static str, value: &str, (give_text, give_number): Remedies) -> Result<(), Error> {
    check(field, value)?;
    let refuse = |reason: String, remedy| Err(Error::invalid_input(field, Some(value), reason, remedy));
    if let Some(reason) = damage::in_text(value) {
        return refuse(reason, give_text);
    }
    if let Some(form) = damage::in_number(value) {
        return refuse(format!("looks like {form}"), give_number);
    }
    match damage::dash(value) {
        Some(dash) => refuse(
            format!("contains U+{:04X}, a dash that is not a hyphen", u32::from(dash)),
            "replace it with a hyphen",
        ),
        None => Ok(()),
    }
}

/// Whether it is a number, as HubSpot's ids are.
pub(crate) fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit())
}

/// Digits in one form, without zeros in front: `009001` is the object that HubSpot calls `9001`.
fn number<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Error> {
    let digits = value.trim_start_matches('0');
    // HubSpot's ids have 64 bits.
    if digits.len() > 19 && digits.parse::<u64>().is_err() {
        return Err(Error::invalid_input(field, Some(value), "is larger than any HubSpot id", GIVE_ID));
    }
    Ok(if digits.is_empty() { "0" } else { digits })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_has_nothing_that_a_closer_look_refuses(
            value in prop_oneof![
                "[A-Za-z][A-Za-z0-9_]{0,30}", "[A-Za-z0-9_]{1,12}", "[etTaxEX][0-9_]{0,8}", "(nul|non|tru|infinit|may|jan)[a-z0-9_]?",
            ],
            number in "[0-9]{1,20}",
        ) {
            prop_assume!(is_name(&value));
            prop_assert!(check_closely("object type", &value, (GIVE_VALUE, GIVE_VALUE)).is_ok(), "{value}");
            for label in [format!("{value}:{number}"), value] {
                prop_assert!(check("association type", &label).is_ok(), "{label}");
                prop_assert_eq!(damage::in_label(&label), None);
            }
        }
    }

    #[test]
    fn placeholders_are_no_names() {
        assert!(["companies", "partner_client_to_company", "p12345_boat", "A"].into_iter().all(is_name));
        let others = ["null", "NaN", "true", "undefined", "0-2", "e-5", "_", "", "a b", "a.b", "\u{e9}t\u{e9}"];
        for other in others.into_iter().chain([&*"a".repeat(257)]) {
            assert!(!is_name(other), "{other}");
        }
    }
}
