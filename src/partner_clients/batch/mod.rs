//! Batches of partner clients, a hundred to a request: reading and updating any number of them, and the errors inside
//! the response to a batch.

mod read;
mod update;

pub use self::{
    read::BatchRead,
    update::{BatchUpdate, Update},
};
use crate::{error::Error, generated::types, partner_clients::PartnerClient, transport::call_meta::CallMeta};

const MAX_INPUTS: usize = 100;

/// What an answered object was asked for by: its id, or its value of a property, if the response has that.
fn key<'a>(object: &'a PartnerClient, id_property: Option<&str>) -> Option<&'a str> {
    match id_property {
        Some(name) => object.property(name),
        None => Some(&object.id),
    }
}

/// A value as HubSpot compares it: it may answer with the value that it keeps, such as an e-mail address in lower case.
pub(crate) fn folded(value: &str) -> String {
    value.trim().to_lowercase()
}

/// The errors inside an answered batch.
pub(crate) struct Errors<'a> {
    operation: &'static str,
    errors: &'a [types::StandardError],
    meta: &'a CallMeta,
    /// Whether an error without names is about all inputs without a result.
    common: bool,
}

impl<'a> Errors<'a> {
    /// The errors of a response that leaves so many inputs open.
    pub(crate) fn new(
        operation: &'static str,
        response: &'a types::BatchResponseSimplePublicObjectWithErrors,
        meta: &'a CallMeta,
        open: usize,
    ) -> Self {
        let counted = response.num_errors.and_then(|errors| usize::try_from(errors).ok());
        Self { operation, errors: &response.errors, meta, common: open == 1 || counted == Some(open) }
    }

    /// The error of one input: that which names it, or the only one there is, if it can be meant.
    pub(crate) fn of(&self, id: &str, trace: Option<&str>) -> Error {
        self.naming(id, trace).unwrap_or_else(|| {
            let error = match self.errors {
                [error] if self.common => Error::in_batch(error),
                _ => Error::no_outcome(),
            };
            error.in_call(self.operation, self.meta, false)
        })
    }

    /// The error that names an id in any case.
    pub(crate) fn naming_in_any_case(&self, id: &str) -> Option<Error> {
        let wanted = folded(id);
        self.find(|error| names(error, |value| folded(value) == wanted))
    }

    /// The error that names an input.
    pub(crate) fn naming(&self, id: &str, trace: Option<&str>) -> Option<Error> {
        let is_traced = |error: &types::StandardError| {
            let traces = error.context.get("objectWriteTraceId");
            trace.is_some_and(|trace| traces.is_some_and(|traces| traces.iter().any(|value| value == trace)))
        };
        self.find(|error| is_traced(error) || names(error, |value| value == id))
    }

    fn find(&self, is_meant: impl Fn(&types::StandardError) -> bool) -> Option<Error> {
        let error = self.errors.iter().find(|error| is_meant(error))?;
        Some(Error::in_batch(error).in_call(self.operation, self.meta, false))
    }
}

/// Whether an error names an id of which this is true.
fn names(error: &types::StandardError, is_meant: impl Fn(&str) -> bool) -> bool {
    let ids = ["ids", "id"].into_iter().filter_map(|name| error.context.get(name)).flatten();
    ids.chain(&error.id).any(|id| is_meant(id))
}
