//! Bringing the associations of partner clients in line with a desired list.
//!
//! [`Reconcile::plan`] computes a [`Plan`], and [`Plan::apply`] carries it out. Several rules protect existing
//! associations:
//!
//! - A removal waits until all additions of the same partner client have succeeded. If one of them fails or its outcome
//!   is unknown, the partner client keeps what it has, and [`Applied::held_back`] names the removals.
//! - HubSpot may limit how many associations a record can have. An addition that HubSpot refused is tried once more
//!   when a removal has made room, so an object can move from one partner client to another in one run.
//! - A plan that removes many associations is refused; see [`Apply::max_removals`].
//! - What the plan was made from is read again before it is applied, and a plan that is out of date is refused.
//! - A plan can be persisted and loaded with serde, and [`Plan::undo`] makes the plan that reverses it.
//!
//! HubSpot may list a pair that has a label a second time, by its unlabelled type: on v3 the one whose name ends in
//! `_unlabeled`, on dated versions HubSpot's own type without a label. While the pair has a label, that is not an
//! association of its own: it is neither missing nor superfluous, unless it is desired. It is removed together with the
//! last label of the pair.
//!
//! # Dated versions
//!
//! Types are compared by category and number. You can give a type by its number, by category and number, such as
//! `USER_DEFINED:37`, or by its label; a plan shows it by category and number. HubSpot sets all labels of two objects
//! at once there, so the labels that a plan does not name are read and sent along. [`Client::associate`] describes what
//! two concurrent writers can lose.

mod applied;
mod apply;
mod existing;
mod persisted;
mod plan;
mod present;
mod run;
mod types;

use std::collections::{BTreeSet, HashSet};

pub use self::{
    applied::{Applied, FailedChange},
    apply::Apply,
    plan::Plan,
};
use self::{existing::Reader, plan::Made, types::Types};
use crate::{
    association::Association,
    associations::bulk,
    client::Client,
    error::{Error, Result},
    ids::{AssociationType, ObjectType, PartnerClientId, checked},
    transport::call_options::{CallOptions, settings},
};

impl Client {
    /// Compares the associations that partner clients have with objects of one type to those that they should have.
    /// Nothing is changed until the plan is applied.
    ///
    /// `desired` is everything that should exist, in the forms that a [bulk run](bulk::Input) takes. An association
    /// that exists and is not desired is planned to be removed, whatever its type, unless
    /// [`only_type`](Reconcile::only_type) is set.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`, and applying a plan `crm.objects.partner-clients.write` as
    /// well.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let desired = ["512", "513"].map(|id| {
    ///     let company = ("companies", "9001");
    ///     (id, company, "partner_client_to_company")
    /// });
    /// let ids = ["512", "513"];
    /// let plan = client
    ///     .reconcile(ids, "companies", desired)
    ///     .plan()
    ///     .await?;
    /// println!("{plan}");
    /// let applied = plan.apply(&client).await?;
    /// assert!(applied.is_complete());
    /// # Ok(())
    /// # }
    /// ```
    pub fn reconcile<I, T, D>(&self, partner_clients: I, to_type: T, desired: D) -> Reconcile
    where
        I: IntoIterator<Item: TryInto<PartnerClientId, Error: Into<Error>>>,
        T: TryInto<ObjectType, Error: Into<Error>>,
        D: IntoIterator<Item: Into<bulk::Input>>,
    {
        let input = || {
            let (partner_clients, to_type) = (partner_clients.into_iter().map(checked), checked(to_type)?);
            let desired = desired.into_iter().map(|input| of_type(input.into().association?, &to_type));
            let desired = desired.collect::<Result<_>>()?;
            Ok(Input { partner_clients: partner_clients.collect::<Result<_>>()?, to_type, desired })
        };
        Reconcile {
            client: self.clone(),
            input: input(),
            only: Ok(Vec::new()),
            skip_unknown: false,
            account: None,
            options: CallOptions::default(),
        }
    }
}

/// A desired association, with the type of the other object spelt as in all of them.
///
/// # Errors
/// Where it is of another type.
fn of_type(association: Association, to_type: &ObjectType) -> Result<Association> {
    let given = association.to_object_type.as_str();
    if given.eq_ignore_ascii_case(to_type.as_str()) {
        return Ok(Association { to_object_type: to_type.clone(), ..association });
    }
    let reason = format!("is that of a desired association, and associations with {to_type} are to be reconciled");
    let remedy = "spell the type the same everywhere, and reconcile each type by itself";
    Err(Error::invalid_input("object type", Some(given), reason, remedy))
}

