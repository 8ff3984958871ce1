//! Everything that can be known of a command is looked into before the first one is sent.

use std::collections::BTreeMap;

use contract::Deployment;
use org::{OrgId, Place};
use serde_json::Value;

use crate::bus::{Entry, check_source};
use crate::commands::{self, COMMANDS};
use crate::exit::Problem;
use crate::input::Item;
use crate::terminal::quoted;

/// Problems that are listed; the rest is counted.
const MOST_SHOWN: usize = 50;

/// What commands are checked against.
pub(crate) struct Rules<'r> {
    /// The account's class, the expected account, the conventions.
    pub(crate) deployment: &'r Deployment,
    /// Where the commands are sent.
    pub(crate) place: &'r Place,
    /// Who may send commands.
    pub(crate) allowed_sources: &'r [String],
    /// The source of what names none.
    pub(crate) usual_source: &'r str,
    /// What a detail asks for that is no event.
    pub(crate) usual_command: &'r str,
}

/// A command that may be sent.
#[derive(Debug)]
pub(crate) struct Order {
    /// Its place among the orders, from 0.
    pub(crate) number: usize,
    /// The organization.
    pub(crate) org: OrgId,
    /// The id by which logs and events know the request.
    pub(crate) request_id: String,
    /// What is put on the bus.
    pub(crate) entry: Entry,
    line: Option<usize>,
    correlation_id: Option<String>,
}

/// What a file comes to.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// The commands, in order.
    pub(super) orders: Vec<Order>,
    /// How often the same request stands there again; it is sent once.
    pub(super) repeated: usize,
    /// What is wrong, with its line.
    problems: Vec<String>,
}

/// Checks each item by itself, and all against each other.
pub(super) fn check(items: Vec<Item>, rules: &Rules<'_>) -> Checked {
    let mut checked = Checked::default();
    let mut by_org: BTreeMap<OrgId, usize> = BTreeMap::new();
    let mut by_correlation_id: BTreeMap<String, usize> = BTreeMap::new();
    for Item { line, value } in items {
        let number = checked.orders.len();
        let order = match value.and_then(|value| order(value, line, number, rules)) {
            Ok(order) => order,
            Err(said) => {
                checked.problems.push(at(line, &said));
                continue;
            }
        };
        let before = by_org.get(&order.org).and_then(|number| checked.orders.get(*number));
        if before.is_some_and(|before| before.entry == order.entry) {
            checked.repeated += 1;
            continue;
        }
        if let Some(before) = before {
            let said = format!("organization {} is also{}, with another request", order.org, on(before.line));
            checked.problems.push(at(line, &said));
            continue;
        }
        let id = order.correlation_id.clone();
        if let Some(before) = id.as_ref().and_then(|id| checked.orders.get(*by_correlation_id.get(id)?)) {
            let id = quoted(&order.request_id);
            let said = format!("correlationId {id} is also{}, for organization {}", on(before.line), before.org);
            checked.problems.push(at(line, &said));
            continue;
        }
        by_org.insert(order.org.clone(), number);
        by_correlation_id.extend(id.map(|id| (id, number)));
        checked.orders.push(order);
    }
    checked
}

impl Checked {
    /// # Errors
    /// All that is wrong, at most [`MOST_SHOWN`] in words.
    pub(super) fn require_sound(&self, what: &str) -> Result<(), Problem> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let count = self.problems.len();
        let mut said = match count {
            1 => format!("{what}: nothing was sent, because of a problem:"),
            _ => format!("{what}: nothing was sent, because of {count} problems:"),
        };
        for problem in self.problems.iter().take(MOST_SHOWN) {
            said.push_str("\n  ");
            said.push_str(problem);
        }
        if count > MOST_SHOWN {
            said.push_str(&format!("\n  and {} more", count - MOST_SHOWN));
        }
        Err(Problem::Usage(said))
    }
}

fn at(line: Option<usize>, said: &str) -> String {
    line.map_or_else(|| said.to_owned(), |line| format!("line {line}: {said}"))
}

fn on(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" on line {line}"))
}

/// One command, checked by itself.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn order(value: Value, line: Option<usize>, number: usize, rules: &Rules<'_>) -> Result<Order, String> {
    let (source, detail_type, detail) = taken_apart(value, rules)?;
    check_source(rules.allowed_sources, &source, &detail_type)?;
    let text = detail.to_string();
    let commands::Read { org, request_id, correlation_id } = commands::read(&detail_type, detail, rules)?;
    let entry = Entry { source, detail_type, detail: text };
    Ok(Order { number, org, request_id, entry, line, correlation_id })
}

