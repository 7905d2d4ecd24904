//! Responses that many calls need, each requested once.
#![cfg(feature = "client")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::{Handle, Id},
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    error::{Error, Result},
    task::{PATIENCE, ended, in_runtime},
    transport::call_options::CallOptions,
};

/// How long a response is used.
const FRESH: Duration = Duration::from_secs(600);
/// How many failures of other calls a call does not take for its own; it takes the next one.
const FAILURES: u32 = 2;
/// How many responses are kept; when there are more, the cache starts anew.
const MOST: usize = 128;

/// Responses by a key. Of many calls that need the same one, one asks and the others wait for it. It is asked for in a task of
/// its own, so that whoever began may be dropped or left unpolled.
pub(crate) struct Cache<V>(Arc<Mutex<HashMap<String, Entry<V>>>>);

impl<V> Clone for Cache<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A response, and when it was asked for.
pub(crate) struct Kept<V> {
    pub(crate) value: Arc<V>,
    pub(crate) at: Instant,
}

impl<V> Clone for Kept<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), at: self.at }
    }
}

/// A response that was asked for.
struct Coming<V> {
    outcome: watch::Receiver<Option<Result<Kept<V>>>>,
    runtime: Id,
    since: Instant,
    /// Those of the call that asked.
    options: CallOptions,
}

impl<V> Clone for Coming<V> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone(), options: self.options.clone(), ..*self }
    }
}

impl<V> Coming<V> {
    /// Whether it may still come: it ends without a response where its runtime does, or where that does not run any more.
    fn is_due(&self, here: Id) -> bool {
        self.outcome.has_changed().is_ok()
            && self.outcome.borrow().is_none()
            && (self.runtime == here || self.since.elapsed() < PATIENCE)
    }

    /// `None` where another has to be asked for.
    async fn outcome(&self, here: Id) -> Option<Result<Kept<V>>> {
        let mut outcome = self.outcome.clone();
        let outcome = async { outcome.wait_for(Option::is_some).await.ok()?.clone() };
        if self.runtime == here {
            return outcome.await;
        }
        timeout_at(self.since + PATIENCE, outcome).await.ok().flatten()
    }

    /// Whether the call that asked may have failed because of its own settings, and one with these may not: it had less time,
    /// or sent its request in another way.
    fn is_its_own(&self, error: &Error, options: &CallOptions) -> bool {
        let has_same_headers = self.options.headers == options.headers;
        self.lacked_time(error, options)
            || (!self.options.sends_like(options) && !error.is_of_every_call(has_same_headers))
    }

    /// Whether the call that asked had too little time, and one with these settings has enough to go on.
    fn lacked_time(&self, error: &Error, options: &CallOptions) -> bool {
        let Some(theirs) = self.options.deadline else { return false };
        let now = Instant::now();
        let needed = match error.time_needed() {
            Some(needed) => needed,
            None if now >= theirs => Duration::ZERO,
            None => return false,
        };
        // What is further away than a clock can tell is in nobody's time.
        let Some(again_at) = now.checked_add(needed) else { return false };
        options.deadline.is_none_or(|own| own > again_at.max(theirs))
    }

    /// Whether its error would be that of a call with these settings as well: it is sent in the same way, and has no less time,
    /// or hardly less. Of calls that are made one after the other, each has a little more than the one before.
    fn speaks_for(&self, options: &CallOptions) -> bool {
        let has_time = |theirs| {
            let own = options.deadline.zip(options.call_timeout);
            own.is_some_and(|(own, total)| own.saturating_duration_since(theirs) <= total / 10)
        };
        self.options.sends_like(options) && self.options.deadline.is_none_or(has_time)
    }
}

struct Entry<V> {
    kept: Option<Kept<V>>,
    coming: Option<Coming<V>>,
}

impl<V> Entry<V> {
    fn kept(&self, after: Option<Instant>) -> Option<Kept<V>> {
        let is_good = |kept: &&Kept<V>| kept.at.elapsed() < FRESH && after.is_none_or(|after| kept.at > after);
        self.kept.as_ref().filter(is_good).cloned()
    }
}

