//! What a run would do, by requests that change nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use hubspot_partner_clients::{
    Association, AssociationType, Client, Error, ErrorKind, ObjectId, ObjectType, PartnerClientId, Resolved,
};
use indicatif::{HumanCount, HumanDuration};
use serde_json::json;

use super::{
    annotated::Annotated,
    arguments::{Many, Strategy},
    batches::{self, Placed},
    causes::Causes,
    change::Change,
    check::Checked,
    existing::{Existing, Types},
    input::Input,
    rows::Rows,
    run::stops,
};
use crate::{
    exit::Code,
    failure::{Failure, for_tool, to_json, warn},
    output::{Output, Table},
    printable::printable,
    words::counted,
};

const MOST_ASSOCIATED: u64 = 2_000;
const MOST_DISSOCIATED: u64 = 100;

pub(super) async fn run(
    change: Change,
    many: &Many,
    including_labels: bool,
    input: &Input,
    checked: &Checked,
    client: &Client,
    output: &mut Output,
) -> Result<Code, Failure> {
    let existing = Existing::read(client, input, checked, None).await?;
    let labels = match change {
        Change::Dissociate if client.api_version().is_dated() => {
            let most = most(change, many.strategy);
            // As the library bounds what a run takes.
            let bound = 2 * most * u64::from(many.concurrency);
            labels_beside(&existing, input, (most, bound), including_labels, client).await?
        }
        _ => HashMap::new(),
    };
    let mut known = Known { labels, ..Known::from(existing) };
    if change == Change::Associate {
        known.look_for_objects(client, input, checked, output.json).await?;
    }
    let mut rows = Rows::open(input)?;
    let mut preview = Preview::begin(change, including_labels, &rows, output)?;
    while let Ok(true) = rows.advance()? {
        preview.add(&rows, &known, output)?;
    }
    let requests = requests(change, many.strategy, client.api_version().is_dated(), &preview.sent);
    preview.end(requests, client, output)
}

/// What HubSpot says of the rows.
struct Known {
    types: Types,
    there: HashSet<Association>,
    /// The partner clients that it does not know.
    unknown: HashSet<PartnerClientId>,
    /// The other objects that it does not know, by their type.
    missing: HashSet<(ObjectType, ObjectId)>,
    /// The other objects of which it does not say whether it knows them.
    unclear: HashMap<(ObjectType, ObjectId), Error>,
    /// The labels that go with the unlabelled associations of rows, by their lines.
    labels: HashMap<u64, BTreeSet<String>>,
}

/// The labels that HubSpot would remove with the unlabelled association of a row, by its line: those that the file does not name.
/// A run that may not remove these keeps the association for labels as well that it removes in a later batch.
async fn labels_beside(
    existing: &Existing,
    input: &Input,
    (most, bound): (u64, u64),
    including_labels: bool,
    client: &Client,
) -> Result<HashMap<u64, BTreeSet<String>>, Failure> {
    let mut labels = HashMap::new();
    for plan in &existing.plans {
        let is_unlabeled = |change: &&Association| plan.unlabeled_types.contains(&change.association_type);
        let pair = |change: &Association| (change.partner_client_id.clone(), change.to_object_id.clone());
        let unlabeled: HashSet<_> = plan.keep.iter().chain(&plan.add).filter(is_unlabeled).collect();
        let pairs: HashSet<_> = unlabeled.iter().map(|change| pair(change)).collect();
        let is_beside = |change: &&Association| !is_unlabeled(change) && pairs.contains(&pair(change));
        let listed: HashSet<_> = plan.keep.iter().filter(|_| !including_labels).filter(is_beside).collect();
        let mut others = HashMap::<_, Vec<(&AssociationType, u64)>>::new();
        for other in plan.remove.iter().filter(is_beside) {
            others.entry(pair(other)).or_default().push((&other.association_type, u64::MAX));
        }
        if others.is_empty() && listed.is_empty() {
            continue;
        }
        let is_wanted = |change: &Association| unlabeled.contains(change) || listed.contains(change);
        let placed = batches::find(input, &existing.types, most, bound, is_wanted)?;
        let mut first = HashMap::new();
        for Placed { association, batch, .. } in &placed {
            if let Some(label) = listed.get(association) {
                let known = first.entry(*label).or_insert(*batch);
                *known = (*known).min(*batch);
            }
        }
        for (label, batch) in first {
            others.entry(pair(label)).or_default().push((&label.association_type, batch));
        }
        let types = client.association_types(plan.to_object_type.clone()).await?;
        let names = types.iter().filter_map(|known| Some((AssociationType::from(known), known.label.clone()?)));
        let names: HashMap<_, _> = names.collect();
        for Placed { line, association, batch } in placed.iter().filter(|row| unlabeled.contains(&row.association)) {
            let stay = others.get(&pair(association)).into_iter().flatten().filter(|(_, goes)| goes > batch);
            let lost: BTreeSet<_> = stay.filter_map(|(label, _)| names.get(*label).cloned()).collect();
            if !lost.is_empty() {
                labels.insert(*line, lost);
            }
        }
    }
    Ok(labels)
}

