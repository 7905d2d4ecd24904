//! Output files that replace an old file only once they are whole.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf, absolute, is_separator},
};

use fs4::{FileExt, TryLockError};
use serde::Serialize;

use super::failure::Failure;

/// A file that is written beside its place, with `.partial` added to its name, and takes its place in the end.
///
/// A process that is killed leaves what it had written there, and the old file as it was.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// Where the file comes to be, links followed.
    target: PathBuf,
    partial: PathBuf,
    file: Option<File>,
    /// Why no more can be written. [`commit`](Self::commit) returns it, so that a run can go on without the file.
    trouble: Option<io::Error>,
}

impl OutputFile {
    /// Begins the file that `option` names, after all that can be known to go wrong with it has been looked at. It may be
    /// none of `others`, which have names as well.
    ///
    /// # Errors
    /// Where it could not be written, or would overwrite another file of this run. Nothing is changed then.
    pub(crate) fn create(option: &str, path: &Path, others: &[(&str, &Path)]) -> Result<Self, Failure> {
        Self::begun(path, others).map_err(|refusal| refusal.of(option, path))
    }

    /// Looks at all that can be known to go wrong with a file that is to be [created](Self::create) later.
    ///
    /// # Errors
    /// Where it could not be. Nothing is changed in any case: what an earlier run left beside the file stays.
    pub(crate) fn try_out(option: &str, path: &Path, others: &[(&str, &Path)]) -> Result<(), Failure> {
        let checked = places(path, others).and_then(|(_, partial)| {
            let is_new = fs::symlink_metadata(&partial).is_err();
            let file = locked(&partial)?;
            let _ = FileExt::unlock(&file);
            drop(file);
            if is_new {
                let _ = fs::remove_file(&partial);
            }
            Ok(())
        });
        checked.map_err(|refusal| refusal.of(option, path))
    }

    fn begun(path: &Path, others: &[(&str, &Path)]) -> Result<Self, Refusal> {
        let (target, partial) = places(path, others)?;
        let file = locked(&partial)?;
        let begun = begin(&file, &target);
        let output = Self { target, partial, file: Some(file), trouble: None };
        begun.map_err(|error| unwritable(&output.partial, &error))?;
        Ok(output)
    }

