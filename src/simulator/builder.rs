//! Describing and starting a simulator.

use std::{io, net::Ipv4Addr, sync::Arc};

use tokio::net::TcpListener;
use uuid::Uuid;

use super::{
    Simulator,
    access::{Tokens, all_scopes},
    connection::{Connection, Listener},
    faults::{Fault, Faults},
    limits::{Limiter, RateLimits},
    oauth::{OAuth, OAuthApp},
    seed,
    server::{self, Server},
    state::{NotFound, Properties, State},
};

/// Describes a [`Simulator`]: the default seed, and whatever is added here.
///
/// Objects and association types may be given after the associations that name them: everything is checked on
/// [`start`](Self::start).
#[derive(Debug, Default)]
pub struct SimulatorBuilder {
    port: u16,
    without_seed: bool,
    objects: Vec<(String, String, Properties)>,
    association_types: Vec<(String, u64, String)>,
    associations: Vec<[String; 4]>,
    tokens: Tokens,
    rate_limits: RateLimits,
    oauth_app: Option<OAuthApp>,
    faults: Faults,
}

impl SimulatorBuilder {
    /// Listens on this port instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Leaves out the default seed, its association types included.
    #[must_use]
    pub fn without_seed(mut self) -> Self {
        self.without_seed = true;
        self
    }

    /// Adds a partner client, replacing one of the same id.
    #[must_use]
    pub fn partner_client<K, V>(self, id: impl Into<String>, properties: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        self.object("partner_clients", id, properties)
    }

    /// Adds an object, replacing one of the same type and id.
    ///
    /// The type is a contact, company, deal, ticket or partner client, by singular name, plural name or id (`0-2`).
    #[must_use]
    pub fn object<K, V>(
        mut self,
        object_type: impl Into<String>,
        id: impl Into<String>,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let properties = properties.into_iter().map(|(name, value)| (name.into(), Some(value.into()))).collect();
        self.objects.push((object_type.into(), id.into(), properties));
        self
    }

    /// Adds an association type from partner clients to `to_object_type`, replacing one of the same target and id.
    #[must_use]
    pub fn association_type(
        mut self,
        to_object_type: impl Into<String>,
        type_id: u64,
        name: impl Into<String>,
    ) -> Self {
        self.association_types.push((to_object_type.into(), type_id, name.into()));
        self
    }

    /// Associates a partner client with another object, by an association type's id or name.
    #[must_use]
    pub fn association(
        mut self,
        partner_client_id: impl Into<String>,
        to_object_type: impl Into<String>,
        to_object_id: impl Into<String>,
        association_type: impl Into<String>,
    ) -> Self {
        self.associations.push([
            partner_client_id.into(),
            to_object_type.into(),
            to_object_id.into(),
            association_type.into(),
        ]);
        self
    }

    /// Accepts another bearer token, with just these scopes.
    #[must_use]
    pub fn token<S: Into<String>>(mut self, token: impl Into<String>, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        self.tokens.insert(token.into(), scopes);
        self
    }

    /// Limits how many requests each token may make. Without it there is no limit, and answers tell of none.
    #[must_use]
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// Issues access tokens to this OAuth app, in place of one given before.
    #[must_use]
    pub fn oauth_app(mut self, app: OAuthApp) -> Self {
        self.oauth_app = Some(app);
        self
    }

    /// Injects a fault from the start.
    #[must_use]
    pub fn fault(self, fault: Fault) -> Self {
        self.faults.inject(fault);
        self
    }

    /// Starts the simulator. Call it inside a Tokio runtime with its clock enabled.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] naming the value when an object type is unknown, or when an association names a
    /// partner client, target object or association type that was not added. Otherwise when the port cannot be bound.
    pub async fn start(mut self) -> io::Result<Simulator> {
        let state = self.state().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;

        let access_token = format!("pat-sim-{}", Uuid::new_v4());
        self.tokens.insert(access_token.clone(), all_scopes());

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let limiter = Limiter::new(self.rate_limits);
        let oauth = self.oauth_app.map(OAuth::new);
        let server = Arc::new(Server::new(base_url, self.tokens, oauth, limiter, self.faults, state));
        let service = server::router(Arc::clone(&server)).into_make_service_with_connect_info::<Connection>();
        let task = tokio::spawn(async move { axum::serve(Listener(listener), service).await });
        Ok(Simulator { server, access_token, task })
    }

    fn state(&self) -> Result<State, NotFound> {
        let mut state = State::default();
        if !self.without_seed {
            seed::plant(&mut state)?;
        }
        for (object_type, id, properties) in &self.objects {
            state.insert_object(object_type, id, properties.clone())?;
        }
        for (to_object_type, id, name) in &self.association_types {
            state.insert_association_type(to_object_type, *id, name)?;
        }
        for [id, to_object_type, to_object_id, association_type] in &self.associations {
            state.associate(id, to_object_type, to_object_id, association_type)?;
        }
        Ok(state)
    }
}
