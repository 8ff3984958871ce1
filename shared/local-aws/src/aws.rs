//! The handle that tests and the command line hold.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::sync::Notify;

use crate::caller::{self, Caller};
use crate::clock::{Clock, Timestamp};
use crate::dispatch::{self, Service, Target};
use crate::faults::{Fault, FaultPlan};
use crate::iam::KeyUse;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::signature::Authorization;
use crate::sqs::long_poll;
use crate::trace::Recorded;
use crate::world::{Call, World};

/// An AWS in the process. Clones share the same state.
#[derive(Clone)]
pub struct LocalAws {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    world: World,
    faults: FaultPlan,
    trace: Vec<Recorded>,
    recording: bool,
    latency: Duration,
    taking_turns: bool,
    requests: u64,
}

/// The connection broke: the client does not learn whether anything was applied.
#[derive(Debug)]
pub struct ConnectionReset;

impl LocalAws {
    /// An empty AWS whose ids follow from `seed` and whose time is `clock`'s.
    pub fn new(seed: u64, clock: Clock) -> Self {
        let state = State {
            world: World::seeded(seed),
            faults: FaultPlan::default(),
            trace: Vec::new(),
            recording: true,
            latency: Duration::ZERO,
            taking_turns: true,
            requests: 0,
        };
        Self { shared: Arc::new(Shared { clock, state: Mutex::new(state), changed: Notify::new() }) }
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Looks at the state, or changes it behind the API's back. Do not call the API inside.
    pub fn with_world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let mut state = self.state();
        state.world.proceed(self.now());
        let result = look(&mut state.world);
        drop(state);
        self.shared.changed.notify_waiters();
        result
    }

