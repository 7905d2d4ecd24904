//! The input of a run: a file or standard input, how its rows are read, and the objects that they name by a property.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::{self, File},
    io::{self, Cursor, IsTerminal, Read, Seek, stderr, stdin},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
};

use hmac_sha256::Hash;
use hubspot_partner_clients::Client;
use tokio::sync::oneshot;

use super::{
    check::Checked,
    form::SAMPLE,
    layout::Layout,
    problems::Problems,
    rows::{Key, Rows},
};
use crate::{
    failure::{Failure, write_to_stderr},
    key::{self, Unresolved},
    words::counted,
};

/// How much of standard input is read.
const MAX_STDIN: u64 = 64 << 20;

/// The values by which objects are named, by property, by object type.
pub(crate) type Keys = BTreeMap<String, BTreeSet<(String, String)>>;
type Ids = HashMap<String, HashMap<String, HashMap<String, String>>>;

#[derive(Clone)]
pub(crate) struct Input(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// That of standard input.
    content: Option<Arc<[u8]>>,
    layout: Layout,
    /// The ids of the objects that are named by a property, once HubSpot has told them.
    ids: OnceLock<Ids>,
}

impl Input {
    /// Reads standard input, if that is meant.
    pub(crate) async fn new(path: &Path, layout: Layout) -> Result<Self, Failure> {
        let content = if path == Path::new("-") { Some(read_stdin().await?) } else { None };
        Ok(Self(Arc::new(Inner { path: path.to_owned(), content, layout, ids: OnceLock::new() })))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        if self.0.content.is_some() { "standard input".to_owned() } else { self.0.path.display().to_string() }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// The content from its beginning, and its first bytes.
    pub(super) fn open(&self) -> Result<(Box<dyn Read + Send>, Vec<u8>), Failure> {
        if let Some(content) = &self.0.content {
            let sample = content.get(..SAMPLE).unwrap_or(content).to_vec();
            return Ok((Box::new(Cursor::new(Arc::clone(content))), sample));
        }
        let path = self.path();
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            let message = format!("{} is not a regular file, and pipes cannot be read twice", path.display());
            return Err(Failure::file(
                message,
                "Save the rows to a file and give its path, or give - for standard input.",
            ));
        }
        let unread = |error| Failure::io(format_args!("{} cannot be read", path.display()), &error);
        let mut file = File::open(path).map_err(unread)?;
        let mut sample = Vec::new();
        file.by_ref().take(SAMPLE as u64).read_to_end(&mut sample).map_err(unread)?;
        file.rewind().map_err(unread)?;
        Ok((Box::new(file), sample))
    }

    /// The id of an object that is named by a property, once it is known.
    pub(super) fn id(&self, key: &Key<'_>) -> Option<&str> {
        let ids = self.0.ids.get()?.get(key.object_type)?;
        ids.get(key.property.as_ref())?.get(key.value).map(String::as_str)
    }

    /// Asks HubSpot for the objects that rows name by a property.
    ///
    /// # Errors
    /// Every row whose objects are not there or are there twice, or whose objects HubSpot did not tell.
    pub(crate) async fn resolve(&self, checked: &Checked, client: &Client) -> Result<(), Failure> {
        let count = checked.keys_count();
        // Searches are few in a second, so thousands take their time.
        if count > 0 && stderr().is_terminal() {
            write_to_stderr(&format!("Looking up {} in HubSpot …\n", counted(count, "object")));
        }
        let (mut ids, mut wrong, mut cause) = (Ids::new(), HashMap::new(), None);
        for (object_type, keys) in &checked.keys {
            let outcomes = client.resolve(object_type.as_str(), keys.iter().cloned()).send().await;
            for ((property, value), outcome) in keys.iter().zip(outcomes) {
                match key::id(object_type, property, value, outcome) {
                    Ok(id) => {
                        let of_property =
                            ids.entry(object_type.clone()).or_default().entry(property.clone()).or_default();
                        of_property.insert(value.clone(), id.to_string());
                    }
                    Err(Unresolved { message, error }) => {
                        cause = cause.or(error);
                        wrong.insert((object_type.as_str(), property.as_str(), value.as_str()), message);
                    }
                }
            }
        }
        let mut problems = Problems::default();
        let mut rows = Rows::open(self)?;
        while !wrong.is_empty() && matches!(rows.advance()?, Ok(true)) {
            for (part, key) in rows.keys() {
                if let Some(message) = wrong.get(&(key.object_type, key.property.as_ref(), key.value)) {
                    problems.add(rows.problem(part, message.clone()));
                }
            }
        }
        problems.check(&self.name()).map_err(|failure| match &cause {
            Some(error) => failure.caused_by(error),
            None => failure,
        })?;
        // A run asks once.
        let _ = self.0.ids.set(ids);
        Ok(())
    }

    /// Tells the rows from those of others: the digest of the file, and how it is read and where its keys led, if that is said.
    pub(crate) fn identity(&self, digest: &str) -> String {
        let mut told = self.layout().identity();
        for (object_type, by_property) in self.0.ids.get().into_iter().flatten().collect::<BTreeMap<_, _>>() {
            for (property, by_value) in by_property.iter().collect::<BTreeMap<_, _>>() {
                for (value, id) in by_value.iter().collect::<BTreeMap<_, _>>() {
                    told.push_str(&format!("{object_type} {property}={value} {id}\n"));
                }
            }
        }
        if told.is_empty() {
            return digest.to_owned();
        }
        let mut hash = Hash::new();
        hash.update(digest);
        hash.update("\n");
        hash.update(told);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Reads it in a thread of its own, so that a signal ends the tool meanwhile.
async fn read_stdin() -> Result<Arc<[u8]>, Failure> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let mut content = Vec::new();
        let read = stdin().lock().take(MAX_STDIN + 1).read_to_end(&mut content);
        sender.send(read.map(|_| content))
    });
    let content = receiver.await.unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into()));
    let content = content.map_err(|error| Failure::io("standard input cannot be read", &error))?;
    if content.len() as u64 > MAX_STDIN {
        let message = format!("standard input has more than {} MiB", MAX_STDIN >> 20);
        return Err(Failure::file(message, "Save the rows to a file and give its path; nothing was sent."));
    }
    Ok(content.into())
}
