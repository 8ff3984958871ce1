//! JSON in which a key may not come twice: `serde_json::Value` would keep the last one without a word.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value, objects in the order written.
pub(super) enum Node {
    Scalar(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

const SYNTAX: &str = "Invalid policy syntax.";

impl Node {
    /// The object's fields.
    pub(super) fn into_fields(self) -> Result<Vec<(String, Self)>, String> {
        match self {
            Self::Object(fields) => Ok(fields),
            _ => Err(SYNTAX.to_owned()),
        }
    }

    /// A single scalar.
    pub(super) fn into_text(self) -> Result<String, String> {
        match self {
            Self::Scalar(text) => Ok(text),
            _ => Err(SYNTAX.to_owned()),
        }
    }

    /// The list; anything else stands for a list of itself, as everywhere in the policy grammar.
    pub(super) fn into_list(self) -> Vec<Self> {
        match self {
            Self::List(nodes) => nodes,
            single => vec![single],
        }
    }

    /// One scalar or a list of at least one.
    pub(super) fn into_texts(self) -> Result<Vec<String>, String> {
        let texts = self.into_list().into_iter().map(Self::into_text).collect::<Result<Vec<_>, _>>()?;
        if texts.is_empty() { Err(SYNTAX.to_owned()) } else { Ok(texts) }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string, a number, a boolean, a list or an object")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut fields: Vec<(String, Node)> = Vec::new();
        while let Some((key, value)) = entries.next_entry::<String, Node>()? {
            if fields.iter().any(|(earlier, _)| *earlier == key) {
                return Err(A::Error::custom(format!("the key {key} is there twice")));
            }
            fields.push((key, value));
        }
        Ok(Node::Object(fields))
    }
}
