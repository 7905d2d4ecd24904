//! Signs that a spreadsheet, an export or an encoding has damaged a value.

/// What no value may contain, worded to complete "the value …".
pub(crate) fn in_text(value: &str) -> Option<String> {
    let (first, last) = (value.chars().next()?, value.chars().next_back()?);
    if let Some(reason) = in_any_text(value) {
        return Some(reason.to_owned());
    }
    if let Some(hidden) = value.chars().find(|c| is_invisible(*c)) {
        return Some(format!("contains the invisible character U+{:04X}", u32::from(hidden)));
    }
    if let Some(space) = value.chars().find(|c| c.is_whitespace() && !c.is_ascii()) {
        return Some(format!("contains U+{:04X}, which is not an ordinary space", u32::from(space)));
    }
    if let Some(digit) = value.chars().find(|c| c.is_numeric() && !c.is_ascii()) {
        return Some(format!("contains {digit:?}, which is not a digit from 0 to 9"));
    }
    if first == '#' {
        return Some(ERROR_VALUE.to_owned());
    }
    if first == '=' {
        return Some(FORMULA.to_owned());
    }
    if is_quote(first) || is_quote(last) {
        return Some("begins or ends with a quotation mark, as in spreadsheets for numbers stored as text".to_owned());
    }
    is_placeholder(value).then(|| PLACEHOLDER.to_owned())
}

const ERROR_VALUE: &str = "looks like an error value of a spreadsheet";
const FORMULA: &str = "looks like a spreadsheet formula";
const PLACEHOLDER: &str = "looks like a placeholder for a missing value, or like a truth value";

fn in_any_text(value: &str) -> Option<&'static str> {
    if value.starts_with(char::is_whitespace) || value.ends_with(char::is_whitespace) {
        return Some("begins or ends with white space");
    }
    value
        .contains(char::REPLACEMENT_CHARACTER)
        .then_some("contains U+FFFD, which replaces a character lost through a wrong encoding")
}

/// What no label of an association looks like, worded to complete "the value …". A label has a letter.
pub(super) fn in_label(value: &str) -> Option<String> {
    if let Some(reason) = in_any_text(value) {
        return Some(reason.to_owned());
    }
    if is_error_value(value) {
        return Some(ERROR_VALUE.to_owned());
    }
    if value.starts_with('=') {
        return Some(FORMULA.to_owned());
    }
    if is_placeholder_for_label(value) {
        return Some(PLACEHOLDER.to_owned());
    }
    in_number(value).map(|form| format!("looks like {form}"))
}

/// `#REF!`, `#WERT!`, `#NOM?` and `#N/A`, in whatever language. `#1 contact` is none.
fn is_error_value(value: &str) -> bool {
    const WORDS: [&str; 5] = ["#NV", "#YOK", "#HIÁNYZIK", "#NENÍ_K_DISPOZICI", "#GETTING_DATA"];
    value.starts_with('#')
        && !value.contains(|c: char| c.is_whitespace() || c.is_lowercase())
        && (value.ends_with(['!', '?']) || value.contains('/') || WORDS.contains(&value))
}

/// What exports and templates write where there is no value: a word for it, marks alone, or anything in brackets.
pub(super) fn is_placeholder(value: &str) -> bool {
    is_in_brackets(value) || !value.chars().any(char::is_alphanumeric) || is_word_for_nothing(value)
}

/// Labels may have brackets, and be in them: `(Primary)`, `[EU] Partner (main)`, `{A} {B}`. A placeholder is in them as a whole:
/// a word for nothing in any, or any text in those of templates, such as `{label}`, `<label>` and `$(label)`.
fn is_placeholder_for_label(value: &str) -> bool {
    const IN_BRACKETS: [&str; 7] = ["blank", "empty", "leer", "vide", "vuoto", "en blanco", "object Object"];
    let mut inner = value;
    let mut within = in_one_pair(value.strip_prefix('$').unwrap_or(value));
    let mut is_template = within.is_some() && value.starts_with('$');
    while let Some((open, text)) = within {
        is_template |= open.starts_with(['{', '<']);
        inner = text.trim();
        within = in_one_pair(inner);
    }
    let is_nothing = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(inner));
    is_template || is_word_for_nothing(inner) || inner.len() < value.len() && is_nothing(&IN_BRACKETS)
}

/// What the first character of a text opens, and the text in it, if nothing but the end closes it.
fn in_one_pair(text: &str) -> Option<(&str, &str)> {
    // Code in templates may have a `>` that closes nothing.
    const PAIRS: [(&str, &str); 6] = [("<%", "%>"), ("<?", "?>"), ("(", ")"), ("[", "]"), ("{", "}"), ("<", ">")];
    PAIRS.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        let mut depth = 1_usize;
        for (at, _) in inner.char_indices() {
            let rest = inner.get(at..).unwrap_or_default();
            if rest.starts_with(open) {
                depth += 1;
            } else if rest.starts_with(close) {
                depth -= 1;
            }
            if depth == 0 {
                return None;
            }
        }
        Some((*open, inner))
    })
}

fn is_in_brackets(value: &str) -> bool {
    let text = value.strip_prefix('$').unwrap_or(value);
    text.starts_with(['(', '<', '[', '{']) && text.ends_with([')', '>', ']', '}'])
}

