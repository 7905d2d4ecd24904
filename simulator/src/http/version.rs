//! Versions of HubSpot's API, which are told apart by the path alone.

use std::fmt;

/// A version of HubSpot's API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V3,
    V4,
    /// `2026-09`, or `2026-09-beta`.
    Dated(String),
}

/// The versions that HubSpot serves as far as the simulator knows.
const KNOWN: [&str; 4] = ["v3", "v4", "2026-03", "2026-09"];

/// The first version whose writes obey an account's rules.
const VALIDATES: &str = "2026-09";

impl Version {
    pub(crate) fn known() -> Vec<Self> {
        KNOWN.into_iter().filter_map(|text| Self::parse(text).ok()).collect()
    }

    /// Reads `v3`, `v4`, or a date with or without `-beta`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let date = text.strip_suffix("-beta").unwrap_or(text);
        let month = |month: &str| month.len() == 2 && month.parse::<u8>().is_ok_and(|month| (1..=12).contains(&month));
        let year = |year: &str| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        match text {
            "v3" => Ok(Self::V3),
            "v4" => Ok(Self::V4),
            _ if date.split_once('-').is_some_and(|(y, m)| year(y) && month(m)) => Ok(Self::Dated(text.to_owned())),
            _ => Err(format!("no version of HubSpot's API: `{text}`; v3, v4 or a date such as 2026-09")),
        }
    }

    /// Where the operations on objects are.
    pub(crate) fn objects_path(&self) -> String {
        match self {
            Self::V3 | Self::V4 => format!("/crm/{self}/objects"),
            Self::Dated(date) => format!("/crm/objects/{date}"),
        }
    }

    /// Whether writes obey the rules of the account, and times are normalized instead of refused.
    pub(crate) fn validates_writes(&self) -> bool {
        matches!(self, Self::Dated(date) if date.as_str() >= VALIDATES)
    }

    /// The version a path names, which need not be a version: `None` for a path outside of the CRM, of OAuth and of the
    /// account's information, and for one that names a version elsewhere than its family has it.
    pub(crate) fn of_path(path: &str) -> Option<&str> {
        let mut segments = path.split('/').skip(1);
        match (segments.next()?, segments.next()?, segments.next()) {
            ("crm", "objects" | "associations", version) => version.filter(|version| !Self::is_numbered(version)),
            ("crm", version, _) => Some(version).filter(|version| Self::is_numbered(version)),
            ("oauth" | "account-info", version, _) => Some(version),
            _ => None,
        }
    }

    /// Whether a version is one of those before the dated ones.
    fn is_numbered(version: &str) -> bool {
        matches!(Self::parse(version), Ok(Self::V3 | Self::V4))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3 => "v3",
            Self::V4 => "v4",
            Self::Dated(date) => date,
        })
    }
}
