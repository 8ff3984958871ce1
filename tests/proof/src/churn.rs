//! Churn: organizations through random life stories, a town of them in one account at a time. They sign up, are rotated,
//! suspended and resumed, drift, are offboarded and come back, side by side, in all weathers, with whatever comes twice or
//! late; and after every settlement each has to be what its story says.
//!
//! A town follows from its seed, and what an organization goes through from that and its number: its story, and what its
//! calls meet. So `churn/<seed>/<organizations>` runs again what broke a promise, and mostly with fewer of them.

mod inspect;
mod letters;
mod life;
mod look;
mod org;
mod outcome;
mod sky;
mod story;
mod town;
mod turn;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::canary;
use crate::plan::Scale;
use crate::report::Row;
use crate::start::paused_runtime;
use crate::violation::{Promise, Violation};
use crate::workers;
use town::Town;

/// What is counted, in the order in which the row shows it.
const COUNTED: [&str; 14] = [
    "organizations",
    "settlements",
    "chapters",
    "sign-ups",
    "rotations",
    "retirements",
    "suspensions",
    "resumptions",
    "offboardings",
    "returns",
    "drifts",
    "echoes",
    "faults",
    "letters replayed",
];

/// A town that can be run, and run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    seed: u64,
    organizations: Vec<u16>,
}

/// What came of it.
struct Lived {
    counts: BTreeMap<&'static str, usize>,
    broken: Vec<Violation>,
}

/// How many towns there are, and how many organizations in each.
fn size(scale: Scale) -> (u64, u16) {
    match scale {
        Scale::Ci => (10, 22),
        Scale::Long => (100, 50),
    }
}

/// Explores the towns of these seeds, as many as the scale has.
pub fn explore(scale: Scale, seeds: &Range<u64>) -> Row {
    let (towns, organizations) = size(scale);
    let cases: Vec<Case> = (seeds.start..seeds.start + towns)
        .map(|seed| Case { seed, organizations: (0..organizations).collect() })
        .collect();
    let lived = workers::for_each(&cases, Case::live);
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut violations = Vec::new();
    for (case, lived) in cases.iter().zip(lived) {
        lived.counts.into_iter().for_each(|(what, many)| *counts.entry(what).or_default() += many);
        if !lived.broken.is_empty() {
            // The first two are made shorter: it takes a while.
            let case = if violations.len() < 2 { case.shrunk() } else { case.clone() };
            violations.push((case.written(), case.live().broken));
        }
    }
    let counts = COUNTED.into_iter().map(|what| (what, counts.get(what).copied().unwrap_or_default()));
    Row { name: "churn".to_owned(), counts: counts.collect(), violations }
}

impl Case {
    /// Runs it; what was broken.
    pub fn run(&self) -> Vec<Violation> {
        self.live().broken
    }

    fn live(&self) -> Lived {
        canary::begin();
        let mut town = Town::new(self.seed, &self.organizations);
        let run = || paused_runtime().block_on(town.live());
        let broken = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(broken)) => broken,
            Ok(Err(problem)) => vec![Violation::of(Promise::ComesToRest, problem.to_string())],
            Err(_) => vec![Violation::of(Promise::NoPanic, canary::last_panic())],
        };
        Lived { counts: town.counts, broken }
    }

    /// The same with fewer organizations: halves and then single ones are left out, as long as a promise is broken.
    fn shrunk(&self) -> Self {
        let mut shortest = self.clone();
        let mut part = shortest.organizations.len() / 2;
        while part > 0 {
            let parts = shortest.organizations.chunks(part).map(<[u16]>::to_vec).collect::<Vec<_>>();
            for left_out in parts {
                let rest = shortest.organizations.iter().copied().filter(|number| !left_out.contains(number));
                let shorter = Self { seed: self.seed, organizations: rest.collect() };
                if !shorter.organizations.is_empty() && !shorter.run().is_empty() {
                    shortest = shorter;
                }
            }
            part /= 2;
        }
        shortest
    }

    /// As it is printed.
    pub fn written(&self) -> String {
        let numbers: Vec<String> = self.organizations.iter().map(u16::to_string).collect();
        format!("churn/{}/{}", self.seed, numbers.join(","))
    }

    /// Reads what [`Case::written`] wrote; `None` if it is not that.
    pub fn read(text: &str) -> Option<Self> {
        let (seed, organizations) = text.strip_prefix("churn/")?.split_once('/')?;
        let organizations: Option<Vec<u16>> = organizations.split(',').map(|number| number.parse().ok()).collect();
        Some(Self { seed: seed.parse().ok()?, organizations: organizations? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_as_it_was_written() {
        let case = Case { seed: 7, organizations: vec![3, 11] };
        assert_eq!(Case::read(&case.written()), Some(case));
        assert_eq!(Case::read("two-strays/secret/3:stop-late"), None);
    }
}
