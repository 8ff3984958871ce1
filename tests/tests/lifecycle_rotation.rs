//! A command of the lifecycle while an organization's access key is rotated, at every moment of it.

use std::time::Duration;

use local_aws::iam::KeyStatus;
use local_aws::{Fault, FaultPlan};
use serde_json::{Value, json};
use tests::lifecycle::{keys, outcome, provisioned, run, states};
use tests::{Bench, begin_rotation, failure_codes, of_type};

const SECRET: &str = "fusion-rms/abc/aws";
const OVERLAP: Duration = Duration::from_secs(604_800);
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

struct Rotation {
    secret: String,
    token: String,
}

/// An organization, an hour old, of whose rotation so many steps are done.
async fn rotated(steps: usize) -> (Bench, Rotation) {
    let bench = provisioned().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let (secret, token) = begin_rotation(&bench.system, "abc");
    let rotation = Rotation { secret, token };
    for step in &STEPS[..steps] {
        rotation.step(&bench, step).await.unwrap();
    }
    (bench, rotation)
}

impl Rotation {
    async fn step(&self, bench: &Bench, step: &str) -> Result<Value, String> {
        let asked = json!({ "Step": step, "SecretId": self.secret, "ClientRequestToken": self.token });
        bench.system.invoke("rotate", asked).await.map_err(|error| error.error_type)
    }

    async fn retire(&self, bench: &Bench) -> Result<Value, String> {
        let asked = json!({ "orgId": "abc", "action": "retireKey", "token": self.token });
        bench.system.invoke("rotate", asked).await.map_err(|error| error.error_type)
    }
}

async fn held(bench: &Bench, label: &str) -> Option<String> {
    let answer = bench.secrets().get_secret_value().secret_id(SECRET).version_stage(label).send().await.ok()?;
    let value: Value = serde_json::from_str(answer.secret_string()?).unwrap();
    Some(value["accessKeyId"].as_str().unwrap().to_owned())
}

fn status(bench: &Bench, id: Option<&str>) -> Option<KeyStatus> {
    keys(bench).into_iter().find(|(own, _)| Some(own.as_str()) == id).map(|(_, status)| status)
}

#[tokio::test(start_paused = true)]
async fn a_suspension_during_a_rotation_switches_all_keys_off_and_the_rotation_ends_after_it() {
    for steps in 0..=STEPS.len() {
        let (bench, rotation) = rotated(steps).await;
        let before: Vec<String> = keys(&bench).into_iter().map(|(id, _)| id).collect();
        assert_eq!(before.len(), if steps == 0 { 1 } else { 2 });
        let events = run(&bench, "OrgSuspended").await;
        assert_eq!(outcome(&events, "OrgSuspensionCompleted"), "updated", "after {steps}");
        assert_eq!(keys(&bench), before.iter().map(|id| (id.clone(), KeyStatus::Inactive)).collect::<Vec<_>>());

        bench.writes();
        for step in STEPS {
            assert_eq!(rotation.step(&bench, step).await.unwrap_err(), "org-not-active", "{step} after {steps}");
        }
        assert_eq!(rotation.retire(&bench).await.unwrap_err(), "in-progress", "after {steps}");
        assert_eq!(bench.writes(), [], "after {steps}");
        bench.settle().await;

        let events = run(&bench, "OrgResumed").await;
        assert_eq!(outcome(&events, "OrgResumptionCompleted"), "updated", "after {steps}");
        let current = held(&bench, "AWSCURRENT").await;
        // A version that became current may keep AWSPENDING.
        let pending = held(&bench, "AWSPENDING").await.filter(|id| Some(id) != current.as_ref());
        let of = [current, pending, held(&bench, "AWSPREVIOUS").await];
        let [current, pending, previous] = of.each_ref().map(|id| status(&bench, id.as_deref()));
        assert_eq!(current, Some(KeyStatus::Active), "after {steps}");
        let under_way = (1..STEPS.len()).contains(&steps);
        assert_eq!(pending, under_way.then_some(KeyStatus::Active), "after {steps}: it could not end otherwise");
        let done = steps == STEPS.len();
        assert_eq!(previous, done.then_some(KeyStatus::Inactive), "after {steps}: the old one stays off");

        for step in STEPS {
            rotation.step(&bench, step).await.unwrap();
        }
        bench.sign_up("abc");
        assert_eq!(failure_codes(&bench.settle().await), [""; 0], "after {steps}");
        assert_eq!(keys(&bench).len(), 2, "after {steps}");
        for _ in 0..2 {
            tokio::time::sleep(OVERLAP + Duration::from_secs(60)).await;
            drop(rotation.retire(&bench).await);
        }
        rotation.retire(&bench).await.unwrap();
        assert_ne!(Some(&bench.provisioned("abc").await.access_key_id), before.first(), "after {steps}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_offboarding_during_a_rotation_takes_all_keys() {
    for steps in 0..=STEPS.len() {
        let (bench, rotation) = rotated(steps).await;
        let events = run(&bench, "OrgDeleted").await;
        assert_eq!(outcome(&events, "OrgOffboardingCompleted"), "updated", "after {steps}");
        assert_eq!((keys(&bench), states(&bench).1), (vec![], None), "after {steps}");
        bench.writes();
        for step in STEPS {
            rotation.step(&bench, step).await.unwrap_err();
        }
        let retired = rotation.retire(&bench).await.unwrap();
        assert_eq!(retired["outcome"], "unchanged", "after {steps}: there is nothing to retire");
        assert_eq!(bench.writes(), [], "after {steps}");
        bench.settle().await;

        bench.reonboard("abc");
        let events = bench.settle().await;
        assert_eq!(failure_codes(&events), [""; 0], "after {steps}");
        assert!(!of_type(&events, "OrgProvisioned").is_empty(), "after {steps}");
        bench.provisioned("abc").await;
        bench.writes();
        assert_eq!(rotation.retire(&bench).await.is_ok(), steps == STEPS.len(), "after {steps}");
        assert_eq!(bench.writes(), [], "after {steps}");
    }
}

/// The key of a rotation that nobody knows: the second look deletes it, and the delayed check of the rotation, which finds the
/// organization suspended or gone, is nobody's failure.
#[tokio::test(start_paused = true)]
async fn a_lost_key_of_a_rotation_goes_with_the_second_look() {
    for (command, left) in [("OrgSuspended", 1), ("OrgDeleted", 0)] {
        let (bench, rotation) = rotated(0).await;
        let reset = |plan: FaultPlan, nth| plan.on("PutSecretValue", nth, Fault::ConnectionReset);
        bench.system.aws.plan_faults((1..=3).fold(FaultPlan::default(), reset));
        assert_eq!(rotation.step(&bench, "createSecret").await.unwrap_err(), "outcome-unknown");
        assert_eq!(keys(&bench).len(), 2);
        let events = run(&bench, command).await;
        assert_eq!(failure_codes(&events), [""; 0], "{command}");
        assert_eq!(keys(&bench).len(), left, "{command}");
        assert!(keys(&bench).iter().all(|(_, status)| *status == KeyStatus::Inactive), "{command}");
    }
}
