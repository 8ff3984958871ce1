//! What a caller's identity policies say, and how that and a resource's own policy make a decision (IAM user
//! guide, "Policy evaluation logic").

use super::{Group, Iam, Policies, User, managed_policies};
use crate::caller::Caller;
use crate::policy::{AccessRequest, Context, Decision, Document, PrincipalIdentity, evaluate};
use crate::world::World;

/// What a caller wants to do to what.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// The action: `s3:GetObject`.
    pub action: &'a str,
    /// The ARN of what it is about, or `*` for an action that is about nothing in particular.
    pub resource: &'a str,
    /// The condition keys.
    pub context: &'a Context,
}

/// Why a caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    DeniedByIdentity,
    DeniedByResource,
    NotAllowedByIdentity,
    NotAllowedByResource,
}

impl Refusal {
    /// The end of AWS's message, after `is not authorized to perform: <action> on resource: <resource>`.
    pub(crate) fn why(self, action: &str) -> String {
        match self {
            Self::DeniedByIdentity => "with an explicit deny in an identity-based policy".to_owned(),
            Self::DeniedByResource => "with an explicit deny in a resource-based policy".to_owned(),
            Self::NotAllowedByIdentity => format!("because no identity-based policy allows the {action} action"),
            Self::NotAllowedByResource => format!("because no resource-based policy allows the {action} action"),
        }
    }
}

/// What the caller's own policies say. The administrator may do everything; a user what its inline policies,
/// its attached policies and those of its groups say together.
pub(crate) fn by_identity(world: &World, ask: &Ask<'_>) -> Decision {
    let (account, arn, user_id) = match ask.caller {
        Caller::Anonymous => return Decision::ImplicitDeny,
        Caller::Administrator { .. } => return Decision::Allow,
        Caller::User { account, arn, user_id, .. } => (account, arn, user_id),
    };
    let documents = documents(world, account, user_id);
    let principal = PrincipalIdentity::User { account, arn, user_id };
    evaluate(
        &documents.iter().collect::<Vec<_>>(),
        &AccessRequest { principal, action: ask.action, resource: ask.resource, context: ask.context },
    )
}

/// What the policy of a resource of the account `owner` says.
///
/// The administrator is named by its account or its ARN. To a user of the owner's account, naming the account
/// gives nothing by itself; to one of another account it does, for there the user's own policies decide as well.
pub(crate) fn by_resource(policy: &Document, owner: &str, ask: &Ask<'_>) -> Decision {
    let own_arn = ask.caller.arn();
    let identities = match ask.caller {
        Caller::Anonymous => vec![PrincipalIdentity::Anonymous],
        Caller::Administrator { account } => vec![
            PrincipalIdentity::User { account, arn: &own_arn, user_id: &own_arn },
            PrincipalIdentity::Account { account },
        ],
        Caller::User { account, arn, user_id, .. } => {
            let user = PrincipalIdentity::User { account, arn, user_id };
            let through_account = (account != owner).then_some(PrincipalIdentity::Account { account });
            [user].into_iter().chain(through_account).collect()
        }
    };
    let decisions: Vec<Decision> = identities
        .into_iter()
        .map(|principal| {
            let (action, resource, context) = (ask.action, ask.resource, ask.context);
            evaluate(&[policy], &AccessRequest { principal, action, resource, context })
        })
        .collect();
    [Decision::ExplicitDeny, Decision::Allow]
        .into_iter()
        .find(|decision| decisions.contains(decision))
        .unwrap_or(Decision::ImplicitDeny)
}

/// Joins both decisions for a resource of the account `owner`: in one account either policy is enough, across
/// accounts it takes both, and a deny in either beats all. Nobody but the resource speaks for anonymous callers.
pub(crate) fn join(caller: &Caller, owner: &str, identity: Decision, resource: Decision) -> Result<(), Refusal> {
    let same_account = caller.account() == Some(owner);
    match (identity, resource) {
        (Decision::ExplicitDeny, _) => Err(Refusal::DeniedByIdentity),
        (_, Decision::ExplicitDeny) => Err(Refusal::DeniedByResource),
        (_, Decision::Allow) if same_account || *caller == Caller::Anonymous => Ok(()),
        (Decision::Allow, _) if same_account => Ok(()),
        (Decision::Allow, Decision::Allow) => Ok(()),
        (_, Decision::Allow) => Err(Refusal::NotAllowedByIdentity),
        (_, Decision::ImplicitDeny) if same_account => Err(Refusal::NotAllowedByIdentity),
        (_, Decision::ImplicitDeny) => Err(Refusal::NotAllowedByResource),
    }
}

/// Whether the caller may do something in its own account that no resource policy speaks of.
pub(crate) fn check_own(world: &World, ask: &Ask<'_>) -> Result<(), Refusal> {
    let owner = ask.caller.account().unwrap_or_default();
    join(ask.caller, owner, by_identity(world, ask), Decision::ImplicitDeny)
}

/// All identity policies of a user. They are stored only after they were read, so none is unreadable.
fn documents(world: &World, account: &str, user_id: &str) -> Vec<Document> {
    let Some(iam) = world.accounts.get(account).map(|account| &account.iam) else { return Vec::new() };
    let Some(user) = iam.users.values().find(|user| user.id == user_id) else { return Vec::new() };
    let texts = holders(iam, user).flat_map(|policies| texts(iam, policies));
    texts.filter_map(|text| Document::parse_identity(&text).ok()).collect()
}

fn holders<'i>(iam: &'i Iam, user: &'i User) -> impl Iterator<Item = &'i Policies> {
    let groups = user.groups.iter().filter_map(|key| iam.groups.get(key));
    [&user.policies].into_iter().chain(groups.map(|group: &Group| &group.policies))
}

fn texts<'i>(iam: &'i Iam, policies: &'i Policies) -> impl Iterator<Item = String> + 'i {
    let attached = policies.attached.iter().filter_map(|arn| managed_policies::find(iam, arn).ok());
    policies.inline.values().cloned().chain(attached.map(|policy| policy.document))
}
