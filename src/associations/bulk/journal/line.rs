//! Lines of a journal: the first, which says what it is true of, and one for each recorded input.

use std::{borrow::Cow, io::Write};

use serde::{Deserialize, Serialize};

use crate::{api_version::ApiVersion, error::excerpt::excerpt};

/// What a journal was true of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) operation: String,
    pub(super) input: String,
    /// The base URL.
    pub(super) server: String,
    #[serde(rename = "apiVersion")]
    pub(super) api_version: ApiVersion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<String>,
}

impl Header {
    /// Fails with what differs.
    pub(super) fn check(
        &self,
        operation: &str,
        server: &str,
        version: ApiVersion,
        account: Option<&str>,
    ) -> std::result::Result<(), String> {
        if self.operation != operation {
            return Err(format!("belongs to a run to {}, not to {operation}", self.operation));
        }
        if self.server != server {
            return Err(format!("belongs to the server {}, not to {server}", excerpt(&self.server, 256)));
        }
        if self.api_version != version {
            // The association types of one version are not those of another.
            return Err(format!("belongs to a run on API version {}, not on {version}", self.api_version));
        }
        match (self.account.as_deref(), account) {
            (theirs, ours) if theirs == ours => Ok(()),
            (Some(theirs), Some(ours)) => Err(format!("belongs to the account {theirs:?}, not to {ours:?}")),
            (Some(theirs), None) => Err(format!("belongs to the account {theirs:?}, and this run names no account")),
            (None, ours) => {
                let ours = ours.unwrap_or_default();
                Err(format!("was begun without an account, so it may not belong to {ours:?}"))
            }
        }
    }
}

/// A line about an input.
pub(super) struct Line<'a> {
    pub(super) index: u64,
    pub(super) digest: u64,
    pub(super) outcome: Outcome<'a>,
}

/// What became of an input.
pub(super) enum Outcome<'a> {
    Made,
    /// The error as JSON, which has no line end.
    Failed(Cow<'a, str>),
}

impl<'a> Line<'a> {
    /// `None` for a damaged line.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = unseal(line)?.splitn(4, ' ');
        let index = fields.next()?.parse().ok()?;
        let digest = u64::from_str_radix(fields.next()?, 16).ok()?;
        let outcome = match (fields.next()?, fields.next()) {
            ("made", None) => Outcome::Made,
            ("failed", Some(json)) => Outcome::Failed(json.into()),
            _ => return None,
        };
        Some(Self { index, digest, outcome })
    }

    /// Appends the line.
    pub(super) fn write(&self, lines: &mut Vec<u8>) {
        let (start, Self { index, digest, .. }) = (lines.len(), self);
        // Memory takes everything.
        let _ = match &self.outcome {
            Outcome::Made => write!(lines, "{index} {digest:016x} made"),
            Outcome::Failed(json) => write!(lines, "{index} {digest:016x} failed {json}"),
        };
        seal(lines, start);
    }
}

/// Makes the text from `start` on, which has no line end, a whole line.
pub(super) fn seal(lines: &mut Vec<u8>, start: usize) {
    let sum = crc32fast::hash(lines.get(start..).unwrap_or_default());
    let _ = writeln!(lines, " {sum:08x}");
}

/// The text of a whole line.
pub(super) fn unseal(line: &[u8]) -> Option<&str> {
    let (text, sum) = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?.rsplit_once(' ')?;
    let whole = sum.len() == 8 && u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(text.as_bytes());
    whole.then_some(text)
}
