//! Describing and starting a simulator.

use std::{error::Error, io, mem, net::Ipv4Addr, sync::Arc};

use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    auth::{
        access::Tokens,
        oauth::{OAuth, OAuthApp},
        scopes::all_scopes,
    },
    crm::{
        object::COMPUTED,
        object_type::ObjectType,
        seed::{self, Seed},
        state::{NotFound, State},
    },
    faults::fault::{Fault, Faults},
    http::{
        connection::{Connection, Listener},
        limits::{Limiter, RateLimits},
    },
    operations::invalid_associations::InvalidAssociations,
    router,
    server::Server,
    simulator::Simulator,
};

/// Describes a [`Simulator`]: the default seed, and whatever is added here.
///
/// Objects and association types may be given after the associations that name them: everything is checked on
/// [`start`](Self::start).
#[derive(Debug, Default)]
pub struct SimulatorBuilder {
    port: u16,
    without_seed: bool,
    partner_clients: Vec<Seed>,
    null_properties: Vec<(String, String)>,
    targets: Vec<(String, String)>,
    association_types: Vec<(String, u64, String)>,
    associations: Vec<[String; 4]>,
    tokens: Tokens,
    rate_limits: RateLimits,
    oauth_app: Option<OAuthApp>,
    faults: Faults,
    invalid_associations: InvalidAssociations,
}

impl Simulator {
    /// Starts a simulator with the default seed on a free loopback port. Call it inside a Tokio runtime with its
    /// clock enabled.
    ///
    /// # Errors
    ///
    /// When no loopback port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Describes a simulator with its own port, objects or tokens.
    #[must_use]
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }
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
    ///
    /// `createdate` and `hs_lastmodifieddate` are taken as the times of its creation and last change, in ISO 8601 or
    /// milliseconds since 1970; both are the moment of the start otherwise. Many partner clients then share a
    /// millisecond, as they do after an import. No two changes that follow do.
    #[must_use]
    pub fn partner_client<K, V>(mut self, id: impl Into<String>, properties: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        self.partner_clients.push(Seed::new(id, properties, false));
        self
    }

    /// Adds many partner clients, each by its id and properties, as [`partner_client`](Self::partner_client) does.
    #[must_use]
    pub fn partner_clients<I, P, K, V>(mut self, partner_clients: impl IntoIterator<Item = (I, P)>) -> Self
    where
        I: Into<String>,
        P: IntoIterator<Item = (K, V)>,
        K: Into<String>,
        V: Into<String>,
    {
        let seeds = partner_clients.into_iter().map(|(id, properties)| Seed::new(id, properties, false));
        self.partner_clients.extend(seeds);
        self
    }

    /// Adds a partner client that is archived, replacing one of the same id. It cannot be associated.
    #[must_use]
    pub fn archived_partner_client<K, V>(
        mut self,
        id: impl Into<String>,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        self.partner_clients.push(Seed::new(id, properties, true));
        self
    }

    /// Lets a partner client have a property without a value: it is answered as `null` even when nobody asks for it.
    #[must_use]
    pub fn null_property(mut self, partner_client_id: impl Into<String>, name: impl Into<String>) -> Self {
        self.null_properties.push((partner_client_id.into(), name.into()));
        self
    }

    /// Adds an object, replacing one of the same type and id.
    ///
    /// The type is a contact, company, deal, ticket or partner client, by singular name, plural name or id (`0-2`). Only
    /// a partner client's properties can be read.
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
        let object_type = object_type.into();
        if ObjectType::infer(&object_type) == Some(ObjectType::PartnerClient) {
            return self.partner_client(id, properties);
        }
        self.targets.push((object_type, id.into()));
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

    /// Chooses how a batch of new associations is answered when some cannot be made; all are refused and the reasons
    /// named unless this says otherwise.
    #[must_use]
    pub fn invalid_associations(mut self, answer: InvalidAssociations) -> Self {
        self.invalid_associations = answer;
        self
    }

    /// Starts the simulator. Call it inside a Tokio runtime with its clock enabled.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] naming the value when an object type is unknown, when an association or null
    /// property names a partner client, target object or association type that was not added, or when a property that
    /// HubSpot computes is given an impossible value. Otherwise when the port cannot be bound.
    pub async fn start(mut self) -> io::Result<Simulator> {
        let state = self.state().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;

        let access_token = format!("pat-sim-{}", Uuid::new_v4());
        self.tokens.insert(access_token.clone(), all_scopes());

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let limiter = Limiter::new(self.rate_limits);
        let oauth = self.oauth_app.map(OAuth::new);
        let server =
            Arc::new(Server::new(base_url, self.tokens, oauth, limiter, self.faults, self.invalid_associations, state));
        let service = router::router(Arc::clone(&server)).into_make_service_with_connect_info::<Connection>();
        let task = tokio::spawn(async move { axum::serve(Listener(listener), service).await });
        Ok(Simulator::new(server, access_token, task))
    }

    fn state(&mut self) -> Result<State, Box<dyn Error + Send + Sync>> {
        let mut partner_clients = mem::take(&mut self.partner_clients);
        if !self.without_seed {
            partner_clients.insert(0, Seed::example());
        }
        let mut state = State::new(seed::partner_clients(partner_clients)?);
        if !self.without_seed {
            seed::plant_defaults(&mut state)?;
        }
        for (id, name) in self.null_properties.drain(..) {
            if COMPUTED.contains(&name.as_str()) {
                return Err(format!("{name} of partner client `{id}` is never null").into());
            }
            let row = state.partner_clients.row(&id).ok_or(NotFound::PartnerClient(id))?;
            state.partner_clients.set_null(row, name);
        }
        for (object_type, id) in &self.targets {
            state.insert_target(object_type, id)?;
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
