//! Associations of partner clients with other objects: single calls, their types, what a read object
//! brings along, any number at once, and plans that bring them in line with a desired list.
#![cfg(feature = "client")]

pub(crate) mod associate;
pub mod bulk;
pub(crate) mod included;
pub(crate) mod list;
pub mod reconcile;
pub(crate) mod types;

pub use self::{
    associate::{Associate, Dissociate, WithTarget, WithType},
    included::AssociatedObject,
    list::ListAssociations,
    types::AssociationTypes,
};
pub use crate::generated::types::{AssociatedId, AssociationDefinition, AssociationsPage};
