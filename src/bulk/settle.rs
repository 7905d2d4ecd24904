//! Settling a batch, by as few requests as its inputs allow.

use std::{collections::HashMap, time::Duration};

use super::{
    Association, Strategy,
    refusal::{Partial, Refusal},
};
use crate::{
    CallMeta, Client, Error, ObjectType, Result, associations::Path, generated::types, options::CallOptions, transport,
};

const PARTNER_CLIENTS: &str = "partner_clients";
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
    /// The operation's id.
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
pub(super) struct Input {
    pub(super) index: u64,
    pub(super) association: Association,
    pub(super) path: Path,
}

/// What the requests of a batch took.
#[derive(Debug, Default)]
pub(super) struct Effort {
    pub(super) requests: u64,
    pub(super) retries: u64,
    pub(super) waited: Duration,
}

impl Effort {
    fn add(&mut self, meta: &CallMeta) {
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

impl Sender {
    /// Settles inputs whose other objects are of one type, no more of them than a batch takes.
    pub(super) async fn settle(&self, inputs: &[Input]) -> Settled {
        let Some(first) = inputs.first() else { return Settled::default() };
        let settling = Settling {
            sender: self,
            to: &first.path.to_type,
            open: inputs.len(),
            calls: 0,
            limit: inputs.len() + inputs.len().next_power_of_two().ilog2() as usize,
            settled: Settled::default(),
        };
        settling.run(inputs.iter().collect()).await
    }

    /// Sends a batch. Where the answer tells of single inputs it is returned; otherwise all are carried out.
    async fn send(&self, to: &ObjectType, part: &[&Input]) -> (Result<Answer>, CallMeta) {
        let input = |input: &&Input| {
            types::PublicAssociation::builder()
                .from(types::PublicObjectId::builder().id(&input.path.partner_client))
                .to(types::PublicObjectId::builder().id(input.path.to_id.clone()))
                .type_(input.path.association_type.as_str())
                .try_into()
        };
        let inputs: std::result::Result<Vec<_>, types::error::ConversionError> = part.iter().map(input).collect();
        let body = match inputs {
            Ok(inputs) => types::BatchInputPublicAssociation::builder().inputs(inputs),
            Err(error) => return (Err(error.into()), CallMeta::default()),
        };
        let (raw, options, to) = (&self.client.raw, self.options.clone(), to.clone());
        match self.change {
            Change::Associate => {
                let (answer, meta) =
                    transport::call_with_meta(raw.clone(), options, "batch_associate", |raw| async move {
                        let request = raw.batch_associate().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                        request.body(body).send().await
                    })
                    .await;
                let answer = answer.map(|answer| match (meta.status, answer.errors.as_slice()) {
                    (Some(207), _) | (_, [_, ..]) => Answer::Partial(answer),
                    _ => Answer::All,
                });
                (answer, meta)
            }
            Change::Dissociate => {
                let (answer, meta) =
                    transport::call_with_meta(raw.clone(), options, "batch_dissociate", |raw| async move {
                        let request = raw.batch_dissociate().from_object_type(PARTNER_CLIENTS).to_object_type(to);
                        request.body(body).send().await
                    })
                    .await;
                // The description knows of no answer but an empty one.
                let answer = answer.map(|()| if meta.status == Some(207) { Answer::Unknown } else { Answer::All });
                (answer, meta)
            }
        }
    }

    async fn send_alone(&self, path: Path) -> (Result<()>, CallMeta) {
        let (raw, options) = (&self.client.raw, self.options.clone());
        match self.change {
            Change::Associate => {
                let (made, meta) =
                    transport::call_with_meta(raw.clone(), options, "associate", |raw| path.put(raw)).await;
                (made.map(drop), meta)
            }
            Change::Dissociate => {
                transport::call_with_meta(raw.clone(), options, "dissociate", |raw| path.delete(raw)).await
            }
        }
    }
}

/// What an answer that is no error says.
enum Answer {
    /// All inputs are carried out.
    All,
    Partial(types::BatchResponsePublicAssociationWithErrors),
    /// Some are not, and nobody knows which.
    Unknown,
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
    /// Inputs that are not settled.
    open: usize,
    calls: usize,
    limit: usize,
    settled: Settled,
}

type Part<'a> = Vec<&'a Input>;

impl<'a> Settling<'a> {
    async fn run(mut self, all: Part<'a>) -> Settled {
        let alone = match self.sender.strategy {
            Strategy::Batch => false,
            Strategy::Single => true,
            Strategy::Automatic => all.len() == 1,
        };
        let mut parts = vec![all];
        while let Some(part) = parts.pop() {
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

    async fn alone(&mut self, input: &Input) {
        let (result, meta) = self.sender.send_alone(input.path.clone()).await;
        self.called(&meta);
        self.settle(input, result);
    }

    /// Sends a batch, and tells what is still to be done, the last of it first.
    async fn batch(&mut self, mut part: Part<'a>) -> Vec<Part<'a>> {
        let (answer, meta) = self.sender.send(self.to, &part).await;
        self.called(&meta);
        match answer {
            Ok(Answer::All) => self.settle_all(part, &Ok(())),
            Ok(Answer::Partial(answer)) => {
                let paths: Vec<&Path> = part.iter().map(|input| &input.path).collect();
                let partial = Partial::new(&answer, &meta, self.to, paths.into_iter());
                let open = self.settle_those(part, |input| partial.of(&input.path));
                return self.one_by_one(open);
            }
            Ok(Answer::Unknown) => return self.one_by_one(part),
            Err(error) if error.is_refusal() && part.len() > 1 => {
                let refusal = Refusal::new(&error, self.to);
                let all = part.len();
                part = self.settle_those(part, |input| refusal.of(&input.path).map(Err));
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
    fn one_by_one(&mut self, open: Part<'a>) -> Vec<Part<'a>> {
        if self.open == 1 && self.calls == 1 && self.settled.results.is_empty() {
            self.settle_all(open, &Err(Error::no_outcome()));
            return Vec::new();
        }
        open.into_iter().rev().map(|input| vec![input]).collect()
    }

    /// Settles the inputs that have a result, and returns the others.
    fn settle_those(&mut self, part: Part<'a>, result: impl Fn(&Input) -> Option<Result<()>>) -> Part<'a> {
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

    fn settle(&mut self, input: &Input, result: Result<()>) {
        self.open -= 1;
        self.settled.results.insert(input.index, result);
    }

    fn called(&mut self, meta: &CallMeta) {
        self.calls += 1;
        self.settled.effort.add(meta);
    }
}
