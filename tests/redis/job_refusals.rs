//! Jobs that are not there, are others', or are on a Redis that cannot hold them: what is told, by name.

use futures_util::TryStreamExt;
use hubspot_partner_clients::redis::Redis;

use crate::jobs::{CLIENTS, META, hubspot, job, names_it, rows};
use crate::redis_server::RedisServer;
use crate::support::client_of;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_job_is_told_by_name() {
    let (server, hubspot) = (RedisServer::start(), hubspot(CLIENTS).await);
    let (job, client) = (job(&server).await, client_of(&hubspot));
    for error in [
        job.status().await.unwrap_err(),
        job.worker(&client).run().await.unwrap_err(),
        job.remove().await.unwrap_err(),
        job.outcomes().try_next().await.unwrap_err(),
    ] {
        names_it(&error, &["job \"test\" is not in Redis", "enqueue it first"]);
    }
    let redis = Redis::connect(server.url()).await.unwrap();
    names_it(&redis.job("").enqueue_associate_many("rows", rows(1)).await.unwrap_err(), &["has no name"]);
    assert_eq!(server.number(&["DBSIZE"]), 0);

    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    let other = job.enqueue_associate_many("other rows", rows(2)).await.unwrap_err();
    names_it(&other, &["job \"test\"", "to associate \"rows\"", "another name"]);
    names_it(&job.enqueue_dissociate_many("rows", rows(1)).await.unwrap_err(), &["to associate"]);
    assert_eq!(job.status().await.unwrap().enqueued, 1);

    let keys =
        ["job:meta:other", "job:batches:other", "job:outcomes:other", "job:pace:other", "job:pairs:other", "jobs"];
    for key in keys.map(|key| format!("hubspot-partner-clients:{key}")) {
        server.command(&["SET", &key, "taken"]);
        let error = redis.job("other").enqueue_associate_many("rows", rows(1)).await.unwrap_err();
        names_it(&error, &[&key, "holds a string"]);
        server.number(&["DEL", &key]);
        names_it(&redis.job("other").status().await.unwrap_err(), &["is not in Redis"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_an_earlier_format_is_refused_and_can_be_removed() {
    let (server, hubspot) = (RedisServer::start(), hubspot(CLIENTS).await);
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    job.worker(&client_of(&hubspot)).run().await.unwrap();
    server.number(&["HDEL", META, "format"]);
    for error in [
        job.enqueue_associate_many("rows", rows(1)).await.unwrap_err(),
        job.worker(&client_of(&hubspot)).run().await.unwrap_err(),
        job.outcomes().try_next().await.unwrap_err(),
    ] {
        names_it(&error, &["job \"test\" has format \"1\"", "knows \"2\"", "remove it"]);
    }
    assert_eq!(job.status().await.unwrap().succeeded, 1);
    job.remove().await.unwrap();
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
}
