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
    time::{Instant, timeout_at},
};

use crate::{
    error::Result,
    task::{PATIENCE, in_runtime},
};

/// How long a response is used.
const FRESH: Duration = Duration::from_secs(600);
/// How many responses are kept; when there are more, the cache starts anew.
const MOST: usize = 128;

/// Responses by a key. Of many calls that need the same one, one asks and the others wait for it. It is asked for in a task of
/// its own, so that whoever began may be dropped or left unpolled.
pub(crate) struct Cache<V>(Arc<Mutex<HashMap<String, Entry<V>>>>);

/// A response, and when it came.
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
}

impl<V> Clone for Coming<V> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone(), ..*self }
    }
}

impl<V> Coming<V> {
    /// Whether it may still come: it ends without a response where its runtime does, or where that does not run any more.
    fn is_due(&self, here: Id) -> bool {
        self.outcome.has_changed().is_ok() && (self.runtime == here || self.since.elapsed() < PATIENCE)
    }

    /// `None` where another has to be asked for.
    async fn outcome(mut self, here: Id) -> Option<Result<Kept<V>>> {
        let outcome = async { self.outcome.wait_for(Option::is_some).await.ok()?.clone() };
        if self.runtime == here {
            return outcome.await;
        }
        timeout_at(self.since + PATIENCE, outcome).await.ok().flatten()
    }
}

struct Entry<V> {
    kept: Option<Kept<V>>,
    coming: Option<Coming<V>>,
}

impl<V> Default for Cache<V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<V: Send + Sync + 'static> Cache<V> {
    /// The response of a key: one that is kept and came after `after`, or the one that `ask` gets.
    ///
    /// # Errors
    /// That of the call, for all who waited for it; the next one asks again. Outside a Tokio runtime.
    pub(crate) async fn get<F>(&self, key: &str, after: Option<Instant>, ask: impl Fn() -> F) -> Result<Kept<V>>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        let runtime = in_runtime()?;
        loop {
            let coming = match self.kept_or_coming(&runtime, key, after, &ask) {
                Ok(kept) => return Ok(kept),
                Err(coming) => coming,
            };
            if let Some(outcome) = coming.outcome(runtime.id()).await {
                return outcome;
            }
        }
    }

    fn kept_or_coming<F>(
        &self,
        runtime: &Handle,
        key: &str,
        after: Option<Instant>,
        ask: impl Fn() -> F,
    ) -> std::result::Result<Kept<V>, Coming<V>>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        let mut entries = lock(&self.0);
        if entries.len() >= MOST && !entries.contains_key(key) {
            entries.clear();
        }
        let entry = entries.entry(key.to_owned()).or_insert_with(|| Entry { kept: None, coming: None });
        let is_good = |kept: &&Kept<V>| kept.at.elapsed() < FRESH && after.is_none_or(|after| kept.at > after);
        if let Some(kept) = entry.kept.as_ref().filter(is_good) {
            return Ok(kept.clone());
        }
        if let Some(coming) = entry.coming.as_ref().filter(|coming| coming.is_due(runtime.id())) {
            return Err(coming.clone());
        }
        let (sender, outcome) = watch::channel(None);
        let coming = Coming { outcome, runtime: runtime.id(), since: Instant::now() };
        entry.coming = Some(coming.clone());
        let (entries, key, asked) = (Arc::clone(&self.0), key.to_owned(), ask());
        runtime.spawn(async move {
            let outcome = asked.await.map(|value| Kept { value: Arc::new(value), at: Instant::now() });
            if let Ok(kept) = &outcome
                && let Some(entry) = lock(&entries).get_mut(&key)
            {
                entry.kept = Some(kept.clone());
            }
            // Nobody may be left to wait for it. Closed from here on, so that the next call asks again.
            let _ = sender.send(Some(outcome));
        });
        Err(coming)
    }
}

fn lock<V>(entries: &Mutex<HashMap<String, Entry<V>>>) -> MutexGuard<'_, HashMap<String, Entry<V>>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}
