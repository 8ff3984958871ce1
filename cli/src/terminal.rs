//! What every command shows on a terminal alike: tables, and text that came from outside.

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

/// The most of a text that is shown.
const MOST_CHARACTERS: usize = 300;

/// A table with these columns.
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table
}

/// A text that came from outside, without what a terminal would obey, and cut short.
pub fn printable(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MOST_CHARACTERS)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if text.chars().nth(MOST_CHARACTERS).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Text from outside as a message may show it: in quotes, escaped, cut short.
pub fn quoted(text: &str) -> String {
    const MOST_CHARACTERS: usize = 64;
    let shown: String = text.chars().take(MOST_CHARACTERS).collect();
    let more = if shown.len() < text.len() { "..." } else { "" };
    format!("{shown:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_get_through() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(printable(&"x".repeat(1000)).len(), 303);
    }
}
