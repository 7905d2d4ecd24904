//! The command lines of `RECIPES.md`, run as they stand there.
#![cfg(target_os = "linux")]

use std::{collections::BTreeSet, fs, os::unix::fs::symlink, process::Command};

use hubspot_simulator::{Fault, Simulator};

use crate::cli::{Ran, begin, ran, run};
use crate::folder::Folder;

const PAGE: &str = include_str!("../../RECIPES.md");

/// A block of the page: what stands behind its fence, and its text.
type Block = (&'static str, &'static str);

/// The recipes with their blocks.
fn recipes() -> Vec<(&'static str, Vec<Block>)> {
    let recipe = |section: &'static str| {
        let (title, text) = section.split_once('\n').unwrap();
        let fenced = text.split("\n```").skip(1).step_by(2);
        (title, fenced.map(|block| block.split_once('\n').unwrap()).collect())
    };
    PAGE.split("\n## ").skip(1).map(recipe).collect()
}

fn blocks(title: &str) -> Vec<Block> {
    recipes().into_iter().find(|(other, _)| *other == title).unwrap().1
}

/// A machine: a home with the tool, files in `hubspot`, and an account with three partner clients and three companies.
struct Machine {
    home: Folder,
    hubspot: Simulator,
    redis_url: String,
}

impl Machine {
    async fn new() -> Self {
        let home = Folder::new();
        for folder in ["hubspot", ".cargo", ".cargo/bin"] {
            fs::create_dir(home.at(folder)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_hubspot-partner-clients"), home.at(".cargo/bin/hubspot-partner-clients")).unwrap();
        let machine = Self { home, hubspot: account().start().await.unwrap(), redis_url: String::new() };
        // In place of an engine: what stands behind the name of the image goes to the tool.
        machine.program(
            ".cargo/bin/docker",
            "#!/bin/sh\nuntil [ \"$1\" = hubspot-partner-clients ]; do shift; done\nexec \"$@\"\n",
        );
        machine.program(".cargo/bin/date", "#!/bin/sh\nPATH=/usr/bin:/bin exec date --date \"$(cat ~/now)\" \"$@\"\n");
        machine.at("2026-11-26 03:15");
        machine
    }

    /// Sets the clock that scripts look at.
    fn at(&self, time: &str) {
        self.home.write("now", time);
    }

    fn program(&self, name: &str, text: &str) {
        self.home.program(name, self.home.write("program", text));
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.home.at(".cargo/bin").display());
        command
            .args(arguments)
            .env_clear()
            .envs([("PATH", &*path), ("HOME", self.home.path().to_str().unwrap())])
            .envs([
                ("HUBSPOT_ACCESS_TOKEN", self.hubspot.access_token()),
                ("HUBSPOT_BASE_URL", self.hubspot.base_url()),
            ])
            .current_dir(self.home.at("hubspot"));
        command
    }

    fn shell(&self, script: &str) -> Command {
        self.command("bash", &["-e", "-c", &script.replace("redis://redis.example:6379", &self.redis_url)])
    }

    /// Runs a block, or writes the file that it shows.
    fn follow(&self, (info, text): Block) {
        let text = &*format!("{text}\n");
        match info.split_once(' ') {
            None if info == "sh" => succeeded(run(self.shell(text)), text),
            None if info == "crontab" => {
                let line = text.trim();
                assert!(!line.contains('%'), "to cron it is the end of the line");
                let command = line.splitn(6, ' ').nth(5).unwrap();
                let mut cron = self.command("/bin/sh", &["-c", command]);
                cron.env("PATH", "/usr/bin:/bin").env_remove("HUBSPOT_ACCESS_TOKEN");
                succeeded(run(cron), line);
            }
            Some(("sh", "each machine")) => {
                let workers = [0, 1].map(|_| begin(self.shell(text)));
                for worker in workers {
                    succeeded(ran(worker.wait_with_output().unwrap()), text);
                }
            }
            Some(("sh", "again")) => {
                self.hubspot.inject(Fault::daily_limit().times(1).on("batch_associate"));
                let stopped = run(self.shell(text));
                assert_eq!((stopped.code, self.made().len()), (Some(4), 0), "{}{}", stopped.out, stopped.err);
                succeeded(run(self.shell(text)), text);
            }
            Some(("sh", "token.env")) => {
                let token = format!("HUBSPOT_ACCESS_TOKEN={}\n", self.hubspot.access_token());
                assert_eq!(text.lines().count(), token.lines().count());
                self.home.write("hubspot/token.env", token);
            }
            Some(("sh", name)) => self.program(&format!("hubspot/{name}"), text),
            Some(("csv", name)) => drop(self.home.write(&format!("hubspot/{name}"), text)),
            _ => panic!("a block that is neither run nor written: {info}"),
        }
    }

    /// Makes what no file lists, as somebody does between two nights. Returns what there is then.
    fn changed_by_hand(&self) -> BTreeSet<(String, String)> {
        let made = "hubspot-partner-clients associate 512 companies 9003 partner_client_to_company";
        succeeded(run(self.shell(made)), made);
        self.made()
    }

    /// Partner clients and companies that are associated.
    fn made(&self) -> BTreeSet<(String, String)> {
        let of = |client: &'static str| {
            let made = self.hubspot.associations(client).into_iter();
            made.map(move |made| (client.to_owned(), made.to_object_id))
        };
        ["512", "513", "514"].into_iter().flat_map(of).collect()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.at("hubspot").join(name)).unwrap()
    }
}

