//! Settling a batch, by as few requests as its inputs allow.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use bytes::Bytes;
use serde_json::Value;

use super::{
    attribution::{Attribution, pair},
    dated::{PairVerdicts, errors_of},
    verdict::{Verdict, Verdicts},
};
use crate::{
    association::{Association, spelling},
    associations::{
        associate::{delete, put},
        bulk::strategy::Strategy,
        resolve::in_v3,
        types::PARTNER_CLIENTS,
    },
    client::Client,
    error::{Error, Result},
    generated::types,
    ids::ObjectType,
    reading,
    transport::{self, call_meta::CallMeta, call_options::CallOptions},
};

const MAX_ASSOCIATED: usize = 2_000;
/// Not documented by HubSpot; third parties tell of it.
const MAX_DISSOCIATED: usize = 100;

/// What is done with the associations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Associate,
    Dissociate,
}

impl Change {
    /// The id of the operation on one association.
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::Associate => "associate",
            Self::Dissociate => "dissociate",
        }
    }

    /// How many inputs a batch takes.
    pub(crate) fn most(self) -> usize {
        match self {
            Self::Associate => MAX_ASSOCIATED,
            Self::Dissociate => MAX_DISSOCIATED,
        }
    }
}

/// An input that can be sent.
#[derive(Clone)]
pub(super) struct Numbered {
    pub(super) index: u64,
    pub(super) association: Association,
}

/// What the requests of a batch took.
#[derive(Debug, Default)]
pub(super) struct Effort {
    pub(super) requests: u64,
    pub(super) retries: u64,
    pub(super) waited: Duration,
}

impl Effort {
    pub(super) fn add(&mut self, meta: &CallMeta) {
        self.requests += u64::from(meta.attempts);
        self.retries += u64::from(meta.attempts.saturating_sub(1));
        self.waited += meta.rate_limit_wait;
    }
}

/// The results of a batch by the inputs' indexes.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) results: HashMap<u64, Result<()>>,
    pub(super) effort: Effort,
}

/// How requests are sent.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) change: Change,
    pub(super) strategy: Strategy,
    pub(super) options: CallOptions,
}

/// Inputs that are sent as one: the same association several times; on dated versions, all of two objects.
pub(super) struct Unit<'a> {
    /// The first of them.
    pub(super) association: Cow<'a, Association>,
    pub(super) indexes: Vec<u64>,
    /// What the two objects get or lose, on dated versions.
    pub(super) types: Vec<types::AssociationSpec>,
}

/// HubSpot may refuse a batch of v3 that holds an association twice.
fn distinct<'a>(inputs: &'a [Numbered], settled: &mut Settled) -> Vec<Unit<'a>> {
    let (mut units, mut seen) = (Vec::<Unit<'_>>::new(), HashMap::new());
    for Numbered { index, association } in inputs {
        let key = (pair(association), spelling(association.association_type.as_str()));
        if let Some(unit) = seen.get(&key).and_then(|&place: &usize| units.get_mut(place)) {
            unit.indexes.push(*index);
            continue;
        }
        match sent_in_v3(association) {
            Ok(association) => {
                seen.insert(key, units.len());
                units.push(Unit { association, indexes: vec![*index], types: Vec::new() });
            }
            Err(error) => drop(settled.results.insert(*index, Err(error))),
        }
    }
    units
}

/// With the association type as v3 takes it.
fn sent_in_v3(association: &Association) -> Result<Cow<'_, Association>> {
    // Only a type with a category has a colon to be taken off.
    if !association.association_type.as_str().contains(':') {
        return Ok(Cow::Borrowed(association));
    }
    let association_type = in_v3(association.association_type.clone())?;
    Ok(Cow::Owned(Association { association_type, ..association.clone() }))
}

