//! Associations of partner clients, brought to what a file says by the command-line tool.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use hubspot_partner_clients::reconcile::Plan;
use hubspot_simulator::{AssociationCategory, Fault, RateLimits, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{END, Ran, begin, path, run, run_at, sent, tool, tool_at};
use crate::support::{crm, sized};

const VERSIONS: [&str; 2] = ["v3", "2026-09"];
const HEADER: &str = "partner_client_id,to_object_type,to_object_id,association_type\n";

/// A simulator, and files.
struct Case {
    version: &'static str,
    hubspot: Simulator,
    directory: TempDir,
}

impl Case {
    /// Associations of three partner clients with nine companies.
    async fn new(there: &[(u64, u64)]) -> Self {
        Self::on("v3", there).await
    }

    /// The same, for runs that speak a version of HubSpot's API.
    async fn on(version: &'static str, there: &[(u64, u64)]) -> Self {
        let mut builder = crm(3, 9);
        for (client, company) in there {
            builder = builder.association(client.to_string(), "companies", company.to_string(), "owner");
        }
        Self { version, hubspot: builder.start().await.unwrap(), directory: TempDir::new().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes what should be there.
    fn wants(&self, wanted: &[(u64, u64)]) {
        let owner = self.owner();
        let rows: String =
            wanted.iter().map(|(client, company)| format!("{client},companies,{company},{owner}\n")).collect();
        fs::write(self.at("rows.csv"), format!("{HEADER}{rows}")).unwrap();
    }

    fn arguments<'a>(&'a self, file: &'a str, options: &[&'a str]) -> Vec<&'a str> {
        [&["reconcile", file, "--to-type", "companies", "--api-version", self.version], options].concat()
    }

    /// The association type, as a file may and a plan does name it.
    fn owner(&self) -> &'static str {
        if self.version == "v3" { "owner" } else { "HUBSPOT_DEFINED:7" }
    }

    /// Applies a saved plan.
    fn apply(&self, plan: &Path, options: &[&str]) -> Ran {
        let plan = ["reconcile", "--plan", path(plan), "--apply", "--api-version", self.version];
        run_at(&self.hubspot, &[&plan, options].concat())
    }

    fn run(&self, options: &[&str]) -> Ran {
        let file = self.at("rows.csv");
        run_at(&self.hubspot, &self.arguments(path(&file), options))
    }

    fn there(&self) -> Vec<(u64, u64)> {
        let of = |client: u64| {
            let associations = self.hubspot.associations(&client.to_string());
            associations.into_iter().map(move |a| (client, a.to_object_id.parse().unwrap()))
        };
        (1..=3).flat_map(of).collect()
    }

    fn plan(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.at(name)).unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partner_clients_are_reconciled_with_a_file_once_that_is_asked_for() {
    for version in VERSIONS {
        let case = Case::on(version, &[(1, 1), (1, 2), (3, 3)]).await;
        case.wants(&[(1, 2), (2, 1)]);
        let plan = case.run(&[]);
        assert_eq!(plan.code, Some(0), "{}", plan.err);
        assert!(plan.out.contains("+ 2 ") && plan.out.contains("- 1 "), "{}", plan.out);
        assert!(plan.out.contains("1 to add, 1 to remove, 1 unchanged\nNothing was changed."), "{}", plan.out);
        let json = &case.run(&["--json", "--all-in-file"]).json()[0];
        assert_eq!((&json["plan"]["add"][0]["partnerClientId"], &json["applied"]), (&"2".into(), &Value::Null));
        assert_eq!(case.hubspot.association_count(), 3, "a plan changes nothing");

        let applied = case.run(&["--apply", "--yes"]);
        assert_eq!(applied.code, Some(0), "{}", applied.err);
        assert!(
            applied.out.ends_with("added  removed  failed  held back\n1      1        0       0\n"),
            "{}",
            applied.out
        );
        assert_eq!(case.there(), [(1, 2), (2, 1), (3, 3)], "3 is not in the file");

        let json = &case.run(&["--apply", "--yes", "--json", "--all-in-file", "--partner-clients", " 3,"]).json()[0];
        let expected =
            json!({"added": 0, "removed": 1, "alreadyDone": 0, "failed": [], "heldBack": [], "unsettled": 0});
        assert_eq!(json["applied"], expected);

        case.hubspot.inject(Fault::status(404).on("batch_dissociate").times(1));
        case.wants(&[(1, 1)]);
        let failed = case.run(&["--apply", "--yes", "--json"]);
        let failure = &failed.json()[0]["applied"]["failed"][0];
        assert_eq!((failed.code, &failure["toObjectId"], &failure["change"]), (Some(1), &"2".into(), &"remove".into()));

        let before = sent(&case.hubspot);
        fs::write(case.at("rows.csv"), format!("{HEADER}1,company,1,owner\n")).unwrap();
        let refused = case.run(&["--apply"]);
        assert_eq!(refused.code, Some(2));
        assert!(refused.err.contains("line 2, column 2 (to_object_type): the object type must be companies"));
        assert_eq!(sent(&case.hubspot), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_client_has_stays_until_its_additions_are_in() {
    for version in VERSIONS {
        let case = Case::on(version, &[(1, 1), (2, 1)]).await;
        case.wants(&[(1, 777), (2, 2)]);
        let held = case.run(&["--apply", "--yes"]);
        assert_eq!(held.code, Some(1), "{}", held.err);
        assert!(
            held.out.contains(&format!("not added: partner client 1 and companies 777 ({}): ", case.owner())),
            "{}",
            held.out
        );
        assert!(
            held.out.contains(&format!("held back: partner client 1 and companies 1 ({})", case.owner())),
            "{}",
            held.out
        );
        assert!(held.out.ends_with("1      1        1       1\n"), "{}", held.out);
        assert_eq!(case.there(), [(1, 1), (2, 2)]);
        let held = case.run(&["--apply", "--yes", "--json"]);
        assert_eq!(held.json()[0]["applied"]["heldBack"][0]["toObjectId"], "1");
        assert_eq!(held.json()[0]["applied"]["failed"][0]["change"], "add");

        let forced = case.run(&["--apply", "--yes", "--remove-anyway"]);
        assert_eq!(forced.code, Some(1));
        assert_eq!(case.there(), [(2, 2)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_removed_without_an_answer_or_yes() {
    let case = Case::new(&[(1, 1), (1, 2)]).await;
    case.wants(&[(1, 1), (1, 3)]);
    let changes = || case.hubspot.requests().iter().filter(|r| r.path().ends_with("archive")).count();
    for options in [&["--apply"][..], &["--apply", "--json"]] {
        let refused = case.run(options);
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("--yes") && refused.err.contains("1 association"), "{}", refused.err);
        assert!(refused.out.contains(if options.len() == 1 { "- 1 " } else { "\"applied\":null" }), "{}", refused.out);
    }
    assert_eq!((case.there().len(), changes()), (2, 0));

    let file = case.at("rows.csv");
    let answered = |answer: &str| {
        // A terminal of its own.
        let command = tool_at(&case.hubspot, &case.arguments(path(&file), &["--apply"]));
        let words: Vec<_> = [command.get_program()].into_iter().chain(command.get_args()).collect();
        let line = words.iter().map(|word| format!("'{}'", word.to_str().unwrap())).collect::<Vec<_>>().join(" ");
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let Ok(mut script) = script.spawn() else { return None };
        script.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let ended = script.wait_with_output().unwrap();
        Some((ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned()))
    };
    let Some((code, said)) = answered("n\n") else {
        eprintln!("skipped: there is no `script` to make a terminal with");
        return;
    };
    assert!(said.contains("Add 1 and remove 1 association of 1 partner client? [y/N]"), "{said}");
    assert_eq!((code, case.there().len()), (Some(2), 2), "{said}");
    let (code, said) = answered("y\n").unwrap();
    assert_eq!((code, case.there()), (Some(0), vec![(1, 1), (1, 3)]), "{said}");

    // Nothing is asked where nothing is removed.
    case.wants(&[(1, 1), (1, 3), (2, 1)]);
    assert_eq!(case.run(&["--apply"]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_would_remove_most_is_refused_until_so_many_are_allowed() {
    let case = Case::new(&[(1, 1), (1, 2), (1, 3)]).await;
    let files = ["".to_owned(), HEADER.to_owned(), format!("{HEADER}1,companies,1,owner\n")];
    for (content, removed) in files.into_iter().zip([0, 3, 2]) {
        fs::write(case.at("rows.csv"), content).unwrap();
        let refused = case.run(&["--apply", "--yes", "--partner-clients", "1", "--all-in-file"]);
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        if removed > 0 {
            assert!(refused.err.contains(&format!("removes {removed} of 3")), "{}", refused.err);
            assert!(refused.err.contains("--max-removals"), "{}", refused.err);
            assert!(refused.out.contains("- 1 "), "it is shown: {}", refused.out);
        }
        assert_eq!(case.there().len(), 3);
    }
    let shown = case.run(&[]);
    assert_eq!(shown.code, Some(0));
    assert!(
        shown.out.contains("this plan would be refused: ") && shown.out.contains("--max-removals"),
        "{}",
        shown.out
    );
    assert_eq!(case.run(&["--apply", "--yes", "--max-removals", "1"]).code, Some(2));
    assert_eq!(case.run(&["--apply", "--yes", "--max-removals", "2"]).code, Some(0));
    assert_eq!(case.there(), [(1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_an_editor_saved_again_is_the_same_plan() {
    let case = Case::new(&[(1, 1)]).await;
    case.wants(&[(1, 1), (1, 2)]);
    let plan = case.at("plan.json");
    assert_eq!(case.run(&["--save-plan", path(&plan)]).code, Some(0));
    let text = fs::read_to_string(&plan).unwrap().replace('\n', "\r\n");
    fs::write(&plan, format!("\u{feff}{text}\r\n")).unwrap();
    let applied = case.apply(&plan, &[]);
    assert_eq!(applied.code, Some(0), "{}", applied.err);
    assert_eq!(case.there(), [(1, 1), (1, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_saved_and_applied_as_it_is_and_taken_back() {
    for version in VERSIONS {
        let before = [(1, 1), (1, 2), (2, 3)];
        let case = Case::on(version, &before).await;
        case.wants(&[(1, 2), (1, 4), (2, 5)]);
        let (plan, undo) = (case.at("my plan.json"), case.at("undo.json"));
        let saved = case.run(&["--save-plan", path(&plan)]);
        let quoted = |mark: &str| format!("to carry it out, use reconcile --plan {mark}{}{mark} --apply", path(&plan));
        assert!(saved.out.contains(&quoted(if cfg!(windows) { "\"" } else { "'" })), "{}", saved.out);
        let json = case.plan("my plan.json");
        assert_eq!((&json["server"], json["keep"].as_array().unwrap().len()), (&case.hubspot.base_url().into(), 1));

        // To be looked at, without HubSpot.
        let shown = run(tool(&["reconcile", "--plan", path(&plan)]));
        assert_eq!(shown.code, Some(0), "{}", shown.err);
        assert!(shown.out.contains("2 to add, 2 to remove, 1 unchanged\nNothing was changed."), "{}", shown.out);

        let apply = |file: &PathBuf, options: &[&str]| case.apply(file, &[&["--yes"], options].concat());
        let applied = apply(&plan, &["--undo", path(&undo)]);
        assert_eq!(applied.code, Some(0), "{}", applied.err);
        assert_eq!(case.there(), [(1, 2), (1, 4), (2, 5)]);
        let again = apply(&plan, &["--undo", path(&undo), "--json"]);
        assert_eq!(again.json()[0]["applied"]["alreadyDone"], 4, "{}", again.err);

        // Another run does not lose what takes the first one back.
        case.wants(&[(1, 2), (1, 4), (2, 6)]);
        let kept = case.run(&["--apply", "--yes", "--undo", path(&undo)]);
        assert_eq!(kept.code, Some(2));
        assert!(kept.err.contains("undo.json already exists"), "{}", kept.err);

        let undone = apply(&undo, &[]);
        assert_eq!(undone.code, Some(0), "{}", undone.err);
        assert_eq!(case.there(), before);

        // Somebody else was here.
        case.wants(&[(3, 7)]);
        assert_eq!(case.run(&["--apply"]).code, Some(0));
        case.wants(&[(1, 2), (1, 4), (2, 5), (3, 8)]);
        let other = case.at("other.json");
        assert_eq!(case.run(&["--save-plan", path(&other)]).code, Some(0));
        case.wants(&[(3, 7), (3, 9)]);
        assert_eq!(case.run(&["--apply"]).code, Some(0));
        let refused = apply(&other, &[]);
        assert_eq!(refused.code, Some(2));
        assert!(
            refused.err.contains(&format!("partner client 3 now has companies 9 ({})", case.owner())),
            "{}",
            refused.err
        );
        let refused = apply(&other, &["--json"]);
        assert_eq!((&refused.json()[0]["applied"], &refused.error()["kind"]), (&Value::Null, &"invalid_input".into()));

        // Nor in another version.
        let other_version = VERSIONS.into_iter().find(|other| *other != version).unwrap();
        let refused = run_at(
            &case.hubspot,
            &["reconcile", "--plan", path(&other), "--apply", "--yes", "--api-version", other_version],
        );
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(
            refused.err.contains(&format!("made in API version {version}, not in {other_version}")),
            "{}",
            refused.err
        );

        let elsewhere = crm(3, 9).start().await.unwrap();
        let refused = run_at(&elsewhere, &["reconcile", "--plan", path(&other), "--apply", "--yes"]);
        assert_eq!((refused.code, sent(&elsewhere)), (Some(2), 0), "{}", refused.err);
        for server in [elsewhere.base_url(), case.hubspot.base_url()] {
            assert!(refused.err.contains(server), "{}", refused.err);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_reconcile_are_checked_before_anything_is_sent() {
    let case = Case::new(&[]).await;
    case.wants(&[(1, 1)]);
    let file = case.at("rows.csv");
    let link = case.at("link.csv");
    fs::hard_link(&file, &link).unwrap();
    let missing = case.at("missing/plan.json");
    let content = fs::read(&file).unwrap();
    // On Windows, the tool does not know a hard link.
    let linked = if cfg!(windows) { &file } else { &link };
    let name = linked.file_name().unwrap().to_str().unwrap();
    for (options, reason) in [
        (&["--save-plan", path(&file)][..], "rows.csv"),
        (&["--apply", "--undo", path(linked)], name),
        (&["--apply", "--journal", path(linked)], name),
        (&["--save-plan", path(case.directory.path())], "is a directory"),
        (&["--save-plan", path(&missing)], "missing"),
        (&["--apply", "--undo", "u.json", "--journal", "u.json"], "u.json"),
        (&["--undo", "u.json"], "--apply"),
        (&["--plan", "u.json"], "cannot be used with"),
        (&["--apply", "--simulator", "--journal", "j"], "--simulator"),
    ] {
        let refused = case.run(options);
        assert_eq!(refused.code, Some(2), "{options:?}: {}", refused.err);
        assert!(refused.err.contains(reason), "{options:?}: {}", refused.err);
    }
    assert_eq!((fs::read(&file).unwrap(), case.hubspot.association_count()), (content, 0));
    fs::write(case.at("odd.json"), "{\"format\": \"\u{9b}\"}").unwrap();
    for name in ["rows.csv", "odd.json", "none.json"] {
        let refused = run(tool(&["reconcile", "--plan", path(&case.at(name))]));
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains(name) && !refused.err.contains('\u{9b}'), "{}", refused.err);
    }
    let nothing = run(tool(&["reconcile"]));
    assert_eq!(nothing.code, Some(2), "{}", nothing.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_partner_clients_are_all_named_or_left_out() {
    for version in VERSIONS {
        let case = Case::on(version, &[]).await;
        case.wants(&[(1, 1), (77, 2)]);
        let options = ["--all-in-file", "--partner-clients", "2,9999"];
        let refused = case.run(&options);
        assert_eq!(refused.code, Some(1));
        assert!(refused.err.contains("77, 9999") && refused.err.contains("--skip-unknown"), "{}", refused.err);
        let skipped = case.run(&[&options[..], &["--skip-unknown", "--apply"]].concat());
        assert_eq!(skipped.code, Some(0), "{}", skipped.err);
        assert!(skipped.out.contains("HubSpot does not know them: 77, 9999"), "{}", skipped.out);
        assert_eq!(case.there(), [(1, 1)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_with_leading_zeros_is_the_same_id() {
    let case = Case::new(&[(1, 9)]).await;
    fs::write(case.at("rows.csv"), format!("{HEADER}0001,companies,009,owner\n")).unwrap();
    let plan = case.run(&["--partner-clients", "01", "--all-in-file"]);
    assert!(plan.out.starts_with("0 to add, 0 to remove, 1 unchanged"), "{} {}", plan.out, plan.err);
}

/// Lets a run be killed or interrupted when its first removals are under way.
fn ended_midway(case: &Case, options: &[&str], signal: &str) -> Ran {
    let file = case.at("rows.csv");
    let mut child = begin(tool_at(&case.hubspot, &case.arguments(path(&file), options)));
    while !case.hubspot.requests().iter().any(|request| request.path().ends_with("archive")) {
        thread::sleep(Duration::from_millis(5));
    }
    match signal {
        "KILL" => child.kill().unwrap(),
        signal => crate::cli::signal(child.id(), signal),
    }
    crate::cli::ran(child.wait_with_output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_goes_on_with_its_journal_and_is_taken_back_by_its_undo_file() {
    for version in VERSIONS {
        let before = [(1, 1), (1, 2), (2, 3), (3, 5)];
        for (signal, goes_on) in [("KILL", true), ("KILL", false), ("INT", true), (END, false)] {
            let case = Case::on(version, &before).await;
            case.wants(&[(1, 2), (1, 4), (2, 5), (3, 5), (3, 777)]);
            let (journal, undo) = (case.at("run.journal"), case.at("undo.json"));
            let options = ["--apply", "--yes", "--journal", path(&journal), "--undo", path(&undo)];
            case.hubspot.inject(Fault::delay(Duration::from_secs(600)).on("batch_dissociate"));
            let ended = ended_midway(&case, &options, signal);
            if signal != "KILL" {
                assert_eq!(ended.code, Some(if signal == "INT" { 130 } else { 143 }), "{}", ended.err);
                assert!(ended.out.contains("not added: partner client 3 and companies 777"), "{}", ended.out);
                assert!(ended.err.contains("same command again"), "{}", ended.err);
            }
            assert_eq!(case.there(), [(1, 1), (1, 2), (1, 4), (2, 3), (2, 5), (3, 5)]);
            case.hubspot.clear_faults();
            if goes_on {
                let json = case.run(&[&options[..], &["--json"]].concat()).json();
                let applied = &json[0]["applied"];
                assert_eq!(
                    (&applied["added"], &applied["removed"], &applied["alreadyDone"]),
                    (&0.into(), &2.into(), &2.into()),
                    "the first run made them"
                );
                assert_eq!(case.there(), [(1, 2), (1, 4), (2, 5), (3, 5)]);
            }
            let undone = case.apply(&undo, &["--yes"]);
            assert_eq!(undone.code, Some(0), "{}", undone.err);
            assert_eq!(case.there(), before);
            let plan: Plan = serde_json::from_value(case.plan("run.journal.plan.json")).unwrap();
            assert_eq!(plan.add.len(), 3);

            // The journal is of another file now.
            case.wants(&[(1, 1)]);
            let other = case.run(&["--apply", "--yes", "--journal", path(&journal)]);
            assert_eq!(other.code, Some(2), "{}", other.err);
            assert!(other.err.contains("belongs to another input"), "{}", other.err);
            assert_eq!(other.out, "", "not the plan of the first file");
        }
    }
}

/// Associations of partner clients with companies, each by its label or by none.
fn labelled(hubspot: &Simulator, clients: u64) -> BTreeSet<(u64, u64, Option<String>)> {
    let of = |client: u64| {
        let all = hubspot.associations(&client.to_string()).into_iter();
        all.map(move |made| (client, made.to_object_id.parse().unwrap(), made.label))
    };
    (1..=clients).flat_map(of).collect()
}

// Labels that are exchanged, while requests fail and the tool is killed again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_at_any_moment_comes_to_what_the_file_says_on_every_version() {
    for (version, seed) in [("v3", 1), ("2026-09", 2)] {
        let mut builder = crm(40, 60)
            .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
            .association_label("companies", AssociationCategory::UserDefined, 37, "Payer");
        let kinds = |client: u64, company: u64| if (client + company).is_multiple_of(2) { [36, 37] } else { [37, 36] };
        let mut rows = HEADER.to_owned();
        let mut wanted = BTreeSet::new();
        for (client, company) in (1..=40).flat_map(|client| (1..=60).map(move |company| (client, company))) {
            let [had, gets] = kinds(client, company);
            builder = builder.association(client.to_string(), "companies", company.to_string(), had.to_string());
            rows += &format!("{client},companies,{company},{gets}\n");
            wanted.insert((client, company, Some(if gets == 36 { "Referred by" } else { "Payer" }.to_owned())));
        }
        let hubspot = builder
            .rate_limits(RateLimits::default().per_ten_seconds(2_000))
            .fault(Fault::status(503).with_probability(0.05, seed))
            .fault(Fault::reset().after_operation().with_probability(0.05, seed + 1))
            .fault(Fault::delay(Duration::from_millis(60)))
            .start()
            .await
            .unwrap();
        let before = labelled(&hubspot, 40);
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        let (file, journal, undo) = (at("rows.csv"), at("run.journal"), at("undo.json"));
        fs::write(&file, rows).unwrap();
        let files = ["--journal", path(&journal), "--undo", path(&undo)];
        let run = ["reconcile", path(&file), "--to-type", "companies", "--api-version", version];
        let options = ["--apply", "--yes", "--max-removals", "9999", "--json"];
        let arguments = [&run[..], &files, &options].concat();
        let mut random = fastrand::Rng::with_seed(seed);
        let mut killed = 0;
        while killed < sized(8, 3) {
            hubspot.clear_requests();
            let mut command = tool_at(&hubspot, &arguments);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            while sent(&hubspot) == 0 {
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(Duration::from_millis(random.u64(0..900)));
            let ended = child.try_wait().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            if ended.is_some_and(|status| status.success()) {
                break;
            }
            killed += 1;
        }
        assert!(killed > 0, "{version}");
        hubspot.clear_faults();
        let last = run_at(&hubspot, &arguments);
        assert_eq!(last.code, Some(0), "{version}: {}", last.err);
        let labels = |all: BTreeSet<(u64, u64, Option<String>)>| -> BTreeSet<_> {
            all.into_iter().filter(|(_, _, label)| label.is_some()).collect()
        };
        assert_eq!(labels(labelled(&hubspot, 40)), wanted, "{version}, {killed} kills");
        let again = ["--max-removals", "0", "--apply", "--yes", "--json"];
        let again = run_at(&hubspot, &[&run[..], &again].concat());
        assert_eq!(again.json()[0]["plan"]["add"].as_array().unwrap().len(), 0, "{}", again.err);
        let undo = ["reconcile", "--plan", path(&undo), "--apply", "--yes", "--max-removals", "9999"];
        let undone = run_at(&hubspot, &[&undo[..], &["--api-version", version]].concat());
        assert_eq!(undone.code, Some(0), "{version}: {}", undone.err);
        assert_eq!(labels(labelled(&hubspot, 40)), labels(before), "{version}");
    }
}

/// A spreadsheet may be saved while the tool asks HubSpot for the account.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_after_it_was_checked_removes_nothing() {
    for (changed, version) in
        [("1,companies,1,owner\n", "v3"), ("1,companies,1,owner\n\"1,companies,2,owner\n", "2026-09")]
    {
        let hubspot = crm(1, 2).fault(Fault::delay(Duration::from_secs(1)).on("account_details"));
        let hubspot = hubspot.association("1", "companies", "1", "owner").association("1", "companies", "2", "owner");
        let hubspot = hubspot.start().await.unwrap();
        let folder = crate::folder::Folder::new();
        let row = if version == "v3" { "owner" } else { "7" };
        let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,{row}\n1,companies,2,{row}\n"));
        let run = ["reconcile", path(&file), "--to-type", "companies", "--apply", "--yes", "--api-version", version];
        let child = crate::cli::begin(tool_at(&hubspot, &run));
        // The request is there, and its answer is not.
        while hubspot.requests().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        folder.write("rows.csv", format!("{HEADER}{}", changed.replace("owner", row)));
        let ran = crate::cli::ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(2), "{}", ran.out);
        assert!(ran.err.contains("changed after it was checked"), "{}", ran.err);
        assert_eq!(hubspot.association_count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_of_no_account_is_applied_with_a_warning_and_not_where_the_account_is_known() {
    let case = Case::new(&[]).await;
    case.wants(&[(1, 1)]);
    let plan = case.at("plan.json");
    case.hubspot.inject(Fault::status(403).on("account_details"));
    assert_eq!(case.run(&["--save-plan", path(&plan)]).code, Some(0));
    case.hubspot.clear_faults();
    let refused = case.apply(&plan, &[]);
    assert!(refused.code == Some(2) && refused.err.contains("was made without an account"), "{}", refused.err);
    case.hubspot.inject(Fault::status(403).on("account_details"));
    let applied = case.apply(&plan, &[]);
    assert_eq!((applied.code, case.there()), (Some(0), vec![(1, 1)]), "{}", applied.err);
    assert!(applied.err.contains("plan.json does not say which account it is of"), "{}", applied.err);
    // And one that says it is not applied where nobody knows.
    case.hubspot.clear_faults();
    case.wants(&[(1, 2)]);
    assert_eq!(case.run(&["--save-plan", path(&plan)]).code, Some(0));
    case.hubspot.inject(Fault::status(403).on("account_details"));
    let refused = case.apply(&plan, &["--yes"]);
    assert!(refused.code == Some(2) && refused.err.contains("HubSpot did not tell which account"), "{}", refused.err);
}
