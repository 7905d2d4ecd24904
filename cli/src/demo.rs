//! The command `demo`: what the tool does, shown in a simulated HubSpot.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use clap::Parser;
use hubspot_partner_clients::simulator::Fault;

use crate::{
    arguments::Arguments, bulk::COLUMNS, command_line::NAME, exit::Code, failure::Failure, output::Output,
    signals::Signals, simulated, target::Target,
};

const ASSOCIATION: [&str; 4] = ["512", "companies", "9001", "partner_client_to_company"];
const ROWS: u32 = 60;
/// About as fast as HubSpot, so that there is something to see.
const LATENCY: Duration = Duration::from_millis(60);

pub(super) async fn run(given: &Target, signals: &Signals, output: &mut Output) -> Result<Code, Failure> {
    if output.json || output.csv {
        return Err(Failure::usage("demo shows what people see, so it cannot print JSON or CSV"));
    }
    let simulator = simulated::hubspot().fault(Fault::delay(LATENCY)).start().await;
    let simulator = simulator.map_err(|error| Failure::io("the simulator cannot start", &error))?;
    let target = given.to_simulator(&simulator)?;
    let folder = Folder::new().map_err(|error| Failure::io("a folder for the demo cannot be created", &error))?;
    let file = folder.0.join("rows.csv");
    fs::write(&file, rows())
        .map_err(|error| Failure::io(format_args!("{} cannot be written", file.display()), &error))?;

    output.line(format_args!(
        "This demo talks to a simulated HubSpot in this process. It needs no account and no token."
    ))?;
    let [partner_client, to_type, to_id, association_type] = ASSOCIATION;
    let wrong = ["associate", partner_client, to_type, to_id, "partner_client_to_compny"];
    let many = file.display().to_string();
    let steps: [(&str, &[&str]); 4] = [
        ("Associate a partner client with a company", &["associate", partner_client, to_type, to_id, association_type]),
        ("List its associations", &["associations", partner_client, to_type]),
        ("An association type that does not exist is refused", &wrong),
        ("Associate the rows of a CSV file, one of which is wrong", &["associate-many", &many, "--strategy", "single"]),
    ];
    for (what, arguments) in steps {
        output.line(format_args!("\n# {what}\n$ {NAME} {}", arguments.join(" ")))?;
        output.flush()?;
        step(arguments, &target, signals, output).await?;
    }
    let tool = tool();
    output.line(format_args!("\n# Try next"))?;
    for next in ["list --limit 5 --simulator", "types companies --simulator", "associate-many --help"] {
        output.line(format_args!("$ {tool} {next}"))?;
    }
    Ok(Code::Success)
}

/// Runs the tool with these arguments. A failure is printed, and the demo goes on.
async fn step(arguments: &[&str], target: &Target, signals: &Signals, output: &mut Output) -> Result<(), Failure> {
    let arguments = Arguments::try_parse_from([&[NAME], arguments].concat());
    let command = arguments.map_err(|error| Failure::usage(error.to_string()))?.command;
    let done = Box::pin(crate::dispatch(command, target, signals, output)).await;
    output.flush()?;
    match done {
        Err(failure) if failure.ends_the_tool() => Err(failure),
        Err(failure) => {
            failure.report(false);
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

/// A file whose last row names a company that does not exist.
fn rows() -> String {
    let [_, to_type, to_id, association_type] = ASSOCIATION;
    let row = |row: u32| {
        let to_id = if row < ROWS { to_id } else { "9999" };
        format!("{},{to_type},{to_id},{association_type}\n", simulated::FIRST + row - 1)
    };
    COLUMNS.join(",") + "\n" + &(1..=ROWS).map(row).collect::<String>()
}

/// How the tool is called here: `cargo run` sets variables that no shell has.
fn tool() -> &'static str {
    if env::var_os("CARGO_MANIFEST_DIR").is_some() { "cargo run --" } else { NAME }
}

/// A folder for this run alone, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("{NAME}-demo-{}", process::id()));
        // One that is there already is somebody else's.
        create(&path)?;
        Ok(Self(path))
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// The folder for temporary files is each user's own on Windows.
#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
