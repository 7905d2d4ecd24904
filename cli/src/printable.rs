//! Text that a terminal can show safely.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

/// A text that neither breaks a line nor reaches a terminal as a command, nor changes the order in which others are read.
pub(super) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut text, c| {
        if is_command(c) {
            text.extend(c.escape_default())
        } else {
            text.push(c)
        }
        text
    })
}

/// A text of several lines in which the same characters are written out.
pub(super) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// A line of JSON in which the same characters are escaped.
pub(super) fn to_line(value: &impl Serialize) -> String {
    let mut line = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Neutral);
    // Nothing that the tool prints can fail to be JSON: no map has keys other than strings.
    if let Err(error) = value.serialize(&mut serializer) {
        line = serde_json::json!({"error": {"kind": "output", "message": error.to_string()}}).to_string().into_bytes();
    }
    line.push(b'\n');
    String::from_utf8_lossy(&line).into_owned()
}

struct Neutral;

impl Formatter for Neutral {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((before, from)) = rest.find(is_command).and_then(|place| rest.split_at_checked(place)) {
            writer.write_all(before.as_bytes())?;
            let mut after = from.chars();
            for unit in after.next().into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Control characters, those that turn the direction of writing or end a line, and those that show nothing. The joiners
/// that emoji and many scripts need stay.
pub(super) fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}
