//! The version of HubSpot's API that a client speaks.

use std::{fmt, str::FromStr};

/// A version of HubSpot's API: `v3`, or one of the dated versions that HubSpot releases every March and September.
///
/// ```
/// use hubspot_partner_clients::ApiVersion;
///
/// # fn main() -> Result<(), hubspot_partner_clients::InvalidApiVersion> {
/// assert_eq!(ApiVersion::default(), ApiVersion::V3);
/// assert_eq!(
///     ApiVersion::dated("2026-09")?,
///     ApiVersion::V2026_09
/// );
/// assert_eq!(
///     "2027-03-beta"
///         .parse::<ApiVersion>()?
///         .to_string(),
///     "2027-03-beta"
/// );
/// # Ok(())
/// # }
/// ```
///
/// A dated version that is newer than this release of the crate is treated like the newest one that the crate knows,
/// and building a client of it logs a warning. Versions are ordered by age.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ApiVersion(Version);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
enum Version {
    #[default]
    V3,
    Dated {
        month: Month,
        /// False for a preview, which carries `-beta` and comes before the release.
        released: bool,
    },
}

/// A month of the calendar, displayed as `2027-09`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Month {
    /// The year.
    pub year: u16,
    /// The month: 1 to 12.
    pub month: u8,
}

impl Month {
    pub(crate) const fn new(year: u16, month: u8) -> Self {
        Self { year, month }
    }

    #[cfg(feature = "client")]
    pub(crate) fn current() -> Self {
        use chrono::Datelike;
        let now = chrono::Utc::now();
        // No clock is set to a year that does not fit, and a month is 1 to 12.
        Self::new(u16::try_from(now.year()).unwrap_or_default(), now.month() as u8)
    }

    const fn plus(self, months: u16) -> Self {
        // The product would not fit for years that nobody means.
        let all = self.month as u16 - 1 + months;
        Self { year: self.year.saturating_add(all / 12), month: (all % 12) as u8 + 1 }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// How long HubSpot supports a dated version, in months.
const SUPPORTED: u16 = 18;
/// How long before the end of support a client warns of it, in months.
#[cfg(feature = "client")]
const WARNED: u16 = 6;

/// Year, month and whether it is a release, of a text that is written as a dated version is. There may be no such version.
fn parts(text: &str) -> Option<(u16, u16, bool)> {
    let (date, released) = text.strip_suffix("-beta").map_or((text, true), |date| (date, false));
    let number = |text: &str, digits| {
        (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
    };
    let (year, month) = date.split_once('-')?;
    Some((number(year, 4)?, number(month, 2)?, released))
}

/// Whether a text is written as a dated version is.
pub(crate) fn is_date(text: &str) -> bool {
    parts(text).is_some()
}

impl ApiVersion {
    /// The version of the paths under `/crm/v3/`; the default. HubSpot stops fixing it after September 2027.
    pub const V3: Self = Self(Version::V3);
    /// The dated version of March 2026, the first.
    pub const V2026_03: Self = Self::released(2026, 3);
    /// The dated version of September 2026.
    pub const V2026_09: Self = Self::released(2026, 9);

    /// The newest version that this release of the crate knows.
    #[cfg(feature = "client")]
    pub(crate) const NEWEST: Self = Self::V2026_09;

    const fn released(year: u16, month: u8) -> Self {
        Self(Version::Dated { month: Month::new(year, month), released: true })
    }

    /// Creates a dated version from its year and month, such as `2027-03`, or a preview, such as `2027-03-beta`. It may
    /// be newer than this release of the crate.
    ///
    /// # Errors
    /// [`InvalidApiVersion`] for any other text, and for a version older than `2026-03`, the first dated version.
    pub fn dated(version: &str) -> Result<Self, InvalidApiVersion> {
        let refuse = |reason| Err(InvalidApiVersion { value: version.to_owned(), reason });
        match parts(version.trim()) {
            None => refuse("is not the year and month of a version"),
            Some((_, month, _)) if !(1..=12).contains(&month) => refuse("has a month that no year has"),
            Some((year, month, released)) => {
                // 1 to 12.
                let month = Month::new(year, month as u8);
                if month < Month::new(2026, 3) {
                    return refuse("is older than the first dated version");
                }
                Ok(Self(Version::Dated { month, released }))
            }
        }
    }

    /// Whether it is a dated version, rather than v3.
    pub fn is_dated(self) -> bool {
        self != Self::V3
    }

    /// Returns the month from which HubSpot no longer supports the version. It may go on working after that, without
    /// fixes. For v3, HubSpot has announced the month; for a dated version, it is 18 months after the release. A
    /// preview has none, because it may change or end at any time.
    ///
    /// ```
    /// use hubspot_partner_clients::ApiVersion;
    ///
    /// let end = ApiVersion::V3
    ///     .unsupported_from()
    ///     .map(|month| month.to_string());
    /// assert_eq!(end.as_deref(), Some("2027-09"));
    /// ```
    pub fn unsupported_from(self) -> Option<Month> {
        match self.0 {
            Version::V3 => Some(Month::new(2027, 9)),
            Version::Dated { month, released: true } => Some(month.plus(SUPPORTED)),
            Version::Dated { released: false, .. } => None,
        }
    }

    /// Returns what you should know before you use the version today: that HubSpot stops supporting it within six
    /// months, or that this release of the crate does not know it. Building a client logs the same text.
    #[cfg(feature = "client")]
    pub fn warning(self) -> Option<String> {
        self.warning_in(Month::current())
    }

    #[cfg(feature = "client")]
    fn warning_in(self, today: Month) -> Option<String> {
        if !matches!(self, Self::V3 | Self::V2026_03 | Self::V2026_09) {
            let newest = Self::NEWEST;
            return Some(format!("API version {self} is not known to this release, so it is used as {newest} is"));
        }
        let end = self.unsupported_from().filter(|end| *end <= today.plus(WARNED))?;
        let move_to = if self < Self::NEWEST { format!("{} or later", Self::NEWEST) } else { "a later one".to_owned() };
        Some(format!("HubSpot does not support API version {self} from {end} on: move to {move_to}"))
    }
}

/// `v3`, or `2026-09`.
impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Version::V3 => f.write_str("v3"),
            Version::Dated { month, released } => write!(f, "{month}{}", if released { "" } else { "-beta" }),
        }
    }
}

