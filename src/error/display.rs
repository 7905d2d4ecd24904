//! Display of errors on one line.

use std::fmt::{self, Write};

use super::Error;
use crate::error::excerpt::excerpt;

/// How many things that a response names are shown, and how many bytes of each.
const MAX_SHOWN: usize = 10;
const MAX_NAME: usize = 256;
/// How many of those that are counted only are compared with the rest, which takes time.
const MAX_COMPARED: usize = 200;
/// What is shown elsewhere, or helps nobody to correct a request.
const UNSHOWN: [&str; 4] = ["requiredGranularScopes", "requiredScopes", "objectWriteTraceId", "correlationId"];

/// On one line, whatever a server sends: characters that steer a terminal or turn the text around are written out.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        let mut f = Neutral(f);
        if let Some(operation) = e.operation {
            write!(f, "{operation}: ")?;
        }
        if let Some(status) = e.status {
            write!(f, "HubSpot answered {status}")?;
            if let Some(category) = self.category() {
                write!(f, " {category}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&e.message)?;
        // What HubSpot names beside its message is what the caller has to look at.
        for named in self.unsaid() {
            write!(f, "; {named}")?;
        }
        if !e.body.required_scopes.is_empty() {
            let scopes = e.body.required_scopes.iter().take(MAX_SHOWN).map(|scope| excerpt(scope, MAX_NAME));
            write!(f, "; it needs one of the scopes {}", scopes.collect::<Vec<_>>().join(", "))?;
        }
        match &e.correlation_id {
            Some(id) => write!(f, " (correlation id {id})"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// What context and details say and the message does not.
    fn unsaid(&self) -> Vec<String> {
        let body = &self.0.body;
        // HubSpot's messages may hold JSON.
        let mut said = self.0.message.replace('\\', "");
        let mut shown = Vec::new();
        let mut more = 0;
        let context =
            body.context.iter().flat_map(|(name, values)| values.iter().map(move |value| (&**name, &**value)));
        let details = body.details.iter().flat_map(|detail| {
            let message = detail.message.as_deref().or(detail.code.as_deref()).map(|message| ("", message));
            let context = detail.context.iter();
            let context = context.flat_map(|(name, values)| values.iter().map(move |value| (&**name, &**value)));
            message.into_iter().chain(context)
        });
        for (name, value) in context.chain(details) {
            let value = value.trim().trim_end_matches('.');
            if value.is_empty() || UNSHOWN.contains(&name) || (more < MAX_COMPARED && says(&said, value)) {
                continue;
            }
            if more < MAX_COMPARED {
                said.push('\n');
                said.push_str(value);
            }
            if shown.len() == MAX_SHOWN {
                more += 1;
                continue;
            }
            // A sentence speaks for itself.
            let of = if name.is_empty() || value.contains(' ') { String::new() } else { format!("{name}: ") };
            shown.push(excerpt(&format!("{of}{value}"), MAX_NAME));
        }
        if more > 0 {
            shown.push(format!("and {more} more"));
        }
        shown
    }
}

/// Whether the text has this by itself, and not as a part of another word or number.
fn says(text: &str, value: &str) -> bool {
    text.match_indices(value).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|after| after.chars().next());
        [before, after].into_iter().flatten().all(|beside| !beside.is_alphanumeric())
    })
}

struct Neutral<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Neutral<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let steers = |c: char| {
            c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if !text.contains(steers) {
            return self.0.write_str(text);
        }
        for c in text.chars() {
            match c {
                '\n' | '\r' | '\t' => self.0.write_char(' ')?,
                c if steers(c) => write!(self.0, "{}", c.escape_unicode())?,
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}
