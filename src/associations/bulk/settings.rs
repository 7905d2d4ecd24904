//! The settings of a bulk run.

use std::fmt;

use futures_util::stream::BoxStream;

use crate::{
    associations::bulk::{
        input::Input,
        journal::Journal,
        progress::{OnProgress, Progress},
        sender::Change,
        strategy::Strategy,
    },
    client::Client,
    transport::{
        call_options::{CONCURRENCY, CallOptions, settings},
        lease::Lease,
    },
};

/// Associations to be made or removed; see [`Client::associate_many`] and [`Client::dissociate_many`].
///
/// Timeouts, retries and headers hold for each request that it makes.
#[must_use = "nothing is sent until the outcomes are asked for"]
pub struct Bulk<T = ()> {
    pub(super) client: Client,
    pub(super) change: Change,
    pub(super) inputs: BoxStream<'static, Input<T>>,
    pub(super) strategy: Strategy,
    pub(super) in_input_order: bool,
    pub(super) concurrency: usize,
    pub(crate) options: CallOptions,
    pub(super) on_progress: Option<OnProgress>,
    pub(super) journal: Option<Journal>,
    pub(super) including_labels: bool,
    pub(super) lease: Option<Lease>,
}

settings!(Bulk<T>, options, T);

impl<T> Bulk<T> {
    pub(crate) fn new(client: &Client, change: Change, inputs: BoxStream<'static, Input<T>>) -> Self {
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
            including_labels: false,
            lease: None,
        }
    }

    /// Which requests carry the inputs; [`Strategy::Batch`] by default.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Gives each outcome as soon as it is known, rather than in the order of the inputs;
    /// [`Outcome::index`](super::Outcome::index) tells whose it is.
    pub fn as_they_come(mut self) -> Self {
        self.in_input_order = false;
        self
    }

    /// Lets the labels of two objects go with their unlabelled association, as
    /// [`Dissociate::including_labels`](crate::Dissociate::including_labels) does. On dated versions HubSpot removes them with
    /// it, so without this an input that is to remove it is refused where there are labels that are not to be removed by the
    /// same batch. It makes no difference for other inputs, or on v3.
    pub fn including_labels(mut self) -> Self {
        self.including_labels = true;
        self
    }

    /// Changes something only while a lease holds.
    #[cfg(feature = "redis")]
    pub(crate) fn under(mut self, lease: Option<Lease>) -> Self {
        self.lease = lease;
        self
    }

    /// How many requests are under way at once; 4 by default. Twice as many inputs as they hold are taken before their
    /// outcomes are: by default 16,000 to associate, 800 to dissociate, 8 with [`Strategy::Single`].
    ///
    /// With zero every outcome is an [invalid input](crate::Error::is_invalid_input), and nothing is sent.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = self.options.concurrency(requests);
        self
    }

    /// Tells how far the run has come: after each batch that is settled, before its outcomes are given, and at the end.
    pub fn on_progress(mut self, callback: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Remembers what is settled, so that the same run goes on where it was interrupted: begin it again with the same
    /// inputs and the same journal. What the journal has is given as an outcome again, and not sent again.
    ///
    /// A journal of another run is refused: from the first input that is not the journal's on, nothing is sent, and every
    /// outcome is an error with [`Error::is_journal`](crate::Error::is_journal).
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }
}

impl<T> fmt::Debug for Bulk<T> {
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
