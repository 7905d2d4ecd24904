//! The rows of a file as inputs of a bulk call.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use hubspot_partner_clients::{Association, Error};

use super::{super::failure::Failure, input::Input, rows::Rows};

/// The rows as inputs, as they were checked and as many.
pub(crate) struct Inputs {
    rows: Rows,
    left: u64,
    /// Ends them early.
    pub(super) no_more: Arc<AtomicBool>,
    /// Why they have ended, or why there is more than was checked.
    pub(super) trouble: Arc<OnceLock<Failure>>,
}

impl Inputs {
    pub(crate) fn open(input: &Input, rows: u64) -> Result<Self, Failure> {
        Ok(Self { rows: Rows::open(input)?, left: rows, no_more: Arc::default(), trouble: Arc::default() })
    }

    /// Reads what is behind the last of them.
    ///
    /// # Errors
    /// Where not all were taken, or the file is no longer what was checked.
    #[cfg(feature = "redis")]
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        let more = self.next();
        match self.trouble.get() {
            Some(trouble) => Err(trouble.clone()),
            None if more.is_some() => Err(self.rows.changed()),
            None => Ok(()),
        }
    }
}

impl Iterator for Inputs {
    type Item = Result<Association, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.no_more.load(Ordering::Relaxed) || self.trouble.get().is_some() {
            return None;
        }
        let is_end = self.left == 0;
        match self.rows.advance() {
            Ok(Ok(true)) if !is_end => {
                self.left -= 1;
                let [partner_client, to_type, to_id, association_type] = self.rows.values();
                return Some(Association::new(partner_client, to_type, to_id, association_type));
            }
            Ok(Ok(false)) if is_end => {}
            Ok(_) => drop(self.trouble.set(self.rows.changed())),
            Err(failure) => drop(self.trouble.set(failure)),
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}
