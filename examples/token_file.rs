//! Token store in a file, which several processes of one machine share.
//!
//! ```text
//! cargo run -p examples --example token_file
//! ```
//!
//! It starts a simulator that issues a new refresh token at each refresh.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use fs4::FileExt;
use hubspot_partner_clients::{
    Client,
    oauth::{OAuthApp, StoreFuture, StoredToken, TokenStore},
    simulator::{self, Simulator},
};
use serde::{Deserialize, Serialize};

/// The file holds the tokens unencrypted, so only its owner may read it. Encrypt them if that is not enough.
#[derive(Clone)]
struct TokenFile(PathBuf);

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    token: Option<String>,
    saved_by: u64,
    fencing_token: u64,
    lock: Option<Lock>,
}

#[derive(Serialize, Deserialize)]
struct Lock {
    owner: String,
    until: SystemTime,
}

impl TokenFile {
    /// Changes the contents of the file under a lock that keeps other processes out.
    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Kept) -> T + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let path = self.0.clone();
        let run = move || {
            // The operating system releases this lock when the process ends.
            let guard = File::create(path.with_extension("lock"))?;
            FileExt::lock(&guard)?;
            let mut kept = match fs::read(&path) {
                Ok(json) => serde_json::from_slice(&json)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
                Err(error) => return Err(error.into()),
            };
            let outcome = change(&mut kept);
            // Renaming replaces the file at once, so a crash leaves the old contents or the new.
            let new = path.with_extension("new");
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&new)?;
            file.write_all(&serde_json::to_vec(&kept)?)?;
            file.sync_all()?;
            fs::rename(new, path)?;
            Ok(outcome)
        };
        Box::pin(async { tokio::task::spawn_blocking(run).await? })
    }
}

impl TokenStore for TokenFile {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        self.change(|kept| kept.token.clone().map(StoredToken::new))
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        let owner = owner.to_owned();
        self.change(move |kept| {
            let now = SystemTime::now();
            match &kept.lock {
                Some(lock) if lock.until > now && lock.owner != owner => return None,
                Some(lock) if lock.until > now => {}
                _ => kept.fencing_token += 1,
            }
            kept.lock = Some(Lock { owner, until: now + lifetime });
            Some(kept.fencing_token)
        })
    }

    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        self.change(move |kept| {
            let is_newest = fencing_token >= kept.saved_by;
            if is_newest {
                (kept.token, kept.saved_by) = (Some(token.expose().to_owned()), fencing_token);
            }
            if kept.fencing_token == fencing_token {
                kept.lock = None;
            }
            is_newest
        })
    }

    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()> {
        self.change(move |kept| {
            if kept.fencing_token == fencing_token {
                kept.lock = None;
            }
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registered = simulator::OAuthApp::new("client-id", "client-secret", "refresh-token").rotating_refresh_token();
    let hubspot = Simulator::builder().oauth_app(registered).start().await?;
    let app = OAuthApp::builder("client-id", "client-secret").base_url(hubspot.base_url()).build()?;
    let directory = tempfile::tempdir()?;
    let file = TokenFile(directory.path().join("token.json"));

    // Each process knows the refresh token from connecting the account. The tokens in the file take precedence.
    let process = || -> hubspot_partner_clients::Result<Client> {
        let token = app.token("refresh-token")?.store(file.clone());
        Client::builder().base_url(hubspot.base_url()).token_provider(token).build()
    };
    let (first, second) = (process()?, process()?);
    tokio::try_join!(first.get("512").send(), second.get("512").send())?;
    process()?.get("512").await?;
    let refreshes = hubspot.requests().iter().filter(|request| request.path().starts_with("/oauth/")).count();
    println!("Three processes, {refreshes} refresh.");
    Ok(())
}
