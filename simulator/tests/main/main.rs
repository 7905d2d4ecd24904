//! What the simulator promises, seen from outside by plain HTTP.

mod association_batches;
mod batches;
mod fault_choice;
mod faults;
mod limits;
mod oauth;
mod objects;
mod search;
