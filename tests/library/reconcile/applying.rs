//! Applying a plan: what holds it back, and what stops or resumes it.

use super::*;

#[tokio::test]
async fn nothing_is_removed_from_a_partner_client_whose_additions_are_not_all_in() {
    for version in VERSIONS {
        let simulator = crm(2, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (2, 1)]).await;
        let client = client_speaking(&simulator, version);
        let plan = client.reconcile([1, 2], "companies", desired(&[(1, 2), (1, 99), (2, 3)])).plan().await.unwrap();
        let applied = plan.apply(&client).await.unwrap();
        assert_eq!((applied.added, applied.removed, applied.is_complete()), (2, 1, false));
        assert_eq!(pairs(&applied.held_back), [("1", "1")]);
        assert_eq!(applied.failed_additions[0].association.to_object_id.as_str(), "99");
        assert_eq!(applied.failed_additions[0].error.status(), Some(400));
        assert_eq!(applied.failed_removals.len(), 0);
        assert_eq!(companies(&simulator, "1"), ["1", "2"]);
        assert_eq!(companies(&simulator, "2"), ["3"]);

        let forced = plan.apply(&client).remove_anyway().await.unwrap();
        assert_eq!((forced.added, forced.removed, forced.already_done.len(), forced.held_back.len()), (0, 1, 3, 0));
        assert_eq!(companies(&simulator, "1"), ["2"]);

        // What became of it is not known: it is not in.
        associate(&simulator, &[(1, 1)]).await;
        let plan = client.reconcile([1], "companies", desired(&[(1, 4)])).plan().await.unwrap();
        simulator.inject(Fault::reset().after_operation().on("batch_associate").times(1));
        let unknown = plan.apply(&client).await.unwrap();
        assert_eq!((unknown.added, unknown.removed, unknown.held_back.len()), (0, 0, 2));
        assert_eq!(companies(&simulator, "1"), ["1", "2", "4"]);
        let rest = plan.apply(&client).await.unwrap();
        assert_eq!((rest.already_done.len(), rest.removed), (1, 2));

        let plan = client.reconcile([1], "companies", desired(&[(1, 5)])).plan().await.unwrap();
        simulator.inject(Fault::status(403).on("batch_dissociate"));
        let refused = plan.apply(&client).await.unwrap();
        assert_eq!((refused.added, refused.failed_additions.len(), refused.failed_removals.len()), (1, 0, 1));
        assert_eq!(pairs(&[refused.failed_removals[0].association.clone()]), [("1", "4")]);
    }
}

#[tokio::test]
async fn a_plan_that_removes_too_many_is_refused_before_anything_is_sent() {
    for version in VERSIONS {
        let simulator = crm(1, 300).start().await.unwrap();
        let all: Vec<_> = (1..=250).map(|company| (1, company)).collect();
        associate(&simulator, &all).await;
        let client = client_speaking(&simulator, version);
        let plan = async |desired: Vec<_>| client.reconcile([1], "companies", desired).plan().await.unwrap();
        let nothing = plan(Vec::new()).await;
        let few = plan(desired(&[(1, 1), (1, 2)])).await;
        let hundred_and_one = plan(desired(&all[101..])).await;
        let before = simulator.requests().len();
        for plan in [&nothing, &few, &hundred_and_one] {
            let error = plan.apply(&client).await.unwrap_err();
            assert!(error.is_invalid_input() && plan.check_removals().is_err(), "{error}");
            let allowed = format!("removes {} of 250", plan.remove.len());
            assert!(error.message().contains(&allowed) && error.message().contains("max_removals"), "{error}");
            let error = plan.apply(&client).max_removals(100).await.unwrap_err();
            assert!(error.message().contains("at most 100"), "{error}");
        }
        assert_eq!(simulator.requests().len(), before, "nothing is sent");
        let hundred = plan(desired(&all[100..])).await;
        assert!(hundred.check_removals().is_ok());
        assert_eq!(few.apply(&client).max_removals(248).await.unwrap().removed, 248);
        // Others take their place.
        let others = plan(desired(&[(1, 3), (1, 4)])).await;
        assert_eq!(others.apply(&client).await.unwrap().removed, 2);
        let one = plan(Vec::new()).await;
        assert!(one.apply(&client).await.unwrap_err().message().contains("fewer than half"));
    }
}

