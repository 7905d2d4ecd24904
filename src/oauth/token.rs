//! Access tokens that renew themselves, with one refresh however many calls wait.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::{
    auth::{
        access_token::{AccessToken, secret},
        provider::{TokenFuture, TokenProvider},
        redact::redact,
    },
    error::{Error, Result},
    oauth::{
        app::OAuthApp, current::Current, flight::Flight, fresh::Fresh, grant::Grant, shared::SharedRefresh,
        store::TokenStore,
    },
    task::guard_future,
};

/// While the old token lives, a failed refresh is not repeated sooner.
const PAUSE: Duration = Duration::from_secs(10);

/// Access tokens of one account; a [`TokenProvider`], created by [`OAuthApp::token`]. Clones share the token.
///
/// A token is refreshed in the background after five sixths of its lifetime, so that calls do not wait. Calls that find no
/// valid token wait for one common refresh. A token that HubSpot refuses is refreshed once.
///
/// The token is kept in memory, unless a [store](Self::store) shares it between processes.
#[derive(Clone)]
pub struct OAuthToken {
    app: OAuthApp,
    state: Arc<Mutex<State>>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Keep = Arc<dyn Fn(String) -> BoxFuture<'static, std::result::Result<(), BoxError>> + Send + Sync>;

/// How long a callback may take to keep a refresh token.
const KEEPING: Duration = Duration::from_secs(30);

struct State {
    refresh_token: Arc<SecretString>,
    current: Option<Current>,
    flight: Option<Flight>,
    keep: Option<Keep>,
    /// What came with a new refresh token that is not kept yet.
    unkept: Option<Unkept>,
    store: Option<Arc<dyn TokenStore>>,
    /// What the store's lock knows it by.
    owner: Arc<str>,
    /// What HubSpot refused last; the store may still give it.
    refused: Option<AccessToken>,
    /// The store does not have the current token.
    unsaved: bool,
}

struct Unkept {
    current: Current,
    unsaved: bool,
}

impl OAuthApp {
    /// Creates a token provider that obtains access tokens with this refresh token. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a refresh token that is empty or has characters that none has. White space
    /// around it is ignored.
    pub fn token(&self, refresh_token: impl Into<String>) -> Result<OAuthToken> {
        let given = SecretString::from(refresh_token.into());
        let remedy = "use the one that you got when the account was connected";
        let refresh_token = secret("refresh token", given.expose_secret(), remedy)?;
        Ok(OAuthToken::new(self.clone(), refresh_token))
    }

