//! Batches of dated versions, where the labels of two objects are set at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    attribution::{Errors, Pair, pair},
    sender::{Change, Numbered, Response, Sender, Settled, Unit, proven},
    verdict::Verdict,
};
use tokio::time::Instant;

use crate::{
    association::Association,
    associations::{
        held::{self, Held},
        pair::takes_labels,
        resolve::{Resolved, key},
        types::PARTNER_CLIENTS,
    },
    error::{Error, Result},
    generated::types::{self, AssociationSpec, BatchInputPublicAssociationMultiPost, PublicAssociationMultiPost},
    ids::{AssociationType, ObjectType, canonical},
    transport::{self, call_meta::CallMeta, call_options::CallOptions, proof::carried_out, response},
};

impl Sender {
    /// One unit for each pair of objects, with all types that it gets or loses. Labels that the pair has are kept.
    pub(super) async fn units<'a>(
        &self,
        to: &ObjectType,
        inputs: &'a [Numbered],
        settled: &mut Settled,
    ) -> Vec<Unit<'a>> {
        // The list of types is asked for once more at most.
        let began = Instant::now();
        let mut known = BTreeMap::<&AssociationType, Result<Resolved>>::new();
        for Numbered { association, .. } in inputs {
            let given = &association.association_type;
            if !known.contains_key(given) {
                let found = self.client.resolve_type(to, given, began, &self.options).await;
                if let Err(error) = found.as_ref()
                    && !error.is_invalid_input()
                {
                    settled.set(0..inputs.len(), &Err(error.clone()));
                    return Vec::new();
                }
                known.insert(given, found);
            }
        }
        let (mut units, mut units_of) = (Vec::<Unit<'_>>::new(), HashMap::new());
        for (place, Numbered { association, .. }) in inputs.iter().enumerate() {
            let found = match known.get(&association.association_type) {
                Some(Ok(found)) => found,
                Some(Err(error)) => {
                    settled.set([place], &Err(error.clone()));
                    continue;
                }
                None => continue,
            };
            let at = *units_of.entry(pair(association)).or_insert(units.len());
            if at == units.len() {
                let association = std::borrow::Cow::Borrowed(association);
                units.push(Unit { association, places: Vec::new(), types: Vec::new() });
            }
            if let Some(unit) = units.get_mut(at) {
                unit.places.push(place);
                if !unit.types.contains(&found.key) {
                    unit.types.push(found.key.clone());
                }
            }
        }
        let resolved: Vec<&Resolved> = known.values().filter_map(|found| found.as_ref().ok()).collect();
        match self.change {
            Change::Associate if resolved.iter().any(|found| found.may_replace()) => {
                self.keep_labels(to, units, settled).await
            }
            Change::Dissociate if self.including_labels => units,
            Change::Dissociate => {
                let taking = |found: &&&Resolved| !found.is_labelled && found.may_replace();
                let unlabelled: Vec<_> = resolved.iter().filter(taking).map(|found| &found.key).collect();
                match unlabelled.as_slice() {
                    [] => units,
                    unlabelled => self.keep_labelled(to, inputs, &known, unlabelled, units, settled).await,
                }
            }
            Change::Associate => units,
        }
    }

    /// Reads the labels that the pairs have, and sends them along.
    async fn keep_labels<'a>(&self, to: &ObjectType, mut units: Vec<Unit<'a>>, settled: &mut Settled) -> Vec<Unit<'a>> {
        let Some(held) = self.held(to, &units, settled).await else { return Vec::new() };
        units.retain_mut(|unit| match held.labels(&unit.association) {
            Ok(labels) => {
                for label in labels {
                    if !unit.types.contains(&key(label)) {
                        unit.types.push(key(label));
                    }
                }
                true
            }
            Err(error) => {
                settled.set(unit.places.iter().copied(), &Err(error));
                false
            }
        });
        units
    }

    /// Refuses to remove the unlabelled type from pairs that would lose labels with it which are not to be removed.
    async fn keep_labelled<'a>(
        &self,
        to: &ObjectType,
        inputs: &'a [Numbered],
        known: &BTreeMap<&AssociationType, Result<Resolved>>,
        unlabelled: &[&AssociationSpec],
        mut units: Vec<Unit<'a>>,
        settled: &mut Settled,
    ) -> Vec<Unit<'a>> {
        let Some(held) = self.held(to, &units, settled).await else { return Vec::new() };
        let of_unlabelled: HashMap<usize, &AssociationSpec> = inputs
            .iter()
            .enumerate()
            .filter_map(|(place, input)| {
                let found = known.get(&input.association.association_type)?.as_ref().ok()?;
                unlabelled.contains(&&found.key).then_some((place, &found.key))
            })
            .collect();
        units.retain_mut(|unit| {
            if !unit.types.iter().any(|removed| unlabelled.contains(&removed)) {
                return true;
            }
            let lost: BTreeSet<_> = match held.labels(&unit.association) {
                Ok(labels) => labels
                    .filter(|label| !unit.types.contains(&key(label)))
                    .filter_map(|label| label.label.as_deref())
                    .collect(),
                Err(error) => {
                    settled.set(unit.places.iter().copied(), &Err(error));
                    return false;
                }
            };
            if lost.is_empty() {
                return true;
            }
            unit.places.retain(|place| match of_unlabelled.get(place) {
                Some(key) => {
                    settled.set([*place], &Err(takes_labels(key, &lost)));
                    false
                }
                None => true,
            });
            unit.types.retain(|removed| !unlabelled.contains(&removed));
            !unit.types.is_empty()
        });
        units
    }

    /// What the pairs have. Without a response each of their inputs has the error.
    async fn held(&self, to: &ObjectType, units: &[Unit<'_>], settled: &mut Settled) -> Option<Held> {
        let clients: BTreeSet<_> = units.iter().map(|unit| unit.association.partner_client_id.clone()).collect();
        match held::read(&self.client, to, &clients, &self.options, |meta| settled.effort.add(meta)).await {
            Ok(held) => Some(held),
            Err(error) => {
                settled.set(units.iter().flat_map(|unit| unit.places.iter().copied()), &Err(error));
                None
            }
        }
    }

    /// Sends a batch.
    pub(super) async fn send_dated(
        &self,
        to: &ObjectType,
        part: &[&Unit<'_>],
        options: CallOptions,
    ) -> (Result<Response>, CallMeta) {
        let (raw, to) = (self.client.raw.clone(), to.clone());
        let body = BatchInputPublicAssociationMultiPost { inputs: part.iter().map(|unit| input(unit)).collect() };
        let unread_as = |error: Error| match error {
            error if error.is_unread_success() => Ok(Response::Unread(error.without_outcome())),
            error => Err(error),
        };
        match self.change {
            Change::Associate => {
                let (sent, meta, _) = transport::call_with_body(raw, options, "batch_set_labels", |raw| async move {
                    let request = raw.batch_set_labels().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                    request.body(body).send().await
                })
                .await;
                (sent.map_or_else(unread_as, |response| Ok(Response::Set(response))), meta)
            }
            Change::Dissociate => {
                let operation = "batch_dissociate_labels";
                let (sent, meta, bytes) = transport::call_with_body(raw, options, operation, |raw| async move {
                    let request = raw.batch_dissociate_labels().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                    request.body(body).send().await
                })
                .await;
                let response = match sent {
                    // v4 responds like this.
                    _ if meta.status == Some(204) => Ok(Response::All),
                    Err(error) => unread_as(error),
                    Ok(response) if !response.errors.is_empty() => Ok(Response::Removed(response)),
                    // Without errors it is the documented response to a batch that is carried out.
                    Ok(_) => Ok(match carried_out(&bytes, operation, &meta) {
                        Ok(()) if says_batch(&bytes) => Response::All,
                        Ok(()) => Response::Unread(Error::no_outcome().in_call(operation, &meta, true)),
                        Err(error) => Response::Unread(error),
                    }),
                };
                (response, meta)
            }
        }
    }

    /// Sends a unit by itself.
    pub(super) async fn send_alone_dated(
        &self,
        to: &ObjectType,
        unit: &Unit<'_>,
        options: CallOptions,
    ) -> (Result<()>, CallMeta) {
        let (raw, to) = (self.client.raw.clone(), to.clone());
        let operation = match self.change {
            Change::Associate => "set_labels",
            Change::Dissociate => "batch_dissociate_labels",
        };
        let (outcome, meta, bytes) = match self.change {
            Change::Associate => {
                let (from, to_id, types) = (
                    unit.association.partner_client_id.clone(),
                    unit.association.to_object_id.clone(),
                    unit.types.clone(),
                );
                let (set, meta, bytes) = transport::call_with_body(raw, options, operation, |raw| async move {
                    let request = raw.set_labels().from_object_type(PARTNER_CLIENTS).from_object_id(&from);
                    let request = request.to_object_type(to).to_object_id(to_id).body(types);
                    response::written(request.send(), "set_labels", &from).await
                })
                .await;
                (set.map(|_: types::LabelsBetweenObjectPair| ()), meta, bytes)
            }
            Change::Dissociate => {
                let body = BatchInputPublicAssociationMultiPost { inputs: vec![input(unit)] };
                let (done, meta, bytes) = transport::call_with_body(raw, options, operation, |raw| async move {
                    let request = raw.batch_dissociate_labels().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                    request.body(body).send().await
                })
                .await;
                (done.map(|_: types::BatchResponse| ()), meta, bytes)
            }
        };
        (proven(outcome, &bytes, operation, &meta), meta)
    }
}

fn input(unit: &Unit<'_>) -> PublicAssociationMultiPost {
    PublicAssociationMultiPost {
        from: types::PublicObjectId { id: (&unit.association.partner_client_id).into() },
        to: types::PublicObjectId { id: unit.association.to_object_id.clone() },
        types: unit.types.clone(),
    }
}

/// Whether a body has the form of a response to a batch, rather than any that lacks errors.
fn says_batch(bytes: &[u8]) -> bool {
    let response = serde_json::from_slice::<serde_json::Value>(bytes);
    response.is_ok_and(|response| response.get("status").is_some() || response.get("results").is_some())
}

/// The errors of a response, by what they name.
pub(super) fn errors_of<'a>(
    errors: &'a [types::StandardError],
    operation: &'static str,
    meta: &CallMeta,
    to: &ObjectType,
) -> PairErrors<'a> {
    let error =
        |error: &'a types::StandardError| (Error::in_batch(error).in_call(operation, meta, false), &error.context);
    PairErrors(Errors::new(errors.iter().map(error), to))
}

