//! Redis's clock, which is set back while a job is worked on.

use std::time::Duration;

use hubspot_simulator::Fault;
use tokio::time::{sleep, timeout};

use crate::deadly_batches::leases_end;
use crate::jobs::{META, batches, hubspot, is_done, job, rows};
use crate::redis_server::RedisServer;
use crate::support::client_speaking;

on_each_version! {
    the_batches_of_a_worker_that_is_gone_are_claimed_in_time_though_the_clock_is_set_back,
}

const BATCHES: &str = "hubspot-partner-clients:job:batches:test";

/// Redis's checksum of what it dumps: CRC-64/Jones, reflected.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u64::from(byte), |crc, _| (crc >> 1) ^ (0x95ac_9329_ac4b_c9b5 * (crc & 1)))
    })
}

/// As if Redis's clock had been so much later until now. When a batch was leased can be told to Redis only in a dump.
fn set_back(server: &RedisServer, by: Duration) {
    let by = by.as_millis() as u64;
    let hex = "return (string.gsub(redis.call('DUMP', KEYS[1]), '.', function(byte)
        return string.format('%02x', string.byte(byte))
    end))";
    let dumped = server.command(&["EVAL", hex, "1", BATCHES]);
    let hex = dumped.split("\r\n").nth(1).unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let mut dump: Vec<u8> = hex.chunks(2).map(byte).collect();
    let end = dump.len() - 8;
    assert_eq!(dump[end..], checksum(&dump[..end]).to_le_bytes());
    let known = server.command(&["XINFO", "STREAM", BATCHES, "FULL"]);
    let times =
        known.lines().filter_map(|line| line.strip_prefix(':').filter(|number| number.len() == 13)?.parse().ok());
    let mut moved = 0;
    for place in 0..end - 8 {
        let found = u64::from_le_bytes(dump[place..place + 8].try_into().unwrap());
        if times.clone().any(|time: u64| time == found) {
            dump[place..place + 8].copy_from_slice(&(found + by).to_le_bytes());
            moved += 1;
        }
    }
    assert!(moved > 0, "{known}");
    let sum = checksum(&dump[..end]).to_le_bytes();
    dump[end..].copy_from_slice(&sum);
    let hex: String = dump.iter().map(|byte| format!("{byte:02x}")).collect();
    let later = "
        local bytes = string.gsub(ARGV[1], '..', function(hex) return string.char(tonumber(hex, 16)) end)
        redis.call('RESTORE', KEYS[1], 0, bytes, 'REPLACE')
        for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
          if field == 'started' or field == 'clock' or string.match(field, '^seen:') then
            redis.call('HINCRBY', KEYS[2], field, ARGV[2])
          end
        end
        return 1";
    assert_eq!(server.number(&["EVAL", later, "2", BATCHES, META, &hex, &by.to_string()]), 1);
}

async fn the_batches_of_a_worker_that_is_gone_are_claimed_in_time_though_the_clock_is_set_back(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot(200).await);
    hubspot.inject(Fault::delay(Duration::from_secs(600)).on("batch_associate").times(1));
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(200)).await.unwrap();
    let asked = async {
        while batches(&hubspot) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let client = client_speaking(&hubspot, version);
    tokio::select! {
        part = job.worker(&client).run() => unreachable!("{part:?}"),
        () = asked => {}
    }
    set_back(&server, Duration::from_secs(600));
    let silent_for = |milliseconds: &str| {
        let pending = ["XPENDING", BATCHES, "workers", "IDLE", milliseconds, "-", "+", "10"];
        server.command(&pending) != "*0\r\n+OK\r\n"
    };
    assert!(silent_for("0") && !silent_for("1"), "it was leased later than now");
    assert_eq!(job.status().await.unwrap().workers, 1);
    // Its time passes while another worker looks for a batch.
    let passes = async {
        while !silent_for("100") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), job.worker(&client).run_until(passes)).await.expect("it stands still").unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.settled(), status.rate), (0, 0.0));
    leases_end(&server);
    job.worker(&client).run().await.unwrap();
    is_done(&job, &hubspot, 200).await;
}
