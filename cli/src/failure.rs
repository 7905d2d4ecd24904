//! The failures that end the tool.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use hubspot_partner_clients::{Error, ErrorKind};
use indicatif::HumanCount;
use serde_json::{Map, Value, json};

use crate::{
    command_line::NAME,
    exit::{Code, Signal},
    printable::{printable, printable_lines, to_line},
};

/// What is wrong, and what to do about it.
#[derive(Debug, Clone)]
pub(super) struct Failure(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    kind: &'static str,
    message: String,
    remedy: Option<String>,
    /// More of it, for programs; `message` has it for people.
    details: Map<String, Value>,
}

impl Failure {
    fn new(code: Code, kind: &'static str, message: impl Into<String>, remedy: Option<String>) -> Self {
        Self(Box::new(Inner { code, kind, message: message.into(), remedy, details: Map::new() }))
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, "usage", message, None)
    }

    /// A file that cannot be used.
    pub(super) fn file(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Code::Usage, "file", message, Some(remedy.into()))
    }

    /// An object that is not there, or is there several times.
    pub(super) fn unresolved(message: impl Into<String>) -> Self {
        Self::new(Code::Refused, "unresolved", message, Some("Nothing was changed.".to_owned()))
    }

    /// The token of another account.
    pub(super) fn account(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Code::Usage, "account", message, Some(remedy.into()))
    }

    /// A journal that cannot be gone on with, as the library's own refusals are.
    pub(super) fn journal(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Code::Usage, "journal", message, Some(remedy.into()))
    }

    pub(super) fn token(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Code::Token, "token", message, Some(remedy.into()))
    }

    pub(super) fn io(what: impl Display, error: &io::Error) -> Self {
        Self::new(Code::Usage, "io", format!("{what}: {error}"), None)
    }

    /// A job that has batches which failed until nobody tried again.
    #[cfg(feature = "redis")]
    pub(super) fn set_aside(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Code::Network, "set_aside", message, Some(remedy.into()))
    }

    /// A job that is finished, with rows that failed.
    #[cfg(feature = "redis")]
    pub(super) fn rows(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Code::Refused, "rows", message, Some(remedy.into()))
    }

    /// A run that a signal ended. `state` says how far it had come.
    pub(super) fn interrupted(signal: Signal, state: impl Display, remedy: Option<String>) -> Self {
        let name = signal.name();
        let state = Some(state.to_string()).filter(|state| !state.is_empty());
        let message = state.map_or(format!("interrupted by {name}"), |state| format!("interrupted by {name}: {state}"));
        Self::new(signal.code(), "interrupted", message, remedy).with_detail("signal", json!(name))
    }

    /// Standard output takes no more.
    pub(super) fn output(error: &io::Error) -> Self {
        let code = if error.kind() == io::ErrorKind::BrokenPipe { Code::ClosedPipe } else { Code::Usage };
        Self::new(code, "output", format!("the output cannot be written: {error}"), None)
    }

    pub(super) fn with_detail(mut self, name: &str, value: Value) -> Self {
        self.0.details.insert(name.to_owned(), value);
        self
    }

    /// The same message, with the kind, the code and the remedy of HubSpot's error.
    pub(super) fn caused_by(self, error: &Error) -> Self {
        let (mut inner, cause) = (self.0, *Self::from(error.clone()).0);
        (inner.code, inner.kind, inner.remedy) = (cause.code, cause.kind, cause.remedy);
        inner.details.extend(cause.details);
        Self(inner).and_then_do("Nothing was sent.")
    }

    /// Says more of what to do.
    pub(super) fn and_then_do(mut self, hint: &str) -> Self {
        self.0.remedy = Some(self.0.remedy.map_or_else(|| hint.to_owned(), |remedy| format!("{remedy}\n{hint}")));
        self
    }

    /// Whether nothing more is to be done or said: by a signal, or because nobody reads the output.
    pub(super) fn ends_the_tool(&self) -> bool {
        matches!(self.0.kind, "interrupted" | "output")
    }

    pub(super) fn message(&self) -> &str {
        &self.0.message
    }

    /// Prints it on standard error.
    pub(super) fn report(&self, json: bool) -> ExitCode {
        let Inner { code, kind, message, remedy, details } = &*self.0;
        if *code == Code::ClosedPipe {
            // As with tools that the signal ends: whoever closed the pipe knows.
        } else if json {
            let mut error = details.clone();
            error.insert("kind".to_owned(), json!(kind));
            error.insert("message".to_owned(), json!(message.trim_end()));
            error.insert("remedy".to_owned(), json!(remedy));
            write_to_stderr(&to_line(&json!({ "error": error })));
        } else {
            write_to_stderr(&format!("error: {}\n", printable_lines(message.trim_end())));
            if let Some(remedy) = remedy {
                write_to_stderr(&format!("what to do: {}\n", printable_lines(remedy)));
            }
        }
        (*code).into()
    }
}