#[tokio::test]
async fn a_saved_plan_is_applied_as_it_is_or_refused_where_the_world_has_changed() {
    for version in VERSIONS {
        let simulator = crm(3, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (1, 2), (2, 3)]).await;
        let client = client_speaking(&simulator, version);
        let plan = client.reconcile([1, 2, 3], "companies", desired(&[(1, 2), (1, 4), (3, 5)])).plan().await.unwrap();
        let saved = serde_json::to_string_pretty(&plan).unwrap();
        let plan: Plan = serde_json::from_str(&saved).unwrap();

        // Kept, and lost since; and one that nobody knew of.
        client.dissociate(1).with("companies", 2).as_type(7).await.unwrap();
        associate(&simulator, &[(3, 9)]).await;
        let error = plan.apply(&client).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error:?}");
        let owner = owner(version);
        let [lost, new] =
            [format!("client 1 has lost companies 2 ({owner})"), format!("client 3 now has companies 9 ({owner})")];
        for difference in [lost.as_str(), &new, "a new plan"] {
            assert!(error.message().contains(difference), "{error}");
        }
        assert_eq!(companies(&simulator, "2"), ["3"], "nothing is changed");

        // Done in part.
        associate(&simulator, &[(1, 2), (1, 4)]).await;
        for (client_id, company) in [(3, 9), (1, 1)] {
            client.dissociate(client_id).with("companies", company).as_type(7).await.unwrap();
        }
        let applied = plan.apply(&client).await.unwrap();
        assert_eq!((applied.added, applied.removed, applied.already_done.len()), (1, 1, 2));

        let elsewhere = crm(3, 9).start().await.unwrap();
        let error = plan.apply(&client_speaking(&elsewhere, version)).await.unwrap_err();
        assert!(
            error.message().contains(simulator.base_url()) && error.message().contains(elsewhere.base_url()),
            "{error}"
        );
        assert!(elsewhere.requests().is_empty());

        let of_account =
            client.reconcile([1], "companies", desired(&[(1, 2), (1, 5)])).account("11").plan().await.unwrap();
        let of_account: Plan = serde_json::from_str(&serde_json::to_string(&of_account).unwrap()).unwrap();
        let error = of_account.apply(&client).account("12").await.unwrap_err();
        assert!(error.message().contains("account \"11\", not for \"12\""), "{error}");
        let error = of_account.apply(&client).await.unwrap_err();
        assert!(error.message().contains("account \"11\", and none is named"), "{error}");
        let error = plan.apply(&client).account("12").await.unwrap_err();
        assert!(error.message().contains("without an account, not for \"12\""), "{error}");
        assert!(of_account.apply(&client).account("11").await.unwrap().is_complete());
    }
}

#[test]
fn a_plan_that_contradicts_itself_is_not_loaded() {
    let plan = |change: &dyn Fn(&mut Value)| {
        let mut plan = json!({
            "format": "hubspot-partner-clients plan 2", "server": "https://api.hubapi.com", "apiVersion": "v3", "toObjectType": "companies",
            "onlyTypes": ["owner"], "partnerClients": ["1"], "remove": [], "keep": [],
            "add": [{"partnerClientId": "1", "toObjectType": "companies", "toObjectId": "2", "associationType": "owner"}],
        });
        change(&mut plan);
        serde_json::from_value::<Plan>(plan).map_err(|error| error.to_string())
    };
    assert!(plan(&|_| {}).is_ok());
    assert_eq!(plan(&|plan| plan["add"][0]["associationType"] = json!("OWNER")), plan(&|_| {}), "case does not matter");
    let refusal = |change: &dyn Fn(&mut Value)| plan(change).unwrap_err();
    let upper = plan(&|plan| plan["onlyTypes"] = json!(["OWNER"]));
    assert_eq!(upper, plan(&|_| {}), "nor does that of the types looked at");
    assert!(refusal(&|plan| plan["format"] = json!("hubspot-partner-clients plan 3")).contains("plan 3"));
    assert!(refusal(&|plan| plan["keep"] = plan["add"].clone()).contains("twice"));
    assert!(refusal(&|plan| plan["partnerClients"] = json!(["2"])).contains("not among partnerClients"));
    assert!(refusal(&|plan| plan["onlyTypes"] = json!(["payer"])).contains("not among onlyTypes"));
    assert!(refusal(&|plan| plan["removed"] = json!([])).contains("removed"));
    assert!(refusal(&|plan| plan["add"][0]["partnerClientId"] = json!("..")).contains("partner client id"));
    assert!(refusal(&|plan| drop(plan.as_object_mut().unwrap().remove("keep"))).contains("keep"));
}

