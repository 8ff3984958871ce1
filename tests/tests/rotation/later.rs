//! What cannot be done at once, and what people moved by hand.

use std::collections::BTreeSet;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_schedule_that_cannot_be_set_at_once_is_set_later() {
    let refused = |code| Fault::Refuse { code, status: 400 };
    for fault in [
        refused("ResourceNotFoundException"),
        refused("InvalidRequestException"),
        Fault::Throttle,
        Fault::ServerError,
        Fault::LostReply,
    ] {
        let function = "arn:aws:lambda:us-east-1:111111111111:function:rotate";
        let environment = [("ROTATION_FUNCTION_ARN".to_owned(), function.to_owned())].into();
        let bench = Bench::with(&local_system::LocalOptions { environment, ..local_system::LocalOptions::default() });
        let plan = |plan: FaultPlan, nth| plan.on("RotateSecret", nth, fault.clone());
        bench.system.aws.plan_faults((1..=3).fold(FaultPlan::default(), plan));
        bench.sign_up("abc");
        let events = bench.settle().await;
        assert_eq!(failure_codes(&events), [""; 0], "{fault:?}");
        // `verify` may tell it twice, as one event.
        let told: BTreeSet<String> =
            of_type(&events, "OrgProvisioned").iter().map(|detail| detail["eventId"].to_string()).collect();
        assert_eq!(told.len(), 1, "{fault:?}");
        assert_eq!(keys(&bench).await.len(), 1, "{fault:?}");
        let described = bench.secrets().describe_secret().secret_id(SECRET).send().await.unwrap();
        assert_eq!(described.rotation_lambda_arn(), Some(function), "{fault:?}");
    }
}

/// AWSCURRENT was moved back by hand: no key was retired, and nothing says so, until the next rotation saw to the key.
#[tokio::test(start_paused = true)]
async fn after_a_rollback_nothing_is_told_to_be_retired_until_it_is() {
    let bench = provisioned().await;
    let first = rotate(&bench).await;
    bench.settle().await;
    let described = bench.secrets().describe_secret().secret_id(SECRET).send().await.unwrap();
    let labels = described.version_ids_to_stages.unwrap();
    let old = labels.iter().find(|(_, labels)| labels.iter().any(|label| label == "AWSPREVIOUS")).unwrap().0.clone();
    let back = bench.secrets().update_secret_version_stage().secret_id(SECRET).version_stage("AWSCURRENT");
    back.move_to_version_id(&old).remove_from_version_id(&first).send().await.unwrap();
    let before = keys(&bench).await;
    tokio::time::sleep(OVERLAP * 2 + A_MINUTE).await;
    bench.writes();
    assert_eq!(retire(&bench, &first).await.unwrap_err(), "in-progress");
    assert_eq!((names(&bench).len(), keys(&bench).await), (0, before.clone()));
    // The next rotation deactivates the key that was given up, and deletes it.
    let second = rotate(&bench).await;
    let events = bench.settle().await;
    assert_eq!(of_type(&events, "OrgKeyRetired").len(), 0, "{events:?}");
    let after = keys(&bench).await;
    assert_eq!((after.len(), &after[0]), (2, &before[0]));
    assert_eq!(retire(&bench, &first).await.unwrap_err(), "in-progress", "now the key before is the second one's");
    for expected in [false, true] {
        tokio::time::sleep(OVERLAP + A_MINUTE).await;
        assert_eq!(retire(&bench, &second).await.is_ok(), expected);
    }
    retire(&bench, &first).await.unwrap();
    assert_eq!(of_type(&bench.settle().await, "OrgKeyRetired").len(), 2);
    assert_eq!(keys(&bench).await, after[1..]);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_that_s3_does_not_know_yet_does_not_become_current() {
    let late = Duration::from_secs(15);
    becomes_current_after(late, Propagation { key_usable_in_s3: late, ..Propagation::default() }).await;
}
