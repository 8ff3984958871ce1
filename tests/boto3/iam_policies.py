"""IAM: policies and groups."""

import re

from aws import Aws, allow, policy
from behaviour import behaviour, check, equal, refuses, refuses_with

ANYTHING = policy(allow("s3:ListAllMyBuckets", "*"))


@behaviour("IAM API Reference, PutUserPolicy and GetUserPolicy")
def inline_policies_are_kept(aws: Aws) -> None:
    """An inline policy is told by GetUserPolicy and ListUserPolicies until it is deleted."""
    name = aws.user()["UserName"]
    aws.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=ANYTHING)
    got = aws.iam.get_user_policy(UserName=name, PolicyName="p")["PolicyDocument"]
    equal(got["Statement"][0]["Action"], "s3:ListAllMyBuckets", "the document")
    equal(aws.iam.list_user_policies(UserName=name)["PolicyNames"], ["p"], "the list")
    aws.iam.delete_user_policy(UserName=name, PolicyName="p")
    refuses("NoSuchEntity", aws.iam.get_user_policy, UserName=name, PolicyName="p")


@behaviour("IAM API Reference, PutUserPolicy")
def malformed_identity_policies_are_refused(aws: Aws) -> None:
    """A policy that is no JSON, or has a principal, is a MalformedPolicyDocument."""
    name = aws.user()["UserName"]
    for document in ("{", policy(allow("s3:GetObject", "*", "*")), '{"Version":"2012-10-17","Statement":[{}]}'):
        refuses_with(
            400,
            "MalformedPolicyDocument",
            aws.iam.put_user_policy,
            UserName=name,
            PolicyName="p",
            PolicyDocument=document,
        )


@behaviour("IAM API Reference, DeletePolicy")
def an_attached_policy_cannot_be_deleted(aws: Aws) -> None:
    """A managed policy (id ANPA...) is a DeleteConflict while it is attached."""
    name = aws.user()["UserName"]
    made = aws.iam.create_policy(PolicyName=aws.name("p"), PolicyDocument=ANYTHING)["Policy"]
    check(re.fullmatch("ANPA[A-Z0-9]{12,28}", made["PolicyId"]), "the policy id has another form")
    aws.iam.attach_user_policy(UserName=name, PolicyArn=made["Arn"])
    attached = aws.iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    equal([entry["PolicyArn"] for entry in attached], [made["Arn"]], "what is attached")
    refuses_with(409, "DeleteConflict", aws.iam.delete_policy, PolicyArn=made["Arn"])
    aws.iam.detach_user_policy(UserName=name, PolicyArn=made["Arn"])
    aws.iam.delete_policy(PolicyArn=made["Arn"])
    refuses("NoSuchEntity", aws.iam.get_policy, PolicyArn=made["Arn"])


@behaviour("IAM API Reference, CreateGroup, ListGroupsForUser and DeleteGroup")
def a_group_with_users_cannot_be_deleted(aws: Aws) -> None:
    """A group (id AGPA...) lists its users, and is a DeleteConflict while it has any."""
    name, group = aws.user()["UserName"], aws.name("group")
    made = aws.iam.create_group(GroupName=group)["Group"]
    check(re.fullmatch("AGPA[A-Z0-9]{12,28}", made["GroupId"]), "the group id has another form")
    aws.iam.add_user_to_group(GroupName=group, UserName=name)
    equal([user["UserName"] for user in aws.iam.get_group(GroupName=group)["Users"]], [name], "the group's users")
    groups = aws.iam.list_groups_for_user(UserName=name)["Groups"]
    equal([entry["GroupName"] for entry in groups], [group], "the user's groups")
    refuses_with(409, "DeleteConflict", aws.iam.delete_group, GroupName=group)
