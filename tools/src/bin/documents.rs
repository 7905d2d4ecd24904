//! What becomes of OpenAPI documents, each beside this crate's own: a line for each, and how many generate.
//!
//! ```text
//! cargo run -p tools --bin documents -- [--beside PATH]… [--compile [COUNT]] FOLDER
//! ```
//!
//! FOLDER is searched to any depth for `*.json`. With `--beside`, each is built together with the documents of PATH, such as
//! HubSpot's own of partner clients. With `--compile`, the code of COUNT documents, or of all, is checked by rustc with all
//! features. The exit code is 1 if a document crashes the generator or its code does not compile.

#[path = "../../../codegen/mod.rs"]
#[allow(dead_code)]
mod codegen;
#[path = "../../../codegen/generate.rs"]
mod generate;
#[path = "../../../codegen/trim.rs"]
mod trim;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Mutex,
};

use codegen::description::Description;

const USAGE: &str = "usage: cargo run -p tools --bin documents -- [--beside PATH]... [--compile [COUNT]] FOLDER";
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Makes this program build one document and nothing else, in a process that may crash.
const ONE: &str = "--one";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, paths)) if first == ONE => one(paths.iter().map(PathBuf::from).collect()),
        _ => Options::read(arguments).and_then(|options| table(&options)),
    };
    outcome.unwrap_or_else(|trouble| {
        eprintln!("{trouble}");
        ExitCode::from(2)
    })
}

struct Options {
    folder: PathBuf,
    beside: Vec<PathBuf>,
    compile: usize,
}

impl Options {
    fn read(arguments: Vec<String>) -> Result<Self, String> {
        let (mut folders, mut beside, mut compile) = (Vec::new(), Vec::new(), 0);
        let mut arguments = arguments.into_iter().peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--beside" => beside.push(arguments.next().ok_or(USAGE)?.into()),
                "--compile" => {
                    let count = arguments.peek().and_then(|count| count.parse().ok());
                    compile = count.inspect(|_| drop(arguments.next())).unwrap_or(usize::MAX);
                }
                flag if flag.starts_with('-') => return Err(format!("unknown flag {flag}\n{USAGE}")),
                folder => folders.push(PathBuf::from(folder)),
            }
        }
        match folders.as_slice() {
            [folder] => Ok(Self { folder: folder.clone(), beside, compile }),
            _ => Err(USAGE.to_owned()),
        }
    }

    fn of(&self, document: &Path) -> Vec<PathBuf> {
        std::iter::once(document.to_owned()).chain(self.beside.iter().cloned()).collect()
    }
}

/// What became of a document.
enum Outcome {
    /// How many operations have code beyond those of this crate, and why others have none.
    Generated(usize, Vec<String>),
    /// Why, and what had to be left out before.
    Refused(Vec<String>),
    Crashed(String),
    DoesNotCompile(String),
}

