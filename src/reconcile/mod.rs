//! Bringing the associations of partner clients to a desired state.

mod existing;
mod plan;

use std::collections::{BTreeSet, HashSet};

pub use self::plan::{Applied, Plan, PlannedChange};
use crate::{
    AssociationDefinition, AssociationType, Client, Error, ObjectId, ObjectType, PartnerClientId, Result,
    ids::checked,
    options::{CallOptions, settings},
};

impl Client {
    /// Compares the associations that partner clients have with objects of one type to those they should have. Nothing is
    /// changed until the plan is applied.
    ///
    /// `desired` is all that should be there: partner client, other object, association type. What is there and not desired
    /// is planned to be removed, of every association type unless [`only_type`](Reconcile::only_type) is set.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`, and applying a plan `crm.objects.partner-clients.write`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let desired = [("512", "9001", "partner_client_to_company"), ("513", "9001", "partner_client_to_company")];
    /// let plan = client.reconcile(["512", "513"], "companies", desired).plan().await?;
    /// println!("{plan}");
    /// let applied = plan.apply(&client).await;
    /// assert!(applied.failed.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn reconcile<I, T, D, P, O, A>(&self, partner_clients: I, to_type: T, desired: D) -> Reconcile
    where
        I: IntoIterator<Item: TryInto<PartnerClientId, Error: Into<Error>>>,
        T: TryInto<ObjectType, Error: Into<Error>>,
        D: IntoIterator<Item = (P, O, A)>,
        P: TryInto<PartnerClientId, Error: Into<Error>>,
        O: TryInto<ObjectId, Error: Into<Error>>,
        A: TryInto<AssociationType, Error: Into<Error>>,
    {
        let input = || {
            let desired = desired.into_iter().map(|(partner_client, to_object, association_type)| {
                Ok(PlannedChange {
                    partner_client_id: checked(partner_client)?,
                    to_object_id: checked(to_object)?,
                    association_type: checked(association_type)?,
                })
            });
            Ok(Input {
                partner_clients: partner_clients.into_iter().map(checked).collect::<Result<_>>()?,
                to_type: checked(to_type)?,
                desired: desired.collect::<Result<_>>()?,
            })
        };
        Reconcile { client: self.clone(), input: input(), only: Ok(Vec::new()), options: CallOptions::default() }
    }
}

/// What is to be brought to a desired state; see [`Client::reconcile`].
///
/// Timeouts, retries and headers hold for each request.
#[derive(Debug, Clone)]
#[must_use = "nothing is read until the plan is asked for"]
pub struct Reconcile {
    client: Client,
    input: Result<Input>,
    only: Result<Vec<AssociationType>>,
    options: CallOptions,
}

#[derive(Debug, Clone)]
struct Input {
    partner_clients: Vec<PartnerClientId>,
    to_type: ObjectType,
    desired: Vec<PlannedChange>,
}

settings!(Reconcile, options);

impl Reconcile {
    /// Looks at associations of this type alone, by name or id, and leaves the others as they are. It may be called for
    /// several.
    pub fn only_type<A>(mut self, association_type: A) -> Self
    where
        A: TryInto<AssociationType, Error: Into<Error>>,
    {
        self.only = self.only.and_then(|mut only| {
            only.push(checked(association_type)?);
            Ok(only)
        });
        self
    }

    /// Reads what is there, a thousand partner clients to a request, and tells what has to change. All of it is held in
    /// memory.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for ids that cannot be sent, for an association type that does not exist between partner
    /// clients and the object type, and for a desired association of a partner client that is not among those given.
    /// HubSpot answers 404 for a partner client that it does not know; then there is no plan.
    pub async fn plan(self) -> Result<Plan> {
        let Input { partner_clients, to_type, desired } = self.input?;
        let given: HashSet<_> = partner_clients.iter().map(PartnerClientId::as_str).collect();
        if let Some(stray) = desired.iter().find(|d| !given.contains(d.partner_client_id.as_str())) {
            let remedy = "give it with the others, so that what it has is read";
            let reason = "has a desired association but is not to be reconciled";
            return Err(Error::invalid_input("partner client", Some(stray.partner_client_id.as_str()), reason, remedy));
        }

        let mut types = self.client.association_types(to_type.clone());
        types.options = self.options.clone();
        let types = types.send().await?;
        let name = |association_type: &AssociationType| name(&types, association_type, &to_type);
        let only = self.only?.iter().map(name).collect::<Result<BTreeSet<_>>>()?;
        let mut wanted = BTreeSet::new();
        for PlannedChange { association_type, partner_client_id, to_object_id } in desired {
            let canonical = name(&association_type)?;
            if !only.is_empty() && !only.contains(&canonical) {
                let remedy = "name it with only_type as well, or leave the association out";
                let reason = "is desired but not one of the types to be looked at";
                return Err(Error::invalid_input("association type", Some(association_type.as_str()), reason, remedy));
            }
            wanted.insert(Key(partner_client_id, to_object_id, canonical));
        }

        let mut there = existing::read(&self.client, &partner_clients, &to_type, &self.options).await?;
        there.retain(|Key(_, _, canonical)| only.is_empty() || only.contains(canonical));
        Plan::new(to_type, &there, &wanted)
    }
}

/// An association: partner client, other object, name of the association type in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key(PartnerClientId, ObjectId, String);

/// The name that HubSpot lists an association type by; its case does not matter.
fn name(types: &[AssociationDefinition], wanted: &AssociationType, to_type: &ObjectType) -> Result<String> {
    let found = types.iter().find(|t| t.id == *wanted || t.name.eq_ignore_ascii_case(wanted.as_str()));
    found.map(|t| t.name.to_lowercase()).ok_or_else(|| {
        let known: Vec<_> = types.iter().map(|t| format!("{} ({})", t.name, t.id)).collect();
        let reason = format!("does not exist from partner clients to {to_type}");
        let remedy = match known.as_slice() {
            [] => "there is none; create one in HubSpot's settings".to_owned(),
            known => format!("use one of {}", known.join(", ")),
        };
        Error::invalid_input("association type", Some(wanted.as_str()), reason, remedy)
    })
}
