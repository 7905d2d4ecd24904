//! What HubSpot has of the rows of a file, read before a run.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use hubspot_partner_clients::{
    Association, AssociationType, Client, Error, ErrorKind, PartnerClientId, reconcile::Plan,
};

use super::{check::Checked, input::Input, rows::Rows};
use crate::failure::Failure;

/// The association types of a file by their object type and by how the rows spell them: the text by which HubSpot lists each,
/// or what is wrong with it.
#[derive(Default)]
pub(super) struct Types(HashMap<(String, String), Result<AssociationType, Error>>);

impl Types {
    /// The association of the row that `rows` stands at, as HubSpot lists it.
    pub(super) fn association(&self, rows: &Rows) -> Result<Association, Error> {
        let [partner_client, to_type, to_id, given] = rows.values();
        let to_type = to_type.to_lowercase();
        match self.0.get(&(to_type.clone(), given.to_owned())) {
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(listed)) => Association::new(partner_client, to_type, to_id, listed.clone()),
            None => Association::new(partner_client, to_type, to_id, given),
        }
    }

    async fn ask(&mut self, client: &Client, rows: &Rows) -> Result<(), Failure> {
        let [_, to_type, _, given] = rows.values();
        let to_type = to_type.to_lowercase();
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
