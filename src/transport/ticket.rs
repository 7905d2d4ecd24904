//! Permits that are released whatever becomes of the call.

use crate::{
    error::Result,
    rate_limit::limiter::{Permit, PermitUsage, RateLimiter},
    task::guard,
};

/// Holds a permit and releases it whatever happens: a call that is dropped has sent its request, perhaps.
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
    pub(super) fn release(mut self, usage: &PermitUsage) -> Result<()> {
        match self.permit.take() {
            Some(permit) => guard("the rate limiter", || self.limiter.release(permit, usage)),
            None => Ok(()),
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            let usage = if self.sent { PermitUsage::NoResponse } else { PermitUsage::NotSent };
            // The call has ended, so nobody is left to hear of a panic.
            let _ = guard("the rate limiter", || self.limiter.release(permit, &usage));
        }
    }
}
