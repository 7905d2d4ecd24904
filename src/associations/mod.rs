//! Associations of partner clients with other objects: single calls, association types, the associations in a partner
//! client that was read, bulk runs, and plans that bring associations in line with a desired list.
#![cfg(feature = "client")]

// The documentation lists their calls in this order.
pub(crate) mod associate;
pub(crate) mod dissociate;

pub(crate) mod associated;
pub mod bulk;
mod held;
pub(crate) mod included;
pub(crate) mod list;
mod listing;
pub(crate) mod pair;
mod pair_v3;
mod read_errors;
pub mod reconcile;
pub(crate) mod resolve;
pub(crate) mod steps;
pub(crate) mod types;

pub use self::{
    associate::{Associate, AssociateThenGet},
    associated::Associated,
    dissociate::{Dissociate, DissociateAll},
    included::AssociatedObject,
    list::ListAssociations,
    steps::{WithTarget, WithType},
    types::{AssociationDefinition, AssociationTypes},
};
pub use crate::generated::types::{AssociatedId, AssociationsPage};
