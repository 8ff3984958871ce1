//! How far a file has been sent, kept beside it, so that a submit that was stopped anywhere can be gone on with.
//!
//! The journal is a file of JSON lines: what it is about, then which entries the bus acknowledged, then when all
//! were. A line is written and synced before the next call goes out. So after a crash at most the entries of one call
//! are on the bus without being in the journal.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::exit::Problem;

const VERSION: u32 = 1;
/// What every journal begins with.
const BEGINNING: &str = "{\"journal\":";

/// What a journal is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subject {
    /// The version of the journal's form.
    journal: u32,
    /// The SHA-256 of the file's content.
    sha256: String,
    /// The bus's ARN.
    bus: String,
    /// The source of entries that name none.
    source: String,
    /// How many entries there are.
    entries: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Record {
    /// Entries that the bus has, by their place in the file's order, from 0.
    Acknowledged(Vec<usize>),
    /// When the last one was acknowledged.
    Finished(String),
}

/// The journal of one file. Others cannot use it meanwhile.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    acknowledged: BTreeSet<usize>,
    finished: Option<String>,
}

impl Subject {
    /// A file of `entries` entries with this content, sent to this bus.
    pub(super) fn new(sha256: &str, bus: &str, source: &str, entries: usize) -> Self {
        Self { journal: VERSION, sha256: sha256.to_owned(), bus: bus.to_owned(), source: source.to_owned(), entries }
    }

    /// What differs from another subject, in words.
    fn difference(&self, other: &Self) -> Option<String> {
        if self.journal != other.journal {
            Some("was kept by another version of orgctl".to_owned())
        } else if self.sha256 != other.sha256 {
            Some("is about another content of this file, which was changed since".to_owned())
        } else if self.bus != other.bus {
            Some(format!("is about {}, and not about {}", other.bus, self.bus))
        } else if self.source != other.source {
            Some(format!("is about events from source {:?}, and not {:?}", other.source, self.source))
        } else if self.entries != other.entries {
            Some(format!("is about {} organizations, and not {}", other.entries, self.entries))
        } else {
            None
        }
    }
}

/// The journal of a file: `FILE.orgctl-journal`.
pub(super) fn path_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".orgctl-journal");
    PathBuf::from(name)
}

