//! Faults and rate limits as text, as the command line takes them.

use std::{collections::BTreeSet, str::FromStr, time::Duration};

use crate::{faults::fault::Fault, http::limits::RateLimits};

const EFFECTS: &str = "a status such as 503, `reset`, `html`, `empty`, `truncated`, `invalid-json`, `daily-limit`, \
                       `bad-refresh-token`, `bad-hub` or a delay such as `200ms`";

const HOUR: Duration = Duration::from_secs(3_600);
/// The longest that HubSpot announces with `Retry-After`.
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A fault as text: what happens, and in any order behind it, each after a colon, how often (`2%` of the requests, or
/// `x3` for the first three), which operation and account it strikes ([`Fault::on`], and `account=` with an id),
/// `retry-after=30s` for the header `Retry-After`, and `after` for one that strikes when the operation has been carried out.
///
/// The requests that a share strikes are drawn from a generator whose seed is 0 for the first fault with a share that is
/// injected, 1 for the second one and so on: the same faults in the same order strike the same requests, and two faults do
/// not draw alike. Ending all faults begins again with 0.
///
/// ```
/// use hubspot_simulator::Fault;
///
/// let unreliable: Fault = "503:2%".parse()?;
/// let lost: Fault =
///     "reset:1%:associate:after".parse()?;
/// let slow: Fault = "200ms:x5:search".parse()?;
/// # let _ = (unreliable, lost, slow);
/// # Ok::<(), String>(())
/// ```
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':').map(str::trim);
        let effect = parts.next().unwrap_or_default();
        let mut fault = self::effect(effect).ok_or_else(|| format!("no fault: `{effect}`; {EFFECTS}"))?;
        for part in parts {
            fault = if let Some(percent) = part.strip_suffix('%') {
                let percent = percent.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
                let percent = percent.ok_or_else(|| format!("`{part}` in `{text}` is not 0% to 100%"))?;
                fault.with_share(percent / 100.0)
            } else if let Some(times) = part.strip_prefix('x').and_then(|times| times.parse().ok()) {
                fault.times(times)
            } else if let Some(wait) = part.strip_prefix("retry-after=").and_then(|wait| duration(wait, DAY)) {
                fault.retry_after(wait)
            } else if part == "after" {
                fault.after_operation()
            } else if let Some(id) = part.strip_prefix("account=").and_then(|id| id.parse().ok()) {
                fault.in_account(id)
            } else if OPERATIONS.contains(&part) {
                fault.on(part)
            } else {
                return Err(format!(
                    "`{part}` in `{text}` is neither a share such as 2%, a number such as x3, `after`, `account=` with an id, \
                     `retry-after=` with a time such as 30s, nor an operation: {}",
                    OPERATIONS.join(", ")
                ));
            };
        }
        Ok(fault)
    }
}

/// The operations a fault can be narrowed to.
const OPERATIONS: [&str; 28] = [
    "list",
    "get",
    "create",
    "update",
    "archive",
    "batch_read",
    "batch_create",
    "batch_update",
    "batch_upsert",
    "batch_archive",
    "search",
    "associate",
    "dissociate",
    "associate_default",
    "dissociate_all",
    "list_associations",
    "association_types",
    "batch_associate",
    "batch_associate_default",
    "batch_dissociate",
    "batch_dissociate_all",
    "batch_read_associations",
    "oauth_token",
    "introspect_token",
    "access_token_info",
    "private_app_token_info",
    "account_details",
    "api_usage",
];

fn effect(text: &str) -> Option<Fault> {
    Some(match text {
        "reset" => Fault::reset(),
        "html" => Fault::html(502),
        "empty" => Fault::empty(502),
        "truncated" => Fault::truncated_body(),
        "invalid-json" => Fault::invalid_json(),
        "daily-limit" => Fault::daily_limit(),
        "bad-refresh-token" => Fault::bad_refresh_token(),
        "bad-hub" => Fault::bad_hub(),
        other => match other.parse::<u16>() {
            Ok(status) => Fault::status(Some(status).filter(|status| (200..600).contains(status))?),
            Err(_) => Fault::delay(duration(other, HOUR)?),
        },
    })
}

/// A duration as text: `20ms`, `1.5s`.
fn duration(text: &str, longest: Duration) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1_000.0),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let seconds = number.parse::<f64>().ok()? / unit;
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration <= longest)
}

/// Limits as text, separated by commas: `100/10s`, `250000/day`, `5/s` for searches, and `150/10s-associations` and
/// `500000/day-associations` for the operations under `/crm/…/associations`.
///
/// ```
/// let limits: hubspot_simulator::RateLimits =
///     "100/10s,250000/day,5/s".parse()?;
/// # let _ = limits;
/// # Ok::<(), String>(())
/// ```
impl FromStr for RateLimits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut windows = BTreeSet::new();
        text.split(',').map(str::trim).try_fold(Self::default(), |limits, part| {
            let problem = || {
                format!("no limit: `{part}`; a number and `/10s`, `/10s-associations`, `/day`, `/day-associations`, or `/s` for searches")
            };
            let (max, window) = part.split_once('/').ok_or_else(problem)?;
            let max = max.parse().map_err(|_| problem())?;
            if !windows.insert(window) {
                return Err(format!("a second limit of `/{window}`: `{part}`"));
            }
            match window {
                "10s" => Ok(limits.per_ten_seconds(max)),
                "10s-associations" => Ok(limits.associations_per_ten_seconds(max)),
                "day-associations" => Ok(limits.associations_per_day(max)),
                "day" => Ok(limits.per_day(max)),
                "s" => Ok(limits.searches_per_second(max)),
                _ => Err(problem()),
            }
        })
    }
}
