//! What HubSpot has of the rows of a file, read before a run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry};

use hubspot_partner_clients::{
    Association, AssociationType, Client, Error, ErrorKind, PartnerClientId, bulk::Journal, reconcile::Plan,
};

use super::{change::Change, check::Checked, input::Input, object_types, problems::Problems, rows::Rows};
use crate::failure::{Failure, for_tool};

/// The association types of a file by their object type and by how the rows spell them: the text by which HubSpot lists each,
/// or what is wrong with it.
#[derive(Default)]
pub(super) struct Types(HashMap<(String, String), Result<AssociationType, Error>>);

impl Types {
    /// The association of the row that `rows` stands at, as HubSpot lists it, by one name of its object type.
    pub(super) fn association(&self, rows: &Rows) -> Result<Association, Error> {
        let [partner_client, to_type, to_id, given] = rows.values();
        let to_type = object_types::canonical(to_type);
        match self.0.get(&(to_type.clone(), given.to_owned())) {
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(listed)) => Association::new(partner_client, to_type, to_id, listed.clone()),
            None => Association::new(partner_client, to_type, to_id, given),
        }
    }

    async fn ask(&mut self, client: &Client, rows: &Rows) -> Result<(), Failure> {
        let [_, to_type, _, given] = rows.values();
        let to_type = object_types::canonical(to_type);
        if let Entry::Vacant(entry) = self.0.entry((to_type.clone(), given.to_owned())) {
            entry.insert(canonical(client, &to_type, given).await?);
        }
        Ok(())
    }
}

/// What there is, and what of the file is missing: for each object type a plan to have what the file lists and no more.
pub(super) struct Existing {
    pub(super) types: Types,
    pub(super) plans: Vec<Plan>,
}

impl Existing {
    /// Reads a list of types for each association type, and then a thousand partner clients to a request. Rows whose types or
    /// partner clients HubSpot does not know are in no plan.
    pub(super) async fn read(
        client: &Client,
        input: &Input,
        checked: &Checked,
        account: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut types = Types::default();
        let mut by_type: BTreeMap<String, Vec<Association>> = BTreeMap::new();
        let mut rows = Rows::open(input)?;
        for _ in 0..checked.rows {
            let Ok(true) = rows.advance()? else { break };
            types.ask(client, &rows).await?;
            if let Ok(association) = types.association(&rows) {
                by_type.entry(association.to_object_type.to_string()).or_default().push(association);
            }
        }
        let mut plans = Vec::new();
        for (to_type, associations) in by_type {
            let ids: BTreeSet<_> = associations.iter().map(|known| known.partner_client_id.clone()).collect();
            let reconcile = client.reconcile(ids, to_type, associations).skip_unknown();
            let reconcile = match account {
                Some(account) => reconcile.account(account),
                None => reconcile,
            };
            plans.push(reconcile.plan().await?);
        }
        Ok(Self { types, plans })
    }

    /// Whether each row that is sent is in a plan, so that what a run does with it can be reversed.
    ///
    /// # Errors
    /// The rows that are in none. HubSpot may carry them out all the same.
    pub(super) fn check_sent(&self, input: &Input, journal: Option<&Journal>) -> Result<(), Failure> {
        let mut unknown = HashSet::new();
        for plan in &self.plans {
            unknown.extend(plan.unknown.iter().map(|id| (&plan.to_object_type, id)));
        }
        let (mut problems, mut cause) = (Problems::default(), None);
        let mut rows = Rows::open(input)?;
        let mut indices = 0..;
        while let (Ok(true), Some(index)) = (rows.advance()?, indices.next()) {
            if journal.is_some_and(|journal| journal.is_recorded(index)) {
                continue;
            }
            match self.types.association(&rows) {
                Err(error) if error.is_invalid_input() => problems.add(rows.problem(3, for_tool(error.message()))),
                // HubSpot did not list the types.
                Err(error) => {
                    problems.add(rows.problem(1, for_tool(&error.to_string())));
                    cause.get_or_insert(error);
                }
                Ok(found) if unknown.contains(&(&found.to_object_type, &found.partner_client_id)) => {
                    let message = format!("HubSpot does not know the partner client {}", found.partner_client_id);
                    problems.add(rows.problem(0, message));
                }
                Ok(_) => {}
            }
        }
        problems.check(&input.name()).map_err(|failure| {
            let failure = match &cause {
                Some(error) => failure.caused_by(error),
                None => failure,
            };
            failure.and_then_do(
                "With --undo, a run sends no row that could not be reversed; without it, these are sent as well.",
            )
        })
    }

    /// Has a run send again what the journal records as carried out and HubSpot does not have so: it was reversed since.
    pub(super) fn send_again(&self, change: Change, input: &Input, journal: &mut Journal) -> Result<(), Failure> {
        let mut reversed = HashSet::new();
        for plan in &self.plans {
            let beside_labels: HashSet<_> = plan.beside_labels.iter().collect();
            match change {
                Change::Associate => reversed.extend(plan.add.iter().filter(|change| !beside_labels.contains(change))),
                Change::Dissociate => reversed.extend(plan.keep.iter().chain(beside_labels)),
            }
        }
        let mut rows = Rows::open(input)?;
        let mut index = 0;
        while journal.recorded() > 0 && matches!(rows.advance()?, Ok(true)) {
            if self.types.association(&rows).is_ok_and(|association| reversed.contains(&association)) {
                journal.send_again(index);
            }
            index += 1;
        }
        Ok(())
    }
}

/// The text by which plans know an association type, or what is wrong with it or with its object type.
async fn canonical(client: &Client, to_type: &str, given: &str) -> Result<Result<AssociationType, Error>, Failure> {
    let (nobody, nothing): ([PartnerClientId; 0], [Association; 0]) = Default::default();
    match client.reconcile(nobody, to_type, nothing).only_type(given).plan().await {
        Ok(plan) => Ok(plan.only_types.into_iter().next().map_or_else(|| AssociationType::new(given), Ok)),
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Refused | ErrorKind::NotFound) => {
            Ok(Err(error))
        }
        Err(error) => Err(error.into()),
    }
}
