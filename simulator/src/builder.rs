//! Describing and starting a simulator.

use std::{error::Error, io, net::Ipv4Addr, sync::Arc};

use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    auth::{
        access::Tokens,
        oauth::{OAuth, OAuthApp},
        scopes::all_scopes,
    },
    crm::{
        association_type::{AssociationCategory, TypeKey, name_of},
        not_found::NotFound,
        object::COMPUTED,
        object_type::ObjectTypes,
        rules::{Required, Rules, TimeKind},
        seed::{self, Seed},
        state::{End, State, UnlabeledCompanions},
    },
    faults::fault::{Fault, Faults},
    http::{
        connection::{Connection, Listener},
        limits::{Limiter, RateLimits},
        version::Version,
    },
    router,
    server::Server,
    settings::{InvalidAssociations, Settings},
    simulator::Simulator,
};

const PARTNER_CLIENTS: &str = "partner_clients";

/// Describes a [`Simulator`]: the default seed, and whatever is added here.
///
/// Objects, types and rules may be given after what names them: everything is checked on [`start`](Self::start).
#[derive(Debug, Default)]
pub struct SimulatorBuilder {
    port: u16,
    without_seed: bool,
    custom_types: Vec<[String; 3]>,
    objects: Vec<Seed>,
    null_properties: Vec<(String, String)>,
    association_types: Vec<AssociationType>,
    associations: Vec<[String; 5]>,
    times: Vec<(String, String, TimeKind)>,
    required: Vec<(String, Required)>,
    tokens: Tokens,
    rate_limits: RateLimits,
    oauth_app: Option<OAuthApp>,
    faults: Faults,
    settings: Settings,
    versions: Option<Vec<String>>,
    companions: UnlabeledCompanions,
}

