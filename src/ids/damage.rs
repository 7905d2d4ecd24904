//! Signs that a spreadsheet, an export or an encoding has damaged a value.

/// What no value may contain, worded to complete "the value …".
pub(crate) fn in_text(value: &str) -> Option<String> {
    let (first, last) = (value.chars().next()?, value.chars().next_back()?);
    if first.is_whitespace() || last.is_whitespace() {
        return Some("begins or ends with white space".to_owned());
    }
    if let Some(hidden) = value.chars().find(|c| is_invisible(*c)) {
        return Some(format!("contains the invisible character U+{:04X}", u32::from(hidden)));
    }
    if let Some(space) = value.chars().find(|c| c.is_whitespace() && !c.is_ascii()) {
        return Some(format!("contains U+{:04X}, which is not an ordinary space", u32::from(space)));
    }
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Some("contains U+FFFD, which replaces a character lost through a wrong encoding".to_owned());
    }
    if let Some(digit) = value.chars().find(|c| c.is_numeric() && !c.is_ascii()) {
        return Some(format!("contains {digit:?}, which is not a digit from 0 to 9"));
    }
    if first == '#' {
        return Some("looks like an error value of a spreadsheet".to_owned());
    }
    if first == '=' {
        return Some("looks like a spreadsheet formula".to_owned());
    }
    if is_quote(first) || is_quote(last) {
        return Some("begins or ends with a quotation mark, as in spreadsheets for numbers stored as text".to_owned());
    }
    is_placeholder(value).then(|| "looks like a placeholder for a missing value, or like a truth value".to_owned())
}

/// What exports and templates write where there is no value: a word for it, marks alone, or anything in brackets.
fn is_placeholder(value: &str) -> bool {
    let text = value.strip_prefix('$').unwrap_or(value);
    text.starts_with(['(', '<', '[', '{']) && text.ends_with([')', '>', ']', '}'])
        || !value.chars().any(char::is_alphanumeric)
        || PLACEHOLDERS.iter().any(|word| word.eq_ignore_ascii_case(value))
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
