//! The first pass through a file, before anything is sent.

use std::path::Path;

use hubspot_partner_clients::{AssociationType, ObjectId, ObjectType, PartnerClientId};

use super::{problems::Problems, rows::Rows};
use crate::failure::Failure;

/// What is known of a file that can be sent.
pub(crate) struct Checked {
    pub(crate) rows: u64,
    /// The SHA-256 of its content.
    pub(crate) digest: String,
}

/// After so many rows, whoever waits for a signal has a turn.
const AT_A_TIME: u64 = 1_000;

/// Checks all of a file; with `to_type`, which other objects may have no other type.
pub(crate) async fn check(path: &Path, to_type: Option<&str>) -> Result<Checked, Failure> {
    let mut rows = Rows::open(path)?;
    let (mut problems, mut count) = (Problems::default(), 0);
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
        let [partner_client, rows_type, to_id, association_type] = rows.values();
        let refusals = [
            PartnerClientId::new(partner_client).err(),
            ObjectType::new(rows_type).err(),
            ObjectId::new(to_id).err(),
            AssociationType::new(association_type).err(),
        ];
        for (value, refusal) in refusals.iter().enumerate() {
            if let Some(refusal) = refusal {
                problems.add(rows.problem(value, refusal.message().to_owned()));
            }
        }
        // Taken for another type, a row would have its association removed.
        if let Some(expected) = to_type.filter(|expected| !expected.eq_ignore_ascii_case(rows_type)) {
            problems.add(rows.problem(1, format!("the object type must be {expected}, as --to-type says")));
        }
    }
    problems.check(path)?;
    Ok(Checked { rows: count, digest: rows.digest() })
}
