//! What the simulator promises, seen from outside by plain HTTP.

mod accounts;
mod association_batches;
mod batches;
mod control;
mod fault_choice;
mod faults;
mod garbage;
mod label_batches;
mod labels;
mod limits;
mod oauth;
mod object_types;
mod objects;
mod program;
mod search;
mod seeds;
mod support;
mod switches;
mod unique_values;
mod validation;
mod versions;
