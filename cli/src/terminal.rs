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
    let start: String = text.chars().take(MOST_CHARACTERS).collect();
    let mut shown = plain(&start);
    if text.chars().nth(MOST_CHARACTERS).is_some() {
        shown.push_str("...");
    }
    shown
}

/// The whole of a text that has something from outside in it, without what a terminal would obey.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Whether a terminal does something at this character instead of showing it: control characters, and those that
/// turn the direction of what follows (Unicode Standard Annex 9, "Directional Formatting Characters").
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        assert_eq!(plain(&"x".repeat(1000)).len(), 1000);
        assert_eq!(plain("\u{202e}cod.exe\u{2069}\u{200f}\u{9b}1m"), "\u{fffd}cod.exe\u{fffd}\u{fffd}\u{fffd}1m");
        assert_eq!(plain("Zo\u{eb} \u{5d0}"), "Zo\u{eb} \u{5d0}");
    }
}
