//! Reading files of events and sign-ups, with the line where each stands.

use std::io::Read;
use std::path::Path;

use serde_json::{Deserializer, Map, Value};
use sha2::{Digest, Sha256};

use crate::exit::Problem;
use crate::terminal::quoted;

/// The largest file that is read, in bytes: some hundred thousand organizations.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The columns of a CSV file, as the fields of a detail are called. The first two must be there.
const COLUMNS: [&str; 4] = ["orgId", "environment", "bucketName", "correlationId"];
const NEEDED_COLUMNS: usize = 2;

/// One value of a file.
#[derive(Debug, PartialEq)]
pub(crate) struct Item {
    /// The line where it begins, from 1; none if it does not come from a file.
    pub(crate) line: Option<usize>,
    /// The value, or why it cannot be read.
    pub(crate) value: Result<Value, String>,
}

/// What a file holds.
pub(crate) struct Input {
    /// Its values, in order.
    pub(crate) items: Vec<Item>,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// Reads a file: CSV if it is called so, else JSON: one value, an array, or one after the other. `-` is standard
/// input.
///
/// # Errors
/// When it cannot be read, is too large, or holds nothing. Values that cannot be read are among the items.
pub(crate) fn read(path: &Path) -> Result<Input, Problem> {
    let shown = path.display();
    let cannot = |error: std::io::Error| Problem::Usage(format!("{shown}: {error}"));
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(cannot)?)
    };
    source.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        return Err(Problem::Usage(format!("{shown}: has more than {MOST_BYTES} bytes; split it")));
    }
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let text = String::from_utf8(bytes).map_err(|_| Problem::Usage(format!("{shown}: is not UTF-8 text")))?;
    // Spreadsheets put this mark before what they export.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let items = if is_csv {
        csv_items(text).map_err(|problem| Problem::Usage(format!("{shown}: {problem}")))?
    } else {
        json_items(text)
    };
    if items.is_empty() {
        return Err(Problem::Usage(format!("{shown}: holds nothing")));
    }
    Ok(Input { items, sha256 })
}

/// The values of a JSON text, those of arrays one by one. After something that is not JSON, reading goes on at the
/// next line that begins with `{`, so that one bad line of many does not hide the others; not behind a broken array,
/// of whose rest nothing can be said.
fn json_items(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut lines = Lines::of(text);
    let mut at = 0;
    loop {
        at = skip_space(text, at);
        let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { return items };
        let read = if rest.starts_with('[') { array(text, at, &mut lines, &mut items) } else { one(text, at) };
        match read {
            Ok((Some(value), end)) => {
                items.push(Item { line: lines.at(at), value: Ok(value) });
                at = end;
            }
            Ok((None, end)) => at = end,
            Err(NotJson { at: place, said }) => {
                items.push(Item { line: lines.at(place), value: Err(said) });
                let is_line = !rest.starts_with('[');
                let Some(next) = rest.find("\n{").filter(|_| is_line) else { return items };
                at += next + 1;
            }
        }
    }
}

/// Where a text stops being JSON, and how.
struct NotJson {
    at: usize,
    said: String,
}

/// The value that begins at `at`, and where it ends.
fn one(text: &str, at: usize) -> Result<(Option<Value>, usize), NotJson> {
    let mut values = Deserializer::from_str(text.get(at..).unwrap_or_default()).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => Ok((Some(value), at + values.byte_offset())),
        Some(Err(error)) => Err(NotJson { at, said: format!("not JSON: {}", without_place(&error)) }),
        None => Err(NotJson { at, said: "not JSON: a value is missing".to_owned() }),
    }
}

/// Reads the array that begins at `at`, and tells where it ends.
fn array(
    text: &str,
    at: usize,
    lines: &mut Lines<'_>,
    items: &mut Vec<Item>,
) -> Result<(Option<Value>, usize), NotJson> {
    let mut at = skip_space(text, at + 1);
    if text.get(at..).is_some_and(|rest| rest.starts_with(']')) {
        return Ok((None, at + 1));
    }
    loop {
        let (value, end) = one(text, at)?;
        items.extend(value.map(|value| Item { line: lines.at(at), value: Ok(value) }));
        at = skip_space(text, end);
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(']') => return Ok((None, at + 1)),
            Some(',') => at = skip_space(text, at + 1),
            _ => return Err(NotJson { at, said: "not JSON: a comma or the array's end is missing".to_owned() }),
        }
    }
}

/// serde_json's message without the line and column that it counts from where it began.
fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.split(" at line ").next().unwrap_or_default().to_owned()
}

fn skip_space(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + (rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len())
}

/// Line numbers of places that come one after the other.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// The line of this place. Places before the last one asked for are on its line at the most.
    fn at(&mut self, place: usize) -> Option<usize> {
        self.line += self.text.get(self.at..place).unwrap_or_default().matches('\n').count();
        self.at = self.at.max(place);
        Some(self.line)
    }
}

