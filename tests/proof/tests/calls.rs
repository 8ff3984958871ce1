//! What each function calls in its own name, from every start and with every mishap that leads elsewhere: written down
//! in `tests/golden/calls.json`, which infra/ is checked against, both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proof::case::Case;
use proof::crash_points::every_single_mishap;
use proof::plan;
use proof::rotation::Rotation;
use proof::stage::Trigger;
use proof::start::Start;
use proof::watch;
use proof::weather::Mishap;
use proof::workers;

#[test]
fn the_calls_of_each_function_are_written_down() {
    let prepared = plan::prepare();
    let steps = || Trigger::all().chain(Trigger::lifecycle()).filter(|trigger| matches!(trigger, Trigger::Step(_)));
    let mut cases: Vec<Case> =
        steps().flat_map(|trigger| Start::all().map(move |start| Case::with(start, trigger, []))).collect();
    // What is only called when something went wrong before.
    for (start, step) in [(Start::Nothing, "iam-user"), (Start::Nothing, "bucket"), (Start::PartlyThere, "secret")] {
        cases.extend(every_single_mishap(&prepared[&start], Trigger::Step(step), u64::MAX));
    }
    // Rotations are no sign-ups: they have triggers of their own.
    for trigger in Rotation::triggers() {
        cases.extend([Start::AllThere, Start::StrayBesideStored].map(|start| Case::with(start, trigger, [])));
    }
    cases.extend(every_single_mishap(&prepared[&Start::AllThere], Trigger::Rotation(Rotation::Rotate), 40));
    // What is only called when an organization comes back.
    cases.extend([Start::Offboarded, Start::UserSaysOffboarded].map(|start| Case::with(start, Trigger::Return, [])));
    let throttled = || (1..=30).map(|call| (call, Mishap::Throttle));
    cases.extend(steps().map(|trigger| Case::with(Start::Nothing, trigger, throttled())));
    // Looks, and what is only called when AWS asks for patience.
    cases.extend(watch::triggers().flat_map(|trigger| Start::all().map(move |start| Case::with(start, trigger, []))));
    cases.extend(watch::triggers().map(|trigger| Case::with(Start::AllThere, trigger, throttled())));
    let judged = workers::for_each(&cases, |case| case.run(&prepared[&case.start]));
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (function, asked) in judged.into_iter().flat_map(|judged| judged.asked_by) {
        let operations = asked.iter().map(|asked| format!("{}:{}", asked.service, asked.operation));
        calls.entry(function).or_default().extend(operations);
    }
    let now = format!("{}\n", serde_json::to_string_pretty(&calls).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/calls.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), now, "UPDATE=1 writes it anew; then look at infra/");
}
