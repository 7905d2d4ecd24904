//! The HubSpot account that a token belongs to, and what the token may do.
#![cfg(feature = "client")]

use serde::Serialize;

use crate::{
    auth::token_key::TokenKey,
    client::Client,
    error::Result,
    generated::types::{PortalInformationResponse, PrivateAppTokenInfo},
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

/// A HubSpot account. A fact that HubSpot does not state is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Account {
    /// The id, which HubSpot shows beside the account's name. HubSpot also calls it hub id or portal id.
    pub id: String,
    /// The kind of account, such as `STANDARD`, `SANDBOX` or `DEVELOPER_TEST`.
    pub account_type: Option<String>,
    /// The time zone, such as `Europe/Dublin`, at whose midnight the daily limit is reset.
    pub time_zone: Option<String>,
    /// The main currency, such as `EUR`.
    pub currency: Option<String>,
    /// The host name of the account's pages, such as `app-eu1.hubspot.com`.
    pub ui_domain: Option<String>,
    /// The location of the account's data, such as `eu1`.
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
    /// Reads which account the token belongs to, for example to check it before anything is changed.
    ///
    /// Works with every kind of token. HubSpot documents the scope `oauth`, which every app has.
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

/// Facts about an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TokenInfo {
    /// The id of the account that the token belongs to.
    pub account_id: String,
    /// The id of the private app.
    pub app_id: Option<String>,
    /// The id of the user who created the app.
    pub user_id: Option<String>,
    /// The scopes of the token, such as `crm.objects.partner-clients.read`.
    pub scopes: Vec<String>,
}

impl From<PrivateAppTokenInfo> for TokenInfo {
    fn from(info: PrivateAppTokenInfo) -> Self {
        let text = |id: Option<i64>| id.map(|id| id.to_string());
        Self {
            account_id: info.hub_id.to_string(),
            app_id: text(info.app_id),
            user_id: text(info.user_id),
            scopes: info.scopes,
        }
    }
}

impl Client {
    /// Reads which account, app and scopes the client's token has. HubSpot answers this for tokens of private apps only.
    /// The token is also in the body of the request.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let token = client.token_info().await?;
    /// println!("{}", token.scopes.join(", "));
    /// # Ok(())
    /// # }
    /// ```
    pub fn token_info(&self) -> GetTokenInfo {
        GetTokenInfo { client: self.clone(), options: CallOptions::default() }
    }
}

/// Call that reads what the token may do: await it, or call [`send`](Self::send). See [`Client::token_info`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct GetTokenInfo {
    client: Client,
    pub(crate) options: CallOptions,
}

impl GetTokenInfo {
    async fn run(self) -> Result<(TokenInfo, CallMeta)> {
        let mut options = self.options;
        options.token_in_body = true;
        let info = transport::call(self.client.raw, options, "token_info", |raw| async move {
            // The transport puts in the token that the request is sent with.
            raw.token_info().body(TokenKey::default()).send().await
        });
        let (info, meta) = info.await?;
        Ok((info.into(), meta))
    }
}

call! {
    /// Reads what the token may do.
    ///
    /// # Errors
    /// [`Error::is_token`](crate::Error::is_token) if the token provider has none. HubSpot answers 400 or 404 for a token
    /// that is not of a private app, and 401 for one that it does not know.
    GetTokenInfo => TokenInfo
}
