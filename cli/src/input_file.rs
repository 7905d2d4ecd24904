//! Input files that are read whole.

use std::{fs, path::Path};

use crate::failure::Failure;

/// Reads a file that the user names. A pipe would be waited for, and a device may never end.
///
/// # Errors
/// For anything but a regular file, with this remedy, and for a file that cannot be read.
pub(crate) fn read(path: &Path, remedy: &str) -> Result<Vec<u8>, Failure> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Failure::file(format!("{} is not a regular file", path.display()), remedy));
    }
    fs::read(path).map_err(|error| Failure::io(format_args!("{} cannot be read", path.display()), &error))
}
