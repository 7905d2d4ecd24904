//! A client of HubSpot or of a simulator, and where its token comes from.

use std::{
    env,
    io::{IsTerminal, stderr, stdin},
};

use hubspot_partner_clients::{
    Client, ClientBuilder,
    simulator::{Simulator, SimulatorBuilder},
};

use super::{demo, failure::Failure};

const TOKEN: &str = "HUBSPOT_ACCESS_TOKEN";

pub(super) struct Connection {
    pub(super) simulator: bool,
    pub(super) base_url: Option<String>,
}

pub(super) struct Connected {
    pub(super) client: Client,
    /// Ends when it is dropped.
    _simulator: Option<Simulator>,
}

impl Connection {
    pub(super) async fn client(&self) -> Result<Connected, Failure> {
        self.client_with(|builder| builder, Ok).await
    }

    /// A client with settings, of HubSpot or of a simulator that holds something more.
    pub(super) async fn client_with(
        &self,
        settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
        seed: impl FnOnce(SimulatorBuilder) -> Result<SimulatorBuilder, Failure>,
    ) -> Result<Connected, Failure> {
        let builder = settings(Client::builder());
        if self.simulator {
            let simulator = seed(demo::simulator())?.start().await;
            let simulator = simulator.map_err(|error| Failure::io("the simulator cannot start", &error))?;
            let builder = builder.base_url(simulator.base_url()).access_token(simulator.access_token());
            return Ok(Connected { client: builder.build()?, _simulator: Some(simulator) });
        }
        let url = self.base_url.clone().or_else(|| env::var("HUBSPOT_BASE_URL").ok()).filter(|url| !url.is_empty());
        let builder = match url {
            Some(url) => builder.base_url(url),
            None => builder,
        };
        Ok(Connected { client: builder.access_token(token()?).build()?, _simulator: None })
    }
}

fn token() -> Result<String, Failure> {
    match env::var(TOKEN) {
        Ok(token) if !token.is_empty() => return Ok(token),
        Err(env::VarError::NotUnicode(_)) => {
            return Err(Failure::token(format!("{TOKEN} is not UTF-8"), "Set it anew."));
        }
        Ok(_) | Err(env::VarError::NotPresent) => {}
    }
    let missing = || {
        Failure::token(
            format!("there is no token: {TOKEN} is not set"),
            format!(
                "Set {TOKEN} to the access token of your HubSpot private app or service key, start this in a terminal \
                 to be asked for it, or try things out with --simulator."
            ),
        )
    };
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(missing());
    }
    let token = rpassword::prompt_password(format!("HubSpot access token ({TOKEN} is not set): "));
    match token.as_deref().map(str::trim) {
        Ok("") => Err(missing()),
        Ok(token) => Ok(token.to_owned()),
        Err(error) => Err(Failure::token(format!("the token cannot be read: {error}"), format!("Set {TOKEN}."))),
    }
}
