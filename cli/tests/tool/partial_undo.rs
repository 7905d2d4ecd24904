//! An `undo` that ends early: what it has reversed is out of its file, and the rest is still in it.

use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use hubspot_simulator::{Fault, Simulator};
use serde_json::Value;

use crate::cli::{begin, path, ran, run, run_at, signal, tool, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

/// A run has associated a partner client with a company and with a deal, each of which is a plan of its own to `undo`.
struct Case {
    hubspot: Simulator,
    folder: Folder,
    undo: PathBuf,
}

impl Case {
    async fn new() -> Self {
        let hubspot = crm(1, 1).object("deals", "1", [("name", "x")]);
        let (hubspot, folder) = (hubspot.start().await.unwrap(), Folder::new());
        let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n1,deals,1,owner\n"));
        let undo = folder.at("undo.json");
        let made = run_at(&hubspot, &["associate-many", path(&file), "--undo", path(&undo)]);
        assert_eq!((made.code, hubspot.association_count()), (Some(0), 2), "{}", made.err);
        hubspot.clear_requests();
        Self { hubspot, folder, undo }
    }

    /// Has the list of types fail that the second plan asks for.
    fn fail_second(&self, fault: Fault) {
        self.hubspot.inject(Fault::script([None, Some(fault)]).on("association_types"));
    }

    /// A colleague makes anew what was reversed, which later runs of `undo` leave alone.
    fn made_anew_and_left_alone(&self) {
        self.hubspot.clear_faults();
        let Self { hubspot, undo, .. } = self;
        assert_eq!(run_at(hubspot, &["associate", "1", "companies", "1", "owner"]).code, Some(0));
        assert_eq!(hubspot.association_count(), 2, "the one with the deal was not removed yet");
        for _ in 0..2 {
            let rest = run_at(hubspot, &["undo", path(undo), "--yes"]);
            assert_eq!(rest.code, Some(0), "{}", rest.err);
            let left = hubspot.associations("1");
            assert!(left.len() == 1 && left[0].to_object_type == "companies", "{left:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reversed_is_told_and_out_of_the_file_although_another_object_type_fails() {
    for json in [false, true] {
        let case = Case::new().await;
        case.fail_second(Fault::status(403));
        let options = if json { &["--yes", "--json"][..] } else { &["--yes"] };
        let ended = run_at(&case.hubspot, &[&["undo", path(&case.undo)], options].concat());
        assert_eq!(ended.code, Some(3), "{} {}", ended.out, ended.err);
        assert!(ended.err.contains("1 change is reversed all the same"), "{}", ended.err);
        if json {
            let applied = &ended.json()[0]["applied"];
            assert_eq!((&applied["removed"], &applied["unsettled"]), (&1.into(), &1.into()), "{applied}");
        } else {
            assert!(ended.out.ends_with("0      1        0       0\n"), "{}", ended.out);
        }
        case.made_anew_and_left_alone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_object_types_are_reversed_although_the_first_fails() {
    let case = Case::new().await;
    case.hubspot.inject(Fault::status(403).on("association_types").times(1));
    let ended = run_at(&case.hubspot, &["undo", path(&case.undo), "--yes", "--json"]);
    assert_eq!((ended.code, &ended.json()[0]["applied"]["removed"]), (Some(3), &1.into()), "{}", ended.err);
    assert_eq!(case.hubspot.associations("1")[0].to_object_type, "companies");
    // Where nothing could be reversed, nothing was applied.
    case.hubspot.clear_faults();
    case.hubspot.inject(Fault::status(403).on("association_types").times(1));
    let ended = run_at(&case.hubspot, &["undo", path(&case.undo), "--yes", "--json"]);
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    case.hubspot.clear_faults();
    assert_eq!(run_at(&case.hubspot, &["undo", path(&case.undo), "--yes"]).code, Some(0));
    assert_eq!(case.hubspot.association_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reversed_before_a_signal_is_out_of_the_file() {
    let case = Case::new().await;
    case.fail_second(Fault::delay(Duration::from_secs(600)));
    let child = begin(tool_at(&case.hubspot, &["undo", path(&case.undo), "--yes"]));
    let lists = || case.hubspot.requests().iter().filter(|request| request.path().ends_with("/types")).count();
    while lists() < 2 {
        sleep(Duration::from_millis(5));
    }
    signal(child.id(), "INT");
    let ended = ran(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    assert!(ended.err.contains("1 change is not settled") && ended.err.contains("same command again"), "{}", ended.err);
    case.made_anew_and_left_alone();
}

/// How many associations `undo` would make and remove.
fn left(undo: &Path) -> [usize; 2] {
    let shown = run(tool(&["undo", path(undo), "--dry-run", "--json"])).json();
    let count = |name: &str| {
        shown[0]["plans"].as_array().unwrap().iter().map(|plan| plan[name].as_array().map_or(0, Vec::len)).sum()
    };
    ["add", "remove"].map(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_object_type_what_is_not_settled_stays_in_the_file_and_nothing_else() {
    let hubspot = crm(1, 150).start().await.unwrap();
    let folder = Folder::new();
    let rows: String = (1..=150).map(|company| format!("1,companies,{company},owner\n")).collect();
    let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
    let undo = folder.at("undo.json");
    assert_eq!(run_at(&hubspot, &["associate-many", path(&file), "--undo", path(&undo)]).code, Some(0));
    hubspot.inject(Fault::script([None, Some(Fault::delay(Duration::from_secs(600)))]).on("batch_dissociate"));
    let child = begin(tool_at(&hubspot, &["undo", path(&undo), "--yes", "--json"]));
    while hubspot.association_count() == 150 {
        sleep(Duration::from_millis(5));
    }
    // The response is on its way.
    sleep(Duration::from_millis(500));
    signal(child.id(), "INT");
    let ended = ran(child.wait_with_output().unwrap());
    let applied: &Value = &ended.json()[0]["applied"];
    let told = ["removed", "unsettled"].map(|name| applied[name].as_u64().unwrap() as usize);
    assert_eq!((ended.code, told[0] + told[1]), (Some(130), 150), "{}", ended.err);
    assert_eq!(left(&undo), [0, told[1]], "{applied}");
    assert!(hubspot.association_count() <= told[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_again_is_told() {
    let case = Case::new().await;
    let written = fs::read(&case.undo).unwrap();
    fs::create_dir(case.folder.at("undo.json.partial")).unwrap();
    let undone = run_at(&case.hubspot, &["undo", path(&case.undo), "--yes"]);
    assert_eq!((undone.code, case.hubspot.association_count()), (Some(0), 0), "{}", undone.err);
    assert!(
        undone.err.starts_with("warning: ") && undone.err.contains("still has what was reversed"),
        "{}",
        undone.err
    );
    assert_eq!(fs::read(&case.undo).unwrap(), written);
}
