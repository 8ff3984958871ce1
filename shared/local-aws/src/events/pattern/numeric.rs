//! `{"numeric": [">", 0, "<=", 5]}`.

use serde_json::Value;

/// Numbers in patterns end here, in both directions (user guide, "Numeric matching").
const LARGEST: f64 = 5e9;

/// A range of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    low: Bound,
    high: Bound,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    number: f64,
    inclusive: bool,
}

impl Range {
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let wrong = || "Value of numeric must be an array of one or two comparisons".to_owned();
        let mut range =
            Self { low: Bound { number: -LARGEST, inclusive: true }, high: Bound { number: LARGEST, inclusive: true } };
        match value.as_array().map(Vec::as_slice) {
            Some([operator, number]) => range.restrict(operator, number)?,
            // Two comparisons are a lower bound and then an upper one.
            Some([low, low_number, high, high_number]) => {
                let operators = (low.as_str(), high.as_str());
                if !matches!(operators, (Some(">" | ">="), Some("<" | "<="))) {
                    return Err(wrong());
                }
                range.restrict(low, low_number)?;
                range.restrict(high, high_number)?;
                if range.low.number >= range.high.number {
                    return Err("Bottom must be less than top".to_owned());
                }
            }
            _ => return Err(wrong()),
        }
        Ok(range)
    }

    fn restrict(&mut self, operator: &Value, number: &Value) -> Result<(), String> {
        let number = number.as_f64().ok_or("Value of a numeric comparison must be a number")?;
        if number.abs() > LARGEST {
            return Err("Value must be between -5.0E9 and 5.0E9, inclusive".to_owned());
        }
        let bound = |inclusive| Bound { number, inclusive };
        match operator.as_str() {
            Some("=") => (self.low, self.high) = (bound(true), bound(true)),
            Some("<") => self.high = bound(false),
            Some("<=") => self.high = bound(true),
            Some(">") => self.low = bound(false),
            Some(">=") => self.low = bound(true),
            _ => return Err(format!("Unrecognized numeric range operator: {operator}")),
        }
        Ok(())
    }

    pub(super) fn contains(self, number: f64) -> bool {
        let above = number > self.low.number || self.low.inclusive && number == self.low.number;
        let below = number < self.high.number || self.high.inclusive && number == self.high.number;
        above && below
    }
}
