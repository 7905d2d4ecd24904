//! The command `doctor`: what a token can do, in which account, and what stands in its way.

pub(super) mod beliefs;
mod write;

use std::{
    net::IpAddr,
    time::{Duration, Instant, SystemTime},
};

use chrono::{DateTime, Utc};
use hubspot_partner_clients::{ApiVersion, Client, Error, ErrorKind, RateLimitHeaders};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use indicatif::HumanCount;
use serde::Serialize;

use crate::{
    account::described,
    arguments::Association,
    exit::Code,
    failure::{Failure, told},
    output::Output,
    printable::printable,
    target::{Session, Target},
    words::counted,
};

const VERSIONS: [ApiVersion; 3] = [ApiVersion::V3, ApiVersion::V2026_03, ApiVersion::V2026_09];
const OBJECT_TYPES: [&str; 4] = ["companies", "contacts", "deals", "tickets"];
const SCOPES: [&str; 2] = ["crm.objects.partner-clients.read", "crm.objects.partner-clients.write"];
/// Signatures and tokens are checked by the clock, and half a token's life is more than this.
const CLOCK: Duration = Duration::from_secs(60);
/// A request of HubSpot's takes a tenth of this.
const SLOW: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Error,
}

/// What one check found.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    level: Level,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip)]
    code: Code,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, message: message.into(), remedy: None, code: Code::Success }
    }

    fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warning, remedy: Some(remedy.into()), ..Self::ok(check, message) }
    }

    fn error(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Error, code: Code::Refused, ..Self::warning(check, message, remedy) }
    }

    fn failed(check: &'static str, error: &Error) -> Self {
        let (message, remedy) = told(error);
        Self { code: Code::from(error), ..Self::error(check, message, remedy) }
    }
}

/// Tells the findings as they come.
struct Findings<'a> {
    output: &'a mut Output,
    code: Code,
    errors: u64,
    warnings: u64,
}

impl Findings<'_> {
    fn add(&mut self, finding: Finding) -> Result<(), Failure> {
        let Finding { check, level, message, remedy, code } = &finding;
        let level = match level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        self.errors += u64::from(finding.level == Level::Error);
        self.warnings += u64::from(finding.level == Level::Warning);
        self.code = if self.code == Code::Success { *code } else { self.code.first(*code) };
        if self.output.json {
            self.output.json(&finding)?;
        } else if self.output.csv {
            self.output.texts([check, level, message, remedy.as_deref().unwrap_or_default()])?;
        } else {
            // In a line each, whatever a server tells.
            self.output.line(format_args!("{level:<7}  {check:<17}  {}", printable(message)))?;
            if let Some(remedy) = remedy {
                self.output.line(format_args!("{:<7}  {:<17}  {}", "", "what to do:", printable(remedy)))?;
            }
        }
        // The next one may take a while.
        self.output.flush()
    }
}

pub(super) async fn run(target: &Target, pair: Option<&Association>, output: &mut Output) -> Result<Code, Failure> {
    if output.csv {
        output.record(["check", "level", "message", "remedy"])?;
    }
    let session = target.client().await?;
    if let Some(wanted) = &target.account {
        let account = session.client.account().await?;
        if account.id != *wanted {
            return Err(crate::account::another(&account, wanted));
        }
    }
    let mut findings = Findings { output, code: Code::Success, errors: 0, warnings: 0 };
    findings.add(connection(&session))?;
    let answering = examine(&session, &mut findings).await?;
    if let Some(pair) = pair {
        for &version in &answering {
            let (association_type, _) = beliefs::named(&session, &answering, version, pair).await;
            findings.add(write::check(&session.at(version)?, version, pair, &association_type).await)?;
        }
    }
    let Findings { output, code, errors, warnings } = findings;
    if !output.json {
        let [errors, warnings] = [(errors, "error"), (warnings, "warning")].map(|(count, noun)| counted(count, noun));
        output.line(format_args!("{errors}, {warnings}"))?;
    }
    Ok(code)
}