impl Journal {
    /// Opens the journal of a file, or begins one. With `again`, what an earlier one says is forgotten.
    ///
    /// # Errors
    /// When it is about something else, is not a journal, is used by another process, or cannot be written.
    pub(super) fn open(path: PathBuf, subject: &Subject, again: bool) -> Result<Self, Problem> {
        let shown = path.display();
        let cannot = |error: std::io::Error| {
            Problem::Usage(format!(
                "cannot keep the journal {shown}: {error}; put the file where you may write, or hand it over on standard input, as -"
            ))
        };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Problem::Usage(format!("{shown} is in use: another orgctl is sending this file")));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(cannot)?;
        // A line without an end was being written when the process died, and stands for nothing that was relied on.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let (complete, torn) = text.split_at_checked(whole).unwrap_or((&text, ""));
        let foreign = || {
            let hint = "move it away if it is not needed";
            Problem::Usage(format!("{shown} is not a journal of orgctl submit, or is damaged; {hint}"))
        };
        let mut lines = complete.lines();
        let Some(first) = lines.next().filter(|_| !again) else {
            if !(text.starts_with(BEGINNING) || BEGINNING.starts_with(&text)) {
                return Err(foreign());
            }
            let journal = Self { path, file, acknowledged: BTreeSet::new(), finished: None };
            return journal.begun(subject);
        };
        let found: Subject = serde_json::from_str(first).map_err(|_| foreign())?;
        if let Some(difference) = subject.difference(&found) {
            let hint = "Send what is left of that with it as it was, move the journal away, or give --again to begin anew and send everything";
            return Err(Problem::Usage(format!("{shown} {difference}, so what was sent is not known. {hint}")));
        }
        let (mut acknowledged, mut finished) = (BTreeSet::new(), None);
        for line in lines {
            match serde_json::from_str(line).map_err(|_| foreign())? {
                Record::Acknowledged(entries) => acknowledged.extend(entries),
                Record::Finished(when) => finished = Some(when),
            }
        }
        if !torn.is_empty() {
            file.set_len(u64::try_from(whole).unwrap_or_default()).map_err(cannot)?;
        }
        Ok(Self { path, file, acknowledged, finished })
    }

    /// Empties the file and says what it is about. The folder is synced too: the name must outlive a crash.
    fn begun(mut self, subject: &Subject) -> Result<Self, Problem> {
        self.file.set_len(0).map_err(|error| self.cannot_write(&error))?;
        self.append(subject)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| self.cannot_write(&error))?;
        Ok(self)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the bus has this entry.
    pub(super) fn has(&self, entry: usize) -> bool {
        self.acknowledged.contains(&entry)
    }

    /// When all entries were acknowledged.
    pub(super) fn finished(&self) -> Option<&str> {
        self.finished.as_deref()
    }

    /// Notes that the bus has these entries. When this returns, it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written; then nothing more must be sent.
    pub(super) fn acknowledge(&mut self, entries: Vec<usize>) -> Result<(), Problem> {
        if entries.is_empty() {
            return Ok(());
        }
        self.acknowledged.extend(&entries);
        self.append(&Record::Acknowledged(entries))
    }

    /// Notes that all is sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(&mut self, when: String) -> Result<(), Problem> {
        self.append(&Record::Finished(when))
    }

    fn append(&mut self, record: &impl Serialize) -> Result<(), Problem> {
        let written = serde_json::to_string(record).map_err(std::io::Error::from).and_then(|line| {
            self.file.write_all(format!("{line}\n").as_bytes())?;
            self.file.sync_data()
        });
        written.map_err(|error| self.cannot_write(&error))
    }

    fn cannot_write(&self, error: &std::io::Error) -> Problem {
        Problem::Failed(format!("cannot write the journal {}: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject::new("abc", "arn:bus", "org-signup", 30)
    }

    fn refusal(path: &Path, subject: &Subject) -> String {
        Journal::open(path.to_owned(), subject, false).err().map(|problem| problem.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_was_acknowledged_is_known_after_any_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_of(&folder.path().join("orgs.csv"));
        assert!(path.ends_with("orgs.csv.orgctl-journal"));
        let mut journal = Journal::open(path.clone(), &subject(), false).unwrap();
        journal.acknowledge(vec![0, 1, 2]).unwrap();
        journal.acknowledge(vec![4]).unwrap();
        assert!(refusal(&path, &subject()).contains("in use"));
        drop(journal);
        let whole = std::fs::read_to_string(&path).unwrap();
        let header = whole.find('\n').unwrap() + 1;
        // Cut anywhere: the lines that are whole count, and writing goes on behind them.
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut journal = Journal::open(path.clone(), &subject(), false).unwrap();
            let lines = whole[..cut].matches('\n').count();
            assert_eq!((journal.has(0), journal.has(4)), (lines >= 2, lines >= 3), "cut at {cut} of {header}");
            journal.acknowledge(vec![7]).unwrap();
            drop(journal);
            let journal = Journal::open(path.clone(), &subject(), false).unwrap();
            assert!(journal.has(7) && !journal.has(3) && journal.finished().is_none());
        }
    }

    #[test]
    fn a_journal_of_something_else_is_refused_unless_all_is_sent_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mut journal = Journal::open(path.clone(), &subject(), false).unwrap();
        journal.acknowledge(vec![0]).unwrap();
        journal.finish("2026-11-29T08:00:00Z".to_owned()).unwrap();
        drop(journal);
        for (other, said) in [
            (Subject::new("abd", "arn:bus", "org-signup", 30), "changed"),
            (Subject::new("abc", "arn:other", "org-signup", 30), "arn:bus, and not about arn:other"),
            (Subject::new("abc", "arn:bus", "sales", 30), "source"),
            (Subject::new("abc", "arn:bus", "org-signup", 31), "30 organizations"),
        ] {
            assert!(refusal(&path, &other).contains(said), "{said}: {}", refusal(&path, &other));
        }
        let journal = Journal::open(path.clone(), &subject(), false).unwrap();
        assert_eq!(journal.finished(), Some("2026-11-29T08:00:00Z"));
        drop(journal);
        let journal = Journal::open(path.clone(), &Subject::new("abd", "arn:bus", "x", 1), true).unwrap();
        assert!(!journal.has(0) && journal.finished().is_none());
    }

    #[test]
    fn other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        for text in ["my notes", "my notes\n", "{\"journal\":1}\nrest\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(refusal(&path, &subject()).contains("is not a journal"), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::write(&path, "my notes\n").unwrap();
        assert!(Journal::open(path.clone(), &subject(), true).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "my notes\n");
    }
}
