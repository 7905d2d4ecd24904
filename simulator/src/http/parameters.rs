//! Query parameters.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::http::{cursor, error::Failure};

/// The query parameters of a request, decoded, in order.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The values of a list, given as repeated keys, as one comma-separated value, or both.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        self.values(name).flat_map(|value| value.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// A `true` or `false`, in any case as HubSpot's Python client sends it, that defaults to false. HubSpot's PHP client
    /// sends `0`, `1` or nothing in their place, and HubSpot is reported to take each of these as false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        let value = self.values(name).next().unwrap_or_default();
        match value.to_ascii_lowercase().as_str() {
            "" | "0" | "1" | "false" => Ok(false),
            "true" => Ok(true),
            _ => Err(Failure::validation(format!("{name} must be true or false, not `{value}`"))),
        }
    }

    /// A text, unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values(name).next().filter(|value| !value.is_empty())
    }

    /// The page size: 1 to `max`.
    pub(crate) fn limit(&self, default: usize, max: usize) -> Result<usize, Failure> {
        let Some(value) = self.values("limit").next() else {
            return Ok(default);
        };
        value
            .parse()
            .ok()
            .filter(|limit| (1..=max).contains(limit))
            .ok_or_else(|| Failure::validation(format!("limit must be 1 to {max}, not `{value}`")))
    }

    /// The position behind which the page begins.
    pub(crate) fn after<P: Serialize + DeserializeOwned>(&self) -> Result<Option<P>, Failure> {
        let Some(value) = self.text("after") else {
            return Ok(None);
        };
        match cursor::read(value) {
            Some(position) => Ok(Some(position)),
            None => Err(Failure::validation(format!("after is no cursor of this server: `{value}`"))),
        }
    }

    /// The query that asks for the same, but for the page that begins at `after`.
    pub(crate) fn with_after(&self, after: &str) -> String {
        let others = self.0.iter().filter(|(key, _)| key != "after").map(|(key, value)| (key.as_str(), value.as_str()));
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pairs = others.chain([("after", after)]).map(|(key, value)| format!("{}={}", encode(key), encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
