//! The batches in which a run sends the rows of a file.

use std::collections::HashMap;

use hubspot_partner_clients::Association;

use super::{existing::Types, input::Input, rows::Rows};
use crate::failure::Failure;

/// A row and its batch.
pub(super) struct Placed {
    pub(super) line: u64,
    pub(super) association: Association,
    /// The batches are numbered in the order in which those that have a pair of objects in common are sent.
    pub(super) batch: u64,
}

/// The rows of one object type, as it is spelt, that fill no batch yet.
#[derive(Default)]
struct Open {
    first: u64,
    rows: u64,
    /// Those that are looked for.
    placed: Vec<usize>,
}

/// Finds the batches of the rows that are looked for, where a batch takes so many rows at `most` and a run holds so many at
/// `bound`. A batch is full, or has what there is at the end or once a run can take no row before one of them is settled.
pub(super) fn find(
    input: &Input,
    types: &Types,
    most: u64,
    bound: u64,
    is_wanted: impl Fn(&Association) -> bool,
) -> Result<Vec<Placed>, Failure> {
    let mut rows = Rows::open(input)?;
    let (mut placed, mut batches, mut row) = (Vec::<Placed>::new(), 0, 0);
    let mut open = HashMap::<String, Open>::new();
    let mut close = |placed: &mut Vec<Placed>, mut closed: Vec<Open>| {
        closed.sort_by_key(|open| open.first);
        for open in closed {
            for place in open.placed {
                if let Some(placed) = placed.get_mut(place) {
                    placed.batch = batches;
                }
            }
            batches += 1;
        }
    };
    while let Ok(true) = rows.advance()? {
        let [_, to_type, _, _] = rows.values();
        let group = open.entry(to_type.to_owned()).or_insert_with(|| Open { first: row, ..Open::default() });
        row += 1;
        group.rows += 1;
        if let Ok(association) = types.association(&rows)
            && is_wanted(&association)
        {
            group.placed.push(placed.len());
            placed.push(Placed { line: rows.line(), association, batch: 0 });
        }
        if group.rows == most
            && let Some(full) = open.remove(to_type)
        {
            close(&mut placed, vec![full]);
        }
        // Outcomes are given in the order of the rows, so those since the oldest that is not sent are held.
        if open.values().any(|open| row - open.first >= bound) {
            close(&mut placed, open.drain().map(|(_, open)| open).collect());
        }
    }
    close(&mut placed, open.into_values().collect());
    Ok(placed)
}