impl Sender {
    /// Settles inputs whose other objects are of one type, no more of them than a batch takes.
    pub(super) async fn settle(&self, inputs: &[Numbered]) -> Settled {
        let Some(first) = inputs.first() else { return Settled::default() };
        let (to, mut settled) = (&first.association.to_object_type, Settled::default());
        let units =
            if self.is_dated() { self.units(to, inputs, &mut settled).await } else { distinct(inputs, &mut settled) };
        let all = units.len();
        if all == 0 {
            return settled;
        }
        let limit = all + all.next_power_of_two().ilog2() as usize;
        let settling = Settling { sender: self, to, all, open: all, calls: 0, limit, foreign: None, settled };
        settling.run(units.iter().collect()).await
    }

    /// The id of the operation on a batch.
    fn batch_operation(&self) -> &'static str {
        match (self.change, self.is_dated()) {
            (Change::Associate, false) => "batch_associate",
            (Change::Dissociate, false) => "batch_dissociate",
            (Change::Associate, true) => "batch_set_labels",
            (Change::Dissociate, true) => "batch_dissociate_labels",
        }
    }

    pub(super) fn is_dated(&self) -> bool {
        self.client.api_version().is_dated()
    }

    /// Sends a batch.
    async fn send(&self, to: &ObjectType, part: &[&Unit<'_>]) -> (Result<Answer>, CallMeta) {
        if self.is_dated() {
            return self.send_dated(to, part).await;
        }
        let input = |input: &&Unit<'_>| {
            types::PublicAssociation::builder()
                .from(types::PublicObjectId::builder().id(&input.association.partner_client_id))
                .to(types::PublicObjectId::builder().id(&input.association.to_object_id))
                .type_(input.association.association_type.as_str())
                .try_into()
        };
        let inputs: std::result::Result<Vec<_>, types::error::ConversionError> = part.iter().map(input).collect();
        let body = match inputs {
            Ok(inputs) => types::BatchInputPublicAssociation::builder().inputs(inputs),
            Err(error) => return (Err(error.into()), CallMeta::default()),
        };
        let (raw, options, to) = (self.client.raw.clone(), self.options.clone(), to.clone());
        let operation = self.batch_operation();
        match self.change {
            Change::Associate => {
                let (answer, meta, _) = transport::call_with_body(raw, options, operation, |raw| async move {
                    let request = raw.batch_associate().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                    request.body(body).send().await
                })
                .await;
                let answer = match answer {
                    Ok(answer) => Ok(Answer::Told(answer)),
                    Err(error) if error.is_unread_success() => Ok(Answer::Unread(error.without_outcome())),
                    Err(error) => Err(error),
                };
                (answer, meta)
            }
            Change::Dissociate => {
                let (answer, meta, body) = transport::call_with_body(raw, options, operation, |raw| async move {
                    let request = raw.batch_dissociate().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                    request.body(body).send().await
                })
                .await;
                // The one success that HubSpot documents is a 204, which has no body.
                let answer = match answer.map(|()| reading::decode(&body, reading::answer_of("batch_associate"))) {
                    Ok(_) if meta.status == Some(204) => Ok(Answer::All),
                    Ok(Ok(answer)) => Ok(Answer::Told(answer)),
                    Ok(Err(error)) => {
                        Ok(Answer::Unread(unread(&error.to_string(), &body, operation, &meta).without_outcome()))
                    }
                    Err(error) if error.is_unread_success() => Ok(Answer::Unread(error.without_outcome())),
                    Err(error) => Err(error),
                };
                (answer, meta)
            }
        }
    }

    /// Sends an input by itself. That HubSpot answers with a success proves that it is carried out, whatever the body says
    /// of the partner client.
    async fn send_alone(&self, to: &ObjectType, unit: &Unit<'_>) -> (Result<()>, CallMeta) {
        if self.is_dated() {
            return self.send_alone_dated(to, unit).await;
        }
        let association = unit.association.clone().into_owned();
        let (raw, options, operation) = (self.client.raw.clone(), self.options.clone(), self.change.operation());
        let (outcome, meta, body) = match self.change {
            Change::Associate => {
                let sent = transport::call_with_body(raw, options, operation, |raw| put(association, raw));
                let (made, meta, body) = sent.await;
                (made.map(drop), meta, body)
            }
            Change::Dissociate => {
                transport::call_with_body(raw, options, operation, |raw| delete(association, raw)).await
            }
        };
        let outcome = match outcome {
            // Its body was not kept.
            Err(error) if error.is_too_large() && meta.correlation_id.is_none() => Err(error),
            Err(error) if !(error.is_unread_success() && proves(&body, &meta)) => Err(error),
            Ok(()) if !proves(&body, &meta) => {
                Err(unread("it is not a response from HubSpot", &body, operation, &meta))
            }
            _ => Ok(()),
        };
        (outcome, meta)
    }
}

