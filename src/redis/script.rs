//! Scripts, which Redis keeps by their hash.

use ::redis::{
    ErrorKind, FromRedisValue, RedisResult, ServerErrorKind, ToRedisArgs, Value, aio::MultiplexedConnection, cmd,
};

/// A script that runs in Redis.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text, hash: ::redis::Script::new(text).get_hash().to_owned() }
    }

    /// The script on a key; it may have more, and arguments.
    pub(super) fn key(&self, key: &str) -> Invocation<'_> {
        let mut invocation = Invocation { script: self, keys: Vec::new(), arguments: Vec::new() };
        invocation.key(key);
        invocation
    }
}

/// A script with its keys and arguments.
pub(super) struct Invocation<'a> {
    script: &'a Script,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

impl Invocation<'_> {
    pub(super) fn key(&mut self, key: &str) -> &mut Self {
        key.write_redis_args(&mut self.keys);
        self
    }

    pub(super) fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    /// Runs it, and loads it first if Redis does not have it.
    pub(super) async fn run<T: FromRedisValue>(&self, connection: &mut MultiplexedConnection) -> RedisResult<T> {
        let mut command = cmd("EVALSHA");
        command.arg(&self.script.hash).arg(self.keys.len()).arg(&self.keys).arg(&self.arguments);
        match command.query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                // Whatever it answers, the script is there then or the next command fails.
                let _: Value = cmd("SCRIPT").arg("LOAD").arg(self.script.text).query_async(connection).await?;
                command.query_async(connection).await
            }
            outcome => outcome,
        }
    }
}
