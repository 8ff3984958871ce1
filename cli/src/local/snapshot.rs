//! Keeping the state of a local AWS in a file. It holds secrets, as the state does: only its owner may read it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_aws::{LocalAws, World};
use tempfile::NamedTempFile;

use crate::exit::Problem;

/// A file with the whole state.
#[derive(Clone, Debug)]
pub(super) struct Snapshot(PathBuf);

impl Snapshot {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Restores the state, if the file is there.
    pub(super) fn restore(&self, aws: &LocalAws) -> Result<(), Problem> {
        let text = match std::fs::read(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.problem(&error)),
        };
        let world: World = serde_json::from_slice(&text)
            .map_err(|error| Problem::Usage(format!("{} is no snapshot: {error}", self.0.display())))?;
        aws.restore(world);
        Ok(())
    }

    /// Writes the state. The file is whole at every moment: it is replaced, not written over.
    pub(super) fn save(&self, aws: &LocalAws) -> Result<(), Problem> {
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let json = aws.look(serde_json::to_vec).map_err(|error| self.problem(&error))?;
        let mut file = NamedTempFile::new_in(folder).map_err(|error| self.problem(&error))?;
        file.write_all(&json).map_err(|error| self.problem(&error))?;
        file.persist(&self.0).map(drop).map_err(|error| self.problem(&error.error))
    }

    /// Saves again and again, whenever something was asked of the AWS in between. Ends only with an error.
    pub(super) async fn keep(&self, aws: &LocalAws, interval: Duration) -> Result<(), Problem> {
        let mut saved = 0;
        loop {
            tokio::time::sleep(interval).await;
            if aws.requests() != saved {
                saved = aws.requests();
                self.save(aws)?;
            }
        }
    }

    fn problem(&self, error: &dyn std::fmt::Display) -> Problem {
        Problem::Failed(format!("{}: {error}", self.0.display()))
    }
}
