//! S3's rules, asked through [`super::handle`] as the HTTP layer asks it.

mod buckets;
mod objects;
mod policy;
mod settings;
mod versions;
mod wire;

use std::time::Duration;

use bytes::Bytes;

use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::iam::User;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::{Call, World};

const MINE: &str = "222222222222";
const YOURS: &str = "333333333333";

/// An S3 to ask.
struct S3 {
    world: World,
    region: &'static str,
    now: Timestamp,
}

/// One request, to be sent.
struct Ask<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: String,
}

fn ask<'a>(method: &'a str, path: &'a str) -> Ask<'a> {
    Ask { method, path, headers: Vec::new(), body: String::new() }
}

impl<'a> Ask<'a> {
    fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    fn request(&self) -> Request {
        let mut request =
            http::Request::builder().method(self.method).uri(format!("http://127.0.0.1:4566{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        Request::from_http(request.body(Bytes::from(self.body.clone())).expect("a request"))
    }
}

impl S3 {
    fn new() -> Self {
        Self { world: World::seeded(1), region: "us-east-1", now: Timestamp(1_795_341_600_000) }
    }

    /// With the bucket `mine` of the account `MINE`.
    fn with_bucket() -> Self {
        let mut s3 = Self::new();
        s3.admin(ask("PUT", "/mine")).expect("a new bucket");
        s3
    }

    fn send(&mut self, caller: &Caller, ask: Ask<'_>) -> Result<Reply, ApiError> {
        let request = ask.request();
        let mut call =
            Call { world: &mut self.world, caller, region: self.region, now: self.now, resource: String::new() };
        super::handle(&mut call, &request, &super::operation(&request))
    }

    fn admin(&mut self, ask: Ask<'_>) -> Result<Reply, ApiError> {
        self.send(&administrator(MINE), ask)
    }

    /// The code that the administrator is refused with.
    fn code(&mut self, ask: Ask<'_>) -> Option<&'static str> {
        self.admin(ask).err().map(|error| error.code)
    }

    fn text(&mut self, ask: Ask<'_>) -> String {
        let reply = self.admin(ask).expect("an answer");
        String::from_utf8(reply.body.to_vec()).expect("text")
    }

    /// Makes an IAM user of `MINE`, a new one if there was one of that name.
    fn user(&mut self, name: &str) -> Caller {
        let user = User {
            name: name.to_owned(),
            id: self.world.ids.user_id(),
            path: "/".to_owned(),
            created: self.now,
            ..User::default()
        };
        let caller = Caller::User {
            account: MINE.to_owned(),
            name: name.to_owned(),
            arn: user.arn(MINE),
            user_id: user.id.clone(),
        };
        self.world.account(MINE).iam.users.insert(name.to_lowercase(), user);
        caller
    }

    fn put_policy(&mut self, statements: &str) -> Result<Reply, ApiError> {
        self.admin(ask("PUT", "/mine?policy").body(policy(statements)))
    }

    fn open_to_the_public(&mut self) {
        self.admin(ask("DELETE", "/mine?publicAccessBlock")).expect("no more block");
    }

    fn later(&mut self, by: Duration) {
        self.now = self.now.after(by);
    }
}

fn administrator(account: &str) -> Caller {
    Caller::Administrator { account: account.to_owned() }
}

fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

/// A statement that allows `action` on the objects of `mine`.
fn allow(principal: &str, action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"arn:aws:s3:::{resource}"}}"#)
}
