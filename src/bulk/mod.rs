//! Any number of associations, made or removed by as few requests as HubSpot allows.
//!
//! [`Client::associate_many`] and [`Client::dissociate_many`] take the inputs from an iterator, their siblings with
//! `_from` from a stream, and answer with a stream of one [`Outcome`] for each input. The inputs may be endless: only so
//! many are taken as [`Bulk::concurrency`] asks for.
//!
//! # How inputs become requests
//!
//! Inputs are grouped by the other object's type, as it is spelt, since HubSpot takes one type to a batch. A group is sent
//! as a batch when it is full: with 2,000 inputs to associate, or 100 to dissociate. One that is not full is sent when
//! the input ends, when a second has passed since the input had nothing ready, or when no more may be taken and nothing
//! is under way. So an object type that is rare holds up neither the others nor the order.
//!
//! # What becomes of a batch
//!
//! - HubSpot answers with results, and with errors beside them where some inputs failed (207). An input that an error
//!   names has that error. One is made where a result has both its ends and its type, by the name or the id that the
//!   answer itself shows to be the same. One of which the answer says nothing certain is sent again, alone, and so is each
//!   where the batch is not complete; a success there proves it. The documented answer to a batch of removals, 204,
//!   proves them all.
//! - It may refuse the whole batch because of some inputs (400, 404, 409, 410 or 422), or because there are too many (413). Those that it names have its error, and the
//!   others are sent again. Where it names none, the batch is halved until the bad inputs stand alone.
//! - Any other failure, after the retries that every call has, is the outcome of each input of that request.
//!
//! An association that stands in a batch more than once is sent once, and each of its inputs has the outcome.
//!
//! However bad the inputs, a batch of *n* different ones is settled with no more than *n* + log₂ *n* (rounded up) requests, retries not
//! counted: halving stops where sending the rest one by one could exceed that.

mod association;
mod engine;
mod journal;
mod outcome;
mod progress;
mod refusal;
mod settle;
mod verdict;

use std::fmt;

use futures_util::{Stream, StreamExt, stream, stream::BoxStream};

use self::engine::Engine;
pub use self::{
    association::Association,
    journal::Journal,
    outcome::{Outcome, Outcomes},
    progress::Progress,
};
pub(crate) use self::{journal::Recorded, settle::Change, verdict::is_complete};
use crate::{
    Client, Error,
    options::{CallOptions, settings},
};

/// Requests at once; the rate limiter has the last word.
const CONCURRENCY: usize = 4;

impl Client {
    /// Associates any number of partner clients with other objects, 2,000 to a request. An association that exists
    /// already stays as it is.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client, pairs: Vec<(u64, u64)>) {
    /// use futures_util::StreamExt;
    /// use hubspot_partner_clients::bulk::Association;
    ///
    /// let inputs = pairs
    ///     .into_iter()
    ///     .map(|(client, company)| Association::new(client, "companies", company, "partner_client_to_company"));
    /// let mut outcomes = client.associate_many(inputs).outcomes();
    /// while let Some(outcome) = outcomes.next().await {
    ///     if let Err(error) = outcome.result {
    ///         eprintln!("{}: {error}", outcome.index);
    ///     }
    /// }
    /// # }
    /// ```
    pub fn associate_many<I>(&self, inputs: I) -> Bulk
    where
        I: IntoIterator<Item: Into<Association>, IntoIter: Send + 'static>,
    {
        self.associate_many_from(stream::iter(inputs))
    }

    /// As [`associate_many`](Self::associate_many), with the inputs from a stream.
    pub fn associate_many_from<I>(&self, inputs: I) -> Bulk
    where
        I: Stream<Item: Into<Association>> + Send + 'static,
    {
        Bulk::new(self, Change::Associate, inputs.map(Into::into).boxed())
    }

