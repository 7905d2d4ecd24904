//! The HubSpot account that a token belongs to.
#![cfg(feature = "client")]

use serde::Serialize;

use crate::{
    client::Client,
    error::Result,
    generated::types::PortalInformationResponse,
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

/// A HubSpot account. What HubSpot does not tell of it is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Account {
    /// Its id, which HubSpot shows beside the account's name, and also calls hub id or portal id.
    pub id: String,
    /// Its kind, such as `STANDARD`, `SANDBOX` or `DEVELOPER_TEST`.
    pub account_type: Option<String>,
    /// Its time zone, such as `Europe/Dublin`. The daily limit is reset at midnight there.
    pub time_zone: Option<String>,
    /// Its main currency, such as `EUR`.
    pub currency: Option<String>,
    /// The host name of its pages, such as `app-eu1.hubspot.com`.
    pub ui_domain: Option<String>,
    /// Where its data is kept, such as `eu1`.
    pub data_hosting_location: Option<String>,
}

impl From<PortalInformationResponse> for Account {
    fn from(details: PortalInformationResponse) -> Self {
        let told = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Self {
            id: details.portal_id.to_string(),
            account_type: told(details.account_type),
            time_zone: told(details.time_zone),
            currency: told(details.company_currency),
            ui_domain: told(details.ui_domain),
            data_hosting_location: told(details.data_hosting_location),
        }
    }
}

impl Client {
    /// Reads which account the token belongs to, for example to be sure of it before anything is changed.
    ///
    /// Tokens of every kind may ask; HubSpot documents the scope `oauth`, which every app has.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let account = client.account().await?;
    /// assert_eq!(account.id, "19284756");
    /// # Ok(())
    /// # }
    /// ```
    pub fn account(&self) -> GetAccount {
        GetAccount { client: self.clone(), options: CallOptions::default() }
    }
}

/// Call that reads the account: await it, or call [`send`](Self::send). See [`Client::account`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct GetAccount {
    client: Client,
    pub(crate) options: CallOptions,
}

impl GetAccount {
    async fn run(self) -> Result<(Account, CallMeta)> {
        let details = transport::call(self.client.raw, self.options, "account_details", |raw| async move {
            raw.account_details().send().await
        });
        let (details, meta) = details.await?;
        Ok((details.into(), meta))
    }
}

call! {
    /// Reads the account.
    ///
    /// # Errors
    /// HubSpot answers 401 for a token that it does not know or that has expired.
    GetAccount => Account
}
