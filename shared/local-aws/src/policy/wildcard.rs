//! `*` and `?`.

/// Whether `pattern` matches the whole of `text`: `*` stands for any number of characters, `?` for one.
///
/// On a mismatch only the last `*` takes one character more, so the time is at most the product of the two
/// lengths, whatever the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut last_star = None;
    while let Some(character) = text.get(t) {
        match (pattern.get(p), last_star) {
            (Some('*'), _) => {
                last_star = Some((p, t));
                p += 1;
            }
            (Some(expected), _) if *expected == '?' || expected == character => {
                p += 1;
                t += 1;
            }
            (_, Some((star, taken_to))) => {
                last_star = Some((star, taken_to + 1));
                p = star + 1;
                t = taken_to + 1;
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}

/// The same without regard to ASCII case.
pub(crate) fn matches_ignoring_case(pattern: &str, text: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// Whether a pattern is one: it has a wildcard in it.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_whole_text() {
        for (pattern, text) in
            [("", ""), ("*", ""), ("a*", "a"), ("a*c", "abbc"), ("*b?", "abbc"), ("a?c", "aéc"), ("*a*b*", "xaybz")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("?", ""), ("a", "ab"), ("a*c", "acb"), ("A", "a"), ("a?c", "ac")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        assert!(matches_ignoring_case("S3:get*", "s3:GetObject"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!matches(&"a*".repeat(40), &format!("{}b", "ca".repeat(400))));
    }
}