/// Says on standard error what does not end the tool: its `kind`, its `message`, and more for programs.
pub(super) fn warn(warning: Value, json: bool) {
    if json {
        write_to_stderr(&to_line(&json!({ "warning": warning })));
    } else if let Some(message) = warning.get("message").and_then(Value::as_str) {
        write_to_stderr(&format!("warning: {}\n", printable(message)));
    }
}

/// Says on standard error what is missing from the output.
pub(super) fn warn_left_out(left_out: usize, json: bool) {
    let entries = match left_out {
        0 => return,
        1 => "1 entry in HubSpot's responses could not be read and is left out".to_owned(),
        n => format!("{} entries in HubSpot's responses could not be read and are left out", HumanCount(n as u64)),
    };
    warn(json!({ "kind": "left_out", "message": entries, "count": left_out }), json);
}

/// Writes to standard error. If that fails, the exit code still says what happened.
pub(super) fn write_to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (message, remedy) = told(&error);
        let mut failure = Self::new(Code::from(&error), error.kind().as_str(), message, Some(remedy));
        failure.0.details = details(&error);
        if matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::MissingScope | ErrorKind::Forbidden) {
            return failure
                .and_then_do(&format!("`{NAME} doctor` shows the token's account and what the token may do."));
        }
        failure
    }
}

/// What is wrong, and what to do about it.
pub(super) fn told(error: &Error) -> (String, String) {
    (printable(&for_tool(&error.to_string())), for_tool(&error.remedy()))
}

/// What an error says, and its correlation id, as cells of a table; both are empty where there is none.
pub(super) fn cells(error: Option<&Error>) -> [String; 2] {
    let correlation_id = error.and_then(Error::correlation_id).map(ToString::to_string);
    [error.map(ToString::to_string), correlation_id].map(|cell| printable(&cell.unwrap_or_default()))
}

/// An error for programs.
pub(super) fn to_json(error: &Error) -> Value {
    let mut json = details(error);
    json.insert("kind".to_owned(), json!(error.kind().as_str()));
    json.insert("message".to_owned(), json!(for_tool(error.message())));
    json.insert("remedy".to_owned(), json!(for_tool(&error.remedy())));
    Value::Object(json)
}

/// What the library advises a program to call, and what a user of the tool can do instead.
const INSTEAD: [(&str, &str); 12] = [
    ("`skip_unknown`", "--skip-unknown"),
    ("`max_removals`", "--max-removals"),
    ("set including_labels if", "add --including-labels if"),
    ("`association_types` lists", "the command `types` lists"),
    ("trust its certificate with `root_certificates`", "add its certificate to those that the system trusts"),
    (" or smaller pages, or raise max_response_bytes", ""),
    ("; to read such a response, raise max_response_bytes", ""),
    ("the token goes into access_token", "the token goes into HUBSPOT_ACCESS_TOKEN"),
    (", or use batch_read", ""),
    ("`Job::retry`", "`job retry`"),
    (
        "name the account that the token belongs to",
        "try again, for HubSpot did not tell which account the token is for",
    ),
    (", or allow_insecure_http for a proxy on a private network", ""),
];

pub(super) fn for_tool(text: &str) -> String {
    INSTEAD.iter().fold(text.to_owned(), |text, (library, tool)| text.replace(library, tool))
}

/// How many of the values that HubSpot names are shown, and how much of each.
const MAX_NAMED: usize = 10;
const MAX_CHARS: usize = 256;

fn details(error: &Error) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("status".to_owned(), json!(error.status()));
    details.insert("category".to_owned(), json!(error.category()));
    details.insert("correlationId".to_owned(), json!(error.correlation_id().map(ToString::to_string)));
    if !error.required_scopes().is_empty() {
        details.insert("requiredScopes".to_owned(), json!(error.required_scopes()));
    }
    let few = |texts: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        texts.take(MAX_NAMED).map(|text| text.chars().take(MAX_CHARS).collect()).collect()
    };
    let context = error.context().iter().take(MAX_NAMED);
    let context: Map<_, _> =
        context.map(|(name, values)| (name.clone(), json!(few(&mut values.iter().map(String::as_str))))).collect();
    if !context.is_empty() {
        details.insert("context".to_owned(), Value::Object(context));
    }
    let errors = few(&mut error.details().iter().filter_map(|detail| detail.message.as_deref()));
    if !errors.is_empty() {
        details.insert("errors".to_owned(), json!(errors));
    }
    details
}