/// Call that compares associations with a desired list; see [`Client::reconcile`].
///
/// Timeouts, retries and headers apply to each request, also to those that apply the plan.
#[derive(Debug, Clone)]
#[must_use = "nothing is read until the plan is asked for"]
pub struct Reconcile {
    client: Client,
    input: Result<Input>,
    only: Result<Vec<AssociationType>>,
    skip_unknown: bool,
    account: Option<String>,
    options: CallOptions,
}

#[derive(Debug, Clone)]
struct Input {
    partner_clients: Vec<PartnerClientId>,
    to_type: ObjectType,
    desired: Vec<Association>,
}

settings!(Reconcile, options);

impl Reconcile {
    /// Considers associations of this type only, and leaves the others as they are. Give it like the type of a desired
    /// association: by number or name, or by label on dated versions. Call it again for further types.
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

    /// Leaves out partner clients that HubSpot does not know, together with their desired associations, and lists them
    /// in [`Plan::unknown`]. Without this, they are an error.
    pub fn skip_unknown(mut self) -> Self {
        self.skip_unknown = true;
        self
    }

    /// Sets the HubSpot account of the plan, by its id, so that the plan [applies](Apply::account) to no other.
    /// [`Client::account`] asks HubSpot which account a token belongs to.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Reads the existing associations, a thousand partner clients to a request, and returns what has to change. All of
    /// it is held in memory. A partner client with more than 500 associated objects takes another request for each 500.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for
    /// - ids that cannot be sent;
    /// - an association type that does not exist between partner clients and the object type, or is ambiguous;
    /// - a desired association of a partner client that is not among those given.
    ///
    /// [`Error::is_not_found`] for partner clients that HubSpot does not know: the message and the entry `ids` of
    /// [`Error::context`] name all of them.
    pub async fn plan(self) -> Result<Plan> {
        let Input { partner_clients, to_type, desired } = self.input?;
        self.options.check()?;
        let given: HashSet<_> = partner_clients.iter().map(PartnerClientId::as_str).collect();
        if let Some(stray) = desired.iter().find(|d| !given.contains(d.partner_client_id.as_str())) {
            let remedy = "add it to the partner clients to be reconciled";
            let reason = "has a desired association but is not to be reconciled";
            return Err(Error::invalid_input("partner client", Some(stray.partner_client_id.as_str()), reason, remedy));
        }

        let types = Types::read(&self.client, &to_type, &self.options).await?;
        let only_types = self.only?.iter().map(|only| types.given(only)).collect::<Result<BTreeSet<_>>>()?;
        let mut wanted = BTreeSet::new();
        for change in desired {
            let association_type = types.given(&change.association_type)?;
            if !only_types.is_empty() && !only_types.contains(&association_type) {
                let remedy = "select it with only_type as well, or leave the association out";
                let reason = "is desired but is not one of the selected types";
                let given = change.association_type.as_str();
                return Err(Error::invalid_input("association type", Some(given), reason, remedy));
            }
            wanted.insert(Association { association_type, ..change });
        }

        let reader = Reader { client: &self.client, to_type: &to_type, types: &types, options: &self.options };
        let existing = reader.read(&partner_clients).await?;
        if !self.skip_unknown {
            existing.all_known()?;
        }
        let is_known = |id: &PartnerClientId| !existing.unknown.contains(id);
        wanted.retain(|change| is_known(&change.partner_client_id));
        let unlabeled_types: BTreeSet<_> = types.unlabeled().into_iter().chain(existing.unlabeled.clone()).collect();
        let made = Made {
            server: self.client.server().to_owned(),
            api_version: self.client.api_version(),
            account: self.account,
            unlabeled_types: unlabeled_types.into_iter().collect(),
            only_types: only_types.into_iter().collect(),
            partner_clients: BTreeSet::from_iter(partner_clients).into_iter().filter(is_known).collect(),
            unknown: existing.unknown.iter().cloned().collect(),
            to_object_type: to_type.clone(),
            options: self.options.clone(),
        };
        Ok(Plan::new(made, &existing.there, wanted))
    }
}
