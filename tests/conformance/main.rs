//! The promises of the library that HubSpot has to keep as well: on the simulator, and on HubSpot where you ask for it.
//!
//! CONTRIBUTING.md says how to run them on an account of yours. They read, unless `HUBSPOT_LIVE_WRITE` is 1; then they make and
//! remove associations of the two objects that you name, which must have none. All of them together keep within a tenth of
//! the least rate limit.
#![cfg(feature = "client")]

mod place;

use std::{collections::BTreeSet, panic::AssertUnwindSafe};

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use hubspot_partner_clients::{Association, filter};

use self::place::Place;

const VERSIONS: [&str; 3] = ["v3", "2026-03", "2026-09"];
/// An id that no account has.
const NOBODY: &str = "9007199254740991";

macro_rules! promises {
    ($($promise:ident)+) => {
        mod simulator {
            $(#[tokio::test]
            async fn $promise() {
                for version in super::VERSIONS {
                    super::$promise(&super::Place::simulated(version).await).await;
                }
            })+
        }

        mod hubspot {
            $(#[tokio::test]
            #[ignore = "asks HubSpot; CONTRIBUTING.md says how"]
            async fn $promise() {
                for version in super::VERSIONS {
                    super::$promise(&super::Place::live(version)).await;
                }
            })+
        }
    };
}

promises! {
    a_token_tells_its_account
    a_partner_client_is_read_listed_and_found
    a_walk_meets_each_partner_client_once
    an_object_that_does_not_exist_is_not_found
    the_rate_limit_is_told
    an_unknown_token_is_refused
    association_types_are_told_with_one_number_on_every_version
    an_association_is_made_listed_and_removed
    an_association_that_exists_can_be_made_again
    an_association_that_is_gone_can_be_removed_again
    a_type_that_does_not_exist_is_refused_and_nothing_is_made
    a_batch_tells_the_outcome_of_each_input
}

async fn a_token_tells_its_account(place: &Place) {
    let account = place.client.account().await.unwrap();
    assert!(account.id.bytes().all(|byte| byte.is_ascii_digit()), "{account:?}");
    assert!(account.time_zone.is_some(), "{account:?}");
}

async fn a_partner_client_is_read_listed_and_found(place: &Place) {
    let read = place.client.get(&place.partner_client).await.unwrap();
    assert_eq!(read.id, place.partner_client);
    assert!(read.created_at <= read.updated_at, "{read:?}");
    assert!(!place.client.list().page_size(1).await.unwrap().results.is_empty());
    let found = place.client.search().filter(filter("hs_object_id").eq(&place.partner_client)).await.unwrap();
    assert_eq!(found.results.iter().map(|found| &*found.id).collect::<Vec<_>>(), [&*place.partner_client]);
    assert_eq!(found.total, Some(1));
}

async fn a_walk_meets_each_partner_client_once(place: &Place) {
    let walk = place.client.list().page_size(1).items().take(3);
    let ids: Vec<_> = walk.map_ok(|met| met.id).try_collect().await.unwrap();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

async fn an_object_that_does_not_exist_is_not_found(place: &Place) {
    let error = place.client.get(NOBODY).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let batch = place.client.batch_read([NOBODY, &place.partner_client]).send().await;
    assert!(batch[0].as_ref().is_err_and(|error| error.is_not_found()) && batch[1].is_ok(), "{batch:?}");
}

async fn the_rate_limit_is_told(place: &Place) {
    let (_, meta) = place.client.get(&place.partner_client).send_with_meta().await.unwrap();
    assert!(meta.rate_limit.limit.is_some() && meta.rate_limit.remaining < meta.rate_limit.limit, "{meta:?}");
    assert!(meta.correlation_id.is_some(), "{meta:?}");
}

async fn an_unknown_token_is_refused(place: &Place) {
    let error = place.with_token("pat-na1-00000000-0000-0000-0000-000000000000").account().await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
}

async fn association_types_are_told_with_one_number_on_every_version(place: &Place) {
    let types = place.client.association_types(&place.to_type).await.unwrap();
    let number = place.number().await;
    assert!(types.iter().any(|listed| listed.id.as_str() == number), "{number} is not among {types:?}");
}

async fn an_association_is_made_listed_and_removed(place: &Place) {
    place
        .writes(async {
            let number = place.number().await;
            place.associate(&number).await.unwrap();
            assert!(!place.associations().await.is_empty());
            place.dissociate(&number).await.unwrap();
        })
        .await;
}

async fn an_association_that_exists_can_be_made_again(place: &Place) {
    place
        .writes(async {
            let number = place.number().await;
            place.associate(&number).await.unwrap();
            let once = place.associations().await;
            place.associate(&number).await.unwrap();
            assert_eq!(place.associations().await, once);
        })
        .await;
}

async fn an_association_that_is_gone_can_be_removed_again(place: &Place) {
    place
        .writes(async {
            let number = place.number().await;
            place.associate(&number).await.unwrap();
            place.dissociate(&number).await.unwrap();
            place.dissociate(&number).await.unwrap();
        })
        .await;
}

async fn a_type_that_does_not_exist_is_refused_and_nothing_is_made(place: &Place) {
    place
        .writes(async {
            let error = place.associate("no_such_type_of_ours").await.unwrap_err();
            assert!(error.status() == Some(400) || error.is_invalid_input(), "{error}");
            assert!(place.associations().await.is_empty());
        })
        .await;
}

async fn a_batch_tells_the_outcome_of_each_input(place: &Place) {
    place
        .writes(async {
            let number = place.number().await;
            let to = |id: &str| Association::new(&*place.partner_client, &*place.to_type, id, &*number).unwrap();
            let inputs = [to(NOBODY), to(&place.to_id), to(&place.to_id)];
            let outcomes: Vec<_> = place.client.associate_many(inputs).outcomes().collect().await;
            let mut by_index: Vec<_> = outcomes.iter().map(|o| (o.index, o.result.is_ok())).collect();
            by_index.sort_unstable();
            assert_eq!(by_index, [(0, false), (1, true), (2, true)], "{outcomes:?}");
            assert!(!place.associations().await.is_empty());
            let removed: Vec<_> = place.client.dissociate_many([to(&place.to_id)]).outcomes().collect().await;
            assert!(removed.iter().all(|outcome| outcome.result.is_ok()), "{removed:?}");
        })
        .await;
}

impl Place {
    /// Runs what writes, where that is allowed, and leaves the two objects without associations however it ends.
    async fn writes(&self, promise: impl Future<Output = ()>) {
        if !self.may_write {
            println!("not run: HUBSPOT_LIVE_WRITE is not 1");
            return;
        }
        assert!(self.associations().await.is_empty(), "the two objects are associated: give two that are not");
        let kept = AssertUnwindSafe(promise).catch_unwind().await;
        for left in self.associations().await {
            self.dissociate(&left).await.unwrap();
        }
        if let Err(broken) = kept {
            std::panic::resume_unwind(broken);
        }
        assert!(self.associations().await.is_empty(), "nothing is left behind");
    }
}