/// Whether a success with this body is HubSpot's, and says nothing to the contrary. A gateway, or a server at a wrong base
/// URL, may answer everything with a page.
pub(super) fn proves(body: &Bytes, meta: &CallMeta) -> bool {
    let is_empty = |value: Option<&Value>| match value {
        Some(Value::Array(errors)) => errors.is_empty(),
        value => value.is_none_or(Value::is_null),
    };
    match reading::json(body) {
        _ if meta.status == Some(204) => true,
        _ if meta.status == Some(207) => false,
        Some(Value::Object(answer)) => {
            is_empty(answer.get("errors")) && answer.get("status").is_none_or(|status| status != "error")
        }
        _ => body.is_empty() || meta.correlation_id.is_some(),
    }
}

pub(super) fn unread(trouble: &str, body: &Bytes, operation: &'static str, meta: &CallMeta) -> Error {
    Error::undecodable(trouble, &String::from_utf8_lossy(body)).in_call(operation, meta, true)
}

/// What an answer that is no error says.
pub(super) enum Answer {
    /// All inputs are carried out.
    All,
    /// What it says of each.
    Told(types::BatchResponsePublicAssociationWithErrors),
    /// The same, on a dated version.
    Set(types::BatchResponseLabelsBetweenObjectPairWithErrors),
    /// Errors about some of them, on a dated version, and that the others are removed.
    Removed(types::BatchResponse),
    /// Nothing that can be read.
    Unread(Error),
}

/// A batch on its way to being settled.
///
/// It takes `limit` calls at most, *n* + ⌈log₂ *n*⌉ for *n* inputs. For `calls + open` starts as *n* and never exceeds
/// the limit: a call for one input alone settles it, so the sum stays; a batch, which may settle nothing, is sent only
/// where the sum may grow by one; and the first batch of a single input, the one that is sent without asking, settles
/// it. In the end nothing is open. Since every batch may be refused without a name and every input be bad, and a bad
/// input has to be tried alone, no limit below *n* + 1 could be kept after sending a batch at all; log₂ *n* is what it
/// takes to halve down to a first input.
struct Settling<'a> {
    sender: &'a Sender,
    to: &'a ObjectType,
    /// Inputs of the batch.
    all: usize,
    /// Those that are not settled.
    open: usize,
    calls: usize,
    limit: usize,
    /// An answer to an input alone that is none of HubSpot's: this server can settle nothing.
    foreign: Option<Error>,
    settled: Settled,
}

type Part<'a> = Vec<&'a Unit<'a>>;

impl<'a> Settling<'a> {
    async fn run(mut self, all: Part<'a>) -> Settled {
        let alone = match self.sender.strategy {
            Strategy::Batch => false,
            Strategy::Single => true,
            Strategy::Automatic => all.len() == 1,
        };
        let mut parts = vec![all];
        while let Some(part) = parts.pop() {
            if let Some(error) = self.foreign.clone() {
                self.settle_all(part, &Err(error));
                continue;
            }
            let first = self.calls == 0;
            let affordable = self.calls + 1 + self.open <= self.limit;
            if alone || (!first && (part.len() == 1 || !affordable)) {
                for input in part {
                    self.alone(input).await;
                }
            } else {
                parts.extend(self.batch(part).await);
            }
        }
        self.settled
    }

    async fn alone(&mut self, unit: &Unit<'_>) {
        let (result, meta) = self.sender.send_alone(self.to, unit).await;
        self.called(&meta);
        if let Err(error) = &result
            && error.is_unread_success()
            && meta.correlation_id.is_none()
            && meta.status != Some(207)
        {
            self.foreign = Some(error.clone());
        }
        self.settle(unit, result);
    }

