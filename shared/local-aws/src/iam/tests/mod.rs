//! The rules of IAM, asked through [`super::handle`] as the HTTP layer asks it.

mod authorization;
mod groups;
mod keys;
mod managed;
mod permissions;
mod policies;
mod services;
mod users;

use bytes::Bytes;

use super::handle;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::reply::ApiError;
use crate::request::Request;
use crate::world::{Call, World};

const MINE: &str = "222222222222";
const YOURS: &str = "333333333333";
const REGION: &str = "eu-west-1";

/// A world and a clock.
struct Bench {
    world: World,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        Self { world: World::seeded(1), now: Timestamp(1_795_341_600_000) }
    }

    fn with_user(name: &str) -> Self {
        let mut bench = Self::new();
        bench.ask("CreateUser", &[("UserName", name)]).unwrap();
        bench
    }

    /// What the administrator is answered, as XML.
    fn ask(&mut self, operation: &str, parameters: &[(&str, &str)]) -> Result<String, ApiError> {
        self.ask_as(&administrator(MINE), operation, parameters)
    }

    fn ask_as(&mut self, caller: &Caller, operation: &str, parameters: &[(&str, &str)]) -> Result<String, ApiError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let request = http::Request::post("https://iam.amazonaws.com/").body(Bytes::from(body)).unwrap();
        let form = Request::from_http(request).form();
        self.call(caller, |call| handle(call, &form, operation))
            .map(|reply| String::from_utf8(reply.body.to_vec()).unwrap())
    }

    fn call<T>(&mut self, caller: &Caller, call: impl FnOnce(&mut Call<'_>) -> T) -> T {
        let (world, now) = (&mut self.world, self.now);
        call(&mut Call { world, caller, region: REGION, now, resource: String::new() })
    }

    /// Status and code that the administrator is refused with.
    fn refusal(&mut self, operation: &str, parameters: &[(&str, &str)]) -> (u16, &'static str) {
        let error = self.ask(operation, parameters).expect_err(operation);
        (error.status, error.code)
    }

    /// A user of an account as a caller, made if it is not there.
    fn caller(&mut self, account: &str, name: &str) -> Caller {
        let admin = administrator(account);
        if !self.world.account(account).iam.users.contains_key(name) {
            self.ask_as(&admin, "CreateUser", &[("UserName", name)]).unwrap();
        }
        let user = &self.world.account(account).iam.users[name];
        let (arn, user_id) = (user.arn(account), user.id.clone());
        Caller::User { account: account.to_owned(), name: name.to_owned(), arn, user_id }
    }

    /// A user whose one inline policy is of these statements.
    fn caller_with(&mut self, account: &str, name: &str, statements: &str) -> Caller {
        let caller = self.caller(account, name);
        let document = policy(statements);
        let parameters = [("UserName", name), ("PolicyName", "own"), ("PolicyDocument", document.as_str())];
        self.ask_as(&administrator(account), "PutUserPolicy", &parameters).unwrap();
        caller
    }
}

fn administrator(account: &str) -> Caller {
    Caller::Administrator { account: account.to_owned() }
}

fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

fn statement(effect: &str, action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
}

fn allow(action: &str, resource: &str) -> String {
    statement("Allow", action, resource)
}

/// The texts of all elements of that name.
fn texts<'x>(xml: &'x str, element: &str) -> Vec<&'x str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)).map(|(text, _)| text).collect()
}

fn text<'x>(xml: &'x str, element: &str) -> &'x str {
    texts(xml, element).first().copied().unwrap_or_else(|| panic!("no {element} in {xml}"))
}
