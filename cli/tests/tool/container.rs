//! The image of the tool: the steps of its Containerfile, and the tool as process 1 of what they make. Where a container
//! engine runs, `cli/tests/container/run` builds and runs the image itself.
#![cfg(target_os = "linux")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use hubspot_simulator::{Fault, Simulator};

use crate::cli::{Ran, begin, ran, run, signal, wait_for_requests};
use crate::folder::{Folder, rows, slow};
use crate::support::{crm, https::serve};

const CONTAINERFILE: &str = include_str!("../../container/Containerfile");

/// The image, unpacked.
struct Image(Folder);

impl Image {
    /// `None` where a user may not make namespaces.
    fn unpack() -> Option<Self> {
        let may = Command::new("unshare").args(["--user", "--map-user=65532", "--pid", "--fork", "true"]).output();
        if !may.is_ok_and(|may| may.status.success()) {
            println!("skipped: a user may not make namespaces here");
            return None;
        }
        let folder = Folder::new();
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/container/root");
        let made = Command::new(root).arg(env!("CARGO_BIN_EXE_hubspot-partner-clients")).arg(folder.path()).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Container engines write it.
        fs::write(folder.at("etc/hosts"), "127.0.0.1 localhost\n").unwrap();
        Some(Self(folder))
    }

    fn work(&self, name: &str) -> PathBuf {
        self.0.path().join("work").join(name)
    }

    /// The tool as process 1, in the way that the Containerfile says, and with nothing else in its environment.
    fn tool(&self, arguments: &[&str]) -> Command {
        let (user, group) = of("USER").split_once(':').unwrap();
        let entry: Vec<String> = serde_json::from_str(of("ENTRYPOINT")).unwrap();
        let mut command = Command::new("unshare");
        command
            .args(["--user", &format!("--map-user={user}"), &format!("--map-group={group}"), "--pid", "--fork"])
            .args([&format!("--root={}", self.0.path().display()), &format!("--wd={}", of("WORKDIR"))])
            .args(entry)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null());
        let (name, value) = of("ENV").split_once('=').unwrap();
        command.env(name, value);
        command
    }

    fn tool_at(&self, hubspot: &Simulator, arguments: &[&str]) -> Command {
        let mut command = self.tool(arguments);
        command.env("HUBSPOT_ACCESS_TOKEN", hubspot.access_token()).env("HUBSPOT_BASE_URL", hubspot.base_url());
        command
    }
}

/// What an instruction of the last stage says.
fn of(instruction: &str) -> &'static str {
    let (_, last) = CONTAINERFILE.split_once("FROM scratch").unwrap();
    last.lines().find_map(|line| line.strip_prefix(instruction)).unwrap().trim()
}

/// The process that `unshare` has started.
fn process_1(unshare: &Child) -> u32 {
    let children = format!("/proc/{0}/task/{0}/children", unshare.id());
    loop {
        let child = fs::read_to_string(&children).unwrap_or_default();
        if let Some(child) = child.split_whitespace().next() {
            return child.parse().unwrap();
        }
        sleep(Duration::from_millis(2));
    }
}

fn ended(child: Child) -> Ran {
    ran(child.wait_with_output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_holds_all_that_the_tool_needs_and_the_tool_runs_as_nobody_in_particular() {
    let Some(image) = Image::unpack() else { return };
    assert_eq!(of("USER"), "65532:65532");
    assert!(fs::read_to_string(image.0.at("etc/passwd")).unwrap().contains(":65532:65532:"));
    let version = run(image.tool(&["--version"]));
    assert_eq!((version.code, version.out.starts_with("hubspot-partner-clients ")), (Some(0), true), "{}", version.err);

    let hubspot = crm(2, 2).start().await.unwrap();
    let rows =
        "partner_client_id,to_object_type,to_object_id,association_type\n1,companies,1,owner\n2,companies,9,owner\n";
    fs::write(image.work("rows.csv"), rows).unwrap();
    let many = ["associate-many", "rows.csv", "--journal", "rows.journal", "--failed", "failed.csv"];
    let many = run(image.tool_at(&hubspot, &many));
    assert_eq!((many.code, hubspot.associations("1").len()), (Some(1), 1), "{}{}", many.out, many.err);
    assert!(fs::read_to_string(image.work("failed.csv")).unwrap().contains("2,companies,9,owner"));
    assert!(image.work("rows.journal").exists());
    let in_it = |folder: &Path| {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let programs = in_it(&image.0.at("usr/bin"));
    assert_eq!(programs, ["hubspot-partner-clients".to_owned()].into(), "no shell, nothing else to run");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificates_of_the_image_are_those_that_the_tool_trusts() {
    let Some(image) = Image::unpack() else { return };
    let (base_url, certificate) = serve().await;
    let list = || {
        let mut command = image.tool(&["list", "--base-url", &base_url]);
        command.env("HUBSPOT_ACCESS_TOKEN", "t");
        run(command)
    };
    let untrusted = list();
    assert_eq!(untrusted.code, Some(4), "{}", untrusted.err);
    assert!(untrusted.err.contains("certificate"), "{}", untrusted.err);
    let (_, path) = of("ENV").split_once('=').unwrap();
    let path = image.0.at(path.trim_start_matches('/'));
    let all = fs::read_to_string(&path).unwrap();
    assert!(all.matches("BEGIN CERTIFICATE").count() > 50, "those of the public authorities");
    fs::write(path, all + &certificate).unwrap();
    let trusted = list();
    assert!(!trusted.err.contains("certificate"), "{}", trusted.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn process_1_heeds_signals_and_tells_and_writes_what_is_settled() {
    let Some(image) = Image::unpack() else { return };
    let hubspot = slow().await;
    fs::write(image.work("rows.csv"), rows(2_000)).unwrap();
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        hubspot.clear_requests();
        let many = ["associate-many", "rows.csv", "--strategy", "single", "--failed", "failed.csv"];
        let child = begin(image.tool_at(&hubspot, &many));
        wait_for_requests(&hubspot, 12);
        signal(process_1(&child), name);
        let ran = ended(child);
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        assert!(ran.err.contains("failed.csv has the rows that failed so far"), "{}", ran.err);
    }

    let stuck = crm(1, 1).fault(Fault::delay(Duration::from_secs(600))).start().await.unwrap();
    let child = begin(image.tool_at(&stuck, &["get", "1"]));
    while stuck.requests().is_empty() {
        sleep(Duration::from_millis(5));
    }
    signal(process_1(&child), "TERM");
    assert_eq!(ended(child).code, Some(143), "a single call is given up");
}