    /// Looks at the state without waking those who wait for a change. Do not call the API inside.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.state().world)
    }

    /// A copy of the whole state.
    pub fn snapshot(&self) -> World {
        self.state().world.clone()
    }

    /// Puts back a copy made before.
    pub fn restore(&self, world: World) {
        self.with_world(|current| *current = world);
    }

    /// The faults to come, counted from now.
    pub fn plan_faults(&self, plan: FaultPlan) {
        self.state().faults = plan;
    }

    /// Whether every planned fault has happened.
    pub fn faults_exhausted(&self) -> bool {
        self.state().faults.exhausted()
    }

    /// How many requests have come so far.
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    /// How long every call takes on the clock. What asks for nothing takes no time: without a signature and a bucket,
    /// AWS's front ends redirect or refuse before any service has the request.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Whether a call that takes no time is a point at which others may run, as it is on a network. By default it is: whoever
    /// tests what can happen in between needs that. Whoever only wants the answers has them sooner without, since what goes
    /// on uninterrupted finds its memory in the CPU's caches.
    pub fn set_taking_turns(&self, taking_turns: bool) {
        self.state().taking_turns = taking_turns;
    }

    /// Whether requests are recorded from now on. What runs for days should not keep all of them.
    pub fn set_recording(&self, recording: bool) {
        self.state().recording = recording;
    }

    /// The requests recorded since the last time, which are forgotten here.
    pub fn take_trace(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.state().trace)
    }

    /// Carries out what goes on by itself and was due until now. Every call and [`Self::with_world`] do so first; who
    /// only looks calls it before.
    pub fn proceed(&self) {
        let now = self.now();
        if self.look(|world| world.next_background_step().is_some_and(|at| at <= now)) {
            self.with_world(|_| {});
        }
    }

    /// Waits until something in the state may have changed.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// Answers one HTTP request.
    ///
    /// # Errors
    /// [`ConnectionReset`] where the fault plan breaks the connection.
    pub async fn request(&self, request: http::Request<Bytes>) -> Result<Response<Bytes>, ConnectionReset> {
        let request = Request::from_http(request);
        let authorization = Authorization::of(&request);
        let target = match dispatch::target(&request, authorization.as_ref()) {
            Ok(target) => target,
            Err(error) => return Ok(self.not_implemented(&error)),
        };
        let (fault, latency, taking_turns) = {
            let mut state = self.state();
            (state.faults.next(&target.operation), state.latency, state.taking_turns)
        };
        let latency = if target.is_front_end(authorization.as_ref()) { Duration::ZERO } else { latency };
        let delay = if let Some(Fault::Delay(extra)) = fault { latency + extra } else { latency };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        } else if taking_turns {
            tokio::task::yield_now().await;
        }
        if let (Service::Sqs, "ReceiveMessage", Some(authorization)) =
            (target.service, target.operation.as_str(), &authorization)
        {
            self.wait_for_message(&request, authorization).await;
        }
        let outcome = self.perform(&request, authorization.as_ref(), &target, fault.as_ref());
        self.shared.changed.notify_waiters();
        outcome
    }

    /// Answers one HTTP request before anything else can happen: no latency, no long polling, and `fault` instead
    /// of a planned one. For tests that decide themselves which call comes next.
    ///
    /// # Errors
    /// [`ConnectionReset`] where `fault` breaks the connection.
    pub fn answer_at_once(
        &self,
        request: http::Request<Bytes>,
        fault: Option<&Fault>,
    ) -> Result<Response<Bytes>, ConnectionReset> {
        let request = Request::from_http(request);
        let authorization = Authorization::of(&request);
        let outcome = match dispatch::target(&request, authorization.as_ref()) {
            Ok(target) => self.perform(&request, authorization.as_ref(), &target, fault),
            Err(error) => Ok(self.not_implemented(&error)),
        };
        self.shared.changed.notify_waiters();
        outcome
    }

    /// Waits as a receive with long polling does: until there is a message, at most as long as it may wait.
    async fn wait_for_message(&self, request: &Request, authorization: &Authorization) {
        let Ok(body) = request.json() else { return };
        let (account, region) = (&authorization.access_key_id, &authorization.region);
        let until = self.now().after(self.look(|world| long_poll::longest_wait(world, account, region, &body)));
        loop {
            self.proceed();
            let now = self.now();
            let next = self.look(|world| long_poll::next_visible_at(world, account, region, &body, now));
            if now >= until || next.is_some_and(|at| at <= now) {
                return;
            }
            let next = next.into_iter().chain(self.look(World::next_background_step)).min();
            let pause = next.unwrap_or(until).min(until).since(now);
            tokio::select! {
                () = self.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn perform(
        &self,
        request: &Request,
        authorization: Option<&Authorization>,
        target: &Target,
        fault: Option<&Fault>,
    ) -> Result<Response<Bytes>, ConnectionReset> {
        let mut state = self.state();
        let now = self.now();
        state.world.proceed(now);
        state.requests += 1;
        let request_id = format!("{:032x}", state.requests);
        let caller = caller::authenticate(&state.world, request, authorization, now);
        let who = caller.as_ref().map_or_else(|error| error.code.to_owned(), Caller::arn);
        let mut resource = String::new();
        let answer = match (fault, caller) {
            (Some(Fault::ConnectionReset), _) => Err(None),
            (Some(Fault::Throttle), _) => Err(Some(target.service.throttled())),
            (Some(Fault::ServerError), _) => Err(Some(target.service.failed())),
            (Some(Fault::Refuse { code, status }), _) => {
                Err(Some(ApiError::new(*status, code, "refused by the fault plan")))
            }
            (_, Err(error)) => Err(Some(error)),
            (_, Ok(caller)) => {
                if let Some(authorization) = authorization {
                    note_use(&mut state.world, &caller, authorization, now);
                }
                let mut call = Call {
                    world: &mut state.world,
                    caller: &caller,
                    region: &target.region,
                    now,
                    resource: String::new(),
                };
                let answer = dispatch::perform(&mut call, target, request);
                resource = call.resource;
                answer.map_err(Some)
            }
        };
        let recorded = Recorded {
            at: now,
            service: target.service.name(),
            mutating: Recorded::is_mutating(&target.operation),
            operation: target.operation.clone(),
            resource,
            caller: who,
            outcome: match (fault, &answer) {
                (Some(fault), _) => fault.name().to_owned(),
                (None, Ok(_)) => "ok".to_owned(),
                (None, Err(Some(error))) => error.code.to_owned(),
                (None, Err(None)) => "connection reset".to_owned(),
            },
        };
        if state.recording {
            state.trace.push(recorded);
        }
        drop(state);
        match answer {
            Ok(_) if fault == Some(&Fault::LostReply) => Err(ConnectionReset),
            Ok(reply) => Ok(self.finish_with(reply, &request_id)),
            Err(Some(error)) => {
                let reply = target.service.error(&error, &request_id);
                // An answer to HEAD has no body, so the client learns no more than the status and the headers.
                let reply = if request.method == http::Method::HEAD { reply.body(Bytes::new()) } else { reply };
                Ok(self.finish_with(reply, &request_id))
            }
            Err(None) => Err(ConnectionReset),
        }
    }

    fn not_implemented(&self, error: &ApiError) -> Response<Bytes> {
        self.finish_with(Service::S3.error(error, "local-aws"), "local-aws")
    }

    fn finish_with(&self, reply: Reply, request_id: &str) -> Response<Bytes> {
        dispatch::finish(reply, request_id, &self.now().http_date())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the lock has failed already; the state is still whole.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers that an access key was used: that is what GetAccessKeyLastUsed tells.
fn note_use(world: &mut World, caller: &Caller, authorization: &Authorization, now: Timestamp) {
    let Caller::User { account, name, .. } = caller else { return };
    let user = world.accounts.get_mut(account).and_then(|account| account.iam.user(name).ok());
    let mut keys = user.into_iter().flat_map(|user| &mut user.access_keys);
    if let Some(key) = keys.find(|key| key.id == authorization.access_key_id) {
        key.last_used =
            Some(KeyUse { at: now, service: authorization.service.clone(), region: authorization.region.clone() });
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use futures_util::future::FutureExt;

    use super::*;

    #[tokio::test]
    async fn others_may_run_before_a_call_is_answered_where_calls_take_turns() {
        let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH));
        let call = || {
            let request = http::Request::get("https://s3.us-east-1.amazonaws.com/bucket?tagging");
            aws.request(request.header("host", "s3.us-east-1.amazonaws.com").body(Bytes::new()).unwrap())
        };
        assert!(call().now_or_never().is_none());
        aws.set_taking_turns(false);
        assert_eq!(call().now_or_never().unwrap().unwrap().status(), 404);
    }
}
