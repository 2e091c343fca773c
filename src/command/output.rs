//! Whether results can be written, asked before hours of work.

use super::error::CommandError;
use std::io::{Error, ErrorKind};
use std::path::Path;

/// Checks that a file can be written: that the folder is there, and neither is read-only.
pub fn check_file(path: &Path) -> Result<(), CommandError> {
    let folder = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let refused = if path.is_dir() {
        Some(ErrorKind::IsADirectory)
    } else if !folder.is_dir() {
        Some(ErrorKind::NotFound)
    } else {
        is_read_only(if path.exists() { path } else { folder }).then_some(ErrorKind::PermissionDenied)
    };
    refusal(path, refused)
}

/// Checks that a folder can be written into or made: folders above it are made too.
pub fn check_folder(path: &Path) -> Result<(), CommandError> {
    let present = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let refused = if present.is_dir() {
        is_read_only(present).then_some(ErrorKind::PermissionDenied)
    } else {
        Some(ErrorKind::NotADirectory)
    };
    refusal(path, refused)
}

fn is_read_only(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.permissions().readonly())
}

fn refusal(path: &Path, refused: Option<ErrorKind>) -> Result<(), CommandError> {
    match refused {
        Some(kind) => Err(CommandError::Write { path: path.to_owned(), source: Error::from(kind) }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "").unwrap();
        assert!(check_file(&path("new.csv")).is_ok() && check_file(&path("file")).is_ok());
        assert!(check_file(folder.path()).is_err() && check_file(&path("nowhere/new.csv")).is_err());
        assert!(check_folder(&path("a/b/c")).is_ok() && check_folder(folder.path()).is_ok());
        assert!(check_folder(&path("file")).is_err() && check_folder(&path("file/a")).is_err());
        assert!(check_file(Path::new("new.csv")).is_ok() && check_folder(Path::new("new")).is_ok());
        assert!(!path("new.csv").exists() && !path("a").exists());
    }
}
