//! The requests that carry batches and single inputs, and HubSpot's responses to them.

use std::{borrow::Cow, time::Duration};

use crate::{
    association::Association,
    associations::{
        associate::{delete, put},
        bulk::strategy::Strategy,
        types::PARTNER_CLIENTS,
    },
    client::Client,
    error::{Error, Result, kind::ErrorKind},
    generated::types,
    ids::ObjectType,
    reading,
    transport::{
        self,
        call_meta::CallMeta,
        call_options::CallOptions,
        doubts::{Doubt, Doubts, Sent},
        lease::Lease,
        proof::carried_out,
    },
};

const MAX_ASSOCIATED: usize = 2_000;
/// Not documented by HubSpot; third parties report it.
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
    /// The status of the last response.
    last_status: Option<u16>,
}

impl Effort {
    pub(super) fn add(&mut self, meta: &CallMeta) {
        self.requests += u64::from(meta.attempts);
        self.retries += u64::from(meta.attempts.saturating_sub(1));
        self.waited += meta.rate_limit_wait;
        self.last_status = meta.status.or(self.last_status);
    }
}

/// The results of a batch.
#[derive(Default)]
pub(super) struct Settled {
    /// By the inputs' places in the batch.
    pub(super) results: Vec<Option<Result<()>>>,
    pub(super) effort: Effort,
}

impl Settled {
    /// Gives the inputs at these places of the batch a result. One that was not sent in time tells that there was a response to
    /// the batch before.
    pub(super) fn set(&mut self, places: impl IntoIterator<Item = usize>, result: &Result<()>) {
        let result = match (result, self.effort.last_status) {
            (Err(error), Some(status)) if error.kind() == ErrorKind::QueueTimeout => {
                Cow::Owned(Err(error.clone().after_response(status)))
            }
            _ => Cow::Borrowed(result),
        };
        for place in places {
            if place >= self.results.len() {
                self.results.resize(place + 1, None);
            }
            if let Some(slot) = self.results.get_mut(place) {
                *slot = Some((*result).clone());
            }
        }
    }
}

/// How requests are sent.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) change: Change,
    pub(super) strategy: Strategy,
    pub(super) options: CallOptions,
    /// Whether labels may go with the unlabelled type.
    pub(super) including_labels: bool,
    /// What labels may be set under, if under anything.
    pub(super) lease: Option<Lease>,
    /// What counts the requests that may change something.
    pub(super) doubts: Option<Doubts>,
}

/// Inputs that are sent as one: the same association several times; on dated versions, all of two objects.
pub(super) struct Unit<'a> {
    /// The first of them.
    pub(super) association: Cow<'a, Association>,
    /// Their places in the batch.
    pub(super) places: Vec<usize>,
    /// What the two objects get or lose, on dated versions.
    pub(super) types: Vec<types::AssociationSpec>,
}

impl Sender {
    /// The id of the operation on a batch.
    pub(super) fn batch_operation(&self) -> &'static str {
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

    /// The settings of a request that changes inputs at these places of the batch.
    pub(super) fn writing(&self, batch: &Sent, places: Vec<usize>) -> CallOptions {
        let mut options = self.options.clone();
        if self.lease.is_some() {
            options.lease.clone_from(&self.lease);
        }
        options.doubt = Some(Doubt { batch: batch.clone(), places, run: self.doubts.clone() });
        options
    }

    /// Sends a batch.
    pub(super) async fn send(
        &self,
        to: &ObjectType,
        part: &[&Unit<'_>],
        options: CallOptions,
    ) -> (Result<Response>, CallMeta) {
        if self.is_dated() {
            return self.send_dated(to, part, options).await;
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
        let (raw, to) = (self.client.raw.clone(), to.clone());
        let operation = self.batch_operation();
        match self.change {
            Change::Associate => {
                let (response, meta, _) = transport::call_with_body(raw, options, operation, |raw| async move {
                    let request = raw.batch_associate().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                    request.body(body).send().await
                })
                .await;
                let response = match response {
                    Ok(response) => Ok(Response::Told(response)),
                    Err(error) if error.is_unread_success() => Ok(Response::Unread(error.without_outcome())),
                    Err(error) => Err(error),
                };
                (response, meta)
            }
            Change::Dissociate => {
                let (response, meta, body) = transport::call_with_body(raw, options, operation, |raw| async move {
                    let request = raw.batch_dissociate().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                    request.body(body).send().await
                })
                .await;
                // The one success that HubSpot documents is a 204, which has no body.
                let response =
                    match response.map(|()| reading::decode(&body, reading::response_shape("batch_associate"))) {
                        Ok(_) if meta.status == Some(204) => Ok(Response::All),
                        Ok(Ok(response)) => Ok(Response::Told(response)),
                        Ok(Err(error)) => {
                            Ok(Response::Unread(unread(&error.to_string(), &body, operation, &meta).without_outcome()))
                        }
                        Err(error) if error.is_unread_success() => Ok(Response::Unread(error.without_outcome())),
                        Err(error) => Err(error),
                    };
                (response, meta)
            }
        }
    }

    /// Sends an input by itself.
    pub(super) async fn send_alone(
        &self,
        to: &ObjectType,
        unit: &Unit<'_>,
        options: CallOptions,
    ) -> (Result<()>, CallMeta) {
        if self.is_dated() {
            return self.send_alone_dated(to, unit, options).await;
        }
        let association = unit.association.clone().into_owned();
        let (raw, operation) = (self.client.raw.clone(), self.change.operation());
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
        (proven(outcome, &body, operation, &meta), meta)
    }
}

/// The outcome of an input that was sent by itself. A success of HubSpot's proves that it is carried out, even if nothing
/// more can be read of it.
pub(super) fn proven(outcome: Result<()>, body: &[u8], operation: &'static str, meta: &CallMeta) -> Result<()> {
    match outcome {
        Err(error) if !error.is_unread_success() => Err(error),
        // Its body was not kept.
        Err(error) if error.is_too_large() => {
            let is_done = meta.correlation_id.is_some() && carried_out(b"", operation, meta).is_ok();
            if is_done { Ok(()) } else { Err(error) }
        }
        _ => carried_out(body, operation, meta),
    }
}

fn unread(trouble: &str, body: &[u8], operation: &'static str, meta: &CallMeta) -> Error {
    Error::undecodable(trouble, &String::from_utf8_lossy(body)).in_call(operation, meta, true)
}

/// What a response that is no error says.
pub(super) enum Response {
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
