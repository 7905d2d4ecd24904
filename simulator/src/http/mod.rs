//! The HTTP side: connections, parameters and bodies of requests, answers, errors, rate limits, and the journal of what
//! crossed the wire.

pub(crate) mod connection;
pub(crate) mod cursor;
pub(crate) mod error;
pub(crate) mod journal;
pub(crate) mod limits;
pub(crate) mod operation;
pub(crate) mod parameters;
pub(crate) mod request_body;
pub(crate) mod response;
pub(crate) mod version;
