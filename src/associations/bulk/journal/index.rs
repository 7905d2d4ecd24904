//! Index of the inputs that a journal has recorded, in eight bytes each.

use std::collections::TryReserveError;

/// What became of an input: made, with its digest, or failed, with where in the file that stands.
#[derive(Clone, Copy)]
pub(super) enum What {
    Made(u64),
    Failed(u64),
}

/// What became of each input, by index, in eight bytes: 0 for one that is not recorded, the digest's upper 63 bits for one
/// that was made, and an offset with the highest bit set for one that failed.
#[derive(Default)]
pub(super) struct Index {
    pub(super) slots: Vec<u64>,
    pub(super) count: u64,
}

const FAILED: u64 = 1 << 63;

pub(super) fn short(digest: u64) -> u64 {
    (digest >> 1).max(1)
}

impl Index {
    pub(super) fn get(&self, index: u64) -> Option<What> {
        match *self.slots.get(usize::try_from(index).ok()?)? {
            0 => None,
            slot if slot & FAILED == 0 => Some(What::Made(slot)),
            slot => Some(What::Failed(slot & !FAILED)),
        }
    }

    /// Forgets an input that was made.
    pub(super) fn forget_made(&mut self, index: u64) {
        let Some(What::Made(_)) = self.get(index) else { return };
        if let Some(slot) = usize::try_from(index).ok().and_then(|index| self.slots.get_mut(index)) {
            *slot = 0;
            self.count -= 1;
        }
    }

    pub(super) fn insert(&mut self, index: u64, what: What) -> std::result::Result<(), TryReserveError> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if index >= self.slots.len() {
            let more = (index - self.slots.len()).saturating_add(1);
            self.slots.try_reserve(more)?;
            self.slots.resize(index + 1, 0);
        }
        if let Some(slot) = self.slots.get_mut(index) {
            self.count += u64::from(*slot == 0);
            *slot = match what {
                What::Made(digest) => short(digest),
                What::Failed(offset) => offset | FAILED,
            };
        }
        Ok(())
    }
}