    /// Sends a batch, and tells what is still to be done, the last of it first.
    async fn batch(&mut self, mut part: Part<'a>) -> Vec<Part<'a>> {
        let (answer, meta) = self.sender.send(self.to, &part).await;
        self.called(&meta);
        match answer {
            Ok(Answer::All) => self.settle_all(part, &Ok(())),
            Ok(Answer::Told(answer)) => {
                let operation = self.sender.batch_operation();
                let asked: Vec<&Association> = part.iter().map(|unit| &*unit.association).collect();
                let verdicts = Verdicts::new(&answer, operation, &meta, self.to, asked.into_iter());
                let open = self.settle_those(part, |input| match verdicts.of(&input.association) {
                    Verdict::Done => Some(Ok(())),
                    Verdict::Refused(error) => Some(Err(error)),
                    Verdict::Unknown => None,
                });
                return self.one_by_one(open, || Error::no_outcome().in_call(operation, &meta, true));
            }
            Ok(Answer::Set(answer)) => {
                let operation = self.sender.batch_operation();
                let verdicts = PairVerdicts::new(&answer, operation, &meta, self.to, &part);
                let open = self.settle_those(part, |unit| match verdicts.of(&unit.association) {
                    Verdict::Done => Some(Ok(())),
                    Verdict::Refused(error) => Some(Err(error)),
                    Verdict::Unknown => None,
                });
                return self.one_by_one(open, || Error::no_outcome().in_call(operation, &meta, true));
            }
            Ok(Answer::Removed(answer)) => {
                let operation = self.sender.batch_operation();
                let errors = errors_of(&answer.errors, operation, &meta, self.to);
                let sent = part.len();
                let open = self.settle_those(part, |unit| errors.of(&unit.association).map(Err));
                // It does not say which of the others are removed, so they are sent again.
                return if open.is_empty() {
                    Vec::new()
                } else if open.len() < sent {
                    vec![open]
                } else {
                    self.one_by_one(open, || Error::no_outcome().in_call(operation, &meta, true))
                };
            }
            Ok(Answer::Unread(error)) => return self.one_by_one(part, || error),
            // Whoever answers 413, smaller requests may pass.
            Err(error) if part.len() > 1 && (error.is_refusal() || error.status() == Some(413)) => {
                let asked: Vec<&Association> = part.iter().map(|unit| &*unit.association).collect();
                let attribution = Attribution::new(&error, self.to, asked.into_iter());
                let all = part.len();
                part = self.settle_those(part, |input| attribution.of(&input.association).map(Err));
                if part.len() < all {
                    return if part.is_empty() { Vec::new() } else { vec![part] };
                }
                let second = part.split_off(all.div_ceil(2));
                return vec![second, part];
            }
            Err(error) => self.settle_all(part, &Err(error)),
        }
        Vec::new()
    }

    /// What an answer left open. A batch of one was alone already.
    fn one_by_one(&mut self, open: Part<'a>, unknown: impl FnOnce() -> Error) -> Vec<Part<'a>> {
        if self.all == 1 && self.calls == 1 {
            self.settle_all(open, &Err(unknown()));
            return Vec::new();
        }
        open.into_iter().rev().map(|input| vec![input]).collect()
    }

    /// Settles the inputs that have a result, and returns the others.
    fn settle_those(&mut self, part: Part<'a>, result: impl Fn(&Unit<'_>) -> Option<Result<()>>) -> Part<'a> {
        part.into_iter()
            .filter(|input| match result(input) {
                Some(result) => {
                    self.settle(input, result);
                    false
                }
                None => true,
            })
            .collect()
    }

    fn settle_all(&mut self, part: Part<'a>, result: &Result<()>) {
        part.into_iter().for_each(|input| self.settle(input, result.clone()));
    }

    fn settle(&mut self, unit: &Unit<'_>, result: Result<()>) {
        self.open -= 1;
        self.settled.results.extend(unit.indexes.iter().map(|index| (*index, result.clone())));
    }

    fn called(&mut self, meta: &CallMeta) {
        self.calls += 1;
        self.settled.effort.add(meta);
    }
}
