//! Who may put which events on the bus, by the policies that infra/ deploys.
//!
//! `tests/golden/bus-policy.json` has them as CloudFormation makes them of the template; `tests/infra/run.sh` compares
//! the two. No emulator enforces a bus's policy, so this asks the policy engine of local-aws. It knows no roles: a role
//! is a user here, whose ARN is the role's. That EventBridge fills in `events:source` and `events:detail-type`, with a
//! value for each entry of a call, is from its user guide ("Using IAM policy conditions in Amazon EventBridge").

use local_aws::policy::{AccessRequest, Context, Decision, Document, PrincipalIdentity, evaluate};
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";
const PRODUCER: &str = "222222222222";
const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/org-provisioning";
const STEPS: [(&str, &str, &str); 9] = [
    ("iam-user", "IamUserRole", "IamUserProvisioned"),
    ("bucket", "BucketRole", "BucketProvisioned"),
    ("bucket-policy", "BucketPolicyRole", "BucketPolicyProvisioned"),
    ("secret", "SecretRole", "SecretProvisioned"),
    ("verify", "VerifyRole", "OrgProvisioned"),
    ("suspend", "SuspendRole", "OrgSuspensionCompleted"),
    ("resume", "ResumeRole", "OrgResumptionCompleted"),
    ("offboard", "OffboardRole", "OrgOffboardingCompleted"),
    ("adopt", "AdoptRole", "OrgAdoptionCompleted"),
];
const FAILED: &str = "OrgProvisioningFailed";

/// The policies under one choice of the template's parameters.
struct Deployed(Value);

/// Who asks: in which account, as whom, and with which identity policy.
struct Caller {
    account: Option<&'static str>,
    arn: Option<String>,
    identity: Document,
}

impl Deployed {
    /// `defaults`, or `everything`: two command sources, two producers, SaaS Builder Toolkit.
    fn with(choice: &str) -> Self {
        let golden: Value = serde_json::from_str(include_str!("../golden/bus-policy.json")).unwrap();
        Self(golden[choice].clone())
    }

    fn role(&self, name: &str, logical: &str) -> Caller {
        let identity = Document::parse_identity(&self.0["roles"][name].to_string()).unwrap();
        Caller { account: Some(ACCOUNT), arn: Some(role_arn(logical)), identity }
    }

    /// Whether one call with these entries, each a source and a detail type, is allowed: in the account by an identity
    /// policy or the bus's, from elsewhere by both.
    fn lets(&self, caller: &Caller, entries: &[(&str, &str)]) -> bool {
        let mut context = Context::default();
        for (source, detail_type) in entries {
            context.insert("events:source", *source);
            context.insert("events:detail-type", *detail_type);
        }
        self.lets_with(caller, context)
    }

    fn lets_with(&self, caller: &Caller, mut context: Context) -> bool {
        if let Some(arn) = &caller.arn {
            context.insert("aws:PrincipalArn", arn);
        }
        // An account's administrator stands for whoever its identity policies let through.
        let principal = match (caller.account, &caller.arn) {
            (Some(ACCOUNT), Some(arn)) => PrincipalIdentity::User { account: ACCOUNT, arn, user_id: "AROAEXAMPLE" },
            (Some(account), _) => PrincipalIdentity::Account { account },
            (None, _) => PrincipalIdentity::Anonymous,
        };
        let request = AccessRequest { principal, action: "events:PutEvents", resource: BUS, context: &context };
        let bus = Document::parse(&self.0["bus"].to_string()).unwrap();
        let (by_bus, by_identity) = (evaluate(&[&bus], &request), evaluate(&[&caller.identity], &request));
        match (by_bus, by_identity) {
            (Decision::ExplicitDeny, _) | (_, Decision::ExplicitDeny) => false,
            _ if caller.account == Some(ACCOUNT) => [by_bus, by_identity].contains(&Decision::Allow),
            _ if caller.account.is_none() => by_bus == Decision::Allow,
            _ => by_bus == Decision::Allow && by_identity == Decision::Allow,
        }
    }
}

fn role_arn(logical: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/org-provisioner-{logical}")
}

/// Somebody whose identity policy allows everything.
fn administrator(account: &'static str) -> Caller {
    let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let identity = Document::parse_identity(&all.to_string()).unwrap();
    Caller { account: Some(account), arn: Some(format!("arn:aws:iam::{account}:role/administrator")), identity }
}

