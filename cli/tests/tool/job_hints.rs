//! What the commands of `job` tell of how to go on, and of what was done before an error.
#![cfg(feature = "redis")]

use hubspot_simulator::Fault;

use crate::cli::{in_a_shell, path, run, tool, tool_at};
use crate::folder::{Folder, HEADER};
use crate::redis_server::RedisServer;
use crate::support::crm;

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_are_printed_work_as_they_are() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
    let account = hubspot.accounts().next().unwrap().account_id().to_string();
    let of_redis = ["--redis", &redis.url(), "--redis-prefix", "our own"];
    let of_hubspot = ["--base-url", hubspot.base_url(), "--api-version", "v3", "--account", &account];
    let name = ["--", "-my job", path(&file)];
    let enqueued = run(tool(&[&["job", "enqueue"], &of_redis[..], &of_hubspot, &name].concat()));
    let printed = |told: &str| {
        let (_, command) = told.split_once("`hubspot-partner-clients ").unwrap_or_else(|| panic!("{told}"));
        command.split_once('`').unwrap().0.to_owned()
    };
    let work = printed(&enqueued.out);
    assert!(work.contains(&format!("--account {account}")), "{work}");
    // Nothing of the environment says where HubSpot is.
    let given = |command: &str| {
        let ran = in_a_shell(tool(&[]).env("HUBSPOT_ACCESS_TOKEN", hubspot.access_token()), command);
        assert_eq!(ran.code, Some(0), "{command}: {}", ran.err);
        ran.out
    };
    given(&work);
    let status = given(&work.replace("job worker", "job status"));
    let told = given(&printed(&status));
    assert!(told.contains("1,companies,1,owner"), "{told}");
    assert_eq!(hubspot.association_count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_an_error_ends_tells_what_it_did_before() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 150).start().await.unwrap());
    let folder = Folder::new();
    let rows: String = (1..=150).map(|company| format!("1,companies,{company},owner\n")).collect();
    let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
    let job = |arguments: &[&str]| {
        let options = ["--redis", &redis.url(), "--json"];
        run(tool_at(&hubspot, &[&["job"], arguments, &options[..]].concat()))
    };
    assert_eq!(job(&["enqueue", "march", path(&file), "--dissociate", "--yes"]).code, Some(0));
    let refusals = std::iter::once(None).chain(std::iter::repeat_n(Some(Fault::daily_limit()), 20));
    hubspot.inject(Fault::script(refusals).on("batch_dissociate"));
    let worked = job(&["worker", "march", "--concurrency", "1"]);
    assert_eq!(worked.code, Some(4), "{}", worked.err);
    let told = &worked.json()[0]["worker"];
    assert_eq!((&told["removed"], &told["failed"]), (&100.into(), &0.into()), "{told}");
    hubspot.clear_faults();
    hubspot.inject(Fault::daily_limit().on("batch_dissociate"));
    let worked = job(&["worker", "march"]);
    assert_eq!((worked.code, &*worked.out), (Some(4), ""), "it did nothing");
}
