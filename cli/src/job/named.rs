//! The name of a job, and the commands that people are told to give for it.

use std::fmt;

use super::arguments::{Arguments, PREFIX};
use crate::{
    command_line::{self, NAME},
    target::Target,
};

/// A job, with the options by which this command has found it.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    options: String,
}

impl<'a> Named<'a> {
    pub(super) fn new(name: &'a str, arguments: &Arguments, target: &Target) -> Self {
        let prefix = Some(&*arguments.redis_prefix).filter(|prefix| *prefix != PREFIX);
        let options = command_line::options(&[("--redis", arguments.redis.as_deref()), ("--redis-prefix", prefix)]);
        Self { name, options: options + &target.options() }
    }

    /// A command of `job`, as it is typed.
    pub(super) fn command(&self, command: &str) -> String {
        let (name, options) = (command_line::quoted(self.name), &self.options);
        if self.name.starts_with('-') {
            return format!("`{NAME} job {command}{options} -- {name}`");
        }
        format!("`{NAME} job {command} {name}{options}`")
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