fn anonymous() -> Caller {
    Caller { account: None, arn: None, ..administrator(ACCOUNT) }
}

#[test]
fn each_function_puts_its_own_events_and_no_others() {
    for choice in ["defaults", "everything"] {
        let deployed = Deployed::with(choice);
        for (step, logical, completion) in STEPS {
            let role = deployed.role(step, logical);
            assert!(deployed.lets(&role, &[("org-provisioner", completion)]), "{step}: its completion");
            assert!(deployed.lets(&role, &[("org-provisioner", FAILED)]), "{step}: its failure");
            assert!(
                deployed.lets(&role, &[("org-provisioner", completion), ("org-provisioner", FAILED)]),
                "{step}: both"
            );
            for (_, _, other) in STEPS.iter().filter(|(other, ..)| *other != step) {
                assert!(!deployed.lets(&role, &[("org-provisioner", other)]), "{step} puts {other}");
                let mixed = [("org-provisioner", completion), ("org-provisioner", *other)];
                assert!(!deployed.lets(&role, &mixed), "{step} puts {other} beside its own");
            }
            assert!(!deployed.lets(&role, &[("org-signup", "OrgCreated")]), "{step} puts commands");
            assert!(!deployed.lets(&role, &[("somebody", completion)]), "{step} speaks as somebody");
        }
    }
}

#[test]
fn the_rotation_tells_of_keys_and_nothing_else() {
    for choice in ["defaults", "everything"] {
        let deployed = Deployed::with(choice);
        let role = deployed.role("rotate", "RotateRole");
        for own in ["OrgKeyRotated", "OrgKeyRetired", FAILED] {
            assert!(deployed.lets(&role, &[("org-provisioner", own)]), "{own}");
            assert!(!deployed.lets(&role, &[("org-signup", own)]), "{own} as somebody else");
        }
        for (step, _, completion) in STEPS {
            assert!(!deployed.lets(&role, &[("org-provisioner", completion)]), "it speaks for {step}");
            let other = deployed.role(step, STEPS.iter().find(|(name, ..)| *name == step).unwrap().1);
            assert!(!deployed.lets(&other, &[("org-provisioner", "OrgKeyRotated")]), "{step} speaks for it");
        }
    }
}

/// A repair is no event: who looks at organizations signs nobody up on the bus.
#[test]
fn who_looks_tells_what_was_seen_and_nothing_else() {
    let own = [
        ("reconcile", "ReconcileRole", ["OrgReconciled", "OrgDriftDetected"]),
        ("sweep", "SweepRole", ["AccountSwept", "CapacityWarning"]),
    ];
    for choice in ["defaults", "everything"] {
        let deployed = Deployed::with(choice);
        for (name, logical, events) in own {
            let role = deployed.role(name, logical);
            for event in events.into_iter().chain([FAILED]) {
                assert!(deployed.lets(&role, &[("org-provisioner", event)]), "{name}: {event}");
            }
            let others = own.iter().filter(|(other, ..)| *other != name).flat_map(|(_, _, events)| *events);
            for other in others.chain(STEPS.map(|(_, _, completion)| completion)) {
                assert!(!deployed.lets(&role, &[("org-provisioner", other)]), "{name} puts {other}");
            }
            for source in ["org-signup", "org-provisioner"] {
                assert!(!deployed.lets(&role, &[(source, "OrgCreated")]), "{name} puts a command as {source}");
            }
        }
    }
}

#[test]
fn the_state_machine_tells_failures_and_nothing_else() {
    let deployed = Deployed::with("defaults");
    for (name, logical) in [("state-machine", "StateMachineRole"), ("lifecycle-machine", "LifecycleMachineRole")] {
        let role = deployed.role(name, logical);
        assert!(deployed.lets(&role, &[("org-provisioner", FAILED)]));
        for (_, _, completion) in STEPS {
            assert!(!deployed.lets(&role, &[("org-provisioner", completion)]), "{completion}");
        }
        assert!(!deployed.lets(&role, &[("org-signup", "OrgCreated")]));
    }
}

#[test]
fn the_adapter_puts_commands_and_nothing_else() {
    let deployed = Deployed::with("everything");
    let role = deployed.role("adapter", "AdapterRole");
    assert!(deployed.lets(&role, &[("org-sbt", "OrgCreated")]));
    assert!(!deployed.lets(&role, &[("org-sbt", "OrgProvisioned")]));
    assert!(!deployed.lets(&role, &[("org-signup", "OrgCreated")]));
    assert!(!deployed.lets(&role, &[("org-provisioner", FAILED)]));
}

