//! Describing and starting a simulator.

mod account;

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

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
    portal::{Beginning, FIRST_ID, Portal, PortalId},
    router,
    server::{Log, Server},
    settings::{InvalidAssociations, Settings},
    simulated_account::SimulatedAccount,
    simulator::Simulator,
};

/// Describes a [`Simulator`]: the default seed, and whatever is added here.
///
/// Objects, types and rules may be given after what names them: everything is checked on [`start`](Self::start).
#[derive(Debug)]
pub struct SimulatorBuilder {
    port: u16,
    /// Never empty; those of the first are the simulator's own.
    accounts: Vec<Described>,
    /// The place of the account that calls describe.
    current: usize,
    tokens: Tokens,
    control: bool,
    log: Option<Log>,
    kept_requests: Option<usize>,
    faults: Faults,
    settings: Settings,
    versions: Option<Vec<String>>,
    companions: UnlabeledCompanions,
    window_edge: Duration,
}

/// An account to start with.
#[derive(Debug)]
struct Described {
    id: u64,
    without_seed: bool,
    seed: Account,
    rate_limits: RateLimits,
    oauth_apps: Vec<OAuthApp>,
}

impl Described {
    fn new(id: u64) -> Self {
        Self {
            id,
            without_seed: false,
            seed: Account::default(),
            rate_limits: RateLimits::default(),
            oauth_apps: Vec::new(),
        }
    }
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            port: 0,
            accounts: vec![Described::new(FIRST_ID)],
            current: 0,
            tokens: Tokens::default(),
            control: false,
            log: None,
            kept_requests: None,
            faults: Faults::default(),
            settings: Settings::default(),
            versions: None,
            companions: UnlabeledCompanions::default(),
            window_edge: Duration::ZERO,
        }
    }
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

    /// Answers the results of a page or a batch in the opposite order: those of a list and of an object's associations by
    /// falling ids within each page, and those of a batch from the last input to the first. HubSpot promises no order.
    #[must_use]
    pub fn reversed_results(mut self) -> Self {
        self.settings.reversed = true;
        self
    }

    /// Lets v3 answer a batch of new associations with 200 and each association in both directions, as it was recorded once,
    /// instead of with 201 and those that were asked for. Such an answer has `"requestedAt": null` and `"links": {}` as well.
    #[must_use]
    pub fn inverse_results(mut self) -> Self {
        self.settings.inverse_results = true;
        self
    }

    /// Answers a request for an object that does not exist with a page in HTML and the header `X-HubSpot-NotFound`, as it
    /// was recorded once, instead of in JSON.
    #[must_use]
    pub fn html_not_found(mut self) -> Self {
        self.settings.html_not_found = true;
        self
    }

    /// Leaves the last result of a page of a search to the next page, so that pages are shorter than their limit although
    /// more follow. Such pages were recorded. A page of one result keeps it.
    #[must_use]
    pub fn short_search_pages(mut self) -> Self {
        self.settings.short_search_pages = true;
        self
    }

    /// Answers with the cursor of a search (`paging.next.after`) as a number, as it was recorded, instead of as text, as
    /// HubSpot documents it.
    #[must_use]
    pub fn numeric_search_cursors(mut self) -> Self {
        self.settings.numeric_search_cursors = true;
        self
    }

    /// Lets a request count this much longer than ten seconds in the limits of ten seconds, and of a second in that of
    /// searches: HubSpot says that its windows roll, and not where they end.
    #[must_use]
    pub fn window_edge(mut self, longer: Duration) -> Self {
        self.window_edge = longer;
        self
    }

    /// Chooses whether a labelled association comes with the unlabelled one of its pair.
    #[must_use]
    pub fn unlabeled_companions(mut self, companions: UnlabeledCompanions) -> Self {
        self.companions = companions;
        self
    }

    /// Accepts another bearer token, with just these scopes. A token of another account becomes one of this account.
    #[must_use]
    pub fn token<S: Into<String>>(mut self, token: impl Into<String>, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        let portal = PortalId { place: self.current, id: self.current().id };
        self.tokens.insert(token.into(), scopes, portal);
        self
    }

    /// Limits how many requests may be made. Without it there is no limit, and answers tell of none.
    #[must_use]
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.current().rate_limits = limits;
        self
    }

    /// Issues access tokens to this OAuth app, in place of one with the same client id. One that several accounts have
    /// installed has the same client id and secret in each, and a refresh token of its own.
    #[must_use]
    pub fn oauth_app(mut self, app: OAuthApp) -> Self {
        let apps = &mut self.current().oauth_apps;
        apps.retain(|other| other.client_id() != app.client_id());
        apps.push(app);
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
        let (mut portals, mut oauth) = (Vec::new(), Vec::new());
        let mut client_ids: Vec<String> = Vec::new();
        for (place, described) in self.accounts.into_iter().enumerate() {
            let id = PortalId { place, id: described.id };
            let mut account = if described.without_seed { Account::default() } else { Account::example() };
            account.extend(described.seed);
            let kept = self.control.then(|| Beginning { account: account.clone(), companions: self.companions });
            let state = account.into_state(described.id, self.companions).map_err(invalid)?;
            let access_token = format!("pat-sim-{}", Uuid::new_v4());
            self.tokens.insert(access_token.clone(), all_scopes(&state.types), id);
            for app in described.oauth_apps {
                let known = client_ids.iter().position(|client_id| client_id == app.client_id());
                let number = known.unwrap_or_else(|| {
                    client_ids.push(app.client_id().to_owned());
                    client_ids.len() - 1
                });
                oauth.push(OAuth::new(app, id, number));
            }
            portals.push(Portal::new(
                id,
                access_token,
                Limiter::new(described.rate_limits, self.window_edge),
                state,
                kept,
            ));
        }

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let server = Arc::new(Server {
            base_url,
            portals,
            tokens: self.tokens,
            oauth,
            faults: self.faults,
            settings: self.settings,
            control: self.control,
            log: self.log,
            journal: Journal::new(self.kept_requests),
        });
        let first = SimulatedAccount::new(Arc::clone(&server), PortalId { place: 0, id: FIRST_ID });
        let service = router::router(Arc::clone(&server)).into_make_service_with_connect_info::<Connection>();
        let task = tokio::spawn(async move { axum::serve(Listener(listener), service).await });
        Ok(Simulator::new(first, task))
    }

    /// The account that calls describe.
    fn current(&mut self) -> &mut Described {
        &mut self.accounts[self.current]
    }
}
