//! What was measured, beside its goal: one table for people, one JSON document for machines.

use comfy_table::{Table, presets};
use serde::Serialize;

/// One line of the table: a ratio, which carries over from machine to machine, never a time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What is compared with what.
    pub what: String,
    /// Which function or peer.
    pub of: String,
    /// The largest value that is good enough; none where there is nothing to reach.
    pub goal: Option<f64>,
    /// The ratio or count that was measured.
    #[serde(flatten)]
    pub value: Value,
}

/// A measured value, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Value {
    /// It was measured.
    Measured(f64),
    /// It could not be measured here, and why.
    NotMeasured(String),
}

impl Row {
    /// A row with a goal.
    pub fn new(what: impl Into<String>, of: impl Into<String>, goal: f64, value: f64) -> Self {
        Self { what: what.into(), of: of.into(), goal: Some(goal), value: Value::Measured(value) }
    }

    /// A row that is there to be known, without a goal.
    pub fn told(what: impl Into<String>, of: impl Into<String>, value: f64) -> Self {
        Self { what: what.into(), of: of.into(), goal: None, value: Value::Measured(value) }
    }

    /// A row that could not be measured here.
    pub fn not_measured(what: impl Into<String>, of: impl Into<String>, goal: f64, why: impl Into<String>) -> Self {
        Self { what: what.into(), of: of.into(), goal: Some(goal), value: Value::NotMeasured(why.into()) }
    }

    /// Whether the goal is reached by the value as it is printed: what a slope or a quotient adds to it in binary
    /// fractions counts for nothing. None where there is no goal or no value.
    pub fn reached(&self) -> Option<bool> {
        match (&self.value, self.goal) {
            (Value::Measured(value), Some(goal)) => Some((value * 100.0).round() / 100.0 <= goal),
            _ => None,
        }
    }
}

/// The table.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(["what", "of", "goal", "measured", ""]);
    for row in rows {
        let goal = row.goal.map_or_else(String::new, |goal| format!("<= {goal}"));
        let value = match &row.value {
            Value::Measured(value) => format!("{value:.2}"),
            Value::NotMeasured(why) => format!("not measured: {why}"),
        };
        let verdict = match row.reached() {
            Some(true) => "ok",
            Some(false) => "missed",
            None => "",
        };
        table.add_row([&row.what, &row.of, &goal, &value, verdict]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_the_largest_value_that_is_good_enough() {
        assert_eq!(Row::new("a", "b", 1.5, 1.5).reached(), Some(true));
        assert_eq!(Row::new("a", "b", 3.0, 3.0 + 1e-9).reached(), Some(true));
        assert_eq!(Row::new("a", "b", 1.5, 1.51).reached(), Some(false));
        assert_eq!(Row::not_measured("a", "b", 1.5, "no cgroups").reached(), None);
    }

    #[test]
    fn the_table_says_what_was_missed_and_what_was_not_measured() {
        let rows = [Row::new("a", "x", 1.0, 2.0), Row::not_measured("b", "y", 1.1, "no cgroups")];
        let table = table(&rows);
        for part in ["missed", "2.00", "not measured: no cgroups"] {
            assert!(table.contains(part), "{table}");
        }
    }
}