    /// Removes any number of associations, 100 to a request. One that does not exist is no error.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) {
    /// use futures_util::StreamExt;
    ///
    /// let inputs = ["9001", "9002"].map(|company| ("512", ("companies", company), "partner_client_to_company"));
    /// let mut outcomes = client.dissociate_many(inputs).outcomes();
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{}: {:?}", outcome.index, outcome.result);
    /// }
    /// # }
    /// ```
    pub fn dissociate_many<I>(&self, inputs: I) -> Bulk
    where
        I: IntoIterator<Item: Into<Association>, IntoIter: Send + 'static>,
    {
        self.dissociate_many_from(stream::iter(inputs))
    }

    /// As [`dissociate_many`](Self::dissociate_many), with the inputs from a stream.
    pub fn dissociate_many_from<I>(&self, inputs: I) -> Bulk
    where
        I: Stream<Item: Into<Association>> + Send + 'static,
    {
        Bulk::new(self, Change::Dissociate, inputs.map(Into::into).boxed())
    }
}

/// Which requests carry the inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Batches, whatever their size. The default.
    #[default]
    Batch,
    /// One request for each input, as [`Client::associate`] and [`Client::dissociate`] send.
    Single,
    /// Batches, but a group of one input goes as [`Single`](Self::Single) does: that takes no request more, and has the
    /// error of its own that HubSpot gives there.
    Automatic,
}

type OnProgress = Box<dyn FnMut(&Progress) + Send>;

/// Associations to be made or removed; see [`Client::associate_many`] and [`Client::dissociate_many`].
///
/// Timeouts, retries and headers hold for each request that it makes.
#[must_use = "nothing is sent until the outcomes are asked for"]
pub struct Bulk {
    client: Client,
    change: Change,
    inputs: BoxStream<'static, Association>,
    strategy: Strategy,
    in_input_order: bool,
    concurrency: usize,
    pub(crate) options: CallOptions,
    on_progress: Option<OnProgress>,
    journal: Option<Journal>,
}

settings!(Bulk, options);

impl Bulk {
    pub(crate) fn new(client: &Client, change: Change, inputs: BoxStream<'static, Association>) -> Self {
        Self {
            client: client.clone(),
            change,
            inputs,
            strategy: Strategy::default(),
            in_input_order: true,
            concurrency: CONCURRENCY,
            options: CallOptions::default(),
            on_progress: None,
            journal: None,
        }
    }

    /// Which requests carry the inputs; [`Strategy::Batch`] by default.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Gives each outcome as soon as it is known, rather than in the order of the inputs; [`Outcome::index`] tells whose
    /// it is.
    pub fn as_they_come(mut self) -> Self {
        self.in_input_order = false;
        self
    }

    /// How many requests are under way at once; 4 by default. Twice as many inputs as they hold are taken before their
    /// outcomes are: by default 16,000 to associate, 800 to dissociate, 8 with [`Strategy::Single`].
    ///
    /// With zero every outcome is an [invalid input](Error::is_invalid_input), and nothing is sent.
    pub fn concurrency(mut self, requests: usize) -> Self {
        if requests == 0 {
            let error = Error::invalid_input("concurrency", Some("0"), "lets nothing through", "give 1 or more");
            self.options.invalid = self.options.invalid.take().or(Some(error));
        }
        self.concurrency = requests;
        self
    }

    /// Tells how far the run has come: after each batch that is settled, before its outcomes are given, and at the end.
    pub fn on_progress(mut self, told: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(told));
        self
    }

    /// Remembers what is settled, so that the same run goes on where it was interrupted: begin it again with the same
    /// inputs and the same journal. What the journal has is given as an outcome again, and not sent again.
    ///
    /// A journal of another run is refused: from the first input that is not the journal's on, nothing is sent, and every
    /// outcome is an error with [`Error::is_journal`].
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Starts when it is polled, and gives one outcome for each input.
    pub fn outcomes(self) -> Outcomes {
        Outcomes(Engine::new(self))
    }
}

impl fmt::Debug for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulk")
            .field("change", &self.change)
            .field("strategy", &self.strategy)
            .field("in_input_order", &self.in_input_order)
            .field("concurrency", &self.concurrency)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
