//! Updates of one partner client.

use std::collections::BTreeMap;

use crate::{
    client::Client,
    error::{Error, Result},
    generated::types,
    ids::RecordKey,
    partner_clients::{
        PartnerClient,
        property_value::PropertyValue,
        selection::{by_property, check_property},
    },
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
        response,
    },
};

impl Client {
    /// Changes properties of a partner client.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// client
    ///     .update("512")
    ///     .set("name", "Acme")
    ///     .set("employees", 250)
    ///     .clear("domain")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, partner_client: impl Into<RecordKey>) -> UpdatePartnerClient {
        UpdatePartnerClient {
            client: self.clone(),
            partner_client: partner_client.into(),
            id_property: None,
            changes: Changes::default(),
            options: CallOptions::default(),
        }
    }
}

/// Properties to be changed: the last word for each counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(BTreeMap<String, PropertyValue>);

impl Changes {
    pub(crate) fn set(&mut self, name: String, value: PropertyValue) {
        self.0.insert(name, value);
    }

    /// As HubSpot wants them.
    pub(crate) fn checked(&self) -> Result<BTreeMap<String, String>> {
        if self.0.is_empty() {
            let remedy = "set or clear a property";
            return Err(Error::invalid_input("update", None, "changes nothing", remedy));
        }
        self.0
            .iter()
            .map(|(name, value)| {
                check_property(name)?;
                Ok((name.clone(), value.for_update(name)?))
            })
            .collect()
    }
}

/// Call that changes properties of a partner client: await it, or call [`send`](Self::send). See [`Client::update`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct UpdatePartnerClient {
    client: Client,
    partner_client: RecordKey,
    id_property: Option<String>,
    changes: Changes,
    options: CallOptions,
}

by_property!(UpdatePartnerClient);

impl UpdatePartnerClient {
    /// Sets a property.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<PropertyValue>) -> Self {
        self.changes.set(name.into(), value.into());
        self
    }

    /// Clears a property.
    pub fn clear(self, name: impl Into<String>) -> Self {
        // HubSpot ignores a null.
        self.set(name, "")
    }

    async fn run(self) -> Result<(PartnerClient, CallMeta)> {
        let partner_client = self.partner_client.checked(self.id_property.as_deref())?;
        let body = types::SimplePublicObjectInput::builder().properties(self.changes.checked()?);
        self.id_property.as_deref().map_or(Ok(()), check_property)?;
        let (object, meta) = transport::write(self.client.raw, self.options, "update", |raw| async move {
            let request = raw.update().partner_client_id(&partner_client).body(body);
            match self.id_property {
                Some(name) => request.id_property(name).send().await,
                None => response::written(request.send(), "update", &partner_client).await,
            }
        })
        .await?;
        Ok((object.into(), meta))
    }
}

call! {
    /// Changes the properties and returns the partner client, without associations. If HubSpot's response does not
    /// contain the partner client, only its id is set.
    ///
    /// An update that may have been carried out is not retried, because a repetition could overwrite a newer value.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an update that changes nothing, and for an id, a name or a value that cannot be
    /// sent. HubSpot answers 404 for an unknown partner client, and 400 for a value that the property does not accept.
    UpdatePartnerClient => PartnerClient
}
