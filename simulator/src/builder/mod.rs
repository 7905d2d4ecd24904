//! Describing and starting a simulator.

mod account;

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    account::Account,
    auth::{
        access::Tokens,
        oauth::{OAuth, OAuthApp},
        scopes::all_scopes,
    },
    crm::state::UnlabeledCompanions,
    faults::fault::{Fault, Faults},
    http::{
        connection::{Connection, Listener},
        journal::{Journal, RecordedRequest},
        limits::{Limiter, RateLimits},
        version::Version,
    },
    router,
    server::{Control, Log, Server},
    settings::{InvalidAssociations, Settings},
    simulator::Simulator,
};

/// Describes a [`Simulator`]: the default seed, and whatever is added here.
///
/// Objects, types and rules may be given after what names them: everything is checked on [`start`](Self::start).
#[derive(Debug, Default)]
pub struct SimulatorBuilder {
    port: u16,
    without_seed: bool,
    account: Account,
    tokens: Tokens,
    rate_limits: RateLimits,
    oauth_apps: Vec<OAuthApp>,
    control: bool,
    log: Option<Log>,
    kept_requests: Option<usize>,
    faults: Faults,
    settings: Settings,
    versions: Option<Vec<String>>,
    companions: UnlabeledCompanions,
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

    /// Limits how many requests may be made. Without it there is no limit, and answers tell of none.
    #[must_use]
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// Issues access tokens to this OAuth app, in place of one with the same client id.
    #[must_use]
    pub fn oauth_app(mut self, app: OAuthApp) -> Self {
        self.oauth_apps.retain(|other| other.client_id() != app.client_id());
        self.oauth_apps.push(app);
        self
    }

    /// Answers each request late, by a time drawn between these two.
    #[must_use]
    pub fn latency(mut self, shortest: Duration, longest: Duration) -> Self {
        self.settings.latency = Some((shortest, longest.max(shortest)));
        self
    }

    /// Hands each request to `log` once it has been answered, its status included.
    #[must_use]
    pub fn log(mut self, log: impl Fn(&RecordedRequest) + Send + Sync + 'static) -> Self {
        self.log = Some(Log(Arc::new(log)));
        self
    }

    /// Keeps only the last requests in the journal; all of them otherwise.
    #[must_use]
    pub fn keep_requests(mut self, last: usize) -> Self {
        self.kept_requests = Some(last);
        self
    }

    /// Answers `/__simulator/…`, by which tests in other languages see requests, inject faults and start afresh. The README
    /// describes it.
    #[must_use]
    pub fn control(mut self) -> Self {
        self.control = true;
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
        let mut account = if self.without_seed { Account::default() } else { Account::example() };
        account.extend(self.account);
        let kept = self.control.then(|| account.clone());
        let state = account.into_state(self.companions).map_err(invalid)?;

        let access_token = format!("pat-sim-{}", Uuid::new_v4());
        self.tokens.insert(access_token.clone(), all_scopes(&state.types));

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let limiter = Limiter::new(self.rate_limits);
        let oauth = self.oauth_apps.into_iter().zip(1..).map(|(app, number)| OAuth::new(app, number)).collect();
        let control = kept.map(|account| Control { account, companions: self.companions });
        let server = Arc::new(Server {
            base_url,
            tokens: self.tokens,
            oauth,
            limiter,
            faults: self.faults,
            settings: self.settings,
            control,
            log: self.log,
            state: Mutex::new(state),
            journal: Journal::new(self.kept_requests),
        });
        let service = router::router(Arc::clone(&server)).into_make_service_with_connect_info::<Connection>();
        let task = tokio::spawn(async move { axum::serve(Listener(listener), service).await });
        Ok(Simulator::new(server, access_token, task))
    }
}
