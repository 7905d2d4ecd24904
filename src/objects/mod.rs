//! Objects of any type: finding their ids by what people know of them.
#![cfg(feature = "client")]

mod attribution;
mod lookup;
mod resolve;
mod resolved;

pub use self::{resolve::Resolve, resolved::Resolved};
