//! The command that runs, as it is typed in a shell.

use std::env;

use crate::printable::printable;

/// The name of the tool.
pub(crate) const NAME: &str = "hubspot-partner-clients";

/// The command that runs, to be given again.
pub(crate) fn this() -> String {
    let arguments = env::args_os().skip(1).map(|argument| quoted(&argument.to_string_lossy()));
    printable(&[NAME.to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" "))
}

/// A word for a shell, in quotation marks where it needs them.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,=+@%".contains(c);
    // Some shells look up a command's path by `=name`.
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_change_it() {
        for (word, expected) in [
            ("rows.csv", "rows.csv"),
            ("--journal=a/b", "--journal=a/b"),
            ("my rows.csv", "'my rows.csv'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
            ("=ls", "'=ls'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
