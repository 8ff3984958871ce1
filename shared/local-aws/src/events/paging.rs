//! Lists in pages: a hundred at most, the token is the last key told.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The parameters that all lists share.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    limit: Option<usize>,
    next_token: Option<String>,
}

const LARGEST_PAGE: usize = 100;

impl Page {
    /// `items` by key in the order of their keys: one page of them under `name`.
    pub(super) fn of(self, name: &str, items: impl Iterator<Item = (String, Value)>) -> Value {
        let after = |key: &String| self.next_token.as_ref().is_none_or(|token| key > token);
        let mut rest = items.filter(|(key, _)| after(key)).peekable();
        let page: Vec<(String, Value)> =
            rest.by_ref().take(self.limit.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE)).collect();
        let mut answer = Map::new();
        if let (Some((last, _)), Some(_)) = (page.last(), rest.peek()) {
            answer.insert("NextToken".to_owned(), last.clone().into());
        }
        answer.insert(name.to_owned(), page.into_iter().map(|(_, item)| item).collect());
        Value::Object(answer)
    }
}