/// The rows of a CSV text, each as the detail that it stands for.
fn csv_items(text: &str) -> Result<Vec<Item>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| format!("line 1: {error}"))?.clone();
    check_header(&header)?;
    let mut lines = Lines::of(text);
    let mut items = Vec::new();
    loop {
        // The reader stands before the line ends and empty lines that it will skip.
        let begins = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let skipped = text.get(begins..).map_or(0, |rest| rest.len() - rest.trim_start_matches(['\r', '\n']).len());
        let line = lines.at(begins.saturating_add(skipped));
        let mut record = csv::StringRecord::new();
        let value = match reader.read_record(&mut record) {
            Ok(false) => return Ok(items),
            Ok(true) => Ok(detail(&header, &record)),
            Err(error) => match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    Err(format!("has {len} columns, and the header has {expected_len}"))
                }
                _ => Err(error.to_string()),
            },
        };
        items.push(Item { line, value });
    }
}

fn check_header(header: &csv::StringRecord) -> Result<(), String> {
    let rule = format!("the header is {}, of which the first {NEEDED_COLUMNS} must be there", COLUMNS.join(","));
    for (place, name) in header.iter().enumerate() {
        if !COLUMNS.contains(&name) {
            return Err(format!("line 1: column {} is not known; {rule}", quoted(name)));
        }
        if header.iter().take(place).any(|before| before == name) {
            return Err(format!("line 1: column {name} is there twice; {rule}"));
        }
    }
    for name in COLUMNS.iter().take(NEEDED_COLUMNS) {
        if !header.iter().any(|found| found == *name) {
            return Err(format!("line 1: column {name} is missing; {rule}"));
        }
    }
    Ok(())
}

/// A row as a detail. An empty cell is a field that is not there.
fn detail(header: &csv::StringRecord, record: &csv::StringRecord) -> Value {
    let fields = header.iter().zip(record).filter(|(_, cell)| !cell.is_empty());
    Value::Object(fields.map(|(name, cell)| (name.to_owned(), Value::from(cell))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(items: &[Item]) -> Vec<(usize, &str)> {
        let shown = items.iter().map(|item| match &item.value {
            Ok(value) => (item.line.unwrap(), value["orgId"].as_str().unwrap_or("other")),
            Err(said) => (item.line.unwrap(), said.as_str()),
        });
        shown.collect()
    }

    #[test]
    fn every_value_has_its_line() {
        let lines = "{\"orgId\":\"a\"}\n\n{\"orgId\":\"b\"}{\"orgId\":\"c\"}\n";
        assert_eq!(found(&json_items(lines)), [(1, "a"), (3, "b"), (3, "c")]);
        let array = "\n[\n  {\"orgId\": \"a\"},\n  {\n    \"orgId\": \"b\"\n  }, {\"orgId\": \"c\"}\n]\n";
        assert_eq!(found(&json_items(array)), [(3, "a"), (4, "b"), (6, "c")]);
        assert_eq!(found(&json_items("[]\n")), []);
        assert_eq!(found(&json_items("{\n\"orgId\": \"a\"}")), [(1, "a")]);
        assert_eq!(found(&json_items("[1, [2]]")), [(1, "other"), (1, "other")], "an array in an array is a value");
    }

    #[test]
    fn one_bad_line_does_not_hide_the_others() {
        let items = json_items("{\"orgId\":\"a\"}\n{\"orgId\":\n{\"orgId\":\"b\"}\nx\n{\"orgId\":\"c\"}\n");
        let found = found(&items);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3, 4, 5], "{found:?}");
        assert_eq!((found[2].1, found[4].1), ("b", "c"));
        let array = json_items("[\n{\"orgId\":\"a\"},\n{\"orgId\":},\n{\"orgId\":\"c\"}\n]");
        assert_eq!(
            array.iter().map(|item| (item.line.unwrap(), item.value.is_ok())).collect::<Vec<_>>(),
            [(2, true), (3, false)]
        );
        for broken in ["[{\"orgId\":\"a\"}", "[{\"orgId\":\"a\"} {}]", "[{},]", "[", "{", "nul"] {
            assert!(json_items(broken).iter().any(|item| item.value.is_err()), "{broken}");
        }
    }

    #[test]
    fn rows_are_details_and_empty_cells_are_no_fields() {
        let text = "environment,orgId,bucketName\r\nqa,a,\r\n\r\nqa,b\r\nqa,\"c\nd\",n\r\nqa,e,\r\n";
        let items = csv_items(text).unwrap();
        assert_eq!(items[0], Item { line: Some(2), value: Ok(json!({ "orgId": "a", "environment": "qa" })) });
        assert_eq!(items[1].line, Some(4));
        assert_eq!(items[1].value.as_ref().unwrap_err(), "has 2 columns, and the header has 3");
        assert_eq!(items[2].line, Some(5));
        assert_eq!(items[2].value.as_ref().unwrap()["bucketName"], "n");
        assert_eq!(items[3].line, Some(7));
    }

    #[test]
    fn a_header_must_be_known() {
        for (header, said) in [
            ("orgId,environment,bucket", "\"bucket\" is not known"),
            ("orgId,environment,orgId", "orgId is there twice"),
            ("orgId", "environment is missing"),
            ("acme,production", "\"acme\" is not known"),
        ] {
            let problem = csv_items(&format!("{header}\n")).unwrap_err();
            assert!(problem.contains(said), "{header}: {problem}");
        }
        assert_eq!(csv_items("orgId,environment\n").unwrap(), []);
    }
}
