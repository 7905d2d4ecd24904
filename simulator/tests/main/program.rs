//! The program, as a shell starts it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubspot-simulator"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A file that ends with the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hubspot-simulator-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A program that serves, and what it printed first.
pub(crate) struct Served {
    child: Child,
    pub(crate) base_url: String,
    pub(crate) token: String,
    log: Option<std::process::ChildStderr>,
}

impl Served {
    pub(crate) fn by(arguments: &[&str]) -> Self {
        let mut child = program(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |name: &str| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(name).unwrap_or_else(|| panic!("{line}")).to_owned()
        };
        let (base_url, token) = (next("HUBSPOT_BASE_URL="), next("HUBSPOT_ACCESS_TOKEN="));
        let log = child.stderr.take();
        Self { child, base_url, token, log }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let request = reqwest::Client::new().get(format!("{}{path}", self.base_url)).bearer_auth(&self.token);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Ends it, and tells what it logged.
    fn log(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let lines = BufReader::new(self.log.take().unwrap());
        lines.lines().map(Result::unwrap).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_prints_where_it_is_and_logs_each_request_but_no_token() {
    let served = Served::by(&["--port", "0"]);
    assert!(served.base_url.starts_with("http://127.0.0.1:"));
    assert_eq!(served.get("/crm/v3/objects/partner_clients/512?properties=name").await.0, 200);
    assert_eq!(served.get("/crm/objects/2026-09/partner_clients/9").await.0, 404);
    assert_eq!(served.get("/__simulator/requests").await.1["requests"].as_array().unwrap().len(), 2);
    let expected = [
        "GET /crm/v3/objects/partner_clients/512 200 token 1",
        "GET /crm/objects/2026-09/partner_clients/9 404 token 1",
    ];
    assert_eq!(served.log(), expected);
}

#[tokio::test]
async fn its_options_do_what_they_say() {
    let seed = File::new("seed.json", r#"{"objects": [{"type": "partner_clients", "id": "7"}]}"#);
    let apps = r#"[{"client_id": "app", "client_secret": "s", "refresh_token": "r", "access_token_lifetime": 60}]"#;
    let apps = File::new("apps.json", apps);
    let served = Served::by(&[
        "--quiet",
        "--seed",
        seed.path(),
        "--oauth",
        apps.path(),
        "--versions=2026-09",
        "--limit",
        "100/10s,50/day",
        "--fault",
        "503:x1:list",
        "--latency",
        "1-2ms",
    ]);
    assert_eq!(served.get("/crm/objects/2026-09/partner_clients/7").await.0, 200);
    assert_eq!(served.get("/crm/v3/objects/partner_clients/7").await.0, 404);
    assert_eq!(served.get("/crm/objects/2026-09/partner_clients").await.0, 503);
    let url = format!("{}/crm/objects/2026-09/partner_clients", served.base_url);
    let response = reqwest::Client::new().get(url).bearer_auth(&served.token).send().await.unwrap();
    assert_eq!(response.headers()["x-hubspot-ratelimit-daily-remaining"], "46");
    let form = [("grant_type", "refresh_token"), ("client_id", "app"), ("client_secret", "s"), ("refresh_token", "r")];
    let url = format!("{}/oauth/2026-09/token", served.base_url);
    let grant: Value = reqwest::Client::new().post(url).form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!(grant["expires_in"], 60);
    assert_eq!(served.log(), [""; 0]);
}

#[tokio::test]
async fn an_account_has_the_seed_limits_apps_and_tokens_that_follow_it() {
    let seed = File::new("other.json", r#"{"objects": [{"type": "partner_clients", "id": "8"}]}"#);
    let arguments =
        ["--limit", "9/10s", "--account", "62515", "--seed", seed.path(), "--limit=1/10s", "--token", "there"];
    let mut child = program(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).take(3);
    let lines: Vec<_> = lines.collect();
    let value = |line: usize, name: &str| lines[line].strip_prefix(name).unwrap().to_owned();
    let (base_url, own) = (value(0, "HUBSPOT_BASE_URL="), value(1, "HUBSPOT_ACCESS_TOKEN="));
    let other = value(2, "HUBSPOT_ACCESS_TOKEN_62515=");
    let status = async |token: &str, id: &str| {
        let url = format!("{base_url}/crm/v3/objects/partner_clients/{id}");
        reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!((status(&own, "512").await, status(&own, "8").await), (200, 404));
    assert_eq!((status(&other, "8").await, status(&other, "8").await), (200, 429));
    assert_eq!(status("there", "512").await, 404);
    child.kill().unwrap();
    child.wait().unwrap();
    for wrong in ["", "0", "-1", "acme"] {
        let output = run(&["--account", wrong]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(&format!("`{wrong}`")), "{}", text(&output.stderr));
    }
}

#[tokio::test]
async fn a_switch_is_thrown_by_its_name_and_value_and_an_unknown_one_is_named() {
    let served = Served::by(&["--switch", "not-found=html", "--switch=order=reversed", "--switch", "window-edge=5ms"]);
    let url = format!("{}/crm/v3/objects/partner_clients/99", served.base_url);
    let response = reqwest::Client::new().get(url).bearer_auth(&served.token).send().await.unwrap();
    assert_eq!(response.headers()["x-hubspot-notfound"], "true");
    for switch in
        ["ids=text", "duplicates=refused", "invalid-associations=partial", "companions=never", "inverse-results=yes"]
    {
        assert!(run(&["--switch", switch, "--export-seed", "/dev/null"]).status.success(), "{switch}");
    }
    for wrong in ["ids", "ids=words", "window-edge=soon", ""] {
        let output = run(&["--switch", wrong]);
        let named = wrong.rsplit_once("edge=").map_or(wrong, |(_, value)| value);
        assert!(text(&output.stderr).contains(&format!("`{named}`")), "{}", text(&output.stderr));
    }
    for line in text(&run(&["--help"]).stdout).lines() {
        assert!(line.len() <= 120, "{line}");
    }
}

#[test]
fn an_exported_seed_is_one_to_start_with() {
    let (seed, again) = (File::new("exported.json", ""), File::new("again.json", ""));
    assert!(run(&["--export-seed", seed.path()]).status.success());
    assert!(run(&["--seed", seed.path(), "--export-seed", again.path()]).status.success());
    let read = |file: &File| fs::read_to_string(&file.0).unwrap();
    assert_eq!(read(&seed), read(&again));
    let json: Value = serde_json::from_str(&read(&seed)).unwrap();
    assert!(json["objects"].as_array().unwrap().iter().any(|object| object["id"] == json!("9001")));
}

#[test]
fn help_is_printed_and_a_wrong_option_is_named_with_what_it_takes() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    for option in ["--port", "--seed", "--export-seed", "--limit", "--fault", "--oauth", "--versions", "--latency"] {
        assert!(text(&help.stdout).contains(option), "{option}");
    }
    let broken = File::new("broken.json", "{");
    for (arguments, part) in [
        (vec!["--prot", "1"], "no option --prot"),
        (vec!["--port"], "--port takes a value"),
        (vec!["--port", "70000"], "`70000`"),
        (vec!["--limit", "100"], "`100`"),
        (vec!["--fault", "boom"], "`boom`"),
        (vec!["--latency", "80-20ms"], "`80-20ms`"),
        (vec!["--seed", "/nowhere/seed.json"], "/nowhere/seed.json"),
        (vec!["--seed", broken.path()], "no seed file"),
        (vec!["--oauth", broken.path()], "no list of OAuth apps"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
    }
    let version = run(&["--versions", "v9"]);
    assert_eq!(version.status.code(), Some(1));
    assert!(text(&version.stderr).contains("`v9`"));
}

#[test]
fn an_output_that_cannot_be_written_ends_it_with_a_message_and_no_panic() {
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let unread = || Stdio::from(std::io::pipe().unwrap().1);
    let output = |arguments: &[&str], out: Stdio| {
        let output = program(arguments).stdout(out).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    for (arguments, out) in [(vec![], full()), (vec!["--help"], full()), (vec![], unread())] {
        let (code, told) = output(&arguments, out);
        assert_eq!(code, Some(1), "{arguments:?}: {told}");
        assert!(told.starts_with("Standard output cannot be written: "), "{arguments:?}: {told}");
    }
    assert_eq!(output(&["--help"], unread()), (Some(0), String::new()), "who reads the beginning alone loses nothing");
    for err in [full(), unread()] {
        let status = program(&["--prot"]).stdout(Stdio::null()).stderr(err).status().unwrap();
        assert_eq!(status.code(), Some(2));
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf_8_is_refused_by_its_place_and_not_shown() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    for wrong in [&b"--seed=secret-\xff"[..], b"secret-\xff"] {
        let output = program(&["--token", "x"]).arg(OsStr::from_bytes(wrong)).output().unwrap();
        assert_eq!(
            (output.status.code(), &*text(&output.stderr)),
            (Some(2), "Argument 3 is not UTF-8.\nTry --help.\n")
        );
    }
}

#[tokio::test]
async fn limits_of_several_options_hold_together() {
    let served = Served::by(&["--limit", "2/10s", "--limit", "100000/day", "--account", "1234567", "--limit", "9/s"]);
    let url = format!("{}/crm/v3/objects/partner_clients", served.base_url);
    let get = async || reqwest::Client::new().get(&url).bearer_auth(&served.token).send().await.unwrap();
    let response = get().await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((&*header("x-hubspot-ratelimit-max"), &*header("x-hubspot-ratelimit-daily")), ("2", "100000"));
    assert_eq!([get().await.status(), get().await.status()], [200, 429]);
}

#[test]
fn what_would_silently_replace_something_given_before_is_refused() {
    let seed = File::new("twice.json", "{}");
    let app = r#"{"client_id": "app", "client_secret": "hidden", "refresh_token": "hidden"}"#;
    let apps = File::new("twice-apps.json", &format!("[{app}]"));
    let both = File::new("both-apps.json", &format!("[{app}, {app}]"));
    let seed = ["--seed", seed.path()];
    for (arguments, part) in [
        ([seed, seed].concat(), "--seed is given twice"),
        ([&seed[..], &["--account", "7"], &seed, &["--account", "1234567"], &seed].concat(), "--seed is given twice"),
        (vec!["--port", "0", "--port=0"], "--port is given twice"),
        (vec!["--versions", "v3", "--versions", "2026-09"], "--versions is given twice"),
        (vec!["--latency", "1ms", "--latency", "2ms"], "--latency is given twice"),
        (vec!["--limit", "2/10s", "--limit", "3/10s"], "a second limit of `/10s`: `3/10s`"),
        (vec!["--limit", "2/10s,5/s,3/10s"], "a second limit of `/10s`: `3/10s`"),
        (vec!["--switch", "ids=text", "--switch", "ids=numbers"], "the switch `ids` is given twice"),
        (vec!["--oauth", apps.path(), "--oauth", apps.path()], "the app with the client id `app` is given twice"),
        (vec!["--oauth", both.path()], "the app with the client id `app` is given twice"),
        (vec!["--token", "hidden", "--account", "7", "--token=hidden"], "--token: a token is given twice"),
        (vec!["--quiet=false"], "--quiet takes no value"),
        (vec!["--help=no"], "--help takes no value"),
        (vec!["--export-seed", "--quiet"], "--export-seed takes a value"),
    ] {
        let output = run(&arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(part) && !told.contains("hidden"), "{arguments:?}: {told}");
    }
    let accounts = [&seed[..], &["--account", "7"], &seed, &["--export-seed", "/dev/null", "--oauth", apps.path()]];
    assert!(run(&accounts.concat()).status.success(), "each account has its own");
}