#[test]
fn nobody_else_speaks_as_the_provisioner() {
    for choice in ["defaults", "everything"] {
        let deployed = Deployed::with(choice);
        for caller in [administrator(ACCOUNT), administrator(PRODUCER), administrator("999999999999"), anonymous()] {
            for kind in ["OrgProvisioned", FAILED, "OrgCreated"] {
                assert!(!deployed.lets(&caller, &[("org-provisioner", kind)]), "{:?}: {kind}", caller.arn);
            }
            let mixed = [("org-signup", "OrgCreated"), ("org-provisioner", "OrgProvisioned")];
            assert!(!deployed.lets(&caller, &mixed), "{:?}: hidden behind a command", caller.arn);
        }
    }
}

#[test]
fn in_the_account_allowed_sources_put_events() {
    let (defaults, everything) = (Deployed::with("defaults"), Deployed::with("everything"));
    let administrator = administrator(ACCOUNT);
    for (source, by_default) in [("org-signup", true), ("crm", false), ("org-sbt", false)] {
        assert_eq!(defaults.lets(&administrator, &[(source, "OrgCreated")]), by_default, "{source}");
        assert!(everything.lets(&administrator, &[(source, "OrgCreated")]), "{source}");
    }
    assert!(everything.lets(&administrator, &[("org-signup", "OrgCreated"), ("crm", "OrgCreated")]));
    for source in ["somebody", "", "ORG-SIGNUP", "org-signup2", "aws.events"] {
        assert!(!everything.lets(&administrator, &[(source, "OrgCreated")]), "{source:?}");
        assert!(
            !everything.lets(&administrator, &[("org-signup", "OrgCreated"), (source, "OrgCreated")]),
            "{source:?}"
        );
    }
}

/// Without a permission of its own nobody puts anything, allowed source or not: the bus gives none in the account.
#[test]
fn in_the_account_a_source_alone_is_no_permission() {
    let deployed = Deployed::with("everything");
    let other = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    let identity = Document::parse_identity(&other.to_string()).unwrap();
    let caller = Caller { identity, ..administrator(ACCOUNT) };
    assert!(!deployed.lets(&caller, &[("org-signup", "OrgCreated")]));
}

#[test]
fn producer_accounts_put_commands_of_allowed_sources() {
    let deployed = Deployed::with("everything");
    for account in [PRODUCER, "333333333333"] {
        let producer = administrator(account);
        assert!(deployed.lets(&producer, &[("org-signup", "OrgCreated")]), "{account}");
        assert!(deployed.lets(&producer, &[("crm", "OrgCreated"), ("org-signup", "OrgCreated")]), "{account}");
        // The adapter's source is for the adapter, and no other event type is a command.
        for entry in [("org-sbt", "OrgCreated"), ("somebody", "OrgCreated"), ("org-signup", "OrgDeleted")] {
            assert!(!deployed.lets(&producer, &[entry]), "{account}: {entry:?}");
            assert!(
                !deployed.lets(&producer, &[("org-signup", "OrgCreated"), entry]),
                "{account}: {entry:?} beside a command"
            );
        }
    }
}

/// `ForAllValues` holds of no value at all, so a call that carries no such key must be refused by another condition.
#[test]
fn a_call_without_source_and_detail_type_is_refused() {
    let deployed = Deployed::with("everything");
    let producer = administrator(PRODUCER);
    assert!(!deployed.lets(&producer, &[]));
    assert!(!deployed.lets_with(&producer, Context::default().with("events:source", "org-signup")));
    assert!(!deployed.lets_with(&producer, Context::default().with("events:detail-type", "OrgCreated")));
}

#[test]
fn other_accounts_and_strangers_put_nothing() {
    let (defaults, everything) = (Deployed::with("defaults"), Deployed::with("everything"));
    assert!(!defaults.lets(&administrator(PRODUCER), &[("org-signup", "OrgCreated")]), "no producers by default");
    for caller in [administrator("999999999999"), anonymous()] {
        for deployed in [&defaults, &everything] {
            assert!(!deployed.lets(&caller, &[("org-signup", "OrgCreated")]), "{:?}", caller.arn);
        }
    }
}