/// All that is only read. Tells which versions answer.
async fn examine(session: &Session, findings: &mut Findings<'_>) -> Result<Vec<ApiVersion>, Failure> {
    let client = &session.client;
    match client.account().await {
        Ok(account) => {
            let zone = account.time_zone.as_deref().map(|zone| format!(", time zone {zone}")).unwrap_or_default();
            findings.add(Finding::ok("account", format!("{}{zone}", described(&account))))?;
        }
        // Nothing else can be asked.
        Err(error) if ends_it(&error) => {
            findings.add(Finding::failed("account", &error))?;
            return Ok(Vec::new());
        }
        Err(error) => {
            let message = format!("HubSpot does not tell which account the token is for: {error}");
            findings.add(Finding::warning(
                "account",
                message,
                "Compare the token with the account in HubSpot's settings.",
            ))?;
        }
    }
    for finding in token(client).await {
        findings.add(finding)?;
    }
    let mut answering = Vec::new();
    for version in VERSIONS {
        let (finding, limits) = answers(session, version).await?;
        findings.add(finding)?;
        if let Some(limits) = limits {
            if answering.is_empty() {
                findings.add(rate_limit(limits))?;
            }
            answering.push(version);
        }
    }
    findings.add(partner_clients(client).await)?;
    // Nobody is to be told that all is well with what no version was asked for.
    for object_type in OBJECT_TYPES.into_iter().filter(|_| !answering.is_empty()) {
        findings.add(association_types(session, object_type, &answering).await?)?;
    }
    findings.add(clock(client).await)?;
    Ok(answering)
}

/// Whether the other checks would fail as this one did.
fn ends_it(error: &Error) -> bool {
    use ErrorKind::{Connect, Credentials, DailyLimit, Timeout, Tls, Token, Unauthorized};
    matches!(error.kind(), Connect | Credentials | DailyLimit | Timeout | Tls | Token | Unauthorized)
}

/// How HubSpot is reached: its address, TLS, and a proxy.
fn connection(session: &Session) -> Finding {
    let server = session.server();
    let is_tls = server.starts_with("https:");
    let tls = if is_tls { "with TLS" } else { "without TLS, on this machine" };
    // The library reaches this machine directly, and without TLS no other.
    let through = server.parse().ok().filter(|_| is_tls).and_then(|uri| {
        let proxy = Matcher::from_system().intercept(&uri)?;
        uri.host().is_some_and(|host| !is_loopback(host)).then_some(proxy)
    });
    let proxy = match through.as_ref().map(Intercept::uri) {
        // Without the password.
        Some(proxy) => {
            let port = proxy.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("through the proxy {}{port}", proxy.host().unwrap_or_default())
        }
        None => "without a proxy".to_owned(),
    };
    Finding::ok("connection", format!("{server}, {tls}, {proxy}"))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What kind of token it is, and what it may do.
async fn token(client: &Client) -> Vec<Finding> {
    match client.token_info().await {
        Ok(info) => {
            let app = info.app_id.map(|id| format!(" {id}")).unwrap_or_default();
            let kind = format!("of the private app{app}, which does not expire");
            let missing: Vec<_> =
                SCOPES.into_iter().filter(|wanted| !info.scopes.iter().any(|scope| scope == wanted)).collect();
            let scopes = if missing.is_empty() {
                Finding::ok(
                    "scopes",
                    format!("{}, among them all that partner clients need", counted(info.scopes.len() as u64, "scope")),
                )
            } else {
                let missing = missing.join(" and ");
                let remedy = format!("Give the app the scope {missing}, then create a new token.");
                Finding::error("scopes", format!("{missing} is missing"), remedy)
            };
            vec![
                Finding::ok("token", kind),
                Finding { code: if scopes.level == Level::Ok { Code::Success } else { Code::Token }, ..scopes },
            ]
        }
        Err(error) if ends_it(&error) => vec![Finding::failed("token", &error)],
        Err(error) => vec![
            Finding::ok("token", format!("not of a private app, but of an OAuth app or a service key ({error})")),
            Finding::ok("scopes", "not told by HubSpot for such a token; the checks below show what it may read"),
        ],
    }
}

/// Whether a version answers, and what it says of the rate limit.
async fn answers(session: &Session, version: ApiVersion) -> Result<(Finding, Option<RateLimitHeaders>), Failure> {
    let check = match version {
        ApiVersion::V3 => "version v3",
        ApiVersion::V2026_03 => "version 2026-03",
        _ => "version 2026-09",
    };
    let asked = Instant::now();
    Ok(match session.at(version)?.list().page_size(1).send_with_meta().await {
        Ok((_, meta)) => {
            let took = asked.elapsed().saturating_sub(meta.rate_limit_wait);
            let mut message =
                format!("answers in {} ms", HumanCount(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)));
            if let Some(month) = version.unsupported_from() {
                message += &format!(", and is no longer supported from {month} on");
            }
            let finding = match (version.warning(), took > SLOW) {
                (Some(warning), _) => Finding::warning(check, warning, "Move to a newer version with --api-version."),
                (None, true) => {
                    Finding::warning(check, message, "Look at the network and the proxy; HubSpot answers faster.")
                }
                (None, false) => Finding::ok(check, message),
            };
            (finding, Some(meta.rate_limit))
        }
        // Nobody has asked for the others.
        Err(error) if version != session.client.api_version() => {
            let message = format!("does not answer: {error}");
            (Finding::warning(check, message, "Use the versions that answer."), None)
        }
        Err(error) => (Finding::failed(check, &error), None),
    })
}

