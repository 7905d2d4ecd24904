//! OAuth: an app that an account has installed, and the tokens issued to it. It knows nothing of HTTP.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac_sha256::Hash;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    auth::{access::Caller, scopes::partner_client_scopes},
    http::limits::Usage,
    portal::PortalId,
};

/// What HubSpot's documentation of OAuth gives access tokens: 30 minutes.
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(1800);

/// The ids of OAuth apps lie behind this one.
const OAUTH_APPS: u64 = 2_000_000;

/// An OAuth app that an account has installed.
///
/// Its `Debug` output shows neither the client secret nor the refresh token.
#[derive(Clone)]
pub struct OAuthApp {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    scopes: BTreeSet<String>,
    access_token_lifetime: Duration,
    rotates: bool,
    edits_associations: bool,
}

impl OAuthApp {
    /// An app with the two scopes of partner clients, access tokens that live 30 minutes, and a refresh token that stays the same.
    #[must_use]
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        refresh_token: impl Into<String>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            refresh_token: refresh_token.into(),
            scopes: partner_client_scopes(),
            access_token_lifetime: ACCESS_TOKEN_LIFETIME,
            rotates: false,
            edits_associations: true,
        }
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Grants the app just these scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long an access token lives, on Tokio's clock. Answers state it in whole seconds, rounded down.
    #[must_use]
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    /// Lets the user who installed the app lack the permission to edit associations: 2026-09 and later refuse to change
    /// them, although the scope is there.
    #[must_use]
    pub fn without_edit_associations(mut self) -> Self {
        self.edits_associations = false;
        self
    }

    /// Replaces the refresh token on every refresh; the one before is refused from then on.
    #[must_use]
    pub fn rotating_refresh_token(mut self) -> Self {
        self.rotates = true;
        self
    }
}

impl fmt::Debug for OAuthApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthApp")
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("access_token_lifetime", &self.access_token_lifetime)
            .field("rotates", &self.rotates)
            .finish_non_exhaustive()
    }
}

/// What the token endpoint hands out.
pub(crate) struct Grant<'a> {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) lifetime: Duration,
    pub(crate) scopes: &'a BTreeSet<String>,
    pub(crate) hub_id: u64,
}

/// An app in one account, and what has been issued to it there.
pub(crate) struct OAuth {
    app: OAuthApp,
    caller: Caller,
    issued: Mutex<Issued>,
}

struct Issued {
    /// `None` once revoked.
    refresh_token: Option<String>,
    codes: BTreeMap<String, Code>,
    /// Access tokens with the end of their life; `None` for one that lasts longer than the clock.
    access_tokens: HashMap<String, Option<Instant>>,
}

/// What an authorization code was issued for.
struct Code {
    redirect_uri: String,
    challenge: Option<String>,
}

/// Why the token endpoint refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    GrantType,
    ClientId,
    ClientSecret,
    RefreshToken,
    Code,
    RedirectUri,
    CodeVerifier,
}

/// Why an access token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untrusted {
    Unknown,
    Expired,
}

impl OAuth {
    /// `number` tells the app from the others, in whichever account.
    pub(crate) fn new(app: OAuthApp, portal: PortalId, number: usize) -> Self {
        let issued = Issued {
            refresh_token: Some(app.refresh_token.clone()),
            codes: BTreeMap::new(),
            access_tokens: HashMap::new(),
        };
        // HubSpot does not count the requests of OAuth apps in the day.
        let (usage, app_id) = (Usage::new(false), OAUTH_APPS + number as u64);
        let caller = Caller::new(&app.client_id, app.scopes.clone(), usage, portal, app_id);
        Self { caller: caller.editing_associations(app.edits_associations), app, issued: Mutex::new(issued) }
    }

    pub(crate) fn client_id(&self) -> &str {
        self.app.client_id()
    }

    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        secret == self.app.client_secret
    }

    /// Exchanges a refresh token for an access token.
    pub(crate) fn refresh(&self, refresh_token: &str) -> Result<Grant<'_>, Refused> {
        let mut issued = self.issued();
        if issued.refresh_token.as_deref() != Some(refresh_token) {
            return Err(Refused::RefreshToken);
        }
        if self.app.rotates {
            issued.refresh_token = None;
        }
        Ok(self.grant(&mut issued))
    }

    /// Exchanges an authorization code for an access token. A code serves once.
    pub(crate) fn redeem(&self, code: &str, redirect_uri: &str, verifier: Option<&str>) -> Result<Grant<'_>, Refused> {
        let mut issued = self.issued();
        let seeded = issued.codes.get(code).ok_or(Refused::Code)?;
        if seeded.redirect_uri != redirect_uri {
            return Err(Refused::RedirectUri);
        }
        if seeded.challenge.is_some() && seeded.challenge != verifier.map(s256) {
            return Err(Refused::CodeVerifier);
        }
        issued.codes.remove(code);
        Ok(self.grant(&mut issued))
    }

    /// Issues a code, as the authorisation page does once a user has agreed.
    pub(crate) fn authorize(&self, redirect_uri: &str, challenge: Option<&str>) -> String {
        let code = format!("code-sim-{}", Uuid::new_v4());
        let seeded = Code { redirect_uri: redirect_uri.to_owned(), challenge: challenge.map(str::to_owned) };
        self.issued().codes.insert(code.clone(), seeded);
        code
    }

    pub(crate) fn caller(&self, access_token: &str) -> Result<Caller, Untrusted> {
        self.remaining(access_token).map(|_| self.caller.clone())
    }

    /// How long an access token has yet to live.
    pub(crate) fn remaining(&self, access_token: &str) -> Result<Duration, Untrusted> {
        let now = Instant::now();
        match self.issued().access_tokens.get(access_token) {
            None => Err(Untrusted::Unknown),
            Some(Some(end)) if *end <= now => Err(Untrusted::Expired),
            Some(Some(end)) => Ok(end.duration_since(now)),
            Some(None) => Ok(self.app.access_token_lifetime),
        }
    }

    /// Whether a refresh token is the one that leads to access tokens now.
    pub(crate) fn is_refresh_token(&self, token: &str) -> bool {
        self.issued().refresh_token.as_deref() == Some(token)
    }

    /// Whoever calls with an access token.
    pub(crate) fn app_caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) fn expire_access_tokens(&self) {
        let now = Instant::now();
        self.issued().access_tokens.values_mut().for_each(|end| *end = Some(now));
    }

    pub(crate) fn revoke_refresh_token(&self) {
        self.issued().refresh_token = None;
    }

    /// Issues an access token, and a refresh token where none is left.
    fn grant(&self, issued: &mut Issued) -> Grant<'_> {
        let access_token = format!("access-sim-{}", Uuid::new_v4());
        let lifetime = self.app.access_token_lifetime;
        issued.access_tokens.insert(access_token.clone(), Instant::now().checked_add(lifetime));
        let refresh_token =
            issued.refresh_token.get_or_insert_with(|| format!("refresh-sim-{}", Uuid::new_v4())).clone();
        Grant { access_token, refresh_token, lifetime, scopes: &self.app.scopes, hub_id: self.caller.portal().id }
    }

    fn issued(&self) -> MutexGuard<'_, Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The code challenge of a code verifier (RFC 7636, section 4.2).
fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Hash::hash(verifier.as_bytes()))
}