    /// Puts the file into its place.
    ///
    /// # Errors
    /// If that fails: what was written is kept under its other name, which the error gives.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let written = self.trouble.take().map_or_else(|| file.sync_all().or_else(unsupported), Err);
        let placed = written.and_then(|()| {
            // A process that is being started may have it open as well.
            let _ = FileExt::unlock(&file);
            // Some systems rename no file that is open.
            drop(file);
            fs::rename(&self.partial, &self.target).or_else(|_| {
                // A file that is mounted by itself cannot be replaced, nor that of another user in a shared directory.
                overwrite(&self.partial, &self.target)?;
                fs::remove_file(&self.partial)
            })
        });
        placed.map_err(|error| {
            let remedy = format!("What was written is in {}.", self.partial.display());
            self.failure(&error).and_then_do(&remedy)
        })
    }

    /// Whether all could be written so far.
    ///
    /// # Errors
    /// The first trouble there was.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.trouble.as_ref().map_or(Ok(()), |error| Err(self.failure(error)))
    }

    fn failure(&self, error: &io::Error) -> Failure {
        Failure::io(format_args!("{} cannot be written", self.target.display()), error)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = self.file.as_mut().filter(|_| self.trouble.is_none()) {
            self.trouble = file.write_all(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        // Neither in its place nor kept.
        if let Some(file) = self.file.take() {
            let _ = FileExt::unlock(&file);
            drop(file);
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// Why a file cannot be begun.
enum Refusal {
    /// Another process holds it, by this file.
    InUse(PathBuf),
    Other(String),
}

impl Refusal {
    fn of(self, option: &str, path: &Path) -> Failure {
        let (trouble, remedy) = match self {
            Self::InUse(partial) => (
                format!("is in use by another run, which holds {}", partial.display()),
                format!("Wait until it ends, or give {option} another path; nothing was sent."),
            ),
            Self::Other(trouble) => {
                (trouble, format!("Give {option} the path of a regular file or of a new one; nothing was sent."))
            }
        };
        Failure::file(format!("{option} {} {trouble}", path.display()), remedy)
    }
}

fn unwritable(partial: &Path, error: &io::Error) -> Refusal {
    Refusal::Other(format!("cannot be written: {}: {error}", partial.display()))
}

/// Where a file comes to be, and where it is written before that.
fn places(path: &Path, others: &[(&str, &Path)]) -> Result<(PathBuf, PathBuf), Refusal> {
    let refused = |trouble| Err(Refusal::Other(trouble));
    let target = place(path).map_err(Refusal::Other)?;
    let mut name = target.file_name().map(OsString::from).unwrap_or_default();
    name.push(".partial");
    let partial = target.with_file_name(name);
    for output in [&target, &partial] {
        if let Some((what, _)) = others.iter().find(|(_, other)| same(output, other)) {
            return refused(format!("would overwrite {what}"));
        }
    }
    if let Some(stream) = stream(&target) {
        return refused(format!("is also {stream}"));
    }
    if stream(&partial).is_some() || fs::symlink_metadata(&partial).is_ok_and(|found| !found.is_file()) {
        return refused(format!("cannot be written: {} is in the way", partial.display()));
    }
    Ok((target, partial))
}

/// Opens a file that no other process has.
fn locked(partial: &Path) -> Result<File, Refusal> {
    let file = File::options().write(true).create(true).truncate(false).open(partial);
    let file = file.map_err(|error| unwritable(partial, &error))?;
    // Of the standard library from Rust 1.89 on. A file system without locks has to do.
    match FileExt::try_lock(&file) {
        Err(TryLockError::WouldBlock) => Err(Refusal::InUse(partial.to_owned())),
        _ => Ok(file),
    }
}

/// Empties the file, which is from then on as private as the one whose place it takes, and its owner's where that may be.
fn begin(file: &File, target: &Path) -> io::Result<()> {
    file.set_len(0)?;
    let Ok(old) = fs::metadata(target) else { return Ok(()) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(old.permissions())
}

/// Puts the content of one file into another, which loses nothing before it is written to.
fn overwrite(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::options().write(true).open(to)?);
    let length = io::copy(&mut from, &mut to)?;
    to.set_len(length)?;
    to.sync_all().or_else(unsupported)
}

/// Where a file of this path is or would be, or what is wrong with it.
fn place(path: &Path) -> Result<PathBuf, String> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(format!("is {}", what_it_is(&found))),
        Ok(found) if found.permissions().readonly() => Err("may not be written: it is read-only".to_owned()),
        Ok(_) => looked_up(path).map_err(|error| format!("cannot be found: {error}")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(format!("cannot be written: {error}")),
        Err(_) if path.as_os_str().to_string_lossy().ends_with(is_separator) => {
            Err("is the name of a directory, which does not exist".to_owned())
        }
        Err(_) if fs::symlink_metadata(path).is_ok() => Err("is a link to a file that does not exist".to_owned()),
        Err(_) => {
            let Some(name) = path.file_name() else { return Err("has no file name".to_owned()) };
            // What stands behind the colon would be hidden within a file of the name before it.
            if cfg!(windows) && name.to_string_lossy().contains(':') {
                return Err("has a colon in the file's name, which Windows does not allow".to_owned());
            }
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            match looked_up(parent) {
                Ok(parent) => Ok(parent.join(name)),
                Err(error) => Err(format!("cannot be written: the directory {}: {error}", parent.display())),
            }
        }
    }
}

fn what_it_is(found: &fs::Metadata) -> &'static str {
    if found.is_dir() {
        return "a directory";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = found.file_type();
        if kind.is_fifo() {
            return "a pipe, which cannot be replaced by a file";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    "a device, which cannot be replaced by a file"
}

/// Where a path leads. Some drives of Windows, such as those in memory, do not tell.
fn looked_up(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(found) => Ok(plain(found)),
        Err(_) if cfg!(windows) && fs::exists(path).unwrap_or(false) => absolute(path),
        Err(error) => Err(error),
    }
}

/// A path that was looked up, as people write it. Windows puts `\\?\` before it, which also lifts its rules for names: a file that
/// ends in a dot or is called `NUL` could then be made, and most programs could not open it. Where a path is long, the
/// standard library puts it there again.
fn plain(path: PathBuf) -> PathBuf {
    let Some(rest) = path.to_str().and_then(|path| path.strip_prefix(r"\\?\")) else { return path };
    match rest.strip_prefix(r"UNC\") {
        Some(share) => format!(r"\\{share}").into(),
        None if rest.get(1..3) == Some(r":\") => rest.into(),
        None => path,
    }
}

/// The standard stream that a path also is: what is written to one overwrites the other.
pub(crate) fn stream(path: &Path) -> Option<&'static str> {
    let streams = [("standard output", "/dev/stdout"), ("standard error", "/dev/stderr")];
    streams.into_iter().find(|(_, stream)| same(path, Path::new(stream))).map(|(what, _)| what)
}

/// Whether both are one file, whatever they are called.
pub(crate) fn same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let place = place(path).unwrap_or_else(|_| path.to_owned());
        // Names of new files that differ in case alone become one file there.
        if cfg!(any(windows, target_os = "macos")) { place.to_string_lossy().to_lowercase().into() } else { place }
    };
    place(one) == place(other) || identity(one).is_some_and(|one| identity(other) == Some(one))
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// A hard link is not known here, and is not written through: a renamed file takes its place.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

/// Some file systems force nothing to the disk.
fn unsupported(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => Ok(()),
        _ => Err(error),
    }
}

/// Replaces a file by JSON at once: after a crash it has either content.
pub(crate) fn write_json(option: &str, path: &Path, content: &impl Serialize) -> Result<(), Failure> {
    put_json(OutputFile::create(option, path, &[])?, path, content)
}

/// A file of JSON that no other process replaces meanwhile.
pub(crate) struct Held {
    option: &'static str,
    path: PathBuf,
    /// What replaces it next, by which it is held.
    next: Option<OutputFile>,
}

impl Held {
    /// # Errors
    /// Where it could not be written, or another process holds it.
    pub(crate) fn new(option: &'static str, path: &Path) -> Result<Self, Failure> {
        let next = Some(OutputFile::create(option, path, &[])?);
        Ok(Self { option, path: path.to_owned(), next })
    }

    /// A file that is there. Only to replace it, it has to be one that can be.
    ///
    /// # Errors
    /// Where another process holds it.
    pub(crate) fn existing(option: &'static str, path: &Path) -> Result<Self, Failure> {
        let next = match OutputFile::begun(path, &[]) {
            Err(Refusal::InUse(_)) => return Err(in_use(path)),
            next => next.ok(),
        };
        Ok(Self { option, path: path.to_owned(), next })
    }

    /// Replaces the file at once, and holds it all the same.
    pub(crate) fn write(&mut self, content: &impl Serialize) -> Result<(), Failure> {
        let create = || OutputFile::create(self.option, &self.path, &[]);
        let next = self.next.take().map_or_else(create, Ok)?;
        put_json(next, &self.path, content)?;
        self.next = Some(create()?);
        Ok(())
    }
}

/// Fails while another process holds a file that is there.
pub(crate) fn check_free(path: &Path) -> Result<(), Failure> {
    let held = |(_, partial): (PathBuf, PathBuf)| File::options().write(true).open(partial).ok();
    match places(path, &[]).ok().and_then(held) {
        Some(file) if matches!(FileExt::try_lock(&file), Err(TryLockError::WouldBlock)) => Err(in_use(path)),
        _ => Ok(()),
    }
}

fn in_use(path: &Path) -> Failure {
    let message = format!("{} is in use by another run", path.display());
    Failure::file(message, "Wait until it ends; nothing was changed.")
}

fn put_json(mut file: OutputFile, path: &Path, content: &impl Serialize) -> Result<(), Failure> {
    let written = serde_json::to_writer_pretty(&mut file, content).map_err(io::Error::from);
    let written = written.and_then(|()| file.write_all(b"\n"));
    written.map_err(|error| Failure::io(format_args!("{} cannot be written", path.display()), &error))?;
    file.commit()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, path::Path};

    use super::{OutputFile, plain};

    /// What could not be put into its place stays beside it, for the next run to replace.
    #[test]
    fn a_file_that_was_written_is_not_in_use_though_it_is_open_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("failed.csv");
        let create = || OutputFile::create("--failed", &path, &[] as &[(&str, &Path)]);
        let output = create().unwrap();
        let elsewhere = output.file.as_ref().unwrap().try_clone().unwrap();
        fs::create_dir(&path).unwrap();
        output.commit().unwrap_err();
        fs::remove_dir(&path).unwrap();
        assert!(folder.path().join("failed.csv.partial").exists());
        create().unwrap();
        drop(elsewhere);
    }

    #[test]
    fn a_path_that_windows_looked_up_is_written_as_people_write_it() {
        for (looked_up, expected) in [
            (r"\\?\C:\data\failed.csv", r"C:\data\failed.csv"),
            (r"\\?\UNC\server\share\failed.csv", r"\\server\share\failed.csv"),
            (r"\\?\Volume{1-2}\failed.csv", r"\\?\Volume{1-2}\failed.csv"),
            ("/data/failed.csv", "/data/failed.csv"),
        ] {
            assert_eq!(plain(looked_up.into()).to_str(), Some(expected));
        }
    }
}