/// Where a response is to be had.
enum Source<V> {
    Kept(Kept<V>),
    /// Another call has asked for it.
    Coming(Coming<V>),
    /// This call has just asked for it.
    Asked(JoinHandle<Result<Kept<V>>>),
}

impl<V> Default for Cache<V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<V> Cache<V> {
    /// The response of a key that is kept and was asked for after `after`.
    pub(crate) fn kept(&self, key: &str, after: Option<Instant>) -> Option<Kept<V>> {
        lock(&self.0).get(key)?.kept(after)
    }
}

impl<V: Send + Sync + 'static> Cache<V> {
    /// The response of a key: one that was asked for after `after`, or the one that `ask` gets. Both keep to the time of these
    /// options.
    ///
    /// # Errors
    /// That of `ask`, for all who waited for it. Where it may be due to the settings of the call that asked, those with other
    /// settings ask for themselves. That the time is over. Outside a Tokio runtime.
    pub(crate) async fn get<F>(
        &self,
        key: &str,
        after: Option<Instant>,
        options: &CallOptions,
        ask: impl Fn() -> F,
    ) -> Result<Kept<V>>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        let runtime = in_runtime()?;
        // After a failure that is not its own, a call waits for those alone that speak for it, and not often. Otherwise calls
        // would fail one after the other.
        let mut failures = 0;
        loop {
            let joins = |coming: &Coming<V>| failures == 0 || coming.speaks_for(options);
            let coming = match self.source(&runtime, key, after, options, joins, &ask) {
                Source::Kept(kept) => return Ok(kept),
                // Where it has no outcome, another one would have none either.
                Source::Asked(task) => {
                    return task.await.unwrap_or_else(|stopped| Err(ended("a task of this crate", stopped)));
                }
                Source::Coming(coming) => coming,
            };
            let outcome = coming.outcome(runtime.id());
            let outcome = match options.call_timeout.zip(options.deadline) {
                Some((total, deadline)) => match timeout_at(deadline, outcome).await {
                    Ok(outcome) => outcome,
                    Err(_) => return Err(Error::not_told_in_time(total)),
                },
                None => outcome.await,
            };
            match outcome {
                Some(Err(error)) if failures < FAILURES && coming.is_its_own(&error, options) => failures += 1,
                Some(outcome) => return outcome,
                None => {}
            }
        }
    }

    fn source<F>(
        &self,
        runtime: &Handle,
        key: &str,
        after: Option<Instant>,
        options: &CallOptions,
        joins: impl Fn(&Coming<V>) -> bool,
        ask: impl Fn() -> F,
    ) -> Source<V>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        let mut entries = lock(&self.0);
        if entries.len() >= MOST && !entries.contains_key(key) {
            entries.clear();
        }
        let entry = entries.entry(key.to_owned()).or_insert_with(|| Entry { kept: None, coming: None });
        if let Some(kept) = entry.kept(after) {
            return Source::Kept(kept);
        }
        let is_good = |coming: &&Coming<V>| {
            coming.is_due(runtime.id()) && after.is_none_or(|after| coming.since > after) && joins(coming)
        };
        if let Some(coming) = entry.coming.as_ref().filter(is_good) {
            return Source::Coming(coming.clone());
        }
        let (sender, outcome) = watch::channel(None);
        let at = Instant::now();
        entry.coming = Some(Coming { outcome, runtime: runtime.id(), since: at, options: options.clone() });
        let (entries, key, asked) = (Arc::clone(&self.0), key.to_owned(), ask());
        Source::Asked(runtime.spawn(async move {
            let outcome = asked.await.map(|value| Kept { value: Arc::new(value), at });
            if let Ok(kept) = &outcome
                && let Some(entry) = lock(&entries).get_mut(&key)
                && entry.kept.as_ref().is_none_or(|before| before.at < at)
            {
                entry.kept = Some(kept.clone());
            }
            // Nobody may be left to wait for it. Closed from here on, so that the next call asks again.
            let _ = sender.send(Some(outcome.clone()));
            outcome
        }))
    }
}

fn lock<V>(entries: &Mutex<HashMap<String, Entry<V>>>) -> MutexGuard<'_, HashMap<String, Entry<V>>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}
