//! The input of a run: a file or standard input, how its rows are read, and the objects that they name by a property.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, Cursor, Read, Seek, stdin},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
};

use hmac_sha256::Hash;
use tokio::sync::oneshot;

use super::{form::SAMPLE, layout::Layout};
use crate::failure::Failure;

/// How much of standard input is read.
const MAX_STDIN: u64 = 64 << 20;

/// Ids by value, by property, by object type.
pub(super) type Ids = HashMap<String, HashMap<String, HashMap<String, String>>>;

#[derive(Clone)]
pub(crate) struct Input(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// That of standard input.
    content: Option<Arc<[u8]>>,
    layout: Layout,
    /// The digests of its blocks, once all of it was checked.
    blocks: OnceLock<Vec<u64>>,
    /// The ids of the objects that are named by a property, once HubSpot has told them.
    ids: OnceLock<Ids>,
}

impl Input {
    /// Reads standard input, if that is meant.
    pub(crate) async fn new(path: &Path, layout: Layout) -> Result<Self, Failure> {
        let content = if path == Path::new("-") { Some(read_stdin().await?) } else { None };
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            content,
            layout,
            blocks: OnceLock::new(),
            ids: OnceLock::new(),
        })))
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

    /// The digests of the blocks that were checked. Whoever reads the input after that reads the same or gets an error.
    pub(super) fn blocks(&self) -> Option<&[u64]> {
        self.0.blocks.get().map(Vec::as_slice)
    }

    pub(super) fn keep_blocks(&self, blocks: Vec<u64>) {
        let _ = self.0.blocks.set(blocks);
    }

    /// The id of an object that is named by a property, once it is known.
    pub(super) fn id(&self, object_type: &str, property: &str, value: &str) -> Option<&str> {
        self.0.ids.get()?.get(object_type)?.get(property)?.get(value).map(String::as_str)
    }

    /// Whether rows may name objects by a property whose ids are known.
    pub(super) fn has_ids(&self) -> bool {
        self.0.ids.get().is_some_and(|ids| !ids.is_empty())
    }

    /// Keeps the ids of the objects that rows name by a property. A run asks for them once.
    pub(super) fn know(&self, ids: Ids) {
        let _ = self.0.ids.set(ids);
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
