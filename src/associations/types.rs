//! Association types, listed by the object type they lead to.

use crate::{
    associations::AssociationDefinition,
    client::Client,
    error::{Error, Result},
    ids::{ObjectType, checked},
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

/// The object type whose association types this API lists.
const PARTNER_CLIENTS: &str = "partner_clients";

impl Client {
    /// Lists the association types that exist from partner clients to objects of a type, with id and name. Either goes
    /// into [`WithType::as_type`](crate::WithType::as_type).
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let types =
    ///     client.association_types("companies").await?;
    /// for known in types {
    ///     println!("{} {}", known.id, known.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn association_types<T>(&self, to_type: T) -> AssociationTypes
    where
        T: TryInto<ObjectType, Error: Into<Error>>,
    {
        AssociationTypes { client: self.clone(), to_type: checked(to_type), options: CallOptions::default() }
    }
}

/// Association types to be listed: await it, or call [`send`](Self::send). See [`Client::association_types`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct AssociationTypes {
    client: Client,
    to_type: Result<ObjectType>,
    pub(crate) options: CallOptions,
}

impl AssociationTypes {
    async fn run(self) -> Result<(Vec<AssociationDefinition>, CallMeta)> {
        let to_type = self.to_type?;
        let (collection, meta) =
            transport::call(self.client.raw, self.options, "association_types", |raw| async move {
                raw.association_types().from_object_type(PARTNER_CLIENTS).to_object_type(to_type).send().await
            })
            .await?;
        Ok((collection.results, meta))
    }
}

call! {
    /// Lists the association types.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an object type that cannot be sent. HubSpot answers 400 for one it does not know.
    AssociationTypes => Vec<AssociationDefinition>
}
