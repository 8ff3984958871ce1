//! `{"wildcard": "a*c"}`: `*` stands for any number of characters, `\*` and `\\` for themselves.

/// A text with wildcards, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Wildcard(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Character(char),
    Anything,
}

impl Wildcard {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut characters = text.chars().enumerate();
        while let Some((position, character)) = characters.next() {
            let part = match character {
                '*' if parts.last() == Some(&Part::Anything) => {
                    return Err(format!("Consecutive wildcard characters at pos {}", position - 1));
                }
                '*' => Part::Anything,
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => Part::Character(escaped),
                    _ => return Err(format!("Invalid escape character at pos {position}")),
                },
                other => Part::Character(other),
            };
            parts.push(part);
        }
        Ok(Self(parts))
    }

    /// On a mismatch only the last `*` takes one character more, so the time is at most the product of the
    /// lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        let mut last_star = None;
        while let Some(character) = text.get(at) {
            match (self.0.get(part), last_star) {
                (Some(Part::Anything), _) => {
                    last_star = Some((part, at));
                    part += 1;
                }
                (Some(Part::Character(expected)), _) if expected == character => (part, at) = (part + 1, at + 1),
                (_, Some((star, taken_to))) => {
                    last_star = Some((star, taken_to + 1));
                    (part, at) = (star + 1, taken_to + 1);
                }
                (_, None) => return false,
            }
        }
        self.0.iter().skip(part).all(|rest| *rest == Part::Anything)
    }
}
