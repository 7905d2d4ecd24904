//! Kind of server at an address: what its greeting and its settings say, and what of that is in the way.

use ::redis::{RedisError, Value, aio::MultiplexedConnection, cmd, from_redis_value};

use crate::error::{Error, Result};

/// The least version of Redis that has all commands of the scripts.
const LEAST: (u64, u64) = (6, 2);
pub(super) const NEWER: &str = "use Redis 6.2 or later, or Valkey";

/// What a server says of itself; empty where it says nothing.
#[derive(Debug, Default)]
pub(super) struct Server {
    version: String,
    mode: String,
    role: String,
    /// Whether it does not know how to greet, as Redis before version 6.
    is_mute: bool,
    eviction: Option<String>,
}

impl Server {
    /// Asks for no more than everybody may ask. Where a user may not read the settings, they are not known.
    pub(super) async fn ask(connection: &mut MultiplexedConnection) -> Result<Self, RedisError> {
        let mut server = match cmd("HELLO").query_async(connection).await {
            Ok(greeting) => Self::read(greeting),
            Err(error) if says_unknown(&error) => return Ok(Self { is_mute: true, ..Self::default() }),
            Err(error) if error.is_io_error() || error.is_timeout() => return Err(error),
            Err(_) => Self::default(),
        };
        let memory: Result<String, RedisError> = cmd("INFO").arg("memory").query_async(connection).await;
        server.eviction = memory.ok().and_then(|memory| eviction(&memory));
        Ok(server)
    }

    fn read(greeting: Value) -> Self {
        let mut server = Self::default();
        for (name, value) in greeting.into_map_iter().into_iter().flatten() {
            let (Ok(name), Ok(value)) = (from_redis_value::<String>(name), from_redis_value::<String>(value)) else {
                continue;
            };
            match name.as_str() {
                "version" => server.version = value,
                "mode" => server.mode = value,
                "role" => server.role = value,
                _ => {}
            }
        }
        server
    }

    /// Checks that it is one that keeps what is put there, has all commands, and has all keys.
    pub(super) fn check(&self, address: &str) -> Result<()> {
        let refuse = |reason: &str, remedy: &str| {
            Err(Error::invalid_input(&format!("Redis at {address}"), None, reason, remedy))
        };
        if self.is_mute {
            return Err(too_old(address, "a version before 6"));
        }
        if self.version_number().is_some_and(|version| version < LEAST) {
            return Err(too_old(address, &format!("version {}", self.version)));
        }
        match (self.mode.as_str(), self.role.as_str()) {
            ("cluster", _) => refuse(
                "is a node of a Redis Cluster, which is not supported",
                "give the address of a Redis with cluster mode disabled",
            ),
            ("sentinel", _) => {
                refuse("is a Sentinel, which keeps no data", "give the address of the Redis that it watches")
            }
            // In a failover this passes.
            (_, "replica" | "slave") => Err(Error::unreachable(format!(
                "Redis at {address} is a read-only replica: give the address of its primary, or wait until a failover ends"
            ))),
            _ => Ok(()),
        }
    }

    /// Of a text that is none, nothing is known.
    fn version_number(&self) -> Option<(u64, u64)> {
        let mut parts = self.version.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    }

    /// What a user should know who keeps jobs and tokens there.
    pub(super) fn warning(&self, address: &str) -> Option<String> {
        let policy = self.eviction.as_ref()?;
        Some(format!(
            "Redis at {address} deletes any key when its memory is full (maxmemory-policy {policy}), so jobs and tokens can \
             be lost: set `maxmemory-policy noeviction`"
        ))
    }
}

/// The error for a server that lacks commands of the scripts.
pub(super) fn too_old(address: &str, version: &str) -> Error {
    Error::invalid_input(&format!("Redis at {address}"), None, format!("has {version}"), NEWER)
}

fn says_unknown(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.to_ascii_lowercase().contains("unknown command"))
}

/// The policy, if the server deletes keys that do not expire: those of jobs and tokens do not.
fn eviction(memory: &str) -> Option<String> {
    let setting = |name: &str| memory.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let is_limited = setting("maxmemory").is_some_and(|bytes| bytes.trim() != "0");
    let policy = setting("maxmemory_policy")?.trim();
    (is_limited && policy.starts_with("allkeys-")).then(|| policy.to_owned())
}
