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
//!
//! # Dated versions
//!
//! There HubSpot sets all labels of two objects at once, and a run adds to them all the same: inputs of one pair are sent as
//! one, no two requests under way have the same pair, and where the association types that HubSpot lists leave room for
//! other labels, those that the pairs have are read, a thousand partner clients to a request, and sent along. If somebody
//! else changes the labels of such a pair in between, as another run may, that change can be lost. Where HubSpot refuses a
//! pair, each of its inputs has the error. The unlabelled type is not removed from a pair that would lose a label with it,
//! unless the label is to be removed by the same batch, or [`Bulk::including_labels`] lets it go.

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
    /// already stays as it is. An [`Input`] is an association, or one and a value of yours.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
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

    /// As [`associate_many`](Self::associate_many), with the inputs from a stream.
    pub fn associate_many_from<I, T: 'static>(&self, inputs: I) -> Bulk<T>
    where
        I: Stream<Item: Into<Input<T>>> + Send + 'static,
    {
        Bulk::new(self, Change::Associate, inputs.map(Into::into).boxed())
    }

    /// Removes any number of associations, 100 to a request. One that does not exist is no error. The inputs are as
    /// [`associate_many`](Self::associate_many) takes them.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
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

    /// As [`dissociate_many`](Self::dissociate_many), with the inputs from a stream.
    pub fn dissociate_many_from<I, T: 'static>(&self, inputs: I) -> Bulk<T>
    where
        I: Stream<Item: Into<Input<T>>> + Send + 'static,
    {
        Bulk::new(self, Change::Dissociate, inputs.map(Into::into).boxed())
    }
}