impl Known {
    /// Looks for the objects of associations that are not there, a hundred to a request. What the token may not read is not
    /// known to be missing, nor is an object that HubSpot says nothing certain of.
    ///
    /// # Errors
    /// What concerns all objects of a type.
    async fn look_for_objects(
        &mut self,
        client: &Client,
        input: &Input,
        checked: &Checked,
        json: bool,
    ) -> Result<(), Failure> {
        let mut wanted: BTreeMap<ObjectType, BTreeSet<ObjectId>> = BTreeMap::new();
        let mut rows = Rows::open(input)?;
        for _ in 0..checked.rows {
            let Ok(true) = rows.advance()? else { break };
            if let Ok(association) = self.types.association(&rows)
                && !self.there.contains(&association)
            {
                wanted.entry(association.to_object_type).or_default().insert(association.to_object_id);
            }
        }
        for (to_type, ids) in wanted {
            let keys = ids.iter().map(|id| ("hs_object_id", id.as_str()));
            let outcomes = client.resolve(to_type.as_str(), keys).send().await;
            let is_of_one =
                |error: &Error| matches!(error.kind(), ErrorKind::NoOutcome | ErrorKind::Refused | ErrorKind::Decode);
            let is_told = outcomes.iter().any(|outcome| outcome.as_ref().err().is_none_or(is_of_one));
            for (id, outcome) in ids.into_iter().zip(outcomes) {
                match outcome {
                    Ok(Resolved::None) => drop(self.missing.insert((to_type.clone(), id))),
                    Ok(_) => {}
                    Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::MissingScope) => {
                        let message = format!("whether there are the {to_type} was not checked: {error}");
                        warn(json!({"kind": error.kind().as_str(), "message": message}), json);
                        break;
                    }
                    Err(error) if is_told && !stops(&error) => {
                        self.unclear.insert((to_type.clone(), id), error);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

impl From<Existing> for Known {
    fn from(existing: Existing) -> Self {
        let mut known = Self {
            types: existing.types,
            there: HashSet::new(),
            unknown: HashSet::new(),
            missing: HashSet::new(),
            unclear: HashMap::new(),
            labels: HashMap::new(),
        };
        for plan in existing.plans {
            known.there.extend([plan.keep, plan.remove, plan.beside_labels].into_iter().flatten());
            known.unknown.extend(plan.unknown);
        }
        known
    }
}

/// The labels that go with the association in a line, as a list.
fn labels_of(known: &Known, line: u64) -> String {
    let labels = known.labels.get(&line).into_iter().flatten();
    labels.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// How many rows a batch takes at most.
fn most(change: Change, strategy: Strategy) -> u64 {
    match (strategy, change) {
        (Strategy::Single, _) => 1,
        (_, Change::Associate) => MOST_ASSOCIATED,
        (_, Change::Dissociate) => MOST_DISSOCIATED,
    }
}

/// About how many requests a run takes. On dated versions, a batch is preceded by what its partner clients have.
fn requests(change: Change, strategy: Strategy, is_dated: bool, sent: &HashMap<String, u64>) -> u64 {
    let most = most(change, strategy);
    let batches: u64 = sent.values().map(|rows| rows.div_ceil(most)).sum();
    if is_dated { 2 * batches + sent.len() as u64 } else { batches }
}

struct Preview {
    change: Change,
    /// Whether labels may go with the unlabelled association.
    including_labels: bool,
    /// Those of CSV.
    columns: Annotated<2>,
    /// The lines of the associations so far.
    lines: HashMap<Association, u64>,
    /// How many rows there are of each object type, as it is spelt.
    sent: HashMap<String, u64>,
    counts: [u64; 4],
    wrong: Causes,
    notes: Causes,
}

/// What a row is, by the place of its count.
#[derive(Clone, Copy)]
enum Kind {
    Open,
    Done,
    Duplicate,
    Wrong,
}

impl Preview {
    fn begin(change: Change, including_labels: bool, rows: &Rows, output: &mut Output) -> Result<Self, Failure> {
        let columns = Annotated::new(rows, ["result", "error"]);
        if output.csv {
            output.record(columns.header(rows))?;
        }
        let (lines, sent) = (HashMap::new(), HashMap::new());
        let (wrong, notes) = (Causes::default(), Causes::default());
        Ok(Self { change, including_labels, columns, lines, sent, counts: [0; 4], wrong, notes })
    }

    /// What becomes of a row, for programs.
    fn result(&self, kind: Kind) -> &'static str {
        match (kind, self.change) {
            (Kind::Open, Change::Associate) => "to make",
            (Kind::Open, Change::Dissociate) => "to remove",
            (Kind::Done, Change::Associate) => "there",
            (Kind::Done, Change::Dissociate) => "not there",
            (Kind::Duplicate, _) => "duplicate",
            (Kind::Wrong, _) => "wrong",
        }
    }

    fn add(&mut self, rows: &Rows, known: &Known, output: &mut Output) -> Result<(), Failure> {
        let line = rows.line();
        let [partner_client, to_type, to_id, association_type] = rows.values();
        *self.sent.entry(to_type.to_owned()).or_default() += 1;
        let mut labels = None;
        let (kind, message, error) = match known.types.association(rows) {
            Err(error) => {
                self.wrong.add_error(&error, line);
                (Kind::Wrong, error.to_string(), Some(to_json(&error)))
            }
            Ok(association) if known.unknown.contains(&association.partner_client_id) => {
                let message = "HubSpot does not know the partner client".to_owned();
                self.wrong.add(&message, format!("{message} {partner_client}"), line);
                let error = json!({"kind": "not_found", "message": format!("{message} {partner_client}")});
                (Kind::Wrong, message, Some(error))
            }
            Ok(association)
                if known.missing.contains(&(association.to_object_type.clone(), association.to_object_id.clone())) =>
            {
                let key = format!("HubSpot does not know one of the {to_type}");
                let message = format!("HubSpot has none of the {to_type} with the id {to_id}");
                self.wrong.add(&key, message.clone(), line);
                let error = json!({"kind": "not_found", "message": message});
                (Kind::Wrong, message, Some(error))
            }
            Ok(association) if !self.including_labels && known.labels.contains_key(&line) => {
                let number = association.association_type.as_str().rsplit(':').next().unwrap_or_default();
                let labels = labels_of(known, line);
                let remedy = "add --including-labels if they may go, or remove a label instead";
                let message = format!(
                    "association type {number:?} is the unlabelled one, and HubSpot removes the labels of the pair with it \
                     ({labels}): {remedy}"
                );
                self.wrong.add(&message, message.clone(), line);
                let error = json!({"kind": ErrorKind::InvalidInput.as_str(), "message": message, "remedy": remedy});
                (Kind::Wrong, message, Some(error))
            }
            Ok(association) => match self.lines.get(&association) {
                Some(first) => {
                    let message = "the same association as in an earlier row";
                    self.notes.add(message, message.to_owned(), line);
                    (Kind::Duplicate, format!("the same association as in line {first}"), None)
                }
                None => {
                    let is_there = known.there.contains(&association);
                    let is_done = is_there == (self.change == Change::Associate);
                    let object = (association.to_object_type.clone(), association.to_object_id.clone());
                    let (mut message, mut error) = (String::new(), None);
                    if known.labels.contains_key(&line) {
                        labels = known.labels.get(&line);
                        message =
                            format!("HubSpot removes the labels of the pair with it ({})", labels_of(known, line));
                        self.notes.add(&message, message.clone(), line);
                    }
                    if let Some(unclear) = known.unclear.get(&object).filter(|_| !is_there) {
                        let key = format!("whether HubSpot knows one of the {to_type} was not told");
                        message = format!(
                            "whether HubSpot has one of the {to_type} with the id {to_id} is not known: {}",
                            for_tool(&unclear.to_string())
                        );
                        self.notes.add(&key, message.clone(), line);
                        error = Some(to_json(unclear));
                    }
                    self.lines.insert(association, line);
                    (if is_done { Kind::Done } else { Kind::Open }, message, error)
                }
            },
        };
        if let Some(count) = self.counts.get_mut(kind as usize) {
            *count += 1;
        }
        if output.json {
            let mut told = json!({
                "line": line,
                "partnerClientId": partner_client,
                "toObjectType": to_type,
                "toObjectId": to_id,
                "associationType": association_type,
                "result": self.result(kind),
                "error": error,
            });
            if let (Some(labels), Some(told)) = (labels, told.as_object_mut()) {
                told.insert("labels".to_owned(), json!(labels));
            }
            output.json(&told)?;
        } else if output.csv {
            output.record(self.columns.row(rows, [self.result(kind), &printable(&message)]))?;
        }
        Ok(())
    }

    fn end(&self, requests: u64, client: &Client, output: &mut Output) -> Result<Code, Failure> {
        let [open, done, duplicates, wrong] = self.counts;
        let limits = client.rate_limit_status();
        let (limit, interval) = (limits.general.limit.filter(|limit| *limit > 0), limits.general.interval);
        let time = limit.and_then(|limit| {
            Duration::try_from_secs_f64(interval.as_secs_f64() * requests as f64 / f64::from(limit)).ok()
        });
        let code = if wrong > 0 { Code::Refused } else { Code::Success };
        let rows: u64 = self.counts.iter().sum();
        if output.json {
            let (to_do, there) = match self.change {
                Change::Associate => ("toMake", "there"),
                Change::Dissociate => ("toRemove", "notThere"),
            };
            output.json(&json!({"check": {
                "rows": rows,
                (to_do): open,
                (there): done,
                "duplicates": duplicates,
                "wrong": wrong,
                "requests": requests,
                "seconds": time.map(|time| time.as_secs_f64()),
                "requestsLeftToday": limits.daily_remaining,
                "causes": self.wrong.json(),
                "otherCauses": self.wrong.others(),
            }}))?;
            return Ok(code);
        }
        self.wrong.print(output)?;
        self.notes.print(output)?;
        let mut estimate = format!("A run takes about {}", counted(requests, "request"));
        if let (Some(time), Some(limit)) = (time, limit) {
            let time = if time < Duration::from_secs(1) {
                "less than a second".into()
            } else {
                HumanDuration(time).to_string()
            };
            estimate.push_str(&format!(", {time} at {} in {} s", counted(limit.into(), "request"), interval.as_secs()));
        }
        if let Some(left) = limits.daily_remaining {
            estimate.push_str(&format!("; HubSpot allows {} more today", HumanCount(left)));
        }
        output.line(format_args!("{estimate}. Nothing was changed."))?;
        let to_do = [Kind::Open, Kind::Done].map(|kind| self.result(kind));
        let mut table = Table::summary(["rows", to_do[0], to_do[1], "duplicates", "wrong", "requests"]);
        table
            .row([rows, open, done, duplicates, wrong, requests].map(|count| HumanCount(count).to_string()), output)?;
        table.end(output)?;
        Ok(code)
    }
}
