//! Members that a JSON object has more than once. A parser keeps the last and says nothing.

use std::collections::HashSet;

/// What surrounds a part of a text.
enum Around {
    Object { seen: HashSet<String>, member: String, is_named: bool },
    List(usize),
}

/// Their places as JSON pointers, in a text that is JSON.
pub fn members(text: &str) -> Vec<String> {
    let (mut around, mut found, mut rest) = (Vec::<Around>::new(), Vec::new(), text);
    while let Some(at) = rest.find(['"', '{', '}', '[', ']', ',']) {
        let mark = rest[at..].chars().next();
        rest = &rest[at + 1..];
        match (mark, around.last_mut()) {
            (Some('"'), inside) => {
                let (string, after) = string(rest);
                rest = after;
                if let Some(Around::Object { seen, member, is_named }) = inside
                    && !std::mem::replace(is_named, true)
                {
                    *member = serde_json::from_str(&format!("\"{string}\"")).unwrap_or_default();
                    if !seen.insert(member.clone()) {
                        found.push(place(&around));
                    }
                }
            }
            (Some('{'), _) => {
                around.push(Around::Object { seen: HashSet::new(), member: String::new(), is_named: false });
            }
            (Some('['), _) => around.push(Around::List(0)),
            (Some(','), Some(Around::Object { is_named, .. })) => *is_named = false,
            (Some(','), Some(Around::List(index))) => *index += 1,
            (Some('}' | ']'), _) => drop(around.pop()),
            _ => {}
        }
    }
    found
}

/// A string without its quotes, and what is after it.
fn string(text: &str) -> (&str, &str) {
    let mut is_escaped = false;
    let end = text.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    end.map_or((text, ""), |end| (&text[..end], &text[end + 1..]))
}

fn place(around: &[Around]) -> String {
    let steps = around.iter().map(|step| match step {
        Around::Object { member, .. } => format!("/{}", member.replace('~', "~0").replace('/', "~1")),
        Around::List(index) => format!("/{index}"),
    });
    format!("#{}", steps.collect::<String>())
}
