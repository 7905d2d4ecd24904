//! Access tokens that renew themselves, with one refresh however many calls wait.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    runtime::Handle,
    task,
    time::{Instant, timeout, timeout_at},
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
    task::{ended, guard_future},
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

/// How long after its start another refresh may replace a refresh token that is refused. One in a runtime that does not run any
/// more never ends.
const OTHERS: Duration = Duration::from_secs(30);

/// How long a callback may take to keep a refresh token.
const KEEPING: Duration = Duration::from_secs(30);

struct State {
    refresh_token: Arc<SecretString>,
    current: Option<Current>,
    /// Mostly one at a time. Calls do not wait for one in another runtime that may not run any more, but perhaps does.
    flights: Vec<Flight>,
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

impl State {
    /// The access token, as long as it may be sent.
    fn usable(&self) -> Option<AccessToken> {
        let current = self.current.as_ref().filter(|current| Instant::now() < current.expires_at);
        current.map(|current| current.token.clone())
    }

    /// Whether it is time for another one.
    fn is_due(&self) -> bool {
        self.current.as_ref().is_none_or(|current| Instant::now() >= current.refresh_at.min(current.expires_at))
    }

    /// What a refresh has to do that has the store's lock by this name.
    fn plan(&self, owner: &Arc<str>) -> Plan {
        let refresh_token = Arc::clone(&self.refresh_token);
        let shared = self.store.clone().map(|store| {
            let unsaved = self.current.as_ref().filter(|current| self.unsaved && Instant::now() < current.expires_at);
            let unsaved = unsaved.map(|current| current.fresh(&refresh_token));
            SharedRefresh { store, owner: Arc::clone(owner), refused: self.refused.clone(), unsaved }
        });
        Plan { unkept: self.unkept.is_some(), refresh_token, shared }
    }
}

struct Unkept {
    current: Current,
    unsaved: bool,
}

/// What a refresh has to do.
struct Plan {
    unkept: bool,
    refresh_token: Arc<SecretString>,
    shared: Option<SharedRefresh>,
}

fn new_owner() -> Arc<str> {
    Uuid::new_v4().simple().to_string().into()
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
            flights: Vec::new(),
            keep: None,
            unkept: None,
            store: None,
            owner: new_owner(),
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

    /// The token there is; or the refresh that will give one, and whether it has just begun.
    fn token_or_flight(&self, here: &Handle) -> std::result::Result<AccessToken, (Flight, bool)> {
        let mut state = self.state();
        let usable = state.usable();
        match usable {
            Some(token) if !state.is_due() => return Ok(token),
            _ => {}
        }
        let flight = match state.flights.iter().rev().find(|flight| !flight.is_lost(here.id())) {
            Some(flight) => (flight.clone(), false),
            None => (self.take_off(&mut state, here), true),
        };
        usable.ok_or(flight)
    }

    /// In a task of its own, because a refresh whose caller goes away may still change the refresh token.
    fn take_off(&self, state: &mut State, here: &Handle) -> Flight {
        state.flights.retain(|flight| !flight.task.is_finished());
        if !state.flights.is_empty() {
            // Another one perhaps has the lock by this name.
            state.owner = new_owner();
        }
        let (this, owner) = (self.clone(), Arc::clone(&state.owner));
        let task = here.spawn(async move {
            let id = task::id();
            let result = this.fly(id, owner).await;
            let mut state = this.state();
            state.flights.retain(|flight| flight.task.id() != id);
            // A token that has come since is not older for it.
            if result.is_err()
                && state.is_due()
                && let Some(current) = &mut state.current
            {
                current.refresh_at = Instant::now() + PAUSE;
            }
            result
        });
        let handle = task.abort_handle();
        let this = self.clone();
        let result = async move {
            let id = task.id();
            let stopped = match task.await {
                Ok(result) => return Some(result),
                Err(stopped) => stopped,
            };
            this.state().flights.retain(|flight| flight.task.id() != id);
            let is_panic = stopped.is_panic();
            let error = ended("the refresh of the access token", stopped);
            is_panic.then_some(Err(error))
        };
        let result = result.boxed().shared();
        let flight = Flight { result, task: handle, runtime: here.id(), since: Instant::now(), is_refused: false };
        state.flights.push(flight.clone());
        flight
    }

    async fn fly(&self, id: task::Id, owner: Arc<str>) -> Result<AccessToken> {
        let plan = {
            let state = self.state();
            match state.usable() {
                // It has begun so late that another one has ended.
                Some(token) if !state.is_due() => return Ok(token),
                _ => state.plan(&owner),
            }
        };
        let sent = Arc::clone(&plan.refresh_token);
        let error = match self.refresh(plan).await {
            Err(error) if error.is_invalid_grant() => error,
            result => return result,
        };
        // Another one may have replaced the refresh token, in a runtime that was taken for one that does not run any more.
        let mut others = {
            let mut state = self.state();
            state.flights.iter_mut().filter(|flight| flight.task.id() == id).for_each(|own| own.is_refused = true);
            let others = state.flights.iter().filter(|flight| !flight.is_refused);
            let others = others.map(|flight| timeout_at(flight.since + OTHERS, flight.result.clone()));
            others.collect::<FuturesUnordered<_>>()
        };
        while self.has_refresh_token(&sent) && others.next().await.is_some() {}
        let plan = {
            let state = self.state();
            if Arc::ptr_eq(&state.refresh_token, &sent) {
                return Err(error);
            }
            match state.usable() {
                Some(token) => return Ok(token),
                None => state.plan(&owner),
            }
        };
        self.refresh(plan).await
    }

    /// Whether it is still this one.
    fn has_refresh_token(&self, refresh_token: &Arc<SecretString>) -> bool {
        Arc::ptr_eq(&self.state().refresh_token, refresh_token)
    }

    async fn refresh(&self, Plan { unkept, refresh_token, shared }: Plan) -> Result<AccessToken> {
        if unkept {
            self.keep().await?;
            if let Some(token) = self.state().usable() {
                return Ok(token);
            }
        }
        let fresh = match shared {
            None => Fresh::from(&self.app.refresh(&refresh_token).await?),
            Some(shared) => shared.run(&self.app, &refresh_token).await?,
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
            Err((mut flight, mut is_own)) => Box::pin(async move {
                loop {
                    match flight.result(here.id()).await {
                        Some(result) => return Ok(result?),
                        // This runtime has ended, and another refresh would end as this one.
                        None if is_own => return Err(Error::interrupted().into()),
                        None => {}
                    }
                    match self.token_or_flight(&here) {
                        Ok(token) => return Ok(token),
                        Err(another) => (flight, is_own) = another,
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
