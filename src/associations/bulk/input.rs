//! Inputs of a bulk run.

use crate::{
    association::Association,
    error::{Error, Result},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId},
};

/// An input of a bulk run: an [`Association`], and a value of your own that comes back with its
/// [`Outcome`](super::Outcome).
///
/// You need not name this type, because it is created from what you give a run:
///
/// | from | |
/// |---|---|
/// | `Association`, `&Association` | |
/// | `Result<Association>` | what [`Association::new`] returns; its error becomes the outcome of the input |
/// | `(partner_client, (to_object_type, to_object_id), association_type)` | the same, as a tuple |
/// | `(any of these, value)` | with a value, such as a row or its number |
///
/// ```no_run
/// # async fn run(client: hubspot_partner_clients::Client, rows: Vec<(u64, u64)>) {
/// use futures_util::StreamExt;
/// use hubspot_partner_clients::Association;
///
/// let inputs = rows.into_iter().enumerate().map(
///     |(line, (client, company))| {
///         let association = Association::new(
///             client,
///             "companies",
///             company,
///             "partner_client_to_company",
///         );
///         (association, line)
///     },
/// );
/// let mut outcomes = client
///     .associate_many(inputs)
///     .as_they_come()
///     .outcomes();
/// while let Some(outcome) = outcomes.next().await {
///     let line = outcome.value;
///     println!("line {line}: {:?}", outcome.result);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input<T = ()> {
    pub(crate) association: Result<Association>,
    pub(crate) value: T,
}

impl From<Association> for Input {
    fn from(association: Association) -> Self {
        Ok(association).into()
    }
}

impl From<&Association> for Input {
    fn from(association: &Association) -> Self {
        Ok(association.clone()).into()
    }
}

impl From<Result<Association>> for Input {
    fn from(association: Result<Association>) -> Self {
        Self { association, value: () }
    }
}

/// The partner client, the other object as type and id, the association type.
impl<P, T, I, A> From<(P, (T, I), A)> for Input
where
    P: TryInto<PartnerClientId, Error: Into<Error>>,
    T: TryInto<ObjectType, Error: Into<Error>>,
    I: TryInto<ObjectId, Error: Into<Error>>,
    A: TryInto<AssociationType, Error: Into<Error>>,
{
    fn from(association: (P, (T, I), A)) -> Self {
        Association::try_from(association).into()
    }
}

/// An input, and the value that rides along.
impl<A: Into<Input>, T> From<(A, T)> for Input<T> {
    fn from((association, value): (A, T)) -> Self {
        Self { association: association.into().association, value }
    }
}