fn table(options: &Options) -> Result<ExitCode, String> {
    let mut documents = Vec::new();
    find(&options.folder, &mut documents)?;
    documents.sort();
    if documents.is_empty() {
        return Err(format!("{} holds no *.json file", options.folder.display()));
    }
    let next = Mutex::new(documents.iter().enumerate());
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((i, document)) = next.lock().ok().and_then(|mut next| next.next()) {
                    let outcome = built(&options.of(document));
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push((i, outcome));
                    }
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().map_err(|error| error.to_string())?;
    outcomes.sort_by_key(|(i, _)| *i);
    let mut outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    let generated: Vec<usize> =
        (0..outcomes.len()).filter(|i| matches!(outcomes[*i], Outcome::Generated(..))).collect();
    // Spread over all of them.
    let step = (generated.len() / options.compile.max(1)).max(1);
    let sample = generated.iter().step_by(step).take(options.compile);
    let mut compiled = 0;
    for &i in sample {
        compiled += 1;
        if let Some(trouble) = rustc(&options.of(&documents[i]))? {
            outcomes[i] = Outcome::DoesNotCompile(trouble);
        }
    }
    let (mut refused, mut crashed, mut broken, mut left_out, mut operations) = (0, 0, 0, 0, 0);
    for (document, outcome) in documents.iter().zip(&outcomes) {
        let name = document.strip_prefix(&options.folder).unwrap_or(document).display();
        match outcome {
            Outcome::Generated(count, reasons) => {
                operations += count;
                left_out += reasons.len();
                println!("{name}: {count} operations, {} left out", reasons.len());
                reasons.iter().for_each(|reason| println!("    {reason}"));
            }
            Outcome::Refused(trouble) => {
                refused += 1;
                println!("{name}: REFUSED: {}", trouble.join("\n    "));
            }
            Outcome::Crashed(trouble) => {
                crashed += 1;
                println!("{name}: CRASHED: {trouble}");
            }
            Outcome::DoesNotCompile(trouble) => {
                broken += 1;
                println!("{name}: DOES NOT COMPILE: {trouble}");
            }
        }
    }
    println!(
        "\n{} documents: {} generate, {refused} refused, {crashed} crash; {operations} operations, {left_out} left out; \
         {} of {compiled} compile",
        documents.len(),
        generated.len(),
        compiled - broken,
    );
    Ok(ExitCode::from(u8::from(crashed + broken > 0)))
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        if path.is_dir() {
            find(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(())
}

/// Builds the documents in a process of its own.
fn built(paths: &[PathBuf]) -> Outcome {
    let program = std::env::current_exe().map(Command::new);
    let output = match program.and_then(|mut program| program.arg(ONE).args(paths).output()) {
        Ok(output) => output,
        Err(error) => return Outcome::Crashed(error.to_string()),
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut lines = out.lines();
    let count = lines.next().and_then(|count| count.parse().ok());
    match (output.status.code(), count) {
        (Some(0), Some(count)) => Outcome::Generated(count, lines.map(str::to_owned).collect()),
        (Some(1), _) => Outcome::Refused(err.lines().map(str::to_owned).collect()),
        _ => Outcome::Crashed(format!("{}: {}", output.status, err.lines().next().unwrap_or_default())),
    }
}

/// As `build.rs` does it: on standard output the number of operations beyond this crate's own, and what is left out; on standard
/// error why it is refused, and what was left out before.
fn one(paths: Vec<PathBuf>) -> Result<ExitCode, String> {
    const STACK: usize = 64 << 20;
    let build = move || {
        let mut warnings = Vec::new();
        let built = build(&paths, &mut warnings);
        (built, warnings)
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(build).map_err(|error| error.to_string())?;
    match thread.join() {
        Ok((Ok((count, left_out)), warnings)) => {
            println!("{count}");
            warnings.iter().for_each(|warning| println!("{warning}"));
            left_out.iter().for_each(|line| println!("{line}"));
            Ok(ExitCode::SUCCESS)
        }
        Ok((Err(trouble), warnings)) => {
            eprintln!("{trouble}");
            // They may say why an operation is not there.
            warnings.iter().for_each(|warning| eprintln!("{warning}"));
            Ok(ExitCode::from(1))
        }
        Err(_) => Ok(ExitCode::from(101)),
    }
}

fn build(paths: &[PathBuf], warnings: &mut Vec<codegen::Problem>) -> Result<(usize, Vec<String>), String> {
    let own = Path::new(ROOT).join("openapi");
    let mut description = Description::new(paths, &own, warnings).map_err(|problem| problem.to_string())?;
    let mut published = description.published();
    codegen::publish::v3(&published);
    codegen::publish::dated_versions(&published);
    codegen::table::rust(&mut description.api, &mut published);
    let api = description.of_the_client().map_err(|problem| problem.to_string())?;
    let (code, left_out) = generate::all(&api)?;
    for text in [&code.client, &code.mock, &code.shapes] {
        syn::parse_file(text).unwrap_or_else(|error| panic!("the generated code is no Rust: {error}"));
    }
    let others = api
        .operations()
        .filter(|(path, method, _)| codegen::operations::Known::find(&method.to_uppercase(), path).is_none());
    let count = others.count() - left_out.len();
    let left_out = left_out.into_iter().map(|(operation, trouble)| format!("{operation}: {trouble}"));
    Ok((count, code.too_deep.into_iter().chain(left_out).collect()))
}

/// What rustc says of the code, all features together; nothing if it compiles.
fn rustc(paths: &[PathBuf]) -> Result<Option<String>, String> {
    let paths: Result<Vec<_>, _> = paths.iter().map(std::path::absolute).collect();
    let paths = paths.and_then(|paths| std::env::join_paths(paths).map_err(std::io::Error::other));
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "check",
            "--quiet",
            "--all-features",
            "-p",
            "hubspot-partner-clients",
            "--lib",
            "--message-format",
            "short",
        ])
        .current_dir(ROOT)
        .env("HUBSPOT_PARTNER_CLIENTS_OPENAPI", paths.map_err(|error| error.to_string())?)
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text.lines().find(|line| line.contains("error")).unwrap_or_default();
    Ok((!output.status.success()).then(|| first.to_owned()))
}