fn account() -> hubspot_simulator::SimulatorBuilder {
    let clients = [("512", "acme.example"), ("513", "globex.example"), ("514", "kanji.example")];
    let clients = clients.map(|(id, domain)| (id, [("hs_client_domain_name", domain), ("name", "x, y")]));
    let companies = [("9001", "acme.example"), ("9002", "globex.example"), ("9003", "other.example")];
    companies.into_iter().fold(Simulator::builder().partner_clients(clients), |builder, (id, domain)| {
        builder.object("companies", id, [("domain", domain)])
    })
}

fn succeeded(ran: Ran, what: &str) {
    assert_eq!(ran.code, Some(0), "{what}\n{}{}", ran.out, ran.err);
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeSet<(String, String)> {
    pairs.map(|(client, company)| (client.to_owned(), company.to_owned())).into()
}

#[test]
fn each_recipe_is_run_by_a_test() {
    let titles: Vec<_> = recipes().into_iter().map(|(title, _)| title).collect();
    let run = [
        "First import from a spreadsheet",
        "Nightly sync by cron",
        "Nightly sync in a container",
        "Moving associations to another company",
        "Two machines",
        "When it stopped",
    ];
    assert_eq!(titles, run);
    let fences = PAGE.lines().filter(|line| line.starts_with("```")).count();
    let blocks: usize = recipes().iter().map(|(_, blocks)| blocks.len()).sum();
    assert_eq!(fences, blocks * 2, "each block belongs to a recipe");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_import_makes_what_the_sheet_lists() {
    let machine = Machine::new().await;
    let [file, look, check, make, back] = blocks("First import from a spreadsheet").try_into().unwrap();
    for block in [file, look, check] {
        machine.follow(block);
    }
    assert!(machine.made().is_empty(), "nothing is changed before");
    machine.follow(make);
    assert_eq!(machine.made(), pairs([("512", "9001"), ("513", "9002"), ("514", "9001")]));
    assert_eq!(machine.read("failed.csv").lines().count(), 1);
    machine.follow(back);
    assert!(machine.made().is_empty(), "it is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nightly_sync_makes_associations_match_and_can_be_taken_back() {
    let mut machine = Machine::new().await;
    let builder =
        account().association("512", "companies", "9001", "1001").association("514", "companies", "9003", "1001");
    machine.hubspot = builder.start().await.unwrap();
    let [blocks @ .., cron, back] = &*blocks("Nightly sync by cron") else { panic!("there are blocks") };
    for block in blocks {
        machine.follow(*block);
    }
    let desired = pairs([("512", "9001"), ("513", "9002"), ("514", "9002")]);
    machine.follow(*cron);
    assert_eq!(machine.made(), desired);
    let before = machine.changed_by_hand();
    machine.at("2026-11-27 03:15");
    machine.follow(*cron);
    assert_eq!(machine.made(), desired);
    assert!(!machine.read("nightly.log").contains(machine.hubspot.access_token()));
    machine.follow(*back);
    assert_eq!(machine.made(), before, "the second night is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nightly_sync_in_a_container_makes_associations_match() {
    let machine = Machine::new().await;
    let [file, night] = blocks("Nightly sync in a container").try_into().unwrap();
    machine.follow(file);
    for day in ["2026-11-26", "2026-11-27"] {
        machine.at(&format!("{day} 03:15"));
        machine.follow(night);
        assert_eq!(machine.made(), pairs([("512", "9001"), ("514", "9002")]), "{day}");
        assert!(machine.read(&format!("undo-{day}-0315.json")).contains("900"), "{day}");
        machine.changed_by_hand();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn moving_associations_takes_those_of_one_company_to_another_and_leaves_the_rest() {
    let mut machine = Machine::new().await;
    let builder =
        account().association("512", "companies", "9001", "1001").association("514", "companies", "9001", "1001");
    machine.hubspot = builder.association("513", "companies", "9003", "1001").start().await.unwrap();
    let before = machine.made();
    let [find, make, back] = blocks("Moving associations to another company").try_into().unwrap();
    machine.follow(find);
    assert_eq!(machine.read("old.csv").lines().count(), 3, "{}", machine.read("old.csv"));
    machine.follow(make);
    assert_eq!(machine.made(), pairs([("512", "9002"), ("513", "9003"), ("514", "9002")]));
    machine.follow(back);
    assert_eq!(machine.made(), before);
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn two_machines_share_a_file() {
    let redis = crate::redis_server::RedisServer::start();
    let mut machine = Machine::new().await;
    machine.redis_url = redis.url();
    for block in blocks("Two machines") {
        machine.follow(block);
    }
    assert_eq!(machine.made(), pairs([("512", "9001"), ("513", "9002"), ("514", "9003")]));
    assert_eq!(machine.read("outcomes.csv").lines().count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stopped_resumes_with_the_same_command() {
    let machine = Machine::new().await;
    for block in blocks("When it stopped") {
        machine.follow(block);
    }
    assert_eq!(machine.made(), pairs([("512", "9001"), ("513", "9002")]));
    assert_eq!(machine.read("failed.csv").lines().count(), 1, "what failed at first has succeeded");
}
