//! Settling a batch, by as few requests as its inputs allow.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::{
    attribution::{Attribution, pair},
    dated::{PairVerdicts, errors_of},
    sender::{Numbered, Response, Sender, Settled, Unit},
    verdict::Verdicts,
};
use crate::{
    association::{Association, spelling},
    associations::{bulk::strategy::Strategy, resolve::in_v3},
    error::{Error, Result, kind::ErrorKind},
    generated::types,
    ids::{ObjectType, canonical},
    transport::{call_meta::CallMeta, call_options::CallOptions, doubts::Sent},
};

/// HubSpot may refuse a batch of v3 that holds an association twice.
fn distinct<'a>(inputs: &'a [Numbered], settled: &mut Settled) -> Vec<Unit<'a>> {
    let (mut units, mut seen) = (Vec::<Unit<'_>>::with_capacity(inputs.len()), HashMap::with_capacity(inputs.len()));
    for (place, Numbered { association, .. }) in inputs.iter().enumerate() {
        let sent = match sent_in_v3(association) {
            Ok(sent) => sent,
            Err(error) => {
                settled.set([place], &Err(error));
                continue;
            }
        };
        let spelled = match &sent {
            Cow::Borrowed(association) => spelling(association.association_type.as_str()),
            Cow::Owned(association) => spelling(association.association_type.as_str()).into_owned().into(),
        };
        let first: usize = *seen.entry((pair(association), spelled)).or_insert(units.len());
        match units.get_mut(first) {
            Some(unit) => unit.places.push(place),
            None => units.push(Unit { association: sent, places: vec![place], types: Vec::new() }),
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

/// Whether a response without errors lists the inputs in their order, whatever else it lists between them, such as inverse
/// associations. Then all are done, as [`Verdicts`] would find by maps.
fn lists_all(response: &types::BatchResponsePublicAssociationWithErrors, meta: &CallMeta, part: &[&Unit<'_>]) -> bool {
    // Most are as they were sent.
    let is_same_type = |a: &str, b: &str| a == b || spelling(a) == spelling(b);
    let is_listed = |unit: &Unit<'_>, result: &types::PublicAssociation| {
        let (partner_client, other) = pair(&unit.association);
        canonical(result.from.id.as_str()) == partner_client
            && canonical(result.to.id.as_str()) == other
            && is_same_type(&result.type_, unit.association.association_type.as_str())
    };
    let mut results = response.results.iter();
    meta.is_complete(response.status.as_str())
        && response.errors.is_empty()
        && part.iter().all(|unit| results.any(|result| is_listed(unit, result)))
}

impl Sender {
    /// Settles inputs whose other objects are of one type, no more of them than a batch takes.
    pub(super) async fn settle(&self, inputs: &[Numbered], sent: &Sent) -> Settled {
        let Some(first) = inputs.first() else { return Settled::default() };
        let (to, mut settled) = (&first.association.to_object_type, Settled::default());
        let units =
            if self.is_dated() { self.units(to, inputs, &mut settled).await } else { distinct(inputs, &mut settled) };
        let all = units.len();
        if all == 0 {
            return settled;
        }
        let limit = all + all.next_power_of_two().ilog2() as usize;
        let settling = Settling {
            sender: self,
            sent,
            to,
            all,
            open: all,
            calls: 0,
            limit,
            perhaps_done: HashSet::new(),
            foreign: None,
            settled,
        };
        settling.run(units.iter().collect()).await
    }
}

/// What a batch of one input comes to that neither a result nor a refusal settles: the error that HubSpot failed with, or that
/// every call would have. It is about that input whatever it names.
fn unsettled(errors: &[types::StandardError], operation: &'static str, meta: &CallMeta) -> Error {
    let mut errors = errors.iter().map(|error| Error::in_batch(error).in_call(operation, meta, false));
    let is_told = |error: &Error| error.is_retryable() || error.stops();
    errors.find(is_told).unwrap_or_else(|| Error::no_outcome().in_call(operation, meta, true))
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
    /// What may have been changed so far.
    sent: &'a Sent,
    to: &'a ObjectType,
    /// Inputs of the batch.
    all: usize,
    /// Those that are not settled.
    open: usize,
    calls: usize,
    limit: usize,
    /// The first place of each input that a batch may have carried out which left it open.
    perhaps_done: HashSet<usize>,
    /// A response to an input alone that is none of HubSpot's: this server can settle nothing.
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
        let (result, meta) = self.sender.send_alone(self.to, unit, self.writing(&[unit])).await;
        self.called(&meta);
        if let Err(error) = &result
            && error.is_unread_success()
            && error.kind() != ErrorKind::NoOutcome
            && meta.correlation_id.is_none()
            && meta.status != Some(207)
        {
            self.foreign = Some(error.clone());
        }
        self.settle(unit, &result);
    }

    /// Sends a batch, and returns what is still to be done, the last of it first.
    async fn batch(&mut self, mut part: Part<'a>) -> Vec<Part<'a>> {
        let (response, meta) = self.sender.send(self.to, &part, self.writing(&part)).await;
        self.called(&meta);
        match response {
            Ok(Response::All) => self.settle_all(part, &Ok(())),
            Ok(Response::Told(response)) if lists_all(&response, &meta, &part) => self.settle_all(part, &Ok(())),
            Ok(Response::Told(response)) => {
                let operation = self.sender.batch_operation();
                let asked: Vec<&Association> = part.iter().map(|unit| &*unit.association).collect();
                let verdicts = Verdicts::new(&response, operation, &meta, self.to, asked.into_iter());
                let open = self.settle_those(part, |unit| verdicts.of(&unit.association).result());
                return self.one_by_one(open, || unsettled(&response.errors, operation, &meta));
            }
            Ok(Response::Set(response)) => {
                let operation = self.sender.batch_operation();
                let verdicts = PairVerdicts::new(&response, operation, &meta, self.to, &part);
                let open = self.settle_those(part, |unit| verdicts.of(&unit.association).result());
                return self.one_by_one(open, || unsettled(&response.errors, operation, &meta));
            }
            Ok(Response::Removed(response)) => {
                let operation = self.sender.batch_operation();
                let errors = errors_of(&response.errors, operation, &meta, self.to);
                let sent = part.len();
                let open = self.settle_those(part, |unit| errors.of(&unit.association).map(Err));
                // It does not say which of the others are removed, so they are sent again.
                return if open.is_empty() {
                    Vec::new()
                } else if open.len() < sent {
                    self.may_be_done(&open);
                    vec![open]
                } else {
                    self.one_by_one(open, || unsettled(&response.errors, operation, &meta))
                };
            }
            Ok(Response::Unread(error)) => return self.one_by_one(part, || error),
            // After a 413 from anybody, smaller requests may pass.
            Err(error) if part.len() > 1 && (error.is_refusal() || error.status() == Some(413)) => {
                let asked: Vec<&Association> = part.iter().map(|unit| &*unit.association).collect();
                let attribution = Attribution::new(&error, self.to, asked.into_iter());
                let all = part.len();
                if error.perhaps_before() {
                    self.may_be_done(&part);
                }
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

    /// What a response left open. A batch of one was alone already.
    fn one_by_one(&mut self, open: Part<'a>, unknown: impl FnOnce() -> Error) -> Vec<Part<'a>> {
        if self.all == 1 && self.calls == 1 {
            self.settle_all(open, &Err(unknown()));
            return Vec::new();
        }
        self.may_be_done(&open);
        open.into_iter().rev().map(|input| vec![input]).collect()
    }

    /// Notes inputs that are sent again after a request that may have carried them out.
    fn may_be_done(&mut self, open: &[&Unit<'_>]) {
        self.perhaps_done.extend(open.iter().filter_map(|unit| unit.places.first()));
    }

    /// Settles the inputs that have a result, and returns the others.
    fn settle_those(&mut self, part: Part<'a>, result: impl Fn(&Unit<'_>) -> Option<Result<()>>) -> Part<'a> {
        part.into_iter()
            .filter(|input| match result(input) {
                Some(result) => {
                    self.settle(input, &result);
                    false
                }
                None => true,
            })
            .collect()
    }

    fn settle_all(&mut self, part: Part<'a>, result: &Result<()>) {
        part.into_iter().for_each(|input| self.settle(input, result));
    }

    fn settle(&mut self, unit: &Unit<'_>, result: &Result<()>) {
        self.open -= 1;
        let perhaps_done = unit.places.first().is_some_and(|place| self.perhaps_done.contains(place));
        match result {
            Err(error) if perhaps_done => {
                self.settled.set(unit.places.iter().copied(), &Err(error.clone().after_what_may_be_done()));
            }
            result => {
                if result.as_ref().is_err_and(Error::changed_nothing) {
                    self.sent.changed_nothing(&unit.places);
                }
                self.settled.set(unit.places.iter().copied(), result);
            }
        }
    }

    /// The settings of a request with these inputs.
    fn writing(&self, part: &[&Unit<'_>]) -> CallOptions {
        self.sender.writing(self.sent, part.iter().flat_map(|unit| &unit.places).copied().collect())
    }

    fn called(&mut self, meta: &CallMeta) {
        self.calls += 1;
        self.settled.effort.add(meta);
    }
}
