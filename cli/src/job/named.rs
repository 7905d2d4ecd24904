//! The name of a job, and the commands that people are told to give for it.

use std::fmt;

use super::arguments::{Arguments, PREFIX};
use crate::command_line::{NAME, quoted};

/// A job, with the options by which this command has found it.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    options: String,
}

impl<'a> Named<'a> {
    pub(super) fn new(name: &'a str, arguments: &Arguments) -> Self {
        let mut options = String::new();
        if let Some(url) = &arguments.redis {
            // One with a password is not printed.
            let url = if url.contains('@') { "URL".to_owned() } else { quoted(url) };
            options.push_str(&format!(" --redis {url}"));
        }
        if arguments.redis_prefix != PREFIX {
            options.push_str(&format!(" --redis-prefix {}", quoted(&arguments.redis_prefix)));
        }
        Self { name, options }
    }

    /// A command of `job`, as it is typed.
    pub(super) fn command(&self, command: &str) -> String {
        format!("`{NAME} job {command} {}{}`", quoted(self.name), self.options)
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::arguments::Command;

    #[test]
    fn a_password_is_not_printed() {
        let redis = Some("redis://:secret@redis.example".to_owned());
        let arguments = Arguments { redis, redis_prefix: PREFIX.to_owned(), command: Command::List };
        let command = Named::new("march", &arguments).command("worker");
        assert_eq!(command, "`hubspot-partner-clients job worker march --redis URL`");
    }
}
