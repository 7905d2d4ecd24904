//! Where a run remembers what is settled.

use super::{Association, Outcome};
use crate::Result;

/// Remembers outcomes, so that a later run over the same inputs need not send them again.
pub(super) trait Recorder: Send {
    /// The result of an input that was settled before, asked for before anything of it is sent. An error of the recorder's
    /// own is a result as well: the input is then not sent.
    fn settled(&mut self, index: u64, association: &Association) -> Option<Result<()>>;

    /// Takes what has been settled now, each input once, before any of these outcomes is given. Where it fails, its error
    /// takes the place of the results that were good.
    fn record(&mut self, outcomes: &[Outcome]) -> Result<()>;
}
