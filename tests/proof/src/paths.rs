//! Paths of decisions: an execution is run from its beginning along one; where the path ends, each decision that is
//! possible there leads on. A state that was reached before is not explored again. What makes a state is written in
//! [`state`](crate::state).

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex};
use std::thread;

use crate::canary;
use crate::interleave::{Decision, Exploration, Message, Scene};
use crate::start::{Prepared, Start, paused_runtime};
use crate::state;
use crate::violation::{Promise, Violation};

/// What was explored.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Distinct states.
    pub states: usize,
    /// Executions, each from the beginning.
    pub executions: usize,
    /// Distinct states in which every delivery had ended, each settled and judged.
    pub ends: usize,
    /// Paths that broke a promise.
    pub violations: Vec<(Vec<u8>, Vec<Violation>)>,
}

struct Frontier {
    paths: Vec<Vec<u8>>,
    visited: BTreeSet<u128>,
    busy: usize,
    explored: Explored,
}

/// So many broken paths are enough to know that something is wrong.
const ENOUGH: usize = 10;

/// Explores everything from this start.
pub fn explore(prepared: &Prepared, exploration: &Exploration) -> Explored {
    let frontier =
        Frontier { paths: vec![Vec::new()], visited: BTreeSet::new(), busy: 0, explored: Explored::default() };
    let (frontier, more) = (Mutex::new(frontier), Condvar::new());
    // Where time passes and nothing fails, which of two workers meets a state first was seen to decide what is gone on
    // with; one worker meets them in the same order always.
    let alone = exploration.faults == 0 && exploration.ticks > 0;
    let workers = if alone { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let mut shared = frontier.lock().expect("no worker panics");
                    let path = loop {
                        let enough = shared.explored.violations.len() >= ENOUGH;
                        if let Some(path) = shared.paths.pop().filter(|_| !enough) {
                            break path;
                        }
                        if shared.busy == 0 || enough {
                            more.notify_all();
                            return;
                        }
                        shared = more.wait(shared).expect("no worker panics");
                    };
                    shared.busy += 1;
                    shared.explored.executions += 1;
                    drop(shared);
                    follow(prepared, exploration, path, Some(&frontier), &mut |_| {});
                    frontier.lock().expect("no worker panics").busy -= 1;
                    more.notify_all();
                }
            });
        }
    });
    let frontier = frontier.into_inner().expect("no worker panics");
    Explored { states: frontier.visited.len(), ..frontier.explored }
}

/// Runs one path, and beyond its end the first possible decision each time; answers what it broke. `hear` is told
/// every decision.
pub fn replay(
    prepared: &Prepared,
    exploration: &Exploration,
    path: &[u8],
    hear: &mut dyn FnMut(&Decision),
) -> Vec<Violation> {
    follow(prepared, exploration, path.to_vec(), None, hear)
}

fn follow(
    prepared: &Prepared,
    exploration: &Exploration,
    path: Vec<u8>,
    frontier: Option<&Mutex<Frontier>>,
    hear: &mut dyn FnMut(&Decision),
) -> Vec<Violation> {
    canary::begin();
    let run = async {
        let mut scene = Scene::open(prepared, exploration)?;
        let mut taken = path.clone();
        for step in 0.. {
            let decisions = scene.decisions(exploration);
            let beyond = step >= path.len();
            if let (true, Some(frontier)) = (beyond, frontier) {
                let state = state::of(&scene);
                let mut shared = frontier.lock().expect("no worker panics");
                if !shared.visited.insert(state) {
                    // What comes after was seen; what was done on this way to it was not.
                    return Ok(scene.broken_on_the_way());
                }
                shared.explored.ends += usize::from(scene.is_over());
                let first = usize::from(!scene.is_over());
                for other in first..decisions.len() {
                    let mut branch = taken.clone();
                    branch.push(u8::try_from(other).expect("there are few decisions at a time"));
                    shared.paths.push(branch);
                }
            }
            // At an end the calls in limbo are lost, unless the path applies one of them.
            if scene.is_over() && beyond {
                break;
            }
            let choice = path.get(step).copied().unwrap_or_default();
            let Some(decision) = decisions.get(usize::from(choice)).or(decisions.first()).cloned() else { break };
            if beyond {
                taken.push(0);
            }
            hear(&decision);
            scene.carry_out(&decision).await?;
        }
        scene.settle(prepared).await
    };
    let violations = match catch_unwind(AssertUnwindSafe(|| paused_runtime().block_on(run))) {
        Ok(Ok(violations)) => violations,
        Ok(Err(violation)) => vec![violation],
        Err(_) => vec![Violation::of(Promise::NoPanic, canary::last_panic())],
    };
    if let (Some(frontier), false) = (frontier, violations.is_empty()) {
        frontier.lock().expect("no worker panics").explored.violations.push((path, violations.clone()));
    }
    violations
}

/// A shorter path that breaks a promise too: later decisions give way to the first possible ones.
pub fn shrink(prepared: &Prepared, exploration: &Exploration, path: &[u8]) -> Vec<u8> {
    let breaks = |path: &[u8]| !replay(prepared, exploration, path, &mut |_| {}).is_empty();
    let mut shortest = path.to_vec();
    loop {
        let candidates = (0..shortest.len()).filter(|index| shortest[*index] != 0).map(|index| {
            let mut candidate = shortest.clone();
            candidate[index] = 0;
            while candidate.last() == Some(&0) {
                candidate.pop();
            }
            candidate
        });
        match candidates.into_iter().find(|candidate| breaks(candidate)) {
            Some(shorter) => shortest = shorter,
            None => return shortest,
        }
    }
}

/// A path, written down so that it can be run again: `partly-there/SS/1/2/0,0,3`.
pub fn written(start: Start, exploration: &Exploration, path: &[u8]) -> String {
    let messages: String = exploration.messages.iter().map(|message| message.letter()).collect();
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    format!("{}/{messages}/{}/{}/{}", start.name(), exploration.faults, exploration.ticks, path.join(","))
}

/// Reads what [`written`] wrote; `None` if it is not that.
pub fn read(text: &str) -> Option<(Start, Exploration, Vec<u8>)> {
    let parts: Vec<&str> = text.split('/').collect();
    let [start, messages, faults, ticks, path] = parts[..] else { return None };
    let messages = messages.chars().map(Message::of_letter).collect::<Option<_>>()?;
    let exploration = Exploration { messages, faults: faults.parse().ok()?, ticks: ticks.parse().ok()? };
    let path = path.split(',').filter(|choice| !choice.is_empty()).map(|choice| choice.parse().ok());
    Some((start.parse().ok()?, exploration, path.collect::<Option<_>>()?))
}