/// An association type as a test describes it.
#[derive(Debug)]
struct AssociationType {
    from: String,
    to: String,
    id: u64,
    name: String,
    labeled: Option<(AssociationCategory, String)>,
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
        self.objects.push(Seed::new(PARTNER_CLIENTS, id, properties, false));
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
        let seeds =
            partner_clients.into_iter().map(|(id, properties)| Seed::new(PARTNER_CLIENTS, id, properties, false));
        self.objects.extend(seeds);
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
        self.objects.push(Seed::new(PARTNER_CLIENTS, id, properties, true));
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
    /// The type is a contact, company, deal, ticket, product, line item, partner client or
    /// [custom one](Self::custom_object_type), by singular name, plural name or id (`0-2`).
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
        self.objects.push(Seed::new(object_type, id, properties, false));
        self
    }

    /// Adds a custom object type: its id, `2-` and a number, and its singular and plural names.
    #[must_use]
    pub fn custom_object_type(
        mut self,
        id: impl Into<String>,
        singular: impl Into<String>,
        plural: impl Into<String>,
    ) -> Self {
        self.custom_types.push([id.into(), singular.into(), plural.into()]);
        self
    }

    /// Adds an association type from partner clients to `to_object_type`, and its inverse. One of the same target and id
    /// gets the name.
    ///
    /// The first type of a target is HubSpot's unlabelled one (`HUBSPOT_DEFINED`, label null), and each further one is a
    /// user's (`USER_DEFINED`), whose label is the name in words: `Referred by` of `referred_by`. The inverse has the
    /// next free id from 1000 on behind.
    #[must_use]
    pub fn association_type(self, to_object_type: impl Into<String>, type_id: u64, name: impl Into<String>) -> Self {
        self.association_type_between(PARTNER_CLIENTS, to_object_type, type_id, name)
    }

    /// As [`association_type`](Self::association_type), from any object type.
    #[must_use]
    pub fn association_type_between(
        mut self,
        from_object_type: impl Into<String>,
        to_object_type: impl Into<String>,
        type_id: u64,
        name: impl Into<String>,
    ) -> Self {
        let (from, to, name) = (from_object_type.into(), to_object_type.into(), name.into());
        self.association_types.push(AssociationType { from, to, id: type_id, name, labeled: None });
        self
    }

    /// Adds a labelled association type from partner clients to `to_object_type`, and its inverse. Its internal name is
    /// the label in lower case with underscores.
    #[must_use]
    pub fn association_label(
        mut self,
        to_object_type: impl Into<String>,
        category: AssociationCategory,
        type_id: u64,
        label: impl Into<String>,
    ) -> Self {
        let label = label.into();
        self.association_types.push(AssociationType {
            from: PARTNER_CLIENTS.to_owned(),
            to: to_object_type.into(),
            id: type_id,
            name: name_of(&label),
            labeled: Some((category, label)),
        });
        self
    }

    /// Associates a partner client with another object, by an association type's id or name.
    #[must_use]
    pub fn association(
        self,
        partner_client_id: impl Into<String>,
        to_object_type: impl Into<String>,
        to_object_id: impl Into<String>,
        association_type: impl Into<String>,
    ) -> Self {
        self.association_between(PARTNER_CLIENTS, partner_client_id, to_object_type, to_object_id, association_type)
    }

    /// As [`association`](Self::association), from any object.
    #[must_use]
    pub fn association_between(
        mut self,
        from_object_type: impl Into<String>,
        from_object_id: impl Into<String>,
        to_object_type: impl Into<String>,
        to_object_id: impl Into<String>,
        association_type: impl Into<String>,
    ) -> Self {
        self.associations.push([
            from_object_type.into(),
            from_object_id.into(),
            to_object_type.into(),
            to_object_id.into(),
            association_type.into(),
        ]);
        self
    }

    /// Makes a property one of dates: 2026-09 and later normalize a time of day in it, with a warning in the answer,
    /// and the versions before them refuse it.
    #[must_use]
    pub fn date_property(mut self, object_type: impl Into<String>, name: impl Into<String>) -> Self {
        self.times.push((object_type.into(), name.into(), TimeKind::Date));
        self
    }

    /// Makes a property one of times: 2026-09 and later normalize a mere date in it, with a warning in the answer, and
    /// the versions before them refuse it.
    #[must_use]
    pub fn datetime_property(mut self, object_type: impl Into<String>, name: impl Into<String>) -> Self {
        self.times.push((object_type.into(), name.into(), TimeKind::DateTime));
        self
    }

    /// Lets 2026-09 and later refuse to create an object without this property, as an account's rule does.
    #[must_use]
    pub fn required_property(mut self, object_type: impl Into<String>, name: impl Into<String>) -> Self {
        self.required.push((object_type.into(), Required { property: name.into(), when: None }));
        self
    }

    /// Lets 2026-09 and later refuse a write that leaves `name` without a value while the property `when` has `value`,
    /// as an account's conditional rule does.
    #[must_use]
    pub fn required_property_when(
        mut self,
        object_type: impl Into<String>,
        name: impl Into<String>,
        when: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let when = Some((when.into(), value.into()));
        self.required.push((object_type.into(), Required { property: name.into(), when }));
        self
    }

    /// Serves just these versions of HubSpot's API, the token endpoint's included, and answers 404 to the others: `v3`,
    /// `v4`, or a date such as `2026-09`, also with `-beta`. A date that the simulator does not know is served as the
    /// newest one it knows. Without it, `v3`, `v4`, `2026-03` and `2026-09` are served.
    #[must_use]
    pub fn versions<V: Into<String>>(mut self, versions: impl IntoIterator<Item = V>) -> Self {
        self.versions = Some(versions.into_iter().map(Into::into).collect());
        self
    }

    /// Lets v4 and the dated versions answer with the ids of associated objects as text, as HubSpot documents them,
    /// instead of as numbers, as it sends them.
    #[must_use]
    pub fn text_ids(mut self) -> Self {
        self.settings.text_ids = true;
        self
    }

    /// Refuses a batch of new associations that holds the same association twice, or in v4 and the dated versions the
    /// same pair. One report tells of it. Otherwise each input is carried out in turn.
    #[must_use]
    pub fn refuse_duplicate_associations(mut self) -> Self {
        self.settings.refuses_duplicates = true;
        self
    }

    /// Chooses whether a labelled association comes with the unlabelled one of its pair.
    #[must_use]
    pub fn unlabeled_companions(mut self, companions: UnlabeledCompanions) -> Self {
        self.companions = companions;
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
        self.settings.invalid_associations = answer;
        self
    }

    /// Starts the simulator. Call it inside a Tokio runtime with its clock enabled.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] naming the value when an object type or version is unknown, when an association or
    /// null property names an object or association type that was not added, or when a property that HubSpot computes is
    /// given an impossible value. Otherwise when the port cannot be bound.
    pub async fn start(mut self) -> io::Result<Simulator> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        if let Some(versions) = &self.versions {
            let versions = versions.iter().map(|version| Version::parse(version)).collect::<Result<_, _>>();
            self.settings.versions = versions.map_err(|error| invalid(error.into()))?;
        }
        let state = self.state().map_err(invalid)?;

        let access_token = format!("pat-sim-{}", Uuid::new_v4());
        self.tokens.insert(access_token.clone(), all_scopes(&state.types));

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let limiter = Limiter::new(self.rate_limits);
        let oauth = self.oauth_app.map(OAuth::new);
        let server = Arc::new(Server::new(base_url, self.tokens, oauth, limiter, self.faults, self.settings, state));
        let service = router::router(Arc::clone(&server)).into_make_service_with_connect_info::<Connection>();
        let task = tokio::spawn(async move { axum::serve(Listener(listener), service).await });
        Ok(Simulator::new(server, access_token, task))
    }

    fn state(&mut self) -> Result<State, Box<dyn Error + Send + Sync>> {
        let mut types = ObjectTypes::default();
        for [id, singular, plural] in &self.custom_types {
            types.add_custom(id, singular, plural)?;
        }
        let mut objects = if self.without_seed { Vec::new() } else { seed::default_objects() };
        objects.append(&mut self.objects);
        let stores = seed::stores(&types, objects)?;
        let rules = self.rules(&types)?;
        let mut state = State::new(types, stores, rules, self.companions);
        let partner_clients = state.types.infer(PARTNER_CLIENTS)?;
        if !self.without_seed {
            seed::plant_default_types(&state.types, &mut state.association_types)?;
        }
        for (id, name) in self.null_properties.drain(..) {
            if COMPUTED.contains(&name.as_str()) {
                return Err(format!("{name} of partner client `{id}` is never null").into());
            }
            let store = state.store_mut(&partner_clients);
            let row = store.row(&id).ok_or(NotFound::Object { object_type: partner_clients.clone(), id })?;
            store.set_null(row, name);
        }
        for AssociationType { from, to, id, name, labeled } in self.association_types.drain(..) {
            let pair = (&state.types.infer(&from)?, &state.types.infer(&to)?);
            match labeled {
                None => state.association_types.insert_named(pair, id, &name),
                Some((category, label)) => {
                    state.association_types.insert(pair, TypeKey { id, category }, Some(label), &name, None);
                }
            }
        }
        for [from_type, from_id, to_type, to_id, association_type] in &self.associations {
            let (from, to) = (state.types.infer(from_type)?, state.types.infer(to_type)?);
            state.associate(End::new(&from, from_id), End::new(&to, to_id), association_type)?;
        }
        Ok(state)
    }

    fn rules(&mut self, types: &ObjectTypes) -> Result<Rules, NotFound> {
        let mut rules = Rules::default();
        for (object_type, name, kind) in self.times.drain(..) {
            rules.set_time(types.infer(&object_type)?, name, kind);
        }
        for (object_type, required) in self.required.drain(..) {
            rules.require(types.infer(&object_type)?, required);
        }
        Ok(rules)
    }
}
