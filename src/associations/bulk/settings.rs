//! Settings of a bulk run.

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
        doubts::Doubts,
        lease::Lease,
    },
};

/// A bulk run, which associates or dissociates any number of objects; see [`Client::associate_many`] and
/// [`Client::dissociate_many`].
///
/// Timeouts, retries and headers apply to each of its requests.
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
    pub(super) doubts: Option<Doubts>,
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
            doubts: None,
        }
    }

    /// Sets which requests carry the inputs; the default is [`Strategy::Batch`].
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Gives each outcome as soon as it is known, instead of in the order of the inputs.
    /// [`Outcome::index`](super::Outcome::index) says which input it belongs to.
    pub fn as_they_come(mut self) -> Self {
        self.in_input_order = false;
        self
    }

    /// Removes the labels of two objects together with their unlabelled association, like
    /// [`Dissociate::including_labels`](crate::Dissociate::including_labels). On dated versions HubSpot removes both,
    /// so without this setting such an input is an error if there are labels that the same batch does not remove. It
    /// makes no difference for other inputs or on v3.
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

    /// Has its requests that may change something counted.
    #[cfg(feature = "redis")]
    pub(crate) fn counted(mut self, doubts: Doubts) -> Self {
        self.doubts = Some(doubts);
        self
    }

    /// Sets how many requests are in flight at once; the default is 4. The run takes twice as many inputs as these
    /// requests hold before you take their outcomes: by default 16,000 to associate, 800 to dissociate, and 8 with
    /// [`Strategy::Single`].
    ///
    /// With 0, every outcome is an error with [`Error::is_invalid_input`](crate::Error::is_invalid_input), and nothing
    /// is sent.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = self.options.concurrency(requests);
        self
    }

    /// Calls `callback` with the progress of the run: after each batch, before its outcomes are given, and at the end.
    pub fn on_progress(mut self, callback: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Records the outcomes in a journal, so that an interrupted run can be resumed: start it again with the same
    /// inputs and the same journal. For an input that the journal has, the recorded outcome is given again, and nothing
    /// is sent.
    ///
    /// If the journal belongs to another run, nothing is sent from the first input that differs, and every outcome is
    /// an error with [`Error::is_journal`](crate::Error::is_journal).
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
