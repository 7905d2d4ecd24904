//! Access tokens that renew themselves: one refresh for any number of waiting calls.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::Shared};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::{Grant, OAuthApp};
use crate::{AccessToken, Result, TokenFuture, TokenProvider};

/// A token this close to its end is not sent any more: the request has to arrive before it.
const MARGIN: Duration = Duration::from_secs(10);
/// While the old token lives, a failed refresh is not repeated sooner.
const PAUSE: Duration = Duration::from_secs(10);

/// The access tokens of one account; a [`TokenProvider`]. Clones are the same.
///
/// A token is refreshed in the background once five sixths of its life are over, so that no call waits; a call that finds
/// none that is good waits for the one refresh under way. A token that HubSpot refuses is refreshed once.
#[derive(Clone)]
pub struct OAuthToken {
    app: OAuthApp,
    state: Arc<Mutex<State>>,
}

/// A refresh under way; `None` if it ended with the runtime that it ran in.
type Flight = Shared<Pin<Box<dyn Future<Output = Option<Result<AccessToken>>> + Send>>>;
type Callback = Arc<dyn Fn(&str) + Send + Sync>;

struct State {
    refresh_token: Arc<SecretString>,
    current: Option<Current>,
    flight: Option<Flight>,
    on_new_refresh_token: Option<Callback>,
}

struct Current {
    token: AccessToken,
    refresh_at: Instant,
    expires_at: Instant,
}

impl Current {
    fn new(grant: &Grant) -> Self {
        let (now, life) = (Instant::now(), grant.expires_in);
        Self {
            token: grant.access_token.clone(),
            refresh_at: now + life * 5 / 6,
            expires_at: now + life.saturating_sub(MARGIN),
        }
    }
}

impl OAuthToken {
    pub(super) fn new(app: OAuthApp, refresh_token: SecretString) -> Self {
        let state =
            State { refresh_token: Arc::new(refresh_token), current: None, flight: None, on_new_refresh_token: None };
        Self { app, state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn start_with(&self, grant: &Grant) {
        self.state().current = Some(Current::new(grant));
    }

    /// Hears of every refresh token that takes the place of the one before, to be kept for the next start.
    #[must_use]
    pub fn on_new_refresh_token(self, callback: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.state().on_new_refresh_token = Some(Arc::new(callback));
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token there is, or the refresh that will give one.
    fn token_or_flight(&self) -> std::result::Result<AccessToken, Flight> {
        let now = Instant::now();
        let mut state = self.state();
        let usable =
            state.current.as_ref().filter(|current| now < current.expires_at).map(|current| current.token.clone());
        let due = state.current.as_ref().is_none_or(|current| now >= current.refresh_at.min(current.expires_at));
        match usable {
            Some(token) if !due => return Ok(token),
            _ => {}
        }
        let flight = match &state.flight {
            Some(flight) => flight.clone(),
            None => {
                let flight = self.take_off(Arc::clone(&state.refresh_token));
                state.flight = Some(flight.clone());
                flight
            }
        };
        usable.ok_or(flight)
    }

    /// In a task of its own, because a refresh whose caller goes away may still change the refresh token.
    fn take_off(&self, refresh_token: Arc<SecretString>) -> Flight {
        let this = self.clone();
        let task = tokio::spawn(async move {
            let outcome = this.app.refresh(&refresh_token).await;
            this.land(outcome)
        });
        let this = self.clone();
        async move {
            let outcome = task.await.ok();
            if outcome.is_none() {
                this.state().flight = None;
            }
            outcome
        }
        .boxed()
        .shared()
    }

    fn land(&self, outcome: Result<Grant>) -> Result<AccessToken> {
        let mut state = self.state();
        state.flight = None;
        let grant = match outcome {
            Ok(grant) => grant,
            Err(error) => {
                if let Some(current) = &mut state.current {
                    current.refresh_at = Instant::now() + PAUSE;
                }
                return Err(error);
            }
        };
        state.current = Some(Current::new(&grant));
        let changed = grant.refresh_token.filter(|new| new.expose_secret() != state.refresh_token.expose_secret());
        if let Some(new) = changed {
            let new = Arc::new(new);
            state.refresh_token = Arc::clone(&new);
            let callback = state.on_new_refresh_token.clone();
            // The callback may use this token.
            drop(state);
            if let Some(callback) = callback {
                callback(new.expose_secret());
            }
        }
        Ok(grant.access_token)
    }
}

impl TokenProvider for OAuthToken {
    fn access_token(&self) -> TokenFuture<'_> {
        match self.token_or_flight() {
            Ok(token) => Box::pin(std::future::ready(Ok(token))),
            Err(mut flight) => Box::pin(async move {
                loop {
                    if let Some(outcome) = flight.await {
                        return Ok(outcome?);
                    }
                    match self.token_or_flight() {
                        Ok(token) => return Ok(token),
                        Err(another) => flight = another,
                    }
                }
            }),
        }
    }

    fn invalidate(&self, token: &AccessToken) -> bool {
        let mut state = self.state();
        if state.current.as_ref().is_some_and(|current| current.token.expose() == token.expose()) {
            state.current = None;
        }
        true
    }
}

/// Without the tokens.
impl fmt::Debug for OAuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthToken").field("app", &self.app).finish_non_exhaustive()
    }
}
