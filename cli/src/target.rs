//! The client of HubSpot or of a simulator, and the source of its token.

use std::{
    env,
    io::{self, IsTerminal, stderr, stdin},
};

use hubspot_partner_clients::{
    AccessToken, ApiVersion, Client, ClientBuilder,
    generated::ClientInfo,
    simulator::{Simulator, SimulatorBuilder},
};

#[cfg(feature = "redis")]
use hubspot_partner_clients::RateLimiter;
use serde_json::json;

#[cfg(feature = "redis")]
use super::command_line;
use super::{
    account,
    arguments::Arguments,
    exit::Signal,
    failure::{Failure, warn},
    log::Log,
    simulated,
};

const TOKEN: &str = "HUBSPOT_ACCESS_TOKEN";
const BASE_URL: &str = "HUBSPOT_BASE_URL";
const API_VERSION: &str = "HUBSPOT_API_VERSION";

pub(super) struct Target {
    pub(super) simulator: bool,
    base_url: Option<String>,
    api_version: Option<ApiVersion>,
    /// The only account that the token may be for.
    pub(super) account: Option<String>,
    pub(super) log: Log,
    /// Where it does not come from the environment or a prompt.
    token: Option<Secret>,
}

/// The text of a token. It is never printed.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

pub(super) struct Session {
    pub(super) client: Client,
    builder: ClientBuilder,
    token: Secret,
    /// Ends when it is dropped.
    _simulator: Option<Simulator>,
}

impl Session {
    /// The base URL, however it was typed.
    pub(super) fn server(&self) -> &str {
        self.client.raw().baseurl()
    }

    /// The token, for requests that the library has no operation for.
    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// A client that differs in its version alone.
    pub(super) fn at(&self, version: ApiVersion) -> Result<Client, Failure> {
        Ok(self.builder.clone().api_version(version).build()?)
    }

    /// A name of the token at this server, which does not tell what the token is.
    #[cfg(feature = "redis")]
    pub(super) fn token_digest(&self) -> String {
        let digest = hmac_sha256::Hash::hash(format!("{} {}", self.server(), self.token.expose()).as_bytes());
        digest.iter().take(8).fold("token-".to_owned(), |name, byte| name + &format!("{byte:02x}"))
    }

    /// A client that differs in its rate limiter alone.
    #[cfg(feature = "redis")]
    pub(super) fn limited_by(&self, limiter: impl RateLimiter + 'static) -> Result<Client, Failure> {
        Ok(self.builder.clone().rate_limiter(limiter).build()?)
    }
}

impl Target {
    pub(super) fn new(arguments: &Arguments, log: Log) -> Self {
        let Arguments { simulator, base_url, api_version, account, .. } = arguments;
        let (base_url, account) = (base_url.clone(), account.clone());
        Self { simulator: *simulator, base_url, api_version: *api_version, account, log, token: None }
    }

    /// The same, but to a simulator that runs already, whose association types are called as on v3.
    pub(super) fn to_simulator(&self, simulator: &Simulator) -> Result<Self, Failure> {
        let token = Secret(simulator.access_token().to_owned());
        let (base_url, log) = (Some(simulator.base_url().to_owned()), self.log.clone());
        let account = self.account.clone();
        let api_version = Some(ApiVersion::V3);
        Ok(Self { simulator: false, base_url, api_version, account, log, token: Some(token) })
    }

    /// The options that say where requests go, for a command that is to do the same.
    #[cfg(feature = "redis")]
    pub(super) fn options(&self) -> String {
        let version = self.api_version.map(|version| version.to_string());
        command_line::options(&[
            ("--base-url", self.base_url.as_deref()),
            ("--api-version", version.as_deref()),
            ("--account", self.account.as_deref()),
        ])
    }

