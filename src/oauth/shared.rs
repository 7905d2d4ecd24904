//! One refresh for all processes that share a store.

use std::{pin::pin, sync::Arc, time::Duration};

use chrono::Utc;
use futures_util::future::{Either, select};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    auth::access_token::AccessToken,
    error::{Error, Result},
    oauth::{
        app::OAuthApp,
        fresh::Fresh,
        store::{StoreFuture, StoredToken, TokenStore},
    },
    task::guard_future,
};

/// A process that ends while it refreshes holds up the others for as long. One that goes on renews its lock: with all its
/// retries, a refresh may take longer.
const LOCK: Duration = Duration::from_secs(30);
/// How long another's refresh is waited for: a lock that nobody renews, and what comes after it.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long the store may take: all calls of the account wait for it.
const ASKING: Duration = Duration::from_secs(30);

/// What is kept, as JSON. Times are milliseconds since 1970, by the clock of the process that saved it.
#[derive(Serialize, Deserialize)]
struct Document {
    access_token: String,
    refresh_token: String,
    saved_at: Option<i64>,
    refresh_at: i64,
    expires_at: i64,
}

impl Document {
    fn to_stored(fresh: &Fresh, refresh_token: &SecretString) -> Result<StoredToken> {
        let now = Utc::now().timestamp_millis();
        let after = |time| now.saturating_add(milliseconds(time));
        let document = Self {
            saved_at: Some(now),
            access_token: fresh.access_token.expose().to_owned(),
            refresh_token: refresh_token.expose_secret().to_owned(),
            refresh_at: after(fresh.refresh_in),
            expires_at: after(fresh.expires_in),
        };
        serde_json::to_string(&document).map(StoredToken::new).map_err(|e| Error::token(e.into()))
    }

    fn from_stored(stored: &StoredToken) -> Result<Fresh> {
        // What serde says of it may hold a token.
        let document: Self = serde_json::from_str(stored.expose())
            .map_err(|_| Error::token("the token store contains something other than tokens".into()))?;
        // The clocks of two machines may be minutes apart.
        let now = match (document.saved_at, stored.age()) {
            (Some(saved_at), Some(age)) => saved_at.saturating_add(milliseconds(age)),
            _ => Utc::now().timestamp_millis(),
        };
        let until = |time: i64| Duration::from_millis(time.saturating_sub(now).try_into().unwrap_or(0));
        Ok(Fresh {
            access_token: AccessToken::new(document.access_token).map_err(|e| Error::token(e.into()))?,
            refresh_token: Some(document.refresh_token.into()),
            refresh_in: until(document.refresh_at),
            expires_in: until(document.expires_at),
            unsaved: false,
        })
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A refresh that other processes may be about as well.
pub(super) struct SharedRefresh {
    pub(super) store: Arc<dyn TokenStore>,
    /// What the lock knows this process's token by.
    pub(super) owner: Arc<str>,
    /// What HubSpot refused last.
    pub(super) refused: Option<AccessToken>,
    /// A token that is to be put into the store, instead of a refresh.
    pub(super) unsaved: Option<Fresh>,
}

impl SharedRefresh {
    /// Takes the token that another process has put into the store, or refreshes it for all.
    pub(super) async fn run(self, app: &OAuthApp, own: &SecretString) -> Result<Fresh> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.unsaved.is_none()
                && let Some(fresh) = self.load().await?.filter(|fresh| self.is_good(fresh))
            {
                return Ok(fresh);
            }
            if let Some(fencing_token) = self.lock().await? {
                return self.run_locked(app, own, fencing_token).await;
            }
            sleep(Duration::from_millis(fastrand::u64(50..150))).await;
        }
        Err(Error::token_not_in_time("another process holds the token store's lock and has saved no token"))
    }

    async fn lock(&self) -> Result<Option<u64>> {
        self.ask(|store| store.lock(&self.owner, LOCK)).await
    }

