//! The operations, each as HubSpot answers it, and what several of them have in common.

pub(crate) mod account_info;
pub(crate) mod association_batch;
pub(crate) mod association_page;
pub(crate) mod associations;
pub(crate) mod batch_answer;
pub(crate) mod batch_input;
pub(crate) mod changes;
pub(crate) mod filter;
pub(crate) mod invalid_associations;
pub(crate) mod label_batch;
pub(crate) mod labels;
pub(crate) mod object_batch;
pub(crate) mod objects;
pub(crate) mod path;
pub(crate) mod projection;
pub(crate) mod search;
pub(crate) mod search_request;
pub(crate) mod token_endpoint;
pub(crate) mod token_info;
