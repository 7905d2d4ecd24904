//! Permits that are settled whatever becomes of the call.

use crate::{
    error::Result,
    rate_limit::limiter::{Permit, PermitOutcome, RateLimiter},
    task::guard,
};

/// Takes a permit and settles it whatever happens: a call that is dropped has sent its request, perhaps.
pub(super) struct Ticket<'a> {
    limiter: &'a dyn RateLimiter,
    permit: Option<Permit>,
    sent: bool,
}

impl<'a> Ticket<'a> {
    pub(super) fn new(limiter: &'a dyn RateLimiter, permit: Permit) -> Self {
        Self { limiter, permit: Some(permit), sent: false }
    }

    pub(super) fn sending(&mut self) {
        self.sent = true;
    }

    /// # Errors
    /// Where the limiter panics.
    pub(super) fn settle(mut self, outcome: &PermitOutcome) -> Result<()> {
        match self.permit.take() {
            Some(permit) => guard("the rate limiter", || self.limiter.settle(permit, outcome)),
            None => Ok(()),
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            let outcome = if self.sent { PermitOutcome::NoAnswer } else { PermitOutcome::NotSent };
            // The call has ended, so nobody is left to hear of a panic.
            let _ = guard("the rate limiter", || self.limiter.settle(permit, &outcome));
        }
    }
}
