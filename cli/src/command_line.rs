//! The command that runs, as it is typed in a shell.

use std::{env, path::Path};

use crate::printable::printable;

/// The name of the tool.
pub(crate) const NAME: &str = "hubspot-partner-clients";

/// The command that runs, to be given again.
pub(crate) fn this() -> String {
    let arguments = env::args_os().skip(1).map(|argument| quoted(&argument.to_string_lossy()));
    printable(&[NAME.to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" "))
}

/// What has to be said of that where it read its rows from standard input.
pub(crate) fn with_input(file: &Path) -> &'static str {
    if file == Path::new("-") { " with the same rows on standard input" } else { "" }
}

/// These options, where they were given, as they are typed again. A URL with a password is not printed.
#[cfg(feature = "redis")]
pub(crate) fn options(given: &[(&str, Option<&str>)]) -> String {
    let typed = |(option, value): &(&str, Option<&str>)| {
        let value = value.as_ref()?;
        let is_secret = value.contains("://") && value.contains('@');
        Some(if is_secret { format!(" {option} URL") } else { format!(" {option} {}", quoted(value)) })
    };
    given.iter().filter_map(typed).collect()
}

/// A word for a shell, in quotation marks where it needs them.
pub(crate) fn quoted(word: &str) -> String {
    if cfg!(windows) { for_windows(word) } else { for_unix(word) }
}

fn for_unix(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,=+@%".contains(c);
    // Some shells look up a command's path by `=name`.
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// For cmd and PowerShell, which share only the double quotation mark. Programs take one within for a part of the word after a
/// backslash, and then two backslashes for one.
fn for_windows(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || r"-_./:=+\".contains(c);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut quoted = "\"".to_owned();
    let mut backslashes = 0;
    for c in word.chars() {
        if c == '"' {
            quoted.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        quoted.push(c);
    }
    quoted.extend(std::iter::repeat_n('\\', backslashes));
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::{for_unix, for_windows};

    #[cfg(feature = "redis")]
    #[test]
    fn a_password_is_not_printed() {
        let url = Some("redis://:secret@redis.example");
        assert_eq!(super::options(&[("--redis", url), ("--account", None)]), " --redis URL");
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_of_unix_would_change_it() {
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
            assert_eq!(for_unix(word), expected);
        }
    }
    #[test]
    fn a_word_is_quoted_where_a_shell_of_windows_would_change_it() {
        for (word, expected) in [
            ("rows.csv", "rows.csv"),
            (r"C:\data\rows.csv", r"C:\data\rows.csv"),
            (r"C:\my data\rows.csv", r#""C:\my data\rows.csv""#),
            (r"C:\my data\", r#""C:\my data\\""#),
            ("a&b", r#""a&b""#),
            ("name,domain", r#""name,domain""#),
            ("it's", r#""it's""#),
            (r#"a "b" \"c\"#, r#""a \"b\" \\\"c\\""#),
            ("", r#""""#),
        ] {
            assert_eq!(for_windows(word), expected);
        }
    }
}