#[tokio::test]
async fn settings_of_a_reconcile_hold_for_applying_its_plan() {
    for version in VERSIONS {
        let truth = Truth::start(World { associations: [(1, 1, "owner")].into(), ..World::default() }).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let reconcile = client.reconcile([1], "companies", desired(&[(1, 2)])).header("x-mine", "yes");
        let plan =
            reconcile.retry(RetryPolicy::default().max_attempts(3).base_delay(Duration::ZERO)).plan().await.unwrap();
        truth.world().lost = [((1, 2, "owner"), true)].into();
        let failed = plan.apply(&client).await.unwrap();
        assert_eq!(failed.failed_additions[0].error.attempts(), 3);
        assert!(truth.world().requests.iter().all(|head| head.contains("x-mine: yes")));

        truth.world().requests.clear();
        let applied = plan.apply(&client).header("x-other", "no").retry(RetryPolicy::never()).await.unwrap();
        assert_eq!((applied.already_done.len(), applied.removed), (1, 1));
        assert!(truth.world().requests.iter().all(|head| head.contains("x-mine: yes") && head.contains("x-other: no")));
        let refused = plan.apply(&client).header("authorization", "x").await.unwrap_err();
        assert!(refused.is_invalid_input());
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_tells_what_is_settled_and_a_journal_goes_on() {
    for version in VERSIONS {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("run.journal");
        let simulator = crm(2, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (2, 1)]).await;
        let client = client_speaking(&simulator, version);
        let plan = client.reconcile([1, 2], "companies", desired(&[(1, 2), (1, 99), (2, 3)])).plan().await.unwrap();
        let never_begun = plan.apply(&client).run_until(async {}).await.unwrap();
        assert_eq!((never_begun.unsettled.len(), never_begun.added), (5, 0));
        assert!(never_begun.changed(&plan).is_empty() && never_begun.undo(&plan).is_empty());

        let journal = || Journal::open(&path, "the plan").unwrap();
        let mut told = Vec::new();
        let first =
            plan.apply(&client).journal(journal()).on_progress(|so_far| told.push(so_far.added + so_far.removed));
        let first = first.await.unwrap();
        assert_eq!((first.added, first.removed, first.failed_additions.len(), first.held_back.len()), (2, 1, 1, 1));
        assert_eq!(told, [2, 3]);
        let before = simulator.requests().len();
        let again = plan.apply(&client).journal(journal()).await.unwrap();
        assert_eq!((again.added, again.removed, again.already_done.len()), (0, 0, 3), "that was the first run");
        assert_eq!((again.failed_additions.len(), again.held_back.len()), (1, 1));
        assert_eq!(simulator.requests().len() - before, 2, "what is there is read, and nothing is sent again");

        let other = client.reconcile([1, 2], "companies", desired(&[(1, 2), (1, 1), (2, 4)])).plan().await.unwrap();
        assert!(other.apply(&client).journal(journal()).await.unwrap_err().is_journal());
    }
}

#[tokio::test]
async fn of_what_is_unsettled_only_what_was_under_way_may_have_changed() {
    for version in VERSIONS {
        let simulator = crm(1, 601).start().await.unwrap();
        let all: Vec<_> = (1..=600).map(|company| (1, company)).collect();
        associate(&simulator, &all).await;
        let client = client_speaking(&simulator, version);
        let plan = client.reconcile([1], "companies", desired(&[(1, 601)])).plan().await.unwrap();
        for (operation, path, under_way) in
            [("batch_associate", "/create", [1, 0]), ("batch_dissociate", "/archive", [0, 4])]
        {
            simulator.inject(Fault::delay(Duration::from_secs(600)).on(operation));
            simulator.clear_requests();
            let sent = || simulator.requests().iter().filter(|request| request.path().ends_with(path)).count();
            let stop = async {
                while sent() < under_way.iter().sum() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            let stopped = plan.apply(&client).max_removals(600).run_until(stop).await.unwrap();
            let left = 600 + under_way[0];
            assert_eq!((stopped.unsettled.len(), stopped.is_complete()), (left, false), "{version} {operation}");
            let changed = stopped.changed(&plan);
            // A batch removes a hundred.
            let added = under_way[0].max(stopped.added as usize);
            assert_eq!((changed.add.len(), changed.remove.len()), (added, 100 * under_way[1]), "{version} {operation}");
            assert_eq!(changed.keep.len(), 600 - changed.remove.len());
            simulator.clear_faults();
        }
    }
}

#[tokio::test]
async fn a_plan_that_may_be_out_of_date_changes_nothing_but_what_it_names() {
    for version in VERSIONS {
        let simulator = crm(1, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (1, 2), (1, 3)]).await;
        let client = client_speaking(&simulator, version);
        let plan = client.reconcile([1], "companies", desired(&[(1, 2), (1, 3), (1, 4)])).plan().await.unwrap();
        let others = [(1, ("companies", 3), "7")];
        assert!(client.dissociate_many(others).outcomes().all(async |outcome| outcome.result.is_ok()).await);
        associate(&simulator, &[(1, 9)]).await;
        let refused = plan.apply(&client).await.unwrap_err();
        assert!(refused.is_invalid_input() && refused.message().contains("out of date"), "{refused}");
        let applied = plan.apply(&client).even_if_changed().await.unwrap();
        assert_eq!((applied.added, applied.removed, applied.is_complete()), (1, 1, true));
        assert_eq!(companies(&simulator, "1"), ["2", "4", "9"]);
        let undone = plan.undo().apply(&client).even_if_changed().await.unwrap();
        assert_eq!((undone.added, undone.removed), (1, 1));
        assert_eq!(companies(&simulator, "1"), ["1", "2", "9"], "{version}");
    }
}

#[tokio::test]
async fn what_a_batch_may_have_changed_is_undone_whatever_is_said_of_it_afterwards() {
    let triples = |companies: &[u64]| companies.iter().map(|&company| (1, company, "owner")).collect();
    for version in VERSIONS {
        for (before, after) in [(&[1, 2, 3][..], &[1][..]), (&[1], &[1, 2, 3])] {
            let truth = Truth::start(World { associations: triples(before), accepts: true, ..World::default() }).await;
            let client = client_at_speaking(&truth.server.base_url, "t", version);
            let wanted: Vec<_> = after.iter().map(|&company| (1, company)).collect();
            let plan = client.reconcile([1], "companies", desired(&wanted)).plan().await.unwrap();
            let applied = plan.apply(&client).max_removals(2).await.unwrap();
            assert_eq!((applied.added + applied.removed, applied.failures().count()), (0, 2), "{version}");
            for failed in applied.failures() {
                assert_eq!(failed.error.status(), Some(409), "{version}");
                let remedy = failed.error.remedy();
                assert!(remedy.ends_with("An earlier request may have carried it out."), "{version}: {remedy}");
            }
            assert_eq!(truth.world().associations, triples(after), "{version}: it was carried out");
            truth.world().accepts = false;
            let undone = applied.undo(&plan).apply(&client).await.unwrap();
            assert!(undone.is_complete(), "{version}: {undone:?}");
            assert_eq!(truth.world().associations, triples(before), "{version}");
        }
        // A batch that is refused as a whole has changed nothing.
        let refused = triples(&[2, 3]);
        let truth = Truth::start(World { associations: triples(&[1]), refused, ..World::default() }).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let plan = client.reconcile([1], "companies", desired(&[(1, 1), (1, 2), (1, 3)])).plan().await.unwrap();
        let applied = plan.apply(&client).await.unwrap();
        assert_eq!(applied.failed_additions.len(), 2);
        assert!(applied.changed(&plan).is_empty(), "{version}: {:?}", applied.changed(&plan));
    }
}
