//! Association types, listed by the object type they lead to.

use serde::Serialize;

use crate::{
    associations::resolve::{category, is_type},
    client::Client,
    error::{Error, Result},
    generated::types,
    ids::{AssociationType, ObjectType, checked},
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

/// The object type whose association types this API lists.
pub(crate) const PARTNER_CLIENTS: &str = "partner_clients";

/// The label beside which v3 lists the unlabelled type of this name, such as `x_to_y` for `x_to_y_unlabeled`; `None` for any
/// other type.
pub(crate) fn label_of_unlabeled(name: &str) -> Option<&str> {
    const SUFFIX: &str = "_unlabeled";
    let (label, suffix) = name.split_at_checked(name.len().checked_sub(SUFFIX.len())?)?;
    suffix.eq_ignore_ascii_case(SUFFIX).then_some(label)
}

/// An association type from partner clients to objects of one type.
///
/// v3 has its name, dated versions have its category and label. The number is the same in both, so you can match the
/// lists of clients of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AssociationDefinition {
    /// The number of the type. In dated versions it is unique within its category.
    pub id: AssociationType,
    /// HubSpot's internal name, such as `partner_client_to_company`; v3 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who defined the type: `HUBSPOT_DEFINED`, `USER_DEFINED`, `INTEGRATOR_DEFINED` or `WORK`; dated versions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The label that HubSpot's users see; dated versions only. The unlabelled type has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl From<types::PublicAssociationDefinition> for AssociationDefinition {
    fn from(definition: types::PublicAssociationDefinition) -> Self {
        Self { id: definition.id, name: Some(definition.name), category: None, label: None }
    }
}

/// `None` for an entry that does not say what type it is.
fn definition(listed: &types::AssociationSpecWithLabel) -> Option<AssociationDefinition> {
    let id = u64::try_from(listed.type_id).ok().filter(|_| is_type(listed))?.into();
    let label = listed.label.clone().filter(|label| !label.trim().is_empty());
    Some(AssociationDefinition { id, name: None, category: Some(category(listed).to_owned()), label })
}

/// By category and number where the category is known, as `USER_DEFINED:37`, otherwise by number.
impl From<&AssociationDefinition> for AssociationType {
    fn from(definition: &AssociationDefinition) -> Self {
        let exact = definition.category.as_ref().map(|category| Self::new(format!("{category}:{}", definition.id)));
        exact.and_then(Result::ok).unwrap_or_else(|| definition.id.clone())
    }
}

impl Client {
    /// Lists the association types from partner clients to objects of one type.
    /// [`WithType::as_type`](crate::WithType::as_type) takes the number, the name or the label of each.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// for association_type in
    ///     client.association_types("companies").await?
    /// {
    ///     println!(
    ///         "{} {:?} {:?}",
    ///         association_type.id,
    ///         association_type.name,
    ///         association_type.label
    ///     );
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

/// Call that lists association types: await it, or call [`send`](Self::send). See [`Client::association_types`].
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
        if self.client.api_version().is_dated() {
            let (listed, mut meta) = labels(self.client, to_type, self.options).await?;
            let known: Vec<_> = listed.results.iter().filter_map(definition).collect();
            meta.left_out += listed.results.len() - known.len();
            return Ok((known, meta));
        }
        let (collection, meta) =
            transport::call(self.client.raw, self.options, "association_types", |raw| async move {
                raw.association_types().from_object_type(PARTNER_CLIENTS).to_object_type(to_type).send().await
            })
            .await?;
        Ok((collection.results.into_iter().map(AssociationDefinition::from).collect(), meta))
    }
}

/// The association types that a dated version lists.
pub(crate) async fn labels(
    client: Client,
    to_type: ObjectType,
    options: CallOptions,
) -> Result<(types::CollectionResponseAssociationSpecWithLabelNoPaging, CallMeta)> {
    transport::call(client.raw, options, "association_labels", |raw| async move {
        raw.association_labels().from_object_type(PARTNER_CLIENTS).to_object_type(to_type).send().await
    })
    .await
}

call! {
    /// Lists the association types.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an object type that cannot be sent. HubSpot answers 400 for an unknown object
    /// type.
    AssociationTypes => Vec<AssociationDefinition>
}