    fn api_version(&self) -> Result<ApiVersion, Failure> {
        if let Some(version) = self.api_version {
            return Ok(version);
        }
        match env::var(API_VERSION) {
            Ok(version) if !version.trim().is_empty() => {
                version.parse().map_err(|error| Failure::usage(format!("{API_VERSION}: {error}")))
            }
            Err(env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{API_VERSION} is not UTF-8"))),
            _ => Ok(ApiVersion::default()),
        }
    }

    /// The server that the option or the environment names. An empty variable names none; an empty option is a mistake,
    /// such as a variable of a script that is not set.
    fn base_url(&self) -> Result<Option<String>, Failure> {
        match &self.base_url {
            Some(url) if url.trim().is_empty() => {
                Err(Failure::usage("--base-url is empty: give the URL, or leave the option out"))
            }
            Some(url) => Ok(Some(url.clone())),
            None => match env::var(BASE_URL) {
                Ok(url) => Ok(Some(url).filter(|url| !url.trim().is_empty())),
                Err(env::VarError::NotPresent) => Ok(None),
                Err(env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{BASE_URL} is not UTF-8"))),
            },
        }
    }

    /// Says which account is about to be changed, and refuses another than the one that was given.
    pub(super) async fn named(&self, client: &Client) -> Result<Option<String>, Failure> {
        if self.simulator && self.account.is_none() {
            return Ok(None);
        }
        account::named(client, self.account.as_deref(), self.log.is_json()).await
    }

    pub(super) async fn client(&self) -> Result<Session, Failure> {
        self.client_with(|builder| builder, async |simulator| Ok(simulator)).await
    }

    /// A client with settings, of HubSpot or of a simulator that holds something more.
    pub(super) async fn client_with(
        &self,
        settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
        seed: impl AsyncFnOnce(SimulatorBuilder) -> Result<SimulatorBuilder, Failure>,
    ) -> Result<Session, Failure> {
        let version = self.api_version()?;
        if let Some(message) = version.warning() {
            warn(json!({"kind": "api_version", "message": message}), self.log.is_json());
        }
        let mut builder = settings(Client::builder()).api_version(version);
        if self.log.is_wanted() {
            builder = builder.observer(self.log.clone());
        }
        if self.simulator {
            let simulator = seed(simulated::hubspot()).await?.start().await;
            let simulator = simulator.map_err(|error| Failure::io("the simulator cannot start", &error))?;
            let builder = builder.base_url(simulator.base_url()).access_token(simulator.access_token());
            let token = Secret(simulator.access_token().to_owned());
            let client = builder.clone().build()?;
            return Ok(Session { client, builder, token, _simulator: Some(simulator) });
        }
        let builder = match self.base_url()? {
            Some(url) => builder.base_url(url),
            None => builder,
        };
        let token = match &self.token {
            Some(token) => token.clone(),
            None => token().await?,
        };
        let builder = builder.access_token(token.expose());
        Ok(Session { client: builder.clone().build()?, builder, token, _simulator: None })
    }
}

async fn token() -> Result<Secret, Failure> {
    match env::var(TOKEN) {
        // An empty variable is none.
        Err(env::VarError::NotPresent) => {}
        Ok(text) if text.trim().is_empty() => {}
        given => {
            // Its errors name the variable.
            AccessToken::from_env(TOKEN)?;
            if let Ok(text) = given {
                return Ok(Secret(text.trim().to_owned()));
            }
        }
    }
    let missing = || {
        Failure::token(
            format!("no access token: {TOKEN} is not set"),
            format!(
                "Set {TOKEN} to the access token of your HubSpot private app or service key, run the command in a terminal \
                 to be asked for it, or add --simulator to try it without HubSpot."
            ),
        )
    };
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(missing());
    }
    match prompt().await {
        Ok(token) if token.trim().is_empty() => Err(missing()),
        Ok(token) => {
            AccessToken::new(token.as_str())?;
            Ok(Secret(token.trim().to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            Err(Failure::interrupted(Signal::Interrupt, "no access token", None))
        }
        Err(error) => Err(Failure::token(format!("the token cannot be read: {error}"), format!("Set {TOKEN}."))),
    }
}

/// Asks in a thread of its own, so that a signal ends the tool meanwhile.
async fn prompt() -> io::Result<String> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let hidden = Hidden;
    std::thread::Builder::new().spawn(move || {
        sender.send(rpassword::prompt_password(format!("HubSpot access token ({TOKEN} is not set): ")))
    })?;
    let token = receiver.await.unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into()));
    std::mem::forget(hidden);
    token
}

/// What is typed is not shown. Where nobody waits for it any more, the terminal has to be put right.
struct Hidden;

impl Drop for Hidden {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            let _ = std::process::Command::new("stty").args(["echo", "icanon", "isig"]).status();
        }
    }
}
