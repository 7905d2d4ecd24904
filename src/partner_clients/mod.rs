//! Partner clients: reading, listing, updating and searching them, one by one or in batches, and what these calls
//! share: properties, selections and pages.
#![cfg(feature = "client")]

pub(crate) mod batch;
pub(crate) mod cursor;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod paging;
pub(crate) mod properties;
pub(crate) mod property_value;
pub(crate) mod search;
pub(crate) mod selection;
pub(crate) mod update;

pub use self::{
    batch::{BatchRead, BatchUpdate, Update},
    cursor::Cursor,
    get::GetPartnerClient,
    list::ListPartnerClients,
    paging::{Items, Page, Pages},
    property_value::PropertyValue,
    search::{ChangedSince, Filter, FilterOn, Search, filter},
    update::UpdatePartnerClient,
};
pub use crate::generated::types::{PartnerClient, PartnerClientsPage, SearchPage};
