//! Token store that several processes share.

use std::{fmt, sync::LazyLock, time::Duration};

use ::redis::FromRedisValue;

use super::{connection::Redis, script::Script, token_cipher::TokenCipher};
use crate::{
    error::{Error, Result},
    oauth::store::{StoreFuture, StoredToken, TokenStore},
};

/// One hash for an account: the token, encrypted; when it was saved, and the fencing token of that save; and the lock.
///
/// The hash may be lost between a lock and its save. So the next fencing token is larger than that of the last save, too.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local key, action, fence = KEYS[1], ARGV[1], tonumber(ARGV[2])
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local function number(field) return tonumber(redis.call('HGET', key, field) or 0) end

        if action == 'load' then
          local token, saved_at = redis.call('HGET', key, 'token'), number('saved_at')
          return token and { token, saved_at > 0 and math.max(0, now - saved_at) or -1 }
        elseif action == 'lock' then
          local owner, locked_at, locked_until = ARGV[4], number('locked_at'), number('locked_until')
          local locked = locked_until > now
          if locked and redis.call('HGET', key, 'owner') ~= owner then
            -- Where Redis's clock was set back, its time begins anew: a dead owner's would take as much longer.
            if locked_at > now then
              redis.call('HSET', key, 'locked_at', string.format('%.0f', now),
                'locked_until', string.format('%.0f', now + locked_until - locked_at))
            end
            return false
          end
          local behind = math.max(0, number('saved_by') - number('fence'))
          fence = locked and number('locked_by') or redis.call('HINCRBY', key, 'fence', behind + 1)
          redis.call('HSET', key, 'locked_by', fence, 'owner', owner, 'locked_at', string.format('%.0f', now),
            'locked_until', string.format('%.0f', now + tonumber(ARGV[3])))
          return fence
        end
        local saved = 0
        if action == 'save' and fence >= number('saved_by') then
          redis.call('HSET', key, 'token', ARGV[3], 'saved_by', fence, 'saved_at', string.format('%.0f', now))
          saved = 1
        end
        if number('locked_by') == fence then
          redis.call('HDEL', key, 'locked_by', 'owner', 'locked_at', 'locked_until')
        end
        return saved
        ",
    )
});

/// A [`TokenStore`] that keeps the tokens of an account in Redis, encrypted; see [`Redis::token_store`].
///
/// The tokens are encrypted with XChaCha20-Poly1305 and a random nonce, and bound to the app and the account. They do
/// not expire, because the refresh token may exist nowhere else: `DEL` their key once an account is disconnected.
/// Configure Redis to keep its data over a restart (`appendonly yes`) and when its memory is full (`maxmemory-policy
/// noeviction`).
pub struct RedisTokenStore {
    redis: Redis,
    key: String,
    cipher: TokenCipher,
}

impl RedisTokenStore {
    pub(super) async fn connect(redis: Redis, client_id: String, account: String, key: [u8; 32]) -> Result<Self> {
        for (field, value) in [("client id", &client_id), ("account", &account)] {
            if value.is_empty() {
                return Err(Error::invalid_input(field, None, "is empty", "name the one that the tokens belong to"));
            }
        }
        let cipher = TokenCipher::new(key, &client_id, &account);
        let store = Self { key: redis.key(&["token", &client_id, &account]), redis, cipher };
        // Whether all is as it has to be: the lock's fencing token grows, and nothing else changes.
        if let Some(fence) = store.run::<Option<u64>>("lock", 0, &(0_u64, "")).await? {
            store.run::<()>("unlock", fence, &"").await?;
        }
        if let Some((sealed, _)) = store.sealed().await? {
            let remedy = "use the key of the other processes, or DEL the stored tokens";
            store.cipher.decrypt(&sealed).map_err(|reason| Error::invalid_input("token key", None, reason, remedy))?;
        }
        Ok(store)
    }

    /// What is stored, and for how many milliseconds, by Redis's clock; negative where that is not known.
    async fn sealed(&self) -> Result<Option<(Vec<u8>, i64)>> {
        self.run("load", 0, &"").await
    }

    /// # Errors
    /// Their kind tells whether Redis may come back by itself, which decides what becomes of a run.
    async fn run<T: FromRedisValue>(
        &self,
        action: &str,
        fencing_token: u64,
        value: &(impl ::redis::ToRedisArgs + Sync),
    ) -> Result<T> {
        let mut call = SCRIPT.key(&self.key);
        call.arg(action).arg(fencing_token).arg(value);
        match self.redis.run(&self.key, &call).await {
            // Its reply may be lost. What is done already is not done again.
            Err(trouble) if trouble.unreachable => Ok(self.redis.run(&self.key, &call).await?),
            reply => Ok(reply?),
        }
    }
}

impl TokenStore for RedisTokenStore {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        Box::pin(async {
            let Some((sealed, age)) = self.sealed().await? else { return Ok(None) };
            let token = self.cipher.decrypt(&sealed)?;
            Ok(Some(match u64::try_from(age) {
                Ok(age) => token.with_age(Duration::from_millis(age)),
                Err(_) => token,
            }))
        })
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        Box::pin(async move {
            let lifetime = u64::try_from(lifetime.as_millis())?;
            Ok(self.run("lock", 0, &(lifetime, owner)).await?)
        })
    }

    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let sealed = self.cipher.encrypt(&token)?;
            Ok(self.run("save", fencing_token, &sealed.as_slice()).await?)
        })
    }

    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()> {
        Box::pin(async move { Ok(self.run("unlock", fencing_token, &"").await?) })
    }
}

/// Without the key.
impl fmt::Debug for RedisTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTokenStore").field("redis", &self.redis).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Redis {
    /// Opens the store of one account's tokens, for all processes that act for the account with the same app. The
    /// tokens are encrypted with your key: 32 bytes from a cryptographic random generator, not a password.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`], naming the value, for
    /// - an empty client id or account;
    /// - a key in Redis that holds something else;
    /// - a token that was encrypted with another key;
    /// - a user who may not run the store's scripts.
    ///
    /// [`Error::is_connect`] if Redis cannot be reached.
    pub async fn token_store(
        &self,
        client_id: impl Into<String>,
        account: impl Into<String>,
        key: [u8; 32],
    ) -> Result<RedisTokenStore> {
        RedisTokenStore::connect(self.clone(), client_id.into(), account.into(), key).await
    }
}