    /// Creates a token provider for an account that was just connected. It starts with the grant's own access token.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a grant without a refresh token.
    pub fn token_of(&self, grant: &Grant) -> Result<OAuthToken> {
        let Some(refresh_token) = grant.refresh_token() else {
            let remedy = "connect the account again; HubSpot returns one with each code";
            return Err(Error::credentials("grant", "has no refresh token", remedy));
        };
        let token = self.token(refresh_token)?;
        self.forget_refusal(grant);
        token.start_with(grant);
        Ok(token)
    }
}

impl OAuthToken {
    pub(super) fn new(app: OAuthApp, refresh_token: SecretString) -> Self {
        let state = State {
            refresh_token: Arc::new(refresh_token),
            current: None,
            flight: None,
            keep: None,
            unkept: None,
            store: None,
            owner: Uuid::new_v4().simple().to_string().into(),
            refused: None,
            unsaved: false,
        };
        Self { app, state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn start_with(&self, grant: &Grant) {
        self.state().current = Some(Current::new(&grant.into()));
    }

    /// Calls your callback with every new refresh token, so that you can store it, for example in a database, for the
    /// next start of your program.
    ///
    /// The callback is awaited before the access token that came with the refresh token is used. If it fails, panics or
    /// takes more than 30 seconds, nothing is lost as long as the process lives: the new tokens stay in memory, calls
    /// go on with the old access token until it expires, and then fail with [`Error::is_token`]. The callback is called
    /// again with the same refresh token, at the next call or after 10 seconds, without another request to HubSpot.
    ///
    /// Do not make a call with this token in the callback: the call may wait for the callback to end.
    ///
    /// ```
    /// # use hubspot_partner_clients::oauth::OAuthToken;
    /// # async fn save(_account: u64, _token: &str) -> std::io::Result<()> { Ok(()) }
    /// # fn run(token: OAuthToken) {
    /// let account = 8675309;
    /// let token = token.on_new_refresh_token(
    ///     move |refresh_token| async move {
    ///         save(account, &refresh_token).await
    ///     },
    /// );
    /// # }
    /// ```
    #[must_use]
    pub fn on_new_refresh_token<F, E>(self, callback: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = std::result::Result<(), E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.state().keep = Some(Arc::new(move |token| callback(token).map(|kept| kept.map_err(Into::into)).boxed()));
        self
    }

    /// Shares the tokens of the account with other processes: whichever needs an access token first refreshes it for
    /// all.
    ///
    /// The stored tokens take precedence over the refresh token given here, which is used if the store is empty or
    /// HubSpot has withdrawn the stored one. The tokens of a [grant](OAuthApp::token_of) are stored at once, before the
    /// next call or while it runs. If the store fails, a valid access token is used until it expires; then calls fail
    /// with [`Error::is_token`](crate::Error::is_token).
    #[must_use]
    pub fn store(self, store: impl TokenStore + 'static) -> Self {
        {
            let mut state = self.state();
            state.store = Some(Arc::new(store));
            if let Some(current) = &mut state.current {
                current.refresh_at = Instant::now();
                state.unsaved = true;
            }
        }
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token there is, or the refresh that will give one.
    fn token_or_flight(&self, here: &Handle) -> std::result::Result<AccessToken, Flight> {
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
            Some(flight) if !flight.is_lost(here.id()) => flight.clone(),
            _ => {
                let flight = self.take_off(&state, here);
                state.flight = Some(flight.clone());
                flight
            }
        };
        usable.ok_or(flight)
    }

    /// In a task of its own, because a refresh whose caller goes away may still change the refresh token.
    fn take_off(&self, state: &State, here: &Handle) -> Flight {
        let this = self.clone();
        let refresh_token = Arc::clone(&state.refresh_token);
        let shared = state.store.clone().map(|store| {
            let unsaved = state.current.as_ref().filter(|current| state.unsaved && Instant::now() < current.expires_at);
            let unsaved = unsaved.map(|current| current.fresh(&refresh_token));
            SharedRefresh { store, owner: Arc::clone(&state.owner), refused: state.refused.clone(), unsaved }
        });
        let unkept = state.unkept.is_some();
        let task = here.spawn(async move {
            let result = this.fly(unkept, &refresh_token, shared).await;
            let mut state = this.state();
            state.flight = None;
            if result.is_err()
                && let Some(current) = &mut state.current
            {
                current.refresh_at = Instant::now() + PAUSE;
            }
            result
        });
        let this = self.clone();
        let result = async move {
            let stopped = match task.await {
                Ok(result) => return Some(result),
                Err(stopped) => stopped,
            };
            this.state().flight = None;
            let panic = stopped.try_into_panic().ok()?;
            Some(Err(Error::panicked("the refresh of the access token", &*panic)))
        };
        Flight { result: result.boxed().shared(), runtime: here.id(), since: Instant::now() }
    }

    async fn fly(
        &self,
        unkept: bool,
        refresh_token: &SecretString,
        shared: Option<SharedRefresh>,
    ) -> Result<AccessToken> {
        if unkept {
            self.keep().await?;
            let state = self.state();
            if let Some(current) = state.current.as_ref().filter(|current| Instant::now() < current.expires_at) {
                return Ok(current.token.clone());
            }
        }
        let fresh = match shared {
            None => Fresh::from(&self.app.refresh(refresh_token).await?),
            Some(shared) => shared.run(&self.app, refresh_token).await?,
        };
        self.land(fresh).await
    }

    async fn land(&self, fresh: Fresh) -> Result<AccessToken> {
        let token = fresh.access_token.clone();
        let mut current = Current::new(&fresh);
        if fresh.unsaved {
            current.refresh_at = Instant::now() + PAUSE;
        }
        {
            let mut state = self.state();
            let changed = fresh.refresh_token.filter(|new| new.expose_secret() != state.refresh_token.expose_secret());
            let is_new = changed.is_some();
            if let Some(new) = changed {
                // HubSpot may take no other from now on, whether it is kept or not.
                state.refresh_token = Arc::new(new);
            }
            if !is_new || state.keep.is_none() {
                (state.current, state.unsaved, state.unkept) = (Some(current), fresh.unsaved, None);
                return Ok(token);
            }
            state.unkept = Some(Unkept { current, unsaved: fresh.unsaved });
        }
        self.keep().await?;
        Ok(token)
    }

    /// Lets the callback keep the refresh token; only then is what came with it used.
    async fn keep(&self) -> Result<()> {
        let (keep, refresh_token) = {
            let state = self.state();
            (state.keep.clone(), Arc::clone(&state.refresh_token))
        };
        if let Some(keep) = keep {
            let text = refresh_token.expose_secret();
            let kept = guard_future("on_new_refresh_token's callback", async {
                timeout(KEEPING, keep(text.to_owned())).await
            });
            let kept = kept.await?.unwrap_or_else(|_| Err(format!("it took longer than {KEEPING:?}").into()));
            // What the callback says of the token may hold it.
            kept.map_err(|source| {
                let shows = format!("{source:?}{source}").contains(text);
                Error::not_kept(&redact(&source.to_string(), text), (!shows).then_some(source))
            })?;
        }
        let mut state = self.state();
        if Arc::ptr_eq(&state.refresh_token, &refresh_token)
            && let Some(Unkept { current, unsaved }) = state.unkept.take()
        {
            (state.current, state.unsaved) = (Some(current), unsaved);
        }
        Ok(())
    }
}

impl TokenProvider for OAuthToken {
    fn access_token(&self) -> TokenFuture<'_> {
        let Ok(here) = Handle::try_current() else {
            return Box::pin(std::future::ready(Err(Error::no_runtime().into())));
        };
        match self.token_or_flight(&here) {
            Ok(token) => Box::pin(std::future::ready(Ok(token))),
            Err(mut flight) => Box::pin(async move {
                loop {
                    if let Some(result) = flight.result(here.id()).await {
                        return Ok(result?);
                    }
                    match self.token_or_flight(&here) {
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
            state.unsaved = false;
        }
        state.refused = Some(token.clone());
        true
    }
}

/// Without the tokens.
impl fmt::Debug for OAuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthToken").field("app", &self.app).finish_non_exhaustive()
    }
}
