//! The exit codes of the tool, and the signals that have codes of their own.

use std::process::ExitCode;

use hubspot_partner_clients::{Error, ErrorKind};

/// The exit codes; `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Success = 0,
    Refused = 1,
    Usage = 2,
    Token = 3,
    Network = 4,
    #[cfg(unix)]
    HungUp = 129,
    Interrupted = 130,
    #[cfg(unix)]
    Quit = 131,
    ClosedPipe = 141,
    Terminated = 143,
}

impl Code {
    /// The one that says more of what to do, as `--help` has it.
    pub(crate) fn first(self, other: Self) -> Self {
        let order = [Self::Usage, Self::Token, Self::Network, Self::Refused];
        order.into_iter().find(|code| [self, other].contains(code)).unwrap_or(self)
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl From<&Error> for Code {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::Journal => Self::Usage,
            ErrorKind::Credentials
            | ErrorKind::Token
            | ErrorKind::InvalidGrant
            | ErrorKind::Unauthorized
            | ErrorKind::MissingScope
            | ErrorKind::Forbidden => Self::Token,
            ErrorKind::Limiter | ErrorKind::DailyLimit | ErrorKind::Server => Self::Network,
            // Of none of them HubSpot said that it refuses.
            ErrorKind::Decode
            | ErrorKind::NoOutcome
            | ErrorKind::Redirect
            | ErrorKind::TooLarge
            | ErrorKind::UnknownPath => Self::Network,
            _ if error.is_retryable() => Self::Network,
            _ => Self::Refused,
        }
    }
}

/// A signal that ends the tool. On Windows, closing the window, logging off and shutting down count as [`Terminate`](Self::Terminate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// Ctrl-C, and Ctrl-Break on Windows.
    Interrupt,
    /// The terminal is gone.
    #[cfg(unix)]
    Hangup,
    /// Ctrl-\.
    #[cfg(unix)]
    Quit,
    /// What supervisors send.
    Terminate,
}

impl Signal {
    pub(super) fn code(self) -> Code {
        match self {
            Self::Interrupt => Code::Interrupted,
            #[cfg(unix)]
            Self::Hangup => Code::HungUp,
            #[cfg(unix)]
            Self::Quit => Code::Quit,
            Self::Terminate => Code::Terminated,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            #[cfg(unix)]
            Self::Hangup => "SIGHUP",
            #[cfg(unix)]
            Self::Quit => "SIGQUIT",
            Self::Terminate => "SIGTERM",
        }
    }
}