pub(super) struct PairErrors<'a>(Errors<'a>);

impl PairErrors<'_> {
    /// The error that names a pair, or one of its objects.
    pub(super) fn of(&self, association: &Association) -> Option<Error> {
        let named = self.0.of_pair(association).or_else(|| self.0.of_object(association));
        // It was not looked at, or HubSpot failed at it.
        named.filter(|error| !error.is_retryable())
    }
}

/// What a response says of each pair of which labels were set.
///
/// A pair is done where a result has both its ends. HubSpot may list the other direction too, with the ends exchanged, so
/// where the batch has both, the result has to start at a partner client: by the object type that the results of the other
/// pairs start at.
pub(super) struct PairVerdicts<'a> {
    asked: HashSet<Pair<'a>>,
    /// With the object type that each starts at.
    set: HashMap<Pair<'a>, Vec<Option<&'a str>>>,
    /// What the response calls the object type of partner clients.
    partner_clients: Option<&'a str>,
    errors: PairErrors<'a>,
}

impl<'a> PairVerdicts<'a> {
    pub(super) fn new(
        response: &'a types::BatchResponseLabelsBetweenObjectPairWithErrors,
        operation: &'static str,
        meta: &CallMeta,
        to: &ObjectType,
        part: &[&'a Unit<'a>],
    ) -> Self {
        let results = if meta.is_complete(response.status.as_str()) { response.results.as_slice() } else { &[] };
        let ends = |set: &'a types::LabelsBetweenObjectPair| {
            let pair =
                (canonical(set.from_object_id.as_ref()?.as_str()), canonical(set.to_object_id.as_ref()?.as_str()));
            Some((pair, set.from_object_type_id.as_deref()))
        };
        let asked: HashSet<_> = part.iter().map(|unit| pair(&unit.association)).collect();
        let mut set = HashMap::<_, Vec<_>>::new();
        let mut named = HashSet::new();
        for (pair, start) in results.iter().filter_map(ends) {
            set.entry(pair).or_default().push(start);
            if asked.contains(&pair) && !is_both_ways(&asked, pair) {
                named.extend(start);
            }
        }
        let partner_clients = if named.len() == 1 { named.into_iter().next() } else { None };
        Self { asked, set, partner_clients, errors: errors_of(&response.errors, operation, meta, to) }
    }

    pub(super) fn of(&self, association: &Association) -> Verdict {
        let ends = pair(association);
        let is_set = self.set.get(&ends).is_some_and(|starts| {
            !is_both_ways(&self.asked, ends) || self.partner_clients.is_some() && starts.contains(&self.partner_clients)
        });
        match self.errors.of(association) {
            // Of several labels some may be set.
            Some(error) if is_set => Verdict::Refused(error.after_what_may_be_done()),
            Some(error) => Verdict::Refused(error),
            None if is_set => Verdict::Done,
            None => Verdict::Unknown,
        }
    }
}

/// Whether a pair was asked for in both directions. One with the same id at both ends is the same both ways.
fn is_both_ways(asked: &HashSet<Pair<'_>>, (from, to): Pair<'_>) -> bool {
    from != to && asked.contains(&(to, from))
}
