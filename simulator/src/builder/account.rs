//! What a simulator holds when it starts, as a test describes it.

use std::{error::Error, mem};

use crate::{
    account::{Account, Association, AssociationType, CustomType, PARTNER_CLIENTS, Rule, RuleKind},
    builder::{Described, SimulatorBuilder},
    crm::{
        association_type::{AssociationCategory, name_of},
        seed::Seed,
    },
};

impl SimulatorBuilder {
    /// Turns to another account: what follows describes that one, its objects, association types, rules, tokens, OAuth
    /// apps and rate limits, until the next call of this. Ids that no call has named before make a new account, which
    /// starts with the default seed as the first one does; 1234567 turns back to that. Its own access token comes from
    /// [`Simulator::account`](crate::Simulator::account).
    ///
    /// ```
    /// # use hubspot_simulator::Simulator;
    /// let builder = Simulator::builder()
    ///     .partner_client("513", [("name", "Acme")])
    ///     .account(62515)
    ///     .partner_client("513", [("name", "Other")]);
    /// # let _ = builder;
    /// ```
    #[must_use]
    pub fn account(mut self, account_id: u64) -> Self {
        let known = self.accounts.iter().position(|described| described.id == account_id);
        self.current = known.unwrap_or_else(|| {
            self.accounts.push(Described::new(account_id));
            self.accounts.len() - 1
        });
        self
    }

    /// Leaves out the default seed, its association types included.
    #[must_use]
    pub fn without_seed(mut self) -> Self {
        self.current().without_seed = true;
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
        self.current().seed.objects.push(Seed::new(PARTNER_CLIENTS, id, properties, false));
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
        self.current().seed.objects.extend(seeds);
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
        self.current().seed.objects.push(Seed::new(PARTNER_CLIENTS, id, properties, true));
        self
    }

    /// Lets a partner client have a property without a value: it is answered as `null` even when nobody asks for it.
    #[must_use]
    pub fn null_property(mut self, partner_client_id: impl Into<String>, name: impl Into<String>) -> Self {
        self.current().seed.null_properties.push((partner_client_id.into(), name.into()));
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
        self.current().seed.objects.push(Seed::new(object_type, id, properties, false));
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
        let (id, singular, plural) = (id.into(), singular.into(), plural.into());
        self.current().seed.object_types.push(CustomType { id, singular, plural });
        self
    }

    /// Answers a request that names no property with just these of an object, beside those that every object has. HubSpot
    /// has such a set for each type. That of partner clients is not known: without this, all of theirs are answered.
    #[must_use]
    pub fn default_properties<P: Into<String>>(
        mut self,
        object_type: impl Into<String>,
        names: impl IntoIterator<Item = P>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.current().seed.default_properties.insert(object_type.into(), names);
        self
    }

    /// Adds an association type from partner clients to `to_object_type`, and its inverse. One of the same target and id
    /// gets the name.
    ///
    /// The first type of a target is HubSpot's unlabelled one (`HUBSPOT_DEFINED`, label null), and each further one is a
    /// user's (`USER_DEFINED`), whose label is the name in words: `Referred by` of `referred_by`. The id of the inverse is
    /// `type_id` plus 1000, or the next free one after that.
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
        let unlabeled = AssociationType { from, to, id: type_id, name, category: None, label: None, inverse_id: None };
        self.current().seed.association_types.push(unlabeled);
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
        self.current().seed.association_types.push(AssociationType {
            from: PARTNER_CLIENTS.to_owned(),
            to: to_object_type.into(),
            id: type_id,
            name: name_of(&label),
            category: Some(category),
            label: Some(label),
            inverse_id: None,
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
        self.current().seed.associations.push(Association {
            from_type: from_object_type.into(),
            from_id: from_object_id.into(),
            to_type: to_object_type.into(),
            to_id: to_object_id.into(),
            association_type: association_type.into(),
        });
        self
    }

    /// Makes a property one of dates: 2026-09 and later normalize a time of day in it, with a warning in the answer,
    /// and the versions before them refuse it.
    #[must_use]
    pub fn date_property(self, object_type: impl Into<String>, name: impl Into<String>) -> Self {
        self.rule(object_type.into(), name.into(), RuleKind::Date, None)
    }

    /// Makes a property one of times: 2026-09 and later normalize a mere date in it, with a warning in the answer, and
    /// the versions before them refuse it.
    #[must_use]
    pub fn datetime_property(self, object_type: impl Into<String>, name: impl Into<String>) -> Self {
        self.rule(object_type.into(), name.into(), RuleKind::Datetime, None)
    }

    /// Lets no two objects of a type share a value of a property, so that it can name one in place of the id
    /// (`idProperty`). Of HubSpot's own properties, the e-mail address of contacts is so from the start.
    #[must_use]
    pub fn unique_property(self, object_type: impl Into<String>, name: impl Into<String>) -> Self {
        self.rule(object_type.into(), name.into(), RuleKind::Unique, None)
    }

    /// Lets 2026-09 and later refuse to create an object without this property, as an account's rule does.
    #[must_use]
    pub fn required_property(self, object_type: impl Into<String>, name: impl Into<String>) -> Self {
        self.rule(object_type.into(), name.into(), RuleKind::Required, None)
    }

    /// Lets 2026-09 and later refuse a write that leaves `name` without a value while the property `when` has `value`,
    /// as an account's conditional rule does.
    #[must_use]
    pub fn required_property_when(
        self,
        object_type: impl Into<String>,
        name: impl Into<String>,
        when: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.rule(object_type.into(), name.into(), RuleKind::Required, Some((when.into(), value.into())))
    }

    /// Starts with what a seed file holds, in place of the default seed; what is added here comes on top. The README
    /// describes the format, and [`SimulatedAccount::export_seed`](crate::SimulatedAccount::export_seed) writes it.
    ///
    /// # Errors
    ///
    /// When the text is no seed file; the message names the line and what is wrong there.
    pub fn seed(mut self, json: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut account = Account::read(json).map_err(|error| format!("no seed file: {error}"))?;
        account.extend(mem::take(&mut self.current().seed));
        self.current().seed = account;
        self.current().without_seed = true;
        Ok(self)
    }

    fn rule(mut self, object_type: String, property: String, is: RuleKind, when: Option<(String, String)>) -> Self {
        self.current().seed.rules.push(Rule { object_type, property, is, when });
        self
    }
}
