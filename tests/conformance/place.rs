//! Where a promise is to be kept: in a simulator, or in an account of HubSpot's.

use std::{
    collections::BTreeSet,
    env,
    sync::{Arc, OnceLock},
};

use futures_util::TryStreamExt;
use hubspot_partner_clients::{
    ApiVersion, Client, ClientBuilder, Permit, PermitFuture, PermitUsage, RateLimit, RateLimitHeaders, RateLimitStatus,
    RateLimiter, Result, RollingWindow, spec::RateBucket,
};
use hubspot_simulator::{RateLimits, Simulator};

const TOKEN: &str = "HUBSPOT_LIVE_ACCESS_TOKEN";
/// Another server than HubSpot, such as a simulator.
const BASE_URL: &str = "HUBSPOT_LIVE_BASE_URL";
const ASSOCIATION: &str = "HUBSPOT_LIVE_ASSOCIATION";
const WRITE: &str = "HUBSPOT_LIVE_WRITE";
/// A tenth of the least that HubSpot grants.
const SHARE: u32 = 10;

/// An account, and two objects in it that are not associated.
pub struct Place {
    pub client: Client,
    builder: ClientBuilder,
    pub partner_client: String,
    pub to_type: String,
    pub to_id: String,
    /// The name that v3 has for it.
    association_type: String,
    pub may_write: bool,
    _simulator: Option<Simulator>,
}

impl Place {
    pub async fn simulated(version: &str) -> Self {
        let limits = RateLimits::default().per_ten_seconds(190);
        let simulator = Simulator::builder().rate_limits(limits).start().await.unwrap();
        let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
        let place = Self::new(builder, version, "512 companies 9001 partner_client_to_company", true);
        Self { _simulator: Some(simulator), ..place }
    }

    /// HubSpot, by the environment.
    pub fn live(version: &str) -> Self {
        static LIMITER: OnceLock<Arc<Share>> = OnceLock::new();
        let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("set {name}; CONTRIBUTING.md says how"));
        let limit = || Arc::new(Share(RollingWindow::new(RateLimit::per_ten_seconds(SHARE))));
        let builder = Client::builder().access_token(variable(TOKEN)).rate_limiter(LIMITER.get_or_init(limit).clone());
        let builder = match env::var(BASE_URL) {
            Ok(url) => builder.base_url(url),
            Err(_) => builder,
        };
        let may_write = env::var(WRITE).is_ok_and(|allowed| allowed == "1");
        Self::new(builder, version, &variable(ASSOCIATION), may_write)
    }

    fn new(builder: ClientBuilder, version: &str, association: &str, may_write: bool) -> Self {
        let parts: Vec<_> = association.split_whitespace().map(str::to_owned).collect();
        let [partner_client, to_type, to_id, association_type] = parts.try_into().unwrap_or_else(|parts| {
            panic!("{ASSOCIATION} is a partner client, an object type, an id and an association type, not {parts:?}")
        });
        let builder = builder.api_version(version.parse().unwrap());
        let client = builder.clone().build().unwrap();
        Self { client, builder, partner_client, to_type, to_id, association_type, may_write, _simulator: None }
    }

    pub fn with_token(&self, token: &str) -> Client {
        self.builder.clone().access_token(token).build().unwrap()
    }

    /// The number of the association type, which every version knows.
    pub async fn number(&self) -> String {
        let v3 = self.builder.clone().api_version(ApiVersion::V3).build().unwrap();
        let types = v3.association_types(&self.to_type).await.unwrap();
        let named = types.iter().find(|listed| listed.name.as_deref() == Some(&self.association_type));
        named.unwrap_or_else(|| panic!("{} is not among {types:?}", self.association_type)).id.to_string()
    }

    pub async fn associate(&self, association_type: &str) -> Result<()> {
        let associate = self.client.associate(&self.partner_client).with(&self.to_type, &self.to_id);
        associate.as_type(association_type).await.map(drop)
    }

    pub async fn dissociate(&self, association_type: &str) -> Result<()> {
        let dissociate = self.client.dissociate(&self.partner_client).with(&self.to_type, &self.to_id);
        dissociate.as_type(association_type).await
    }

    /// The types of association that the two objects have.
    pub async fn associations(&self) -> BTreeSet<String> {
        let mut listed = self.client.associations(&self.partner_client, &self.to_type).items();
        let mut types = BTreeSet::new();
        while let Some(object) = listed.try_next().await.unwrap() {
            if object.id.as_str() == self.to_id {
                types.insert(object.type_);
            }
        }
        types
    }
}

/// A limit that stays as it is, whatever HubSpot would allow.
struct Share(RollingWindow);

impl RateLimiter for Share {
    fn try_acquire(&self, bucket: RateBucket) -> Option<Permit> {
        self.0.try_acquire(bucket)
    }

    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_> {
        self.0.acquire(bucket)
    }

    fn release(&self, permit: Permit, usage: &PermitUsage) {
        let usage = match usage {
            PermitUsage::Response { rate_limited, .. } => {
                PermitUsage::Response { headers: RateLimitHeaders::default(), rate_limited: *rate_limited }
            }
            usage => usage.clone(),
        };
        self.0.release(permit, &usage);
    }

    fn status(&self) -> RateLimitStatus {
        self.0.status()
    }
}
