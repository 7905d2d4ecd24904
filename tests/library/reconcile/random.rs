//! Random states and failures, and the limits that a removal makes room in.

use super::*;

/// Some of the pairs of three partner clients and four companies, by each type.
fn some(random: &mut fastrand::Rng, names: &[&'static str]) -> BTreeSet<Triple> {
    let mut some = BTreeSet::new();
    for _ in 0..random.usize(0..10) {
        some.insert((random.u64(1..=3), random.u64(1..=4), names[random.usize(0..names.len())]));
    }
    some
}

// Random states there, random ones desired, on each kind of server.
#[tokio::test]
async fn a_reconcile_comes_to_rest_and_its_undo_restores_what_was_there() {
    for version in VERSIONS {
        let truth = Truth::start(World::default()).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        for seed in 0..sized(60, 20) as u64 {
            let mut random = fastrand::Rng::with_seed(seed);
            let companions = [Companions::None, Companions::Listed, Companions::Base][random.usize(0..3)];
            let companions = if version == "v3" { companions } else { Companions::Base };
            *truth.world() = World { companions, types_as_numbers: random.bool(), ..World::default() };
            some(&mut random, &NAMES).into_iter().for_each(|triple| truth.world().add(triple));
            let before = truth.world().all_listed();
            let only = [&NAMES[..], &NAMES[..1], &NAMES[1..], &NAMES[..3], &NAMES[3..]][random.usize(0..5)];
            let wanted = some(&mut random, only);
            let plan = async || {
                let reconcile = client.reconcile(1..=3_u64, "companies", inputs(version, &wanted));
                let only = if only.len() == NAMES.len() { &[] } else { only };
                only.iter()
                    .fold(reconcile, |reconcile, only| reconcile.only_type(given(version, only)))
                    .plan()
                    .await
                    .unwrap()
            };
            let case = format!("{version}, seed {seed}, {companions:?}, only {only:?}, {before:?} to {wanted:?}");

            let first = plan().await;
            let saved = serde_json::to_string(&first.undo()).unwrap();
            let applied = first.apply(&client).max_removals(99).await.unwrap();
            assert!(applied.is_complete(), "{case}: {applied:?}");
            let after = truth.world().all_listed();
            assert!(wanted.is_subset(&after), "{case}\n{first}");
            for more in after.difference(&wanted).filter(|(_, _, name)| only.contains(name)) {
                let (client, company, name) = *more;
                let labels = NAMES[..3].iter().filter(|label| after.contains(&(client, company, **label)));
                assert!(name == UNLABELED && labels.count() > 0, "{case}\n{first}: {more:?}");
            }
            let labels = |all: &BTreeSet<Triple>, names: &[&str]| -> Vec<Triple> {
                all.iter().filter(|(_, _, name)| *name != UNLABELED && names.contains(name)).copied().collect()
            };
            let others: Vec<_> = NAMES.into_iter().filter(|name| !only.contains(name)).collect();
            assert_eq!(labels(&after, &others), labels(&before, &others), "{case}\n{first}");
            let second = plan().await;
            assert!(second.is_empty(), "{case}\n{first}\nthen {second}");

            let undo: Plan = serde_json::from_str(&saved).unwrap();
            for undo in [&undo, &applied.undo(&first)] {
                undo.apply(&client).await.unwrap_or_else(|error| panic!("{case}\n{first}\nundo {undo}: {error}"));
                let undone = truth.world().all_listed();
                assert_eq!(labels(&undone, &NAMES), labels(&before, &NAMES), "{case}\n{first}\nundo {undo}");
                if only.len() == NAMES.len() {
                    assert_eq!(undone, before, "{case}\n{first}\nundo {undo}");
                }
            }
        }
    }
}

// Random additions and removals that fail, or end without an answer.
#[tokio::test]
async fn whatever_fails_no_partner_client_loses_anything_before_it_has_all_it_should() {
    for version in VERSIONS {
        let truth = Truth::start(World::default()).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        for seed in 0..sized(60, 20) as u64 {
            let mut random = fastrand::Rng::with_seed(seed);
            let companions = if version == "v3" { Companions::None } else { Companions::Base };
            let mut world = World { companions, ..World::default() };
            let before = some(&mut random, &NAMES[..2]);
            before.iter().for_each(|triple| world.add(*triple));
            *truth.world() = world;
            let wanted = some(&mut random, &NAMES[..2]);
            let plan = client.reconcile(1..=3_u64, "companies", inputs(version, &wanted)).plan().await.unwrap();
            truth.world().refused = some(&mut random, &NAMES[..2]);
            if random.bool() {
                let lost = some(&mut random, &NAMES[..2]);
                truth.world().lost = lost.into_iter().map(|triple| (triple, random.bool())).collect();
            }
            let case = format!("{version}, seed {seed}: {before:?} to {wanted:?}\n{plan}");
            let applied = plan.apply(&client).max_removals(99).await.unwrap();

            let after = labels(&truth.world().associations);
            for (from, ..) in &truth.world().removals {
                let missing = wanted.iter().find(|triple| triple.0 == *from && !after.contains(*triple));
                assert_eq!(missing, None, "{case}{applied:?}");
            }
            let told = |changes: &[Association]| changes.len();
            let counted = applied.added + applied.removed + applied.failures().count() as u64;
            assert_eq!(counted as usize + told(&applied.held_back), plan.add.len() + plan.remove.len(), "{case}");
            if applied.is_complete() {
                assert_eq!(after, wanted, "{case}");
            }

            // Nothing fails any more.
            (truth.world().refused, truth.world().lost) = Default::default();
            if random.bool() {
                let rest = plan.apply(&client).max_removals(99).await.unwrap();
                assert!(rest.is_complete() && labels(&truth.world().associations) == wanted, "{case}{rest:?}");
            }
            let undo = if random.bool() { plan.undo() } else { applied.undo(&plan) };
            let state = labels(&truth.world().associations);
            match undo.apply(&client).await {
                Ok(_) => assert_eq!(labels(&truth.world().associations), before, "{case}{undo}"),
                // The rest was applied since.
                Err(error) => assert_eq!((state, error.is_invalid_input()), (wanted, true), "{case}{undo}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn what_a_limit_kept_out_is_added_once_a_removal_has_made_room() {
    for version in VERSIONS {
        // On dated versions each loses the unlabelled type as well.
        let removed = if version == "v3" { 3 } else { 6 };
        let moved = [(1, 2), (2, 3), (3, 4)];
        for (there, remove_anyway, rest) in [
            // The last of the chain is free at once, the others only after it.
            ([(1, 1), (2, 2), (9, 3)], false, false),
            // Nobody can begin.
            ([(1, 1), (2, 2), (3, 3)], true, true),
        ] {
            for journal in [false, true] {
                let directory = tempfile::TempDir::new().unwrap();
                let companions = if version == "v3" { Companions::None } else { Companions::Base };
                let truth = Truth::start(World { one_client_each: true, companions, ..World::default() }).await;
                there.iter().for_each(|&(client, company)| truth.world().add((client, company, "owner")));
                let client = client_at_speaking(&truth.server.base_url, "t", version);
                let wanted: Vec<_> = if rest { vec![(1, 2), (2, 3), (3, 1)] } else { moved.to_vec() };
                let plan = client.reconcile([1, 2, 3, 9], "companies", desired(&wanted)).plan().await.unwrap();
                let apply = |anyway: bool| {
                    let mut apply = plan.apply(&client).max_removals(9);
                    if journal {
                        apply = apply.journal(Journal::open(directory.path().join("journal"), "plan").unwrap());
                    }
                    if anyway { apply.remove_anyway() } else { apply }
                };
                let mut applied = apply(false).await.unwrap();
                if remove_anyway {
                    assert_eq!((applied.failed_additions.len(), applied.held_back.len()), (3, removed));
                    applied = apply(true).await.unwrap();
                }
                assert!(applied.is_complete(), "{applied:?}");
                assert_eq!((applied.added, applied.removed), (3, removed as u64));
                let wanted: BTreeSet<_> = wanted.iter().map(|&(client, company)| (client, company, "owner")).collect();
                assert_eq!(labels(&truth.world().associations), wanted);
            }
        }
    }
}

#[tokio::test]
async fn a_refused_addition_is_tried_again_only_where_something_was_removed() {
    for version in VERSIONS {
        let world = World {
            associations: [(1, 1, "owner"), (2, 1, "owner")].into(),
            refused: [(1, 5, "owner"), (2, 6, "owner")].into(),
            ..World::default()
        };
        let truth = Truth::start(world).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let plan = client.reconcile([1, 2], "companies", desired(&[(1, 5), (2, 1), (2, 6)])).plan().await.unwrap();
        let puts = || truth.world().requests.iter().filter(|head| head.starts_with("PUT ")).count();
        let applied = plan.apply(&client).await.unwrap();
        assert_eq!((applied.failed_additions.len(), applied.held_back.len(), puts()), (2, 1, 2));
        let applied = plan.apply(&client).remove_anyway().await.unwrap();
        assert_eq!((applied.failed_additions.len(), applied.removed), (2, 1));
        assert_eq!(applied.undo(&plan).remove, []);
    }
}

#[tokio::test]
async fn a_plan_that_names_a_type_by_its_id_is_refused_with_the_name() {
    for version in VERSIONS {
        let truth = Truth::start(World { associations: [(1, 1, "owner")].into(), ..World::default() }).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let plan = client.reconcile([1], "companies", desired(&[(1, 2)])).plan().await.unwrap();
        for changes in ["add", "remove"] {
            let mut edited = serde_json::to_value(&plan).unwrap();
            edited[changes][0]["associationType"] = json!("7");
            let edited: Plan = serde_json::from_value(edited).unwrap();
            let error = edited.apply(&client).await.unwrap_err();
            assert!(
                error.is_invalid_input()
                    && error.message().contains(&format!("\"7\" is called {} in plans", shown(version, "owner"))),
                "{error}"
            );
            assert_eq!(truth.world().associations, [(1, 1, "owner")].into());
        }
    }
}