fn rate_limit(limits: RateLimitHeaders) -> Finding {
    let number = |count: u64| HumanCount(count).to_string();
    let mut told = Vec::new();
    if let (Some(limit), Some(interval)) = (limits.limit, limits.interval) {
        told.push(format!("{} requests in {} s", number(limit.into()), interval.as_secs_f64()));
    }
    match (limits.daily_remaining, limits.daily_limit) {
        (Some(left), Some(limit)) => told.push(format!("{} of {} left today", number(left), number(limit))),
        (Some(left), None) => told.push(format!("{} left today", number(left))),
        _ => {}
    }
    let is_short = limits.daily_remaining.zip(limits.daily_limit).is_some_and(|(left, limit)| left < limit / 10);
    match (told.is_empty(), is_short) {
        (true, _) => Finding::ok("rate limit", "not told by HubSpot for this token"),
        (_, true) => {
            let remedy = "The daily limit is reset at midnight in the account's time zone: begin a large run after it.";
            Finding::warning("rate limit", told.join(", "), remedy)
        }
        (false, false) => Finding::ok("rate limit", told.join(", ")),
    }
}

async fn partner_clients(client: &Client) -> Finding {
    match client.search().page_size(1).await {
        Ok(page) => match page.total.and_then(|total| u64::try_from(total).ok()) {
            Some(0) => {
                let remedy =
                    "Partner clients exist in the accounts of HubSpot's Solutions Partners only: check the account.";
                Finding::warning("partner clients", "there are none", remedy)
            }
            Some(total) => Finding::ok("partner clients", counted(total, "partner client")),
            None => Finding::ok("partner clients", "HubSpot does not tell how many"),
        },
        Err(error) => Finding::failed("partner clients", &error),
    }
}

/// The association types to an object type, in all versions that answer.
async fn association_types(
    session: &Session,
    object_type: &'static str,
    versions: &[ApiVersion],
) -> Result<Finding, Failure> {
    let mut told = Vec::new();
    for &version in versions {
        match session.at(version)?.association_types(object_type).await {
            Ok(types) => {
                let names = types.iter().map(|known| {
                    let name = known.name.as_deref().or(known.label.as_deref()).unwrap_or("unlabelled");
                    format!("{name} ({})", known.id)
                });
                let names: Vec<_> = names.collect();
                told.push(format!(
                    "{version}: {}",
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                ));
            }
            Err(error) => {
                let Finding { message, remedy, code, .. } = Finding::failed(object_type, &error);
                return Ok(Finding {
                    code,
                    ..Finding::error(object_type, format!("{version}: {message}"), remedy.unwrap_or_default())
                });
            }
        }
    }
    Ok(Finding::ok(object_type, told.join("; ")))
}

/// How far this machine's clock is from HubSpot's.
async fn clock(client: &Client) -> Finding {
    let date = match client.raw().account_details().send().await {
        Ok(response) => response.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned),
        Err(_) => None,
    };
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(&date).ok());
    let Some(date) = date else { return Finding::ok("clock", "HubSpot tells no time to compare it with") };
    let off = (DateTime::<Utc>::from(SystemTime::now()) - date.to_utc()).abs().to_std().unwrap_or_default();
    if off > CLOCK {
        let message = format!("{} away from HubSpot's", counted(off.as_secs(), "second"));
        return Finding::warning("clock", message, "Set this machine's clock, for example with NTP.");
    }
    // The header has whole seconds.
    Finding::ok("clock", "as HubSpot's, to a minute")
}
