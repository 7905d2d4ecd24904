//! The first pass through a file, before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use hubspot_partner_clients::{AssociationType, ObjectId, ObjectType, PartnerClientId};

use super::{input::Input, problems::Problems, rows::Rows};
use crate::failure::Failure;

/// The values by which objects are named, by property, by object type.
type Keys = BTreeMap<String, BTreeSet<(String, String)>>;

/// What is known of a file that can be sent.
pub(crate) struct Checked {
    pub(crate) rows: u64,
    /// The SHA-256 of its content.
    pub(crate) digest: String,
    /// The objects that rows name by a property.
    pub(crate) keys: Keys,
}

impl Checked {
    /// How many objects are named by a property.
    pub(super) fn keys_count(&self) -> u64 {
        self.keys.values().map(|keys| keys.len() as u64).sum()
    }
}

/// After so many rows, whoever waits for a signal has a turn.
pub(super) const AT_A_TIME: u64 = 1_000;

/// Checks all of an input.
pub(crate) async fn check(input: &Input) -> Result<Checked, Failure> {
    let mut rows = Rows::open(input)?;
    let (mut problems, mut count, mut keys) = (Problems::default(), 0, Keys::new());
    loop {
        match rows.advance()? {
            Ok(true) => {}
            Ok(false) => break,
            Err(problem) => {
                problems.add(problem);
                break;
            }
        }
        count += 1;
        if count % AT_A_TIME == 0 {
            tokio::task::yield_now().await;
        }
        if let Some(problem) = rows.trouble() {
            problems.add(problem);
            continue;
        }
        let [partner_client, to_type, to_id, association_type] = rows.values();
        let mut refusals = [
            PartnerClientId::new(partner_client).err(),
            ObjectType::new(to_type).err(),
            ObjectId::new(to_id).err(),
            AssociationType::new(association_type).err(),
        ];
        for (part, key) in rows.keys() {
            if let Some(refusal) = refusals.get_mut(part) {
                *refusal = None;
            }
            if key.value.is_empty() {
                problems.add(rows.problem(part, format!("the value of {} is empty", key.property)));
            } else {
                let named = (key.property.into_owned(), key.value.to_owned());
                keys.entry(key.object_type.to_owned()).or_default().insert(named);
            }
        }
        for (value, refusal) in refusals.iter().enumerate() {
            if let Some(refusal) = refusal {
                problems.add(rows.problem(value, refusal.message().to_owned()));
            }
        }
        // Taken for another type, a row would have its association removed.
        for (value, message) in rows.contradictions() {
            problems.add(rows.problem(value, message));
        }
    }
    problems.check(&input.name())?;
    Ok(Checked { rows: count, digest: rows.keep_digests(), keys })
}