/// The source, the type and the detail of an EventBridge event, or of a plain detail.
fn taken_apart(mut value: Value, rules: &Rules<'_>) -> Result<(String, String, Value), String> {
    if value.get("Records").is_some() {
        return Err("is what Lambda hands a function, not an event; give the events themselves".to_owned());
    }
    let kind = value.get("detail-type").cloned();
    let kind = match (kind, value.get("detail").is_some()) {
        (None, false) => return Ok((rules.usual_source.to_owned(), rules.usual_command.to_owned(), value)),
        (None, true) => return Err("has a detail and no detail-type: neither an event nor a detail".to_owned()),
        (Some(_), false) => return Err("has a detail-type and no detail: neither an event nor a detail".to_owned()),
        (Some(Value::String(kind)), true) if COMMANDS.contains(&kind.as_str()) => kind,
        (Some(kind), true) => {
            let kind = kind.as_str().map_or_else(|| quoted(&kind.to_string()), quoted);
            return Err(format!("is an event of type {kind}; only commands are submitted: {}", COMMANDS.join(", ")));
        }
    };
    let source = match value.get("source") {
        None => rules.usual_source.to_owned(),
        Some(Value::String(source)) => source.clone(),
        Some(_) => return Err("source must be text".to_owned()),
    };
    Ok((source, kind, value.get_mut("detail").map(Value::take).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use org::{AccountClass, Conventions};
    use serde_json::json;

    use super::*;

    fn checked(values: &[Value]) -> Checked {
        let place = Place { partition: "aws".into(), account: "111111111111".into(), region: "us-east-1".into() };
        let deployment = Deployment {
            expected_account: place.account.clone(),
            account_class: AccountClass::Production,
            conventions: Conventions::default(),
        };
        let allowed_sources = ["org-signup".to_owned(), "sales".to_owned()];
        let rules = Rules {
            deployment: &deployment,
            place: &place,
            allowed_sources: &allowed_sources,
            usual_source: "org-signup",
            usual_command: "OrgCreated",
        };
        let items = values.iter().enumerate();
        check(items.map(|(n, value)| Item { line: Some(n + 1), value: Ok(value.clone()) }).collect(), &rules)
    }

    fn detail(org: &str) -> Value {
        json!({ "orgId": org, "environment": "production" })
    }

    fn event(source: &str, org: &str) -> Value {
        json!({ "source": source, "detail-type": "OrgCreated", "detail": detail(org) })
    }

    #[test]
    fn details_and_events_become_entries() {
        let mut with_more = detail("c");
        with_more["plan"] = json!("gold");
        let found = checked(&[detail("a"), event("sales", "b"), with_more, detail("a")]);
        assert_eq!((found.problems.len(), found.repeated), (0, 1));
        let sources: Vec<&str> = found.orders.iter().map(|order| order.entry.source.as_str()).collect();
        assert_eq!(sources, ["org-signup", "sales", "org-signup"]);
        assert!(found.orders[2].entry.detail.contains("gold"), "what is not known goes along");
        assert_eq!(found.orders[2].number, 2);
    }

    #[test]
    fn an_event_says_which_command_it_is() {
        let delete = |detail: Value| json!({ "detail-type": "OrgDeleted", "detail": detail });
        let mut confirmed = detail("a");
        confirmed["confirmOrgId"] = json!("a");
        let found = checked(&[delete(confirmed), detail("b"), delete(detail("c"))]);
        let kinds: Vec<&str> = found.orders.iter().map(|order| order.entry.detail_type.as_str()).collect();
        assert_eq!(kinds, ["OrgDeleted", "OrgCreated"]);
        assert!(found.problems[0].contains("confirmOrgId is missing"), "{:?}", found.problems);
    }

    #[test]
    fn every_problem_is_found_with_its_line() {
        let staging = json!({ "orgId": "a", "environment": "staging" });
        let named = |org: &str| json!({ "orgId": org, "environment": "production", "correlationId": "c-1" });
        let cases = [
            (detail("a"), ""),
            (detail("A"), "which has a character"),
            (json!({ "orgId": "b" }), "environment is missing"),
            (json!({ "orgId": "b", "environment": "qa" }), "belongs in a non-production account"),
            (json!({ "orgId": "b", "environment": "production", "bucketName": "x" }), "bucketName"),
            (event("elsewhere", "b"), "source \"elsewhere\" may not send"),
            (json!({ "source": 1, "detail-type": "OrgCreated", "detail": {} }), "source must be text"),
            (json!({ "detail-type": "OrgProvisioned", "detail": {} }), "\"OrgProvisioned\""),
            (json!({ "detail-type": 7, "detail": {} }), "type \"7\""),
            (json!({ "detail": detail("b") }), "no detail-type"),
            (json!({ "detail-type": "OrgCreated" }), "no detail"),
            (json!({ "Records": [] }), "Lambda"),
            (json!([]), "must be a JSON object"),
            (staging, "organization a is also on line 1, with another request"),
            (named("c"), ""),
            (named("d"), "correlationId \"c-1\" is also on line 15, for organization c"),
            (named("a"), "organization a is also on line 1"),
        ];
        let values: Vec<Value> = cases.iter().map(|(value, _)| value.clone()).collect();
        let found = checked(&values);
        let expected: Vec<(usize, &str)> = cases
            .iter()
            .enumerate()
            .map(|(n, (_, said))| (n + 1, *said))
            .filter(|(_, said)| !said.is_empty())
            .collect();
        assert_eq!(found.problems.len(), expected.len(), "{:#?}", found.problems);
        for (problem, (line, said)) in found.problems.iter().zip(expected) {
            assert!(problem.starts_with(&format!("line {line}: ")) && problem.contains(said), "{problem}: {said}");
        }
        let said = found.require_sound("file").unwrap_err().to_string();
        assert!(said.contains("15 problems") && said.lines().count() == 16, "{said}");
    }

    #[test]
    fn the_list_of_problems_is_bounded() {
        let found = checked(&vec![json!(1); 1000]);
        let said = found.require_sound("file").unwrap_err().to_string();
        assert!(said.ends_with("and 950 more") && said.lines().count() == 52, "{said}");
    }
}
