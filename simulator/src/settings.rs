//! How a simulator answers where HubSpot's own behaviour is uncertain or an account's choice.

use std::time::Duration;

use serde_json::{Number, Value, json};
use uuid::Uuid;

use crate::http::{
    operation::{
        ACCESS_TOKEN_INFO, ACCOUNT_DETAILS_ID, API_USAGE_ID, INTROSPECT_TOKEN, OAUTH_TOKEN, PRIVATE_APP_TOKEN_INFO,
    },
    version::Version,
};

/// How a batch of new associations is answered when some cannot be made: because an object does not exist or is archived,
/// or the association type is unknown.
///
/// HubSpot's answers take all three forms, and it does not say which one when. This chooses:
/// [`SimulatorBuilder::invalid_associations`](crate::SimulatorBuilder::invalid_associations).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidAssociations {
    /// Answers 400 and makes none. The error's context names each object that does not exist, once, under
    /// `INVALID_OBJECT_IDS`, `objectId` and `objectType`. Where all objects exist, v3 names the first association type
    /// that is unknown in the message alone, and the other versions in the context.
    #[default]
    RefuseNaming,
    /// Answers 400 and makes none. The error names nothing.
    Refuse,
    /// Answers 207 and makes all that can be made. Each of the others has an error, whose context holds its
    /// `fromObjectId` and `toObjectId` and, where objects do not exist, `INVALID_OBJECT_IDS`.
    Partial,
}

/// How a simulator answers.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) versions: Vec<Version>,
    pub(crate) invalid_associations: InvalidAssociations,
    /// Whether v4 and the dated versions answer with the ids of associated objects as text, as they are documented.
    pub(crate) text_ids: bool,
    /// Whether a batch of new associations that names a pair twice is refused.
    pub(crate) refuses_duplicates: bool,
    /// Whether v3 answers a batch of new associations with the inverse ones too.
    pub(crate) inverse_results: bool,
    /// Whether what is missing is answered with a page in HTML.
    pub(crate) html_not_found: bool,
    /// Whether a page of a search leaves its last result to the next page.
    pub(crate) short_search_pages: bool,
    /// Whether the cursor of a search is a number.
    pub(crate) numeric_search_cursors: bool,
    /// Whether the results of a page or a batch come in the opposite order.
    pub(crate) reversed: bool,
    /// The shortest and the longest time that an answer is late.
    pub(crate) latency: Option<(Duration, Duration)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            versions: Version::known(),
            invalid_associations: InvalidAssociations::default(),
            text_ids: false,
            refuses_duplicates: false,
            inverse_results: false,
            html_not_found: false,
            short_search_pages: false,
            numeric_search_cursors: false,
            reversed: false,
            latency: None,
        }
    }
}

impl Settings {
    /// The version a path names, if it is served.
    pub(crate) fn served(&self, path: &str) -> Option<&Version> {
        let named = Version::of_path(path)?;
        self.versions.iter().find(|version| version.to_string() == named)
    }

    /// Whether an operation is served under the version that its path names. What only one version has goes with the
    /// versions that it belongs to: HubSpot ends the endpoints of OAuth's v1 on 2027-02-16. Neither OAuth nor the account's
    /// information has a v4.
    pub(crate) fn serves(&self, operation: &str, path: &str) -> bool {
        let version = Version::of_path(path);
        match operation {
            OAUTH_TOKEN if version == Some("v1") => self.versions.contains(&Version::V3),
            OAUTH_TOKEN | INTROSPECT_TOKEN | ACCOUNT_DETAILS_ID | API_USAGE_ID if version == Some("v4") => false,
            ACCESS_TOKEN_INFO => version == Some("v1") && self.versions.contains(&Version::V3),
            PRIVATE_APP_TOKEN_INFO => true,
            _ => self.served(path).is_some(),
        }
    }

    /// How late the next answer is.
    pub(crate) fn draw_latency(&self) -> Duration {
        let Some((shortest, longest)) = self.latency else {
            return Duration::ZERO;
        };
        let fraction = Uuid::new_v4().as_u64_pair().1 as u32;
        shortest + (longest - shortest).mul_f64(f64::from(fraction) / f64::from(u32::MAX))
    }

    /// The results of a page or a batch, in the order in which they are answered.
    pub(crate) fn ordered(&self, mut results: Vec<Value>) -> Vec<Value> {
        if self.reversed {
            results.reverse();
        }
        results
    }

    /// The cursor of a search's next page.
    pub(crate) fn search_after(&self, next: usize) -> Value {
        if self.numeric_search_cursors { json!(next) } else { json!(next.to_string()) }
    }

    /// An object's id in an answer of v4 or a dated version.
    pub(crate) fn object_id(&self, id: &str) -> Value {
        // A number only where it comes back as the same text.
        let number = id.parse::<u64>().ok().filter(|number| !self.text_ids && number.to_string() == id);
        number.map_or_else(|| json!(id), |number| Value::Number(Number::from(number)))
    }
}
