//! Paging cursors.

use serde::{Deserialize, Serialize};

/// Position in a stream of pages: its start, a place, or its end.
///
/// Every paged call accepts one in `after`, or HubSpot's own text. Store it together with your results, and a later
/// stream resumes from it. As JSON it is `"start"`, `{"at": "<HubSpot's cursor>"}` or `"end"`.
///
/// ```
/// use hubspot_partner_clients::Cursor;
///
/// let cursor = Cursor::from("NTEy%3D");
/// let kept = serde_json::to_string(&cursor)?;
/// assert_eq!(kept, r#"{"at":"NTEy%3D"}"#);
/// let again: Cursor = serde_json::from_str(&kept)?;
/// assert_eq!(again.place(), Some("NTEy%3D"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// Before the first page.
    #[default]
    Start,
    /// Where a page starts. The text is opaque, and valid for the same call only.
    At(String),
    /// After the last page. A stream that starts here sends nothing and gives nothing.
    End,
}

impl Cursor {
    /// Returns the text of a place, which HubSpot takes as `after`.
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::At(place) => Some(place),
            Self::Start | Self::End => None,
        }
    }

    /// Whether it is the start.
    pub fn is_start(&self) -> bool {
        matches!(self, Self::Start)
    }

    /// Whether it is the end, so that nothing is left.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::End)
    }
}

impl From<String> for Cursor {
    fn from(place: String) -> Self {
        Self::At(place)
    }
}

impl From<&String> for Cursor {
    fn from(place: &String) -> Self {
        Self::At(place.clone())
    }
}

impl From<&str> for Cursor {
    fn from(place: &str) -> Self {
        Self::At(place.to_owned())
    }
}

impl From<&Self> for Cursor {
    fn from(cursor: &Self) -> Self {
        cursor.clone()
    }
}
