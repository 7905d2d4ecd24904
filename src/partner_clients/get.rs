//! Reading one partner client.

use crate::{
    client::Client,
    error::Result,
    ids::RecordKey,
    partner_clients::{
        PartnerClient,
        selection::{Selection, by_property, check_property, selects, with_lists},
    },
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

impl Client {
    /// Reads a partner client.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let partner_client = client
    ///     .get("512")
    ///     .properties(["name", "domain"])
    ///     .associations(["companies"])
    ///     .await?;
    /// println!("{:?}", partner_client.property("name"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, partner_client: impl Into<RecordKey>) -> GetPartnerClient {
        GetPartnerClient {
            client: self.clone(),
            partner_client: partner_client.into(),
            id_property: None,
            archived: false,
            selection: Selection::default(),
            options: CallOptions::default(),
        }
    }
}

/// Call that reads a partner client: await it, or call [`send`](Self::send). See [`Client::get`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct GetPartnerClient {
    client: Client,
    partner_client: RecordKey,
    id_property: Option<String>,
    archived: bool,
    selection: Selection,
    pub(crate) options: CallOptions,
}

selects!(GetPartnerClient, associations);

by_property!(GetPartnerClient);

impl GetPartnerClient {
    /// Reads an archived partner client instead.
    pub fn archived(mut self) -> Self {
        self.archived = true;
        self
    }

    async fn run(self) -> Result<(PartnerClient, CallMeta)> {
        let partner_client = self.partner_client.checked(self.id_property.as_deref())?;
        let lists = self.selection.lists()?;
        self.id_property.as_deref().map_or(Ok(()), check_property)?;
        transport::call(self.client.raw, self.options, "get", |raw| async move {
            let mut request = with_lists!(raw.get().partner_client_id(partner_client), lists);
            if let Some(name) = self.id_property {
                request = request.id_property(name);
            }
            if self.archived {
                request = request.archived(true);
            }
            request.send().await
        })
        .await
    }
}

call! {
    /// Reads the partner client.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`](crate::Error::is_invalid_input) for an id or a name that cannot be sent, and for
    /// names that make the URL too long. HubSpot answers 404 for an unknown partner client.
    GetPartnerClient => PartnerClient
}