    /// What the store says, or that it panicked.
    async fn ask<'a, T>(&'a self, what: impl FnOnce(&'a dyn TokenStore) -> StoreFuture<'a, T>) -> Result<T> {
        let asked = guard_future("the token store", async { timeout(ASKING, what(&*self.store)).await });
        let late = |_| Error::token_not_in_time(&format!("the token store took longer than {ASKING:?}"));
        asked.await?.map_err(late)?.map_err(Error::token)
    }

    async fn run_locked(&self, app: &OAuthApp, own: &SecretString, fencing_token: u64) -> Result<Fresh> {
        let mut work = pin!(async {
            match self.unsaved.clone() {
                Some(unsaved) => Ok(self.save(fencing_token, unsaved, own).await),
                None => self.refresh(app, own, fencing_token).await,
            }
        });
        let mut held = fencing_token;
        let outcome = loop {
            if let Ok(outcome) = timeout(LOCK / 3, &mut work).await {
                break outcome;
            }
            // Where it cannot be renewed, the fencing token decides who saves. The store may be slow, and a response that is
            // not taken in time is lost, with the refresh token in it.
            match select(&mut work, pin!(self.lock())).await {
                Either::Left((outcome, renewal)) => {
                    held = renewal.await.ok().flatten().unwrap_or(held);
                    break outcome;
                }
                Either::Right((renewed, _)) => held = renewed.ok().flatten().unwrap_or(held),
            }
        };
        // It ends by itself where this fails.
        let _ = self.ask(|store| store.unlock(held)).await;
        outcome
    }

    async fn load(&self) -> Result<Option<Fresh>> {
        let stored = self.ask(|store| store.load()).await?;
        stored.as_ref().map(Document::from_stored).transpose()
    }

    fn is_good(&self, fresh: &Fresh) -> bool {
        let refused = self.refused.as_ref().is_some_and(|refused| refused.expose() == fresh.access_token.expose());
        !refused && !fresh.refresh_in.is_zero()
    }

    async fn refresh(&self, app: &OAuthApp, own: &SecretString, fencing_token: u64) -> Result<Fresh> {
        let mut withdrawn: Vec<(SecretString, Error)> = Vec::new();
        loop {
            // Another process may have put one there in the meantime.
            let kept = self.load().await?;
            if let Some(fresh) = kept.as_ref().filter(|fresh| self.is_good(fresh)) {
                return Ok(fresh.clone());
            }
            let known =
                |token: &SecretString| withdrawn.iter().any(|(w, _)| w.expose_secret() == token.expose_secret());
            let candidates = [kept.and_then(|kept| kept.refresh_token), Some(own.clone())];
            let Some(refresh_token) = candidates.into_iter().flatten().find(|token| !known(token)) else {
                let error = withdrawn.pop().map(|(_, error)| error);
                return Err(error.unwrap_or_else(|| Error::token("there is no refresh token".into())));
            };
            match app.refresh(&refresh_token).await {
                Ok(grant) => {
                    let mut fresh = Fresh::from(&grant);
                    let newest = fresh.refresh_token.get_or_insert(refresh_token).clone();
                    return Ok(self.save(fencing_token, fresh, &newest).await);
                }
                Err(error) if error.is_invalid_grant() => withdrawn.push((refresh_token, error)),
                Err(error) => return Err(error),
            }
        }
    }

    /// The token to go on with: this one, or what a later holder of the lock has put into the store.
    async fn save(&self, fencing_token: u64, mut fresh: Fresh, refresh_token: &SecretString) -> Fresh {
        let saved = match Document::to_stored(&fresh, refresh_token) {
            Ok(stored) => self.ask(|store| store.save(fencing_token, stored)).await.ok(),
            Err(_) => None,
        };
        fresh.unsaved = match saved {
            Some(true) => false,
            None => true,
            Some(false) => match self.load().await {
                Ok(Some(later)) if self.is_good(&later) => return later,
                // There is none to go on with but this one, unless it cannot be seen.
                stored => stored.is_ok(),
            },
        };
        fresh
    }
}
