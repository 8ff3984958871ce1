//! Weather for the whole flow that follows from a seed: latency, reads that lag behind, IAM that takes its time,
//! mishaps, and events that come twice, late and out of order.

use std::time::Duration;

use local_aws::Propagation;
use local_system::registry::{LIFECYCLE, STEPS};
use strum::IntoEnumIterator;

use crate::case::Case;
use crate::stage::Trigger;
use crate::start::{End, Start};
use crate::weather::{Forecast, Mishap, Unsteady};

/// After this many calls the weather is calm again, so that what was put off can come to its end.
const STORMY_CALLS: u64 = 160;
const HURRICANE_CALLS: u64 = 1500;
/// The longest that IAM takes to make a change known: within the lag that the key protocol assumes.
const SLOWEST_IAM: Duration = Duration::from_secs(12);

/// An event beside the sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The sign-up once more, on the bus.
    SignUp,
    /// The sign-up in one step's queue, whether it is that step's turn or not.
    OutOfTurn(&'static str),
    /// The n-th event that was emitted so far, once more.
    Again(usize),
}

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut random = fastrand::Rng::with_seed(seed);
    let starts: Vec<Start> = Start::iter().filter(|start| start.end() == End::Provisioned).collect();
    // Half of them begin with nothing, as sign-ups do.
    let start = if random.bool() { Start::Nothing } else { starts[random.usize(..starts.len())] };
    // One in eight is a hurricane: hardly a call gets through, until receives are used up.
    let (percent, calls) =
        if seed % 8 == 7 { (70, HURRICANE_CALLS) } else { ([1, 4, 10, 20][random.usize(..4)], STORMY_CALLS) };
    let kinds: Vec<Mishap> = Mishap::iter().collect();
    let mut mishaps = std::collections::BTreeMap::new();
    for call in 1..=calls {
        if random.u32(..100) < percent {
            mishaps.insert(call, kinds[random.usize(..kinds.len())]);
        }
    }
    Case {
        start,
        trigger: Trigger::Flow,
        forecast: Forecast { mishaps, unsteady: Some(unsteady(seed)), showers: None },
    }
}

/// The case of a seed in which a command of the lifecycle comes together with the sign-up.
pub fn case_of_lifecycle(seed: u64) -> Case {
    let step = LIFECYCLE[usize::try_from(seed).unwrap_or_default() % LIFECYCLE.len()].spec.name;
    // A resumption needs a suspension before.
    let start = if step == "resume" { Start::Suspended } else { case(seed).start };
    Case { start, trigger: Trigger::With(step), ..case(seed) }
}

/// How calls and reads are in a seed's weather.
pub fn unsteady(seed: u64) -> Unsteady {
    let mut random = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let latency = Duration::from_millis([20, 200, 1500][random.usize(..3)]);
    Unsteady { seed, latency, lagging_percent: [0, 10, 40][random.usize(..3)] }
}

/// How long IAM takes in a seed's weather.
pub fn propagation(seed: u64) -> Propagation {
    let mut random = fastrand::Rng::with_seed(seed ^ 0x1a7e);
    let mut delay = || if random.bool() { Duration::ZERO } else { SLOWEST_IAM.mul_f64(random.f64()) };
    Propagation {
        user_as_principal: delay(),
        key_usable: delay(),
        key_listed: delay(),
        key_deletion_listed: delay(),
        ..Propagation::default()
    }
}

/// What else comes in a seed's weather, and when after the one before.
pub fn arrivals(seed: u64) -> Vec<(Duration, Arrival)> {
    let mut random = fastrand::Rng::with_seed(seed ^ 0xa441);
    let count = random.usize(..6);
    let arrivals = (0..count).map(|_| {
        let pause = Duration::from_secs([0, 2, 40, 300][random.usize(..4)]).mul_f64(random.f64());
        let arrival = match random.u8(..3) {
            0 => Arrival::SignUp,
            1 => Arrival::OutOfTurn(STEPS[random.usize(..STEPS.len())].spec.name),
            _ => Arrival::Again(random.usize(..12)),
        };
        (pause, arrival)
    });
    arrivals.collect()
}
