//! Any number of associations, made or removed with as few requests as HubSpot allows.
//!
//! [`Client::associate_many`] and [`Client::dissociate_many`] take the inputs from an iterator, their variants with
//! `_from` from a stream. They return a stream with one [`Outcome`] for each input. The inputs may be endless: a run
//! takes only as many as [`Bulk::concurrency`] needs.
//!
//! # How inputs become requests
//!
//! Inputs are grouped by the other object's type, as it is spelt, because HubSpot takes one type to a batch. A group is
//! sent as a batch when it is full: with 2,000 inputs to associate, or 100 to dissociate. A group that is not full is
//! sent when the input ends, when the input has had nothing ready for a second, or when no more inputs may be taken and
//! nothing is in flight. So a rare object type holds up neither the others nor the order.
//!
//! # How a batch becomes outcomes
//!
//! - HubSpot responds with results, and with errors besides if some inputs failed (207). An input that an error names
//!   has that error. An input was carried out if a result has both its ends and its type, by the name or the id that
//!   the response itself shows to be the same. If the response says nothing certain about an input, the input is sent
//!   again, alone. So is each input if HubSpot has not finished the batch. The documented response to a batch of
//!   removals, 204, proves all of them.
//! - HubSpot may refuse the whole batch because of some inputs (400, 404, 409, 410 or 422), or because it has too many
//!   (413). Inputs that the error names have that error, and the others are sent again. If the error names none, the
//!   batch is halved until the bad inputs are alone.
//! - Any other failure, after the retries of every call, is the outcome of each input of that request.
//!
//! An association that occurs in a batch more than once is sent once, and each of its inputs has the outcome.
//!
//! However bad the inputs are, a batch of *n* different ones takes at most *n* + log₂ *n* (rounded up) requests,
//! without retries: halving stops where sending the rest one by one could exceed that. On dated versions, requests that
//! only read come on top.
//!
//! # Dated versions
//!
//! There HubSpot sets all labels of two objects at once, but a run still only adds to them. Inputs of one pair are sent
//! as one, and no two requests in flight have the same pair. If HubSpot's association types leave room for other
//! labels, the labels that the pairs have are read, a thousand partner clients to a request, and sent along. A partner
//! client with more objects than fit on a page is listed whole instead, 500 objects to a request, for each of its
//! batches; if that fails, its inputs of the batch fail and no others. If somebody else changes the labels of such a pair in between, for example another run, that change can be lost. If
//! HubSpot refuses a pair, each of its inputs has the error. The unlabelled type is not removed from a pair that would
//! lose a label with it, unless the same batch removes the label or [`Bulk::including_labels`] is set.

mod attribution;
mod dated;
mod engine;
mod input;
mod journal;
mod outcome;
mod outcomes;
mod progress;
mod running;
mod sender;
mod settings;
mod settle;
mod strategy;
mod verdict;

use futures_util::{Stream, StreamExt, stream};

pub use self::{
    input::Input, journal::Journal, outcome::Outcome, progress::Progress, settings::Bulk, strategy::Strategy,
};
pub(crate) use self::{journal::Recorded, sender::Change};
pub use crate::associations::bulk::outcomes::Outcomes;
use crate::client::Client;

impl Client {
    /// Associates any number of partner clients with other objects, 2,000 to a request. An association that exists
    /// already stays as it is. Each [`Input`] is an association, or an association and a value of your own.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`; on dated versions also `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client, pairs: Vec<(u64, u64)>) {
    /// use futures_util::StreamExt;
    /// use hubspot_partner_clients::Association;
    ///
    /// let pairs = pairs.into_iter();
    /// let inputs = pairs.map(|(client, company)| {
    ///     Association::new(
    ///         client,
    ///         "companies",
    ///         company,
    ///         "partner_client_to_company",
    ///     )
    /// });
    /// let mut outcomes =
    ///     client.associate_many(inputs).outcomes();
    /// while let Some(outcome) = outcomes.next().await {
    ///     if let Err(error) = outcome.result {
    ///         eprintln!("{}: {error}", outcome.index);
    ///     }
    /// }
    /// # }
    /// ```
    pub fn associate_many<I, T: 'static>(&self, inputs: I) -> Bulk<T>
    where
        I: IntoIterator<Item: Into<Input<T>>, IntoIter: Send + 'static>,
    {
        self.associate_many_from(stream::iter(inputs))
    }

    /// Like [`associate_many`](Self::associate_many), with the inputs from a stream.
    pub fn associate_many_from<I, T: 'static>(&self, inputs: I) -> Bulk<T>
    where
        I: Stream<Item: Into<Input<T>>> + Send + 'static,
    {
        Bulk::new(self, Change::Associate, inputs.map(Into::into).boxed())
    }

    /// Removes any number of associations, 100 to a request. It is not an error if one does not exist. The inputs are
    /// those of [`associate_many`](Self::associate_many).
    ///
    /// Needs the scope `crm.objects.partner-clients.write`; on dated versions also `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) {
    /// use futures_util::StreamExt;
    ///
    /// let inputs = ["9001", "9002"].map(|company| {
    ///     (
    ///         "512",
    ///         ("companies", company),
    ///         "partner_client_to_company",
    ///     )
    /// });
    /// let mut outcomes =
    ///     client.dissociate_many(inputs).outcomes();
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{outcome:?}");
    /// }
    /// # }
    /// ```
    pub fn dissociate_many<I, T: 'static>(&self, inputs: I) -> Bulk<T>
    where
        I: IntoIterator<Item: Into<Input<T>>, IntoIter: Send + 'static>,
    {
        self.dissociate_many_from(stream::iter(inputs))
    }

    /// Like [`dissociate_many`](Self::dissociate_many), with the inputs from a stream.
    pub fn dissociate_many_from<I, T: 'static>(&self, inputs: I) -> Bulk<T>
    where
        I: Stream<Item: Into<Input<T>>> + Send + 'static,
    {
        Bulk::new(self, Change::Dissociate, inputs.map(Into::into).boxed())
    }
}
