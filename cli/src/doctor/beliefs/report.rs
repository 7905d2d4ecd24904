//! The report on beliefs. It is made of this program's own words and of numbers, so that nothing of an account can be in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use hubspot_partner_clients::ApiVersion;
use serde_json::json;

use super::ask::Answer;
use crate::{failure::Failure, output::Output, words::counted};

/// The beliefs that are compared by reading.
const READ: [&str; 16] = [
    "account-info",
    "archived-flag",
    "association-window",
    "batch-cursor",
    "computed-times",
    "daily-usage",
    "default-properties",
    "id-property",
    "id-property-batch",
    "ids",
    "not-found",
    "oauth-v1",
    "order",
    "partner-client-type-id",
    "private-app-token-info",
    "same-type-ids",
];
/// The beliefs that are compared by making an association.
const MADE: [&str; 7] = [
    "companions",
    "duplicates",
    "invalid-associations",
    "inverse-results",
    "labels-archive",
    "unknown-type",
    "unlabeled-ends-labels",
];

/// What HubSpot did in place of what is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Words(&'static str),
    Status(u16),
}

impl Found {
    /// `None` where it is what is believed.
    pub(super) fn unless(holds: bool, words: &'static str) -> Option<Self> {
        (!holds).then_some(Self::Words(words))
    }

    pub(super) fn status(answer: &Answer, believed: u16) -> Option<Self> {
        (answer.status != believed).then_some(Self::Status(answer.status))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::Status(status) => write!(f, "the status {status}"),
        }
    }
}

struct Difference {
    belief: &'static str,
    version: ApiVersion,
    believed: &'static str,
    found: Found,
}

pub(super) struct Report {
    versions: Vec<ApiVersion>,
    compared: BTreeSet<&'static str>,
    not_compared: BTreeMap<&'static str, &'static str>,
    differences: Vec<Difference>,
}

impl Report {
    pub(super) fn new(versions: Vec<ApiVersion>, writes: bool) -> Self {
        let why = if writes { "the two objects show nothing of it" } else { "it takes --write" };
        let made = MADE.into_iter().map(|belief| (belief, why));
        let read = READ.into_iter().map(|belief| (belief, "the account shows nothing of it"));
        let not_compared = read.chain(made).collect();
        Self { versions, compared: BTreeSet::new(), not_compared, differences: Vec::new() }
    }

    /// Compares one belief in one version with an answer, unless nothing follows from that, for this reason; `found` is what
    /// differs.
    pub(super) fn compare(
        &mut self,
        belief: &'static str,
        version: ApiVersion,
        believed: &'static str,
        nothing: Option<&'static str>,
        found: Option<Found>,
    ) {
        if let Some(why) = nothing {
            self.not_compared(belief, why);
            return;
        }
        self.compared.insert(belief);
        self.differences.extend(found.map(|found| Difference { belief, version, believed, found }));
    }

    /// Says why a belief could not be compared, at least in one version.
    pub(super) fn not_compared(&mut self, belief: &'static str, why: &'static str) {
        self.not_compared.insert(belief, why);
    }

    /// The same of all that take an association.
    pub(super) fn nothing_made(&mut self, why: &'static str) {
        self.not_compared.extend(MADE.map(|belief| (belief, why)));
    }

    pub(super) fn print(mut self, output: &mut Output) -> Result<(), Failure> {
        self.not_compared.retain(|belief, _| !self.compared.contains(belief));
        let Self { versions, compared, not_compared, differences } = &self;
        let texts = |difference: &Difference| {
            let Difference { belief, version, believed, found } = difference;
            [(*belief).to_owned(), version.to_string(), (*believed).to_owned(), found.to_string()]
        };
        if output.json {
            let differences: Vec<_> = differences.iter().map(texts).collect();
            let named = |[belief, version, believed, found]: [String; 4]| json!({"belief": belief, "version": version, "believed": believed, "found": found});
            return output.json(&json!({
                "tool": env!("CARGO_PKG_VERSION"),
                "versions": versions.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "differences": differences.into_iter().map(named).collect::<Vec<_>>(),
                "compared": compared,
                "notCompared": not_compared,
            }));
        }
        if output.csv {
            output.record(["belief", "version", "believed", "found"])?;
            return differences.iter().try_for_each(|difference| output.record(texts(difference)));
        }
        for difference in differences {
            let [belief, version, believed, found] = texts(difference);
            output.line(format_args!("{belief}, {version}"))?;
            output.line(format_args!("  believed: {believed}"))?;
            output.line(format_args!("  found:    {found}"))?;
        }
        let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
        let count = match differences.len() {
            0 => "no difference".to_owned(),
            count => counted(count as u64, "difference"),
        };
        let of = counted(compared.len() as u64, "belief");
        output.line(format_args!("{count} in {of} compared on {}", versions.join(", ")))?;
        for (belief, why) in not_compared {
            output.line(format_args!("not compared: {belief}, because {why}"))?;
        }
        Ok(())
    }
}