impl fmt::Debug for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiVersion({self})")
    }
}

/// `v3` in any case, or what [`ApiVersion::dated`] takes. White space around it does not count.
impl FromStr for ApiVersion {
    type Err = InvalidApiVersion;

    fn from_str(version: &str) -> Result<Self, InvalidApiVersion> {
        let text = version.trim();
        if text.eq_ignore_ascii_case("v3") {
            return Ok(Self::V3);
        }
        let number = text.strip_prefix(['v', 'V']).unwrap_or_default();
        if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
            let reason = "is not spoken by this crate";
            return Err(InvalidApiVersion { value: version.to_owned(), reason });
        }
        Self::dated(version)
    }
}

/// Error for a text that is not a version of HubSpot's API. `?` converts it to [`Error`](crate::Error).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidApiVersion {
    value: String,
    reason: &'static str,
}

const GIVE: &str = "give v3, 2026-03, 2026-09 or the year and month of a later version";

impl fmt::Display for InvalidApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value: String = self.value.chars().take(64).collect();
        write!(f, "API version {value:?} {}: {GIVE}", self.reason)
    }
}

impl std::error::Error for InvalidApiVersion {}

#[cfg(feature = "client")]
impl InvalidApiVersion {
    /// The error of the setting that holds it.
    pub(crate) fn of(&self, setting: &str) -> crate::error::Error {
        crate::error::Error::invalid_input(setting, Some(&self.value), self.reason, GIVE)
    }
}

#[cfg(feature = "client")]
impl From<InvalidApiVersion> for crate::error::Error {
    fn from(invalid: InvalidApiVersion) -> Self {
        invalid.of("API version")
    }
}

#[cfg(feature = "client")]
impl serde::Serialize for ApiVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "client")]
impl<'de> serde::Deserialize<'de> for ApiVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use super::*;

    #[test]
    fn a_client_warns_from_half_a_year_before_the_end_of_support() {
        let warning = |version: ApiVersion, year, month| version.warning_in(Month::new(year, month));
        assert_eq!(warning(ApiVersion::V3, 2027, 2), None);
        let said = warning(ApiVersion::V3, 2027, 3).unwrap_or_default();
        assert_eq!(said, "HubSpot does not support API version v3 from 2027-09 on: move to 2026-09 or later");
        assert_eq!(warning(ApiVersion::V2026_09, 2027, 8), None);
        assert!(warning(ApiVersion::V2026_09, 2027, 9).is_some_and(|said| said.ends_with("move to a later one")));
        assert!(warning(ApiVersion::V2026_03, 2031, 1).is_some());
    }

    #[test]
    fn the_last_year_that_can_be_written_has_an_end_of_support_too() {
        let end = ApiVersion::dated("9999-12").ok().and_then(ApiVersion::unsupported_from);
        assert_eq!(end.map(|month| month.to_string()).as_deref(), Some("10001-06"));
    }

    #[test]
    fn a_version_that_is_not_known_is_said_to_be_used_as_the_newest() {
        let said = ApiVersion::dated("2027-03").ok().and_then(|version| version.warning_in(Month::new(2026, 11)));
        let expected = "API version 2027-03 is not known to this release, so it is used as 2026-09 is";
        assert_eq!(said.as_deref(), Some(expected));
    }
}
