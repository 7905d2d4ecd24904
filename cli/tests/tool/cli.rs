//! Running the command-line tool.
#![allow(dead_code)]

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use hubspot_simulator::Simulator;
use serde_json::Value;

/// What a run of the tool came to.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    /// The lines of standard error that name the account; `err` is the rest.
    pub account: String,
}

impl Ran {
    /// The lines of JSON on standard output.
    pub fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The error on standard error, after the warnings.
    pub fn error(&self) -> Value {
        serde_json::from_str::<Value>(self.err.lines().last().unwrap_or_default())
            .unwrap_or_else(|e| panic!("{e}: {}", self.err))["error"]
            .take()
    }
}

/// The tool, with nothing from this process's environment that it looks at. A signal that this process ignores, as those
/// that a script runs in the background ignore `SIGINT`, is heeded by the tool.
pub fn tool(arguments: &[&str]) -> Command {
    let tool = env!("CARGO_BIN_EXE_hubspot-partner-clients");
    let mut command = Command::new(if ignores_signals() { "env" } else { tool });
    if ignores_signals() {
        command.args(["--default-signal=INT,QUIT,TERM", tool]);
    }
    command
        .args(arguments)
        .env_remove("HUBSPOT_ACCESS_TOKEN")
        .env_remove("HUBSPOT_BASE_URL")
        .env_remove("HUBSPOT_API_VERSION")
        .stdin(Stdio::null());
    command
}

/// Whether this process ignores INT (2), QUIT (3) or TERM (15). Where there is no `/proc`, it does not.
fn ignores_signals() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << 1 | 1 << 2 | 1 << 14) != 0)
}

/// The tool against a simulator, by the environment.
pub fn tool_at(simulator: &Simulator, arguments: &[&str]) -> Command {
    let mut command = tool(arguments);
    command.env("HUBSPOT_ACCESS_TOKEN", simulator.access_token()).env("HUBSPOT_BASE_URL", simulator.base_url());
    command
}

pub fn run(mut command: Command) -> Ran {
    ran(command.output().unwrap())
}

pub fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let told = text(output.stderr);
    let (account, err) = told.split_inclusive('\n').partition(|line| names_account(line));
    Ran { code: output.status.code(), out: text(output.stdout), err, account }
}

pub fn names_account(line: &str) -> bool {
    line.starts_with("Account ") || line.starts_with("{\"account\":")
}

/// How many requests a simulator got beside those for the account.
pub fn sent(hubspot: &Simulator) -> usize {
    hubspot.requests().iter().filter(|request| !request.path().starts_with("/account-info/")).count()
}

/// Runs the tool against a simulator. Its token must not show, nor anything that a terminal would take for a command.
pub fn run_at(simulator: &Simulator, arguments: &[&str]) -> Ran {
    let ran = run(tool_at(simulator, arguments));
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains(simulator.access_token()), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
    ran
}

/// A path as an argument.
pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The same command, run by another that is given its program and arguments.
pub fn through(wrapper: &[&str], command: &Command) -> Command {
    let [program, arguments @ ..] = wrapper else { panic!("a wrapper is a command") };
    let mut wrapped = Command::new(program);
    wrapped.args(arguments).arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped
}

/// Runs the tool with its output or its errors led somewhere by a shell.
pub fn led(command: &Command, to: &str) -> Ran {
    run(through(&["/bin/sh", "-c", &format!("exec \"$@\" {to}"), "sh"], command))
}

/// Runs the tool with more arguments, as they are typed in the system's shell.
#[cfg(unix)]
pub fn in_a_shell(command: &Command, arguments: &str) -> Ran {
    run(through(&["/bin/sh", "-c", &format!("\"$@\" {arguments}"), "sh"], command))
}

#[cfg(windows)]
pub fn in_a_shell(command: &Command, arguments: &str) -> Ran {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    shell.raw_arg(format!("/S /C \"\"{}\" {arguments}\"", command.get_program().to_str().unwrap()));
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(shell)
}

pub fn begin(mut command: Command) -> Child {
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        // A console of its own, without a window. What is interrupted on Windows is all that is on a console.
        command.creation_flags(0x0800_0000);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The signal after which a tool ends with 143.
pub const END: &str = if cfg!(windows) { "CLOSE" } else { "TERM" };

#[cfg(unix)]
pub fn signal(pid: u32, signal: &str) {
    // The shell has `kill` itself; not every system has a program of that name.
    let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{signal} {pid}")]).stderr(Stdio::null()).status();
    assert!(sent.unwrap().success());
}

/// `INT` for Ctrl-C, `BREAK` for Ctrl-Break, `CLOSE` for a window that is closed. A program in C sends them, which
/// `tests/windows/run` builds.
#[cfg(windows)]
pub fn signal(pid: u32, signal: &str) {
    let program =
        std::env::var_os("INTERRUPT").expect("this test needs tests/windows/interrupt.c, built, as INTERRUPT");
    let sent = Command::new(program).args([signal, &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

pub fn wait_for_requests(hubspot: &Simulator, requests: usize) {
    while sent(hubspot) < requests {
        sleep(Duration::from_millis(5));
    }
}
