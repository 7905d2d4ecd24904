//! Words in a text, and patterns that match them.

/// The words of a text, in lower case: runs of letters, digits and underscores.
fn words(text: &str, also: Option<char>) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && Some(c) != also)
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Words that must all occur, in any order; a `*` in one stands for any letters.
#[derive(Debug)]
pub(crate) struct Pattern(Vec<String>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(words(text, Some('*')))
    }

    /// Whether each word of the pattern matches one of the text. A pattern without a word matches nothing.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let words = words(text, None);
        !self.0.is_empty() && self.0.iter().all(|pattern| words.iter().any(|word| matches(pattern, word)))
    }
}

fn matches(pattern: &str, word: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == word;
    };
    let Some(mut word) = word.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('*').collect();
    // Each part as early as it occurs leaves the most for those behind it; the last one stands at the end.
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match word.split_once(part) {
            Some((_, behind)) => word = behind,
            None => return false,
        }
    }
    word.ends_with(end)
}
