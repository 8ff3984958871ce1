//! Where the checklist goes: standard output, or a file that is there only once it is whole.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anstream::adapter::StripBytes;
use tempfile::NamedTempFile;

use crate::exit::Problem;

/// A checklist's destination.
pub enum Output {
    /// Standard output, which knows whether it is a terminal.
    Terminal(Box<dyn Write>),
    /// A file beside the one to be written, which is put in its place at the end.
    File(BufWriter<NamedTempFile>, StripBytes, PathBuf),
}

impl Output {
    /// Standard output, or a file.
    ///
    /// # Errors
    /// When nothing can be written beside the file.
    pub fn open(file: Option<&Path>) -> Result<Self, Problem> {
        let Some(path) = file else { return Ok(Self::Terminal(Box::new(anstream::stdout()))) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary = NamedTempFile::new_in(folder).map_err(|error| cannot(path, &error))?;
        Ok(Self::File(BufWriter::new(temporary), StripBytes::new(), path.to_owned()))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When that is not possible. What was there before is as it was then.
    pub fn finish(self) -> Result<(), Problem> {
        match self {
            Self::Terminal(mut out) => crate::exit::written(out.flush()),
            Self::File(out, _, path) => {
                let file = out.into_inner().map_err(|error| cannot(&path, error.error()))?;
                readable(&file).map_err(|error| cannot(&path, &error))?;
                file.as_file().sync_all().map_err(|error| cannot(&path, &error))?;
                file.persist(&path).map(drop).map_err(|error| cannot(&path, &error.error))
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Terminal(out) => out.write(bytes),
            // Colour is for terminals.
            Self::File(out, colour, _) => {
                for text in colour.strip_next(bytes) {
                    out.write_all(text)?;
                }
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Terminal(out) => out.flush(),
            Self::File(out, ..) => out.flush(),
        }
    }
}

/// A temporary file is its owner's alone; a checklist holds no secret, and others are to read it.
fn readable(file: &NamedTempFile) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

fn cannot(path: &Path, error: &std::io::Error) -> Problem {
    Problem::Failed(format!("cannot write {}: {error}; choose another --output", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_when_it_is_whole_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checklist");
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        std::fs::write(&path, "before").unwrap();
        let mut given_up = Output::open(Some(&path)).unwrap();
        given_up.write_all(b"half").unwrap();
        drop(given_up);
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), files()), ("before", 1));
        let mut whole = Output::open(Some(&path)).unwrap();
        whole.write_all(b"\x1b[1mwh").unwrap();
        whole.write_all(b"ole\x1b[0m\n").unwrap();
        whole.finish().unwrap();
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), files()), ("whole\n", 1));
    }
}
