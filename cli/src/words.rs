//! Counts in sentences.

use indicatif::HumanCount;

/// A count and its noun, such as `1 row` and `5,000 rows`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let ending = match count {
        1 => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", HumanCount(count))
}

/// The same with a verb: `1 row is`, `5,000 rows are`.
pub(crate) fn counted_are(count: u64, noun: &str) -> String {
    format!("{} {}", counted(count, noun), if count == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_thousands_are_separated() {
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(counted(2, "batch"), "2 batches");
        assert_eq!(counted_are(1, "change"), "1 change is");
        assert_eq!(counted_are(1_234_567, "change"), "1,234,567 changes are");
    }
}