fn is_word_for_nothing(value: &str) -> bool {
    PLACEHOLDERS.iter().any(|word| word.eq_ignore_ascii_case(value))
}

const PLACEHOLDERS: [&str; 25] = [
    "null",
    "none",
    "nil",
    "nan",
    "na",
    "n/a",
    "n.a.",
    "n.a",
    "n/v",
    "k.a.",
    "s.o.",
    "tbd",
    "undefined",
    "inf",
    "-inf",
    "infinity",
    "-infinity",
    "true",
    "false",
    "wahr",
    "falsch",
    "vrai",
    "faux",
    "verdadero",
    "falso",
];

/// A hyphen, dash or minus sign that is not the one of keyboards, as text programs put it in place of that.
pub(crate) fn dash(value: &str) -> Option<char> {
    value.chars().find(|c| {
        matches!(
            c,
            '\u{58a}' | '\u{5be}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
                ..='\u{2015}'
                    | '\u{2043}'
                    | '\u{2212}'
                    | '\u{2e17}'
                    | '\u{2e1a}'
                    | '\u{2e3a}'
                    | '\u{2e3b}'
                    | '\u{2e40}'
                    | '\u{2e5d}'
                    | '\u{301c}'
                    | '\u{3030}'
                    | '\u{30a0}'
                    | '\u{fe31}'
                    | '\u{fe32}'
                    | '\u{fe58}'
                    | '\u{fe63}'
                    | '\u{ff0d}'
                    | '\u{10ead}'
        )
    })
}

/// Another form of a number, or what spreadsheets make of one.
pub(crate) fn in_number(value: &str) -> Option<&'static str> {
    let unsigned = value.strip_prefix(['+', '-', '−']).unwrap_or(value);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let separated = |text: &str| {
        text.bytes().any(|b| b.is_ascii_digit())
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '’' | '_' | ' ' | '·' | '٫' | '٬'))
    };
    if unsigned.len() < value.len() && digits(unsigned) {
        return Some("a number with a sign");
    }
    let hexadecimal = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    if hexadecimal.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Some("a hexadecimal number");
    }
    if let Some((mantissa, exponent)) = unsigned.split_once(['e', 'E'])
        && separated(mantissa)
        && digits(exponent.strip_prefix(['+', '-', '−']).unwrap_or(exponent))
    {
        return Some("a number in scientific notation, as spreadsheets write it");
    }
    if is_date(value) {
        return Some("a date");
    }
    if separated(unsigned) && !digits(unsigned) {
        return Some("a number with a decimal point or with digits in groups");
    }
    let amount = unsigned.trim_end_matches(['%', '€', '$', '£', ' ']).trim_start_matches(['€', '$', '£', ' ']);
    (amount.len() < unsigned.len() && separated(amount)).then_some("a percentage or an amount of money")
}

/// Of digits, or with a month's name, and with the time of day or without.
fn is_date(value: &str) -> bool {
    let date = value.split(['T', 't', ',']).next().unwrap_or(value);
    let date = if date.contains(':') { date.rsplit_once(' ').map_or("", |(date, _)| date) } else { date };
    let parts: Vec<&str> = date.split(['-', '/', '.', ' ']).filter(|part| !part.is_empty()).collect();
    let number = |part: &&str| part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
    let numbers = parts.iter().filter(|part| number(part)).count();
    let long = parts.iter().filter(|part| part.len() > 2).count();
    match parts.len() {
        3 if numbers == 3 => long <= 1 && parts.iter().all(|part| part.len() != 3),
        2 | 3 => numbers + 1 == parts.len() && parts.iter().any(|part| is_month(part)),
        _ => false,
    }
}

fn is_month(word: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_lowercase();
    MONTHS.iter().any(|month| word.len() >= 3 && month.starts_with(&word)) || word == "sept"
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"' | '`' | '´' | '‘' | '’' | '‚' | '“' | '”' | '„' | '«' | '»' | '‹' | '›' | '＇' | '＂')
}

/// The first character of a text that shows as nothing and has no business there. What joins or parts the letters of some
/// scripts, and what chooses between the forms of a character, as in a name of Japan, an emoji or a flag, is part of the writing.
pub(crate) fn hidden(text: &str) -> Option<char> {
    if text.is_ascii() {
        return None;
    }
    let is_written = text.contains(char::is_alphabetic);
    let mut before = None;
    text.chars().find(|c| {
        if !is_invisible(*c) {
            before = Some(*c);
            return false;
        }
        let is_part = match *c {
            '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => is_written,
            '\u{180b}'..='\u{180f}' => matches!(before, Some('\u{1800}'..='\u{18af}')),
            // They spell the country of a flag.
            '\u{e0020}'..='\u{e007f}' => before == Some('\u{1f3f4}'),
            _ => false,
        };
        !is_part
    })
}

/// Format characters (Unicode's category Cf), fillers and selectors, which show as nothing.
pub(crate) fn is_invisible(c: char) -> bool {
    // Most characters are ASCII, and the list is long.
    !c.is_ascii()
        && matches!(u32::from(c),
        0xAD | 0x34F | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x890..=0x891 | 0x8E2 | 0x115F..=0x1160
        | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
        | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x110BD | 0x110CD | 0x13430..=0x1343F
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}
