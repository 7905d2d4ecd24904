//! What the tool promises, run as a user runs it.

#[cfg(feature = "redis")]
#[path = "../../../tests/support/proxy.rs"]
mod proxy;
#[cfg(feature = "redis")]
#[path = "../../../tests/support/redis.rs"]
mod redis_server;
#[path = "../../../tests/support/mod.rs"]
mod support;

mod accounts;
mod beliefs;
mod bulk;
mod changed;
mod check;
mod cli;
mod commands;
mod completions;
mod container;
mod csv_files;
mod doctor;
mod file_names;
mod first_minute;
mod folder;
mod formats;
mod help;
mod job_hints;
mod jobs;
mod journals;
mod kill;
mod locks;
mod logs;
mod lookups;
mod output_files;
mod partial_undo;
mod progress;
mod questions;
mod recipes;
mod reconcile;
mod reconcile_again;
mod rows;
mod signals;
mod streams;
mod tls;
mod undo;
mod undo_running;
mod versions;
