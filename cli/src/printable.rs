//! Text that a terminal can show safely.

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
