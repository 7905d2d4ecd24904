//! Faults that a test injects, and what they do to an answer.

pub(crate) mod fault;
pub(crate) mod parse;
pub(crate) mod strike;
